//! What every driver of the hub must do, as scenarios that each of them runs: the pure hub, clients inside a process, and clients
//! behind sockets.
//!
//! A driver implements [`World`] and [`Client`] in its tests, and lists the scenarios with [`scenarios!`]. One whose clients come
//! through sockets implements [`SocketClient`] and [`SocketWorld`] too, and lists [`socket_scenarios!`].
//! ```text
//! mod over_sockets {
//!     realtime_scenarios::scenarios!(super::Sockets);
//!     realtime_scenarios::socket_scenarios!(super::Sockets);
//! }
//! ```

#![allow(clippy::missing_panics_doc, reason = "a scenario is a test: it panics where it fails")]
#![forbid(unsafe_code)]

pub mod attacks;
mod authorization;
mod broadcasts;
mod lives;
mod peer;
mod presence;
pub mod rooms;
mod slow_client;
mod sockets;
mod storm;
mod world;

pub use authorization::*;
pub use broadcasts::*;
pub use lives::*;
pub use peer::Peer;
pub use presence::*;
pub use slow_client::*;
pub use sockets::*;
pub use storm::*;
pub use world::*;

/// A test for each scenario, in the world given.
#[macro_export]
macro_rules! scenarios {
    ($world:ty) => {
        $crate::tests! { $world:
            text_reaches_every_subscriber
            a_burst_reaches_each_of_many_subscribers_in_order
            binary_reaches_every_subscriber
            a_broadcast_to_an_unknown_channel_is_no_error
            a_broadcast_except_leaves_one_out
            a_message_for_one_client_reaches_only_that
            an_unknown_client_cannot_be_sent_to
            subscribing_twice_is_subscribing_once
            counts_follow_what_clients_do
            private_and_presence_are_closed_without_an_authorizer
            the_authorizer_may_refuse
            the_authorizer_may_allow
            the_authorizer_is_shown_who_asks_for_what
            credentials_for_a_channel_go_before_those_of_the_client
            two_members_see_each_other_join
            unsubscribing_is_leaving
            disconnecting_is_leaving
            a_member_with_two_clients_joins_and_leaves_once
            joins_and_leaves_are_told_to_the_application
            a_slow_client_loses_messages_and_lives
            a_slow_client_is_disconnected_if_the_policy_says_so
            a_slow_client_delays_no_other
            what_each_of_many_slow_clients_loses_is_counted
            what_a_slow_client_was_not_sent_is_told
            a_client_that_is_disconnected_gets_what_was_sent_before
            closing_ends_every_client
            nobody_connects_to_a_closed_hub
            a_client_that_is_gone_leaves_nothing
            a_storm_ends_clean
        }
    };
}

/// A test for each scenario that is about sockets, in the world given.
#[macro_export]
macro_rules! socket_scenarios {
    ($world:ty) => {
        $crate::tests! { $world:
            every_message_is_handed_to_the_application_in_order
            the_end_of_the_stream_is_the_end_of_the_client
            a_failing_socket_is_the_end_of_the_client
            a_closing_handshake_is_the_end_of_the_client
        }
    };
}

/// A test for each function of this crate, in the world given.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($world:ty: $($scenario:ident)*) => {$(
        #[test]
        fn $scenario() {
            $crate::$scenario::<$world>();
        }
    )*};
}
