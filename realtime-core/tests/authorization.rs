//! Asking the authorizer, its answer, and all that can happen in between.

mod common;

use common::*;
use realtime_core::{ChannelKind, Credentials, Denial, Input, InputError, Member};

#[test]
fn without_an_authorizer_private_and_presence_channels_are_closed() {
    let mut hub = TestHub::new();
    let a = hub.connect();
    for channel in ["private-room", "presence-room"] {
        hub.assert_actions(a.subscribes(channel), [a.is_denied(channel, Denial::NoAuthorizer)]);
    }
    assert_eq!(hub.hub.channel_count(), 0);
}

#[test]
fn the_authorizer_is_not_asked_about_public_channels() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    hub.assert_actions(a.subscribes("public"), [a.is_in("public")]);
}

#[test]
fn the_authorizer_learns_channel_kind_client_and_credentials() {
    let mut hub = TestHub::asking();
    let a = hub.connect_with(b"cookie");
    for (channel, kind) in [("private-a", ChannelKind::Private), ("presence-a", ChannelKind::Presence)] {
        let request = hub.assert_asks(a.subscribes(channel));
        assert_eq!((request.channel, request.kind, request.client), (channel.into(), kind, a.0));
        assert_eq!(request.credentials, Credentials::from("cookie"));
    }
    let request = hub.assert_asks(a.subscribes_showing("private-b", b"token"));
    assert_eq!(request.credentials, Credentials::from("token"));
    let request = hub.assert_asks(a.subscribes_showing("private-c", b""));
    assert_eq!(request.credentials, Credentials::NONE, "showing nothing is not showing what connected");
}

#[test]
fn whom_the_authorizer_allows_is_in() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(broadcast("private-room", "secret"), []);
    hub.assert_actions(allows(asked.request), [a.is_in("private-room")]);
    hub.assert_actions(broadcast("private-room", "secret"), [a.is_sent("secret")]);
    assert_eq!(hub.hub.poll_timeout(), None);
}

#[test]
fn whom_the_authorizer_denies_is_told_its_reason() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    let denied = a.is_denied("private-room", Denial::Refused("members only".into()));
    hub.assert_actions(denies(asked.request, "members only"), [denied]);
    assert_eq!(hub.hub.channel_count(), 0);
    assert_eq!(hub.hub.poll_timeout(), None);
}

#[test]
fn only_the_first_answer_counts() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(allows(asked.request), [a.is_in("private-room")]);
    hub.assert_actions(denies(asked.request, "changed my mind"), []);
    hub.assert_actions(allows(asked.request), []);
    assert!(hub.hub.is_subscribed(a.0, &"private-room".into()));
}

#[test]
fn an_answer_for_a_client_that_is_gone_is_ignored() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("presence-room"));
    hub.assert_actions(a.is_gone(), []);
    hub.assert_holds_nothing();
    let b = hub.connect();
    assert_eq!(a.0.index(), b.0.index());
    hub.assert_actions(allows(asked.request), []);
    assert_eq!(hub.hub.channel_count(), 0);
}

#[test]
fn unsubscribing_withdraws_the_question() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(a.unsubscribes("private-room"), []);
    hub.assert_actions(allows(asked.request), []);
    hub.assert_asks(a.subscribes("private-other"));
    hub.assert_actions(a.unsubscribes("private-other"), []);
    hub.wait(10 * SECOND);
    hub.assert_actions(Input::TimePassed, []);
    assert_eq!((hub.hub.channel_count(), hub.hub.poll_timeout()), (0, None));
}

#[test]
fn subscribing_again_while_undecided_does_not_ask_again() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(a.subscribes("private-room"), []);
    hub.assert_actions(allows(asked.request), [a.is_in("private-room")]);
    hub.assert_actions(a.subscribes("private-room"), []);
}

#[test]
fn the_answer_to_a_withdrawn_question_does_not_answer_the_next_one() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let withdrawn = hub.assert_asks(a.subscribes("private-room"));
    hub.actions(a.unsubscribes("private-room"));
    let asked = hub.assert_asks(a.subscribes("private-room"));
    assert_ne!(withdrawn.request, asked.request);
    hub.assert_actions(allows(withdrawn.request), []);
    hub.assert_actions(denies(withdrawn.request, "no"), []);
    hub.assert_actions(allows(asked.request), [a.is_in("private-room")]);
}

#[test]
fn an_answer_after_the_hub_closed_is_refused() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.actions(Input::Close);
    hub.assert_refuses(allows(asked.request), InputError::Closed);
    hub.assert_holds_nothing();
}

#[test]
fn an_authorizer_that_takes_too_long_is_a_denial() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    let asked = hub.assert_asks(a.subscribes("private-room"));
    let first_deadline = hub.now + 10 * SECOND;
    hub.wait(SECOND);
    hub.assert_asks(b.subscribes("private-room"));
    assert_eq!(hub.hub.poll_timeout(), Some(first_deadline));

    hub.wait(8 * SECOND);
    hub.assert_actions(Input::TimePassed, []);
    hub.wait(SECOND);
    let timed_out = |peer: Peer| peer.is_denied("private-room", Denial::AuthorizerTimedOut);
    hub.assert_actions(Input::TimePassed, [timed_out(a)]);
    assert_eq!(hub.hub.poll_timeout(), Some(first_deadline + SECOND));
    hub.assert_actions(allows(asked.request), []);

    hub.wait(SECOND);
    hub.assert_actions(Input::TimePassed, [timed_out(b)]);
    assert_eq!(hub.hub.poll_timeout(), None);
    hub.assert_asks(a.subscribes("private-room"));
}

#[test]
fn an_answer_that_comes_with_the_deadline_is_too_late_though_no_timer_fired() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.wait(10 * SECOND);
    let timed_out = a.is_denied("private-room", Denial::AuthorizerTimedOut);
    hub.assert_actions(allows(asked.request), [timed_out]);
}

#[test]
fn a_clock_that_steps_back_counts_as_standing_still() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    hub.wait(5 * SECOND);
    hub.assert_actions(Input::TimePassed, []);
    let deadline = hub.now + 10 * SECOND;
    hub.now = realtime_ws::Timestamp::START;
    hub.assert_asks(a.subscribes("private-room"));
    assert_eq!(hub.hub.poll_timeout(), Some(deadline));
}

#[test]
fn a_member_without_an_id_is_called_like_its_client() {
    let mut hub = TestHub::asking();
    let [a, b] = [(); 2].map(|()| hub.connect());
    hub.enter(a, "presence-room", &Member::new("", r#"{"name":"Ada"}"#));
    let asked = hub.assert_asks(b.subscribes("presence-room"));
    hub.actions(allows(asked.request));

    let member = |peer: Peer| hub.hub.member(peer.0, &"presence-room".into());
    assert_eq!(member(a), Some(&Member::new(&a.0.to_string(), r#"{"name":"Ada"}"#)));
    assert_eq!(member(b), Some(&Member::new(&b.0.to_string(), "")));
}

#[test]
fn a_member_in_a_private_channel_is_seen_by_nobody() {
    let mut hub = TestHub::asking();
    let a = hub.connect();
    let asked = hub.assert_asks(a.subscribes("private-room"));
    hub.assert_actions(allows_as(asked.request, &Member::new("ada", "")), [a.is_in("private-room")]);
    assert_eq!(hub.hub.member(a.0, &"private-room".into()), None);
    assert!(hub.hub.presence(&"private-room".into()).is_none());
}
