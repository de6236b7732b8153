use crate::common::{Pair, app, seconds, subscribe_frame};
use realtime_core::Member;
use realtime_core::pusher::SigningString;
use realtime_core::pusher::client::{
    About, Authorization, Config, Event, InvalidAuthorization, SubscriptionFailure,
};
use serde_json::json;

fn failed(channel: &str, reason: &str) -> Event {
    let failure = SubscriptionFailure::Authorizer { reason: reason.into() };
    Event::SubscriptionFailed { channel: channel.into(), failure }
}

#[test]
fn the_authorizer_is_asked_about_private_and_presence_channels() {
    let (mut pair, connection) = Pair::connected();
    for channel in ["private-a", "presence-b", "private-encrypted-c", "private-cache-d"] {
        pair.subscribe(channel);
        pair.subscribe(channel);
        let question = pair.question();
        assert_eq!(question.about, About::Channel(channel.into()));
        assert_eq!(question.socket_id, "1.1".parse().unwrap());
        assert!(pair.sent(connection).is_empty());
        pair.answers(&question, "key:signature", None);
        pair.answers(&question, "key:again", None); // nobody asked
        assert_eq!(pair.sent(connection), [subscribe_frame(channel, "key:signature")]);
    }
}

#[test]
fn an_answer_is_awaited_until_it_comes_or_nobody_wants_it_any_more() {
    let (mut pair, connection) = Pair::connected();
    pair.subscribe("private-answered");
    let answered = pair.question();
    assert!(pair.client.awaits(answered.id));
    pair.answers(&answered, "key:signature", None);
    assert!(!pair.client.awaits(answered.id));

    let withdrawn = pair.subscribe("private-withdrawn");
    let question = pair.question();
    pair.client.unsubscribe(&withdrawn);
    assert!(!pair.client.awaits(question.id));

    pair.subscribe("private-lost");
    let question = pair.question();
    pair.is_lost(connection);
    assert!(!pair.client.awaits(question.id));
}

#[test]
fn who_gets_no_authorization_is_told_why_and_may_try_again() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("private-a");
    let question = pair.question();
    pair.client.answer(question.id, Err("not today".into()));
    assert_eq!(pair.events(), [failed("private-a", "not today")]);
    assert_eq!(
        SubscriptionFailure::Authorizer { reason: "not today".into() }.to_string(),
        "not authorized: not today"
    );
    assert!(!pair.client.is_subscribed(&channel));
    pair.subscribe("private-a");
    let question = pair.question();
    pair.answers(&question, "key:signature", None);
    assert_eq!(pair.sent(connection).len(), 1);
}

#[test]
fn an_authorizer_that_takes_too_long_is_not_waited_for() {
    let (mut pair, connection) = Pair::connected();
    pair.subscribe("private-a");
    let question = pair.question();
    pair.waits(seconds(5));
    pair.subscribe("private-b"); // the driver is busy, and does not even ask
    pair.waits(seconds(5));
    assert_eq!(pair.events(), [failed("private-a", "the authorizer took too long")]);
    pair.waits(seconds(5));
    assert_eq!(pair.events(), [failed("private-b", "the authorizer took too long")]);
    assert!(pair.questions().is_empty());
    pair.answers(&question, "key:signature", None);
    assert!(pair.sent(connection).is_empty());
}

#[test]
fn an_answer_for_an_earlier_connection_is_ignored() {
    let (mut pair, first) = Pair::connected();
    pair.subscribe("private-a");
    let early = pair.question();
    pair.is_lost(first);
    pair.answers(&early, "key:early", None);
    let second = pair.attempt().1;
    pair.greets(second, "2.2");
    let late = pair.question();
    assert_ne!(late.id, early.id);
    pair.answers(&early, "key:early", None);
    pair.client.answer(early.id, Err("early".into()));
    assert!(pair.sent(second).is_empty());
    pair.answers(&late, "key:late", None);
    assert_eq!(pair.sent(second), [subscribe_frame("private-a", "key:late")]);
}

#[test]
fn who_unsubscribes_while_the_authorizer_is_asked_is_not_subscribed() {
    let (mut pair, connection) = Pair::connected();
    let channel = pair.subscribe("private-a");
    let first = pair.question();
    pair.client.unsubscribe(&channel);
    pair.answers(&first, "key:first", None);
    assert!(pair.sent(connection).is_empty());
    // Subscribed anew, it is another question.
    pair.subscribe("private-a");
    pair.client.unsubscribe(&channel); // before the driver has seen it
    pair.subscribe("private-a");
    let second = pair.question();
    pair.answers(&first, "key:first", None);
    assert!(pair.sent(connection).is_empty());
    pair.answers(&second, "key:second", None);
    assert_eq!(pair.sent(connection), [subscribe_frame("private-a", "key:second")]);
}

#[test]
fn whoever_has_the_secret_signs_as_the_server_expects_it() {
    let (mut pair, _) = Pair::connected();
    let ada = Member::new("a\"da", r#"{"name":"Ada"}"#);
    let socket_id = "1.1".parse().unwrap();
    pair.subscribe("private-a");
    let Authorization { auth, data } = pair.question().sign_as(&app(), &ada);
    let string = SigningString::Channel { socket_id, channel: "private-a", channel_data: None };
    assert_eq!((app().verify_auth(&auth, &string), data), (Ok(()), None));

    pair.subscribe("presence-a");
    let Authorization { auth, data } = pair.question().sign_as(&app(), &ada);
    assert_eq!(data.as_deref(), Some(r#"{"user_id":"a\"da","user_info":{"name":"Ada"}}"#));
    let string = SigningString::Channel { socket_id, channel: "presence-a", channel_data: data.as_deref() };
    assert_eq!(app().verify_auth(&auth, &string), Ok(()));

    pair.client.sign_in(pair.now);
    let question = pair.question();
    let Authorization { auth, data } = question.sign_as(&app(), &Member::new("7", ""));
    assert_eq!(data.as_deref(), Some(r#"{"id":"7"}"#));
    let string = SigningString::User { socket_id, user_data: r#"{"id":"7"}"# };
    assert_eq!(app().verify_auth(&auth, &string), Ok(()));
    assert_eq!(question.sign(&app(), Some(r#"{"id":"7"}"#)), Authorization { auth, data });
}

#[test]
fn what_an_auth_endpoint_answers_is_read() {
    for (json, data) in [
        (r#"{"auth":"k:s"}"#, None),
        (r#"{"auth":"k:s","channel_data":"{\"user_id\":1}"}"#, Some(r#"{"user_id":1}"#)),
        (r#"{"auth":"k:s","user_data":"{}","shared_secret":"abc"}"#, Some("{}")),
    ] {
        let expected = Authorization { auth: "k:s".into(), data: data.map(str::to_string) };
        assert_eq!(Authorization::parse(json), Ok(expected), "{json}");
    }
    for json in ["", "Forbidden", "{}", r#"{"auth":1}"#] {
        let error: InvalidAuthorization = Authorization::parse(json).unwrap_err();
        assert!(
            error.to_string().starts_with(r#"the answer is not {"auth":"key:signature",…}: "#),
            "{error}"
        );
    }
}

#[test]
fn all_channels_can_be_asked_about_at_a_time() {
    let mut pair = Pair::with(Config { max_channels: 3, ..Config::default() });
    let connection = pair.connect();
    for channel in ["private-a", "private-b", "private-c"] {
        pair.subscribe(channel);
    }
    let questions = pair.questions();
    for question in questions.iter().rev() {
        pair.answers(question, "key:signature", None);
    }
    // In the order of the answers.
    let channels =
        pair.sent(connection).iter().map(|frame| frame["data"]["channel"].clone()).collect::<Vec<_>>();
    assert_eq!(channels, [json!("private-c"), json!("private-b"), json!("private-a")]);
}
