//! Both clients against the gateway in this process, over real sockets: one suite that both pass.
//!
//! Nothing here sleeps: whoever waits, waits for an event, and fails if it does not come.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one event among many")]

mod authorizing;
mod channels;
mod common;
mod lives;
mod presence;
mod restarts;
mod users;

macro_rules! suite {
    ($($file:ident { $($scenario:ident)* })*) => {
        mod blocking {
            use crate::common::Blocking;
            $($(#[test] fn $scenario() { crate::$file::$scenario::<Blocking>(); })*)*
        }

        mod smol {
            use crate::common::Smol;
            $($(#[test] fn $scenario() { crate::$file::$scenario::<Smol>(); })*)*
        }
    };
}

suite! {
    channels {
        every_kind_of_channel_is_heard
        a_cache_channel_tells_its_latest_event
        client_events_reach_all_others
        many_events_come_in_their_order
        counts_of_subscribers_are_told
        what_is_unsubscribed_is_not_heard
    }
    presence {
        members_see_each_other_come_and_go
        a_user_with_two_connections_comes_once_and_goes_once
        many_members_are_shown
    }
    authorizing {
        a_signature_that_is_wrong_is_refused_by_the_gateway
        without_an_authorizer_it_is_said_so
        an_authorizer_that_says_no_is_quoted
        nothing_waits_for_an_authorizer_that_takes_long
    }
    users {
        who_is_signed_in_receives_what_is_sent_to_the_user
        a_presence_channel_is_joined_as_the_user
        users_that_are_watched_come_and_go
        who_is_thrown_out_does_not_come_back
    }
    restarts {
        clients_come_back_after_a_restart_of_the_gateway
        a_client_waits_for_a_gateway_that_is_not_there_yet
        a_server_that_stops_answering_is_left
    }
    lives {
        a_key_that_is_none_of_the_gateways_fails
        what_was_triggered_before_a_disconnect_arrives
        a_client_that_was_disconnected_can_connect_again
        a_client_whose_last_handle_is_gone_leaves
        who_disconnects_while_nobody_answers_does_not_wait_for_ever
        many_may_wait_and_each_event_goes_to_one
        addresses_that_cannot_be_are_refused
    }
}
