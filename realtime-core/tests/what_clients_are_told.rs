//! Each refusal says in words what was wrong, and what is accepted where that helps.

use realtime_core::pusher::http::ApiError;
use realtime_core::pusher::{
    ClientError, ConnectError, InvalidAuth, InvalidChannelData, InvalidQuery, InvalidSocketId,
    parse_channel_name,
};
use realtime_core::wire::{Pusher, Wire};
use realtime_core::{Denial, HubError, InputError};
use serde_json::{Value, json};
use std::fmt::Display;

fn assert_words(table: &[(&dyn Display, &str)]) {
    for (error, words) in table {
        assert_eq!(error.to_string(), *words);
    }
}

fn text() -> String {
    "x".into()
}

#[test]
fn whoever_is_not_let_in_is_told_why() {
    assert_words(&[
        (&Denial::NoAuthorizer, "private and presence channels are closed here"),
        (&Denial::Refused(String::new()), "not authorized"),
        (&Denial::Refused("banned".into()), "banned"),
        (&Denial::AuthorizerTimedOut, "the authorizer did not answer in time"),
        (&Denial::TooManyChannels { limit: 9 }, "already in 9 channels, the most allowed"),
        (&Denial::TooManyMembers { limit: 9 }, "the channel already has 9 members, the most allowed"),
        (&Denial::MemberTooLong { limit: 9 }, "the member is longer than 9 bytes"),
        (&Denial::RosterTooLong { limit: 9 }, "the list of the channel's members is longer than 9 bytes"),
        (&Denial::ChannelNameTooLong { limit: 9 }, "the channel's name is longer than 9 bytes"),
        (&Denial::ChannelNameEmpty, "the channel's name is empty"),
    ]);
}

#[test]
fn a_pusher_client_is_told_by_type_and_status_too() {
    for (denial, kind, status) in [
        (Denial::NoAuthorizer, "AuthError", 401),
        (Denial::Refused(text()), "AuthError", 401),
        (Denial::AuthorizerTimedOut, "AuthError", 503),
        (Denial::TooManyChannels { limit: 9 }, "LimitReached", 429),
        (Denial::TooManyMembers { limit: 9 }, "LimitReached", 429),
        (Denial::MemberTooLong { limit: 9 }, "LimitReached", 413),
        (Denial::RosterTooLong { limit: 9 }, "LimitReached", 413),
        (Denial::ChannelNameTooLong { limit: 9 }, "InvalidChannel", 400),
        (Denial::ChannelNameEmpty, "InvalidChannel", 400),
    ] {
        let told = Pusher.denied(&"room".into(), &denial).expect("the protocol has a message for it");
        let told: Value = serde_json::from_slice(told.payload()).expect("it is JSON");
        assert_eq!(told["event"], "pusher:subscription_error");
        assert_eq!(told["data"], json!({ "type": kind, "error": denial.to_string(), "status": status }));
    }
}

#[test]
fn the_application_is_told_what_the_hub_did_not_do() {
    assert_words(&[
        (&InputError::Closed, "the hub is closed"),
        (&InputError::UnknownClient, "no such client, or it is gone"),
        (&HubError::from(InputError::Closed), "the hub is closed"),
        (&HubError::from(InputError::UnknownClient), "no such client, or it is gone"),
        (&HubError::Overloaded, "the hub is overloaded: too many deliveries wait"),
        (&HubError::UnknownHome, "no loop takes this client's deliveries: its home was never added"),
    ]);
}

#[test]
fn a_client_that_does_not_get_in_is_told_why() {
    assert_words(&[
        (
            &ConnectError::PathNotFound { path: text() },
            "there is nothing at \"x\"; clients connect to /app/{key}",
        ),
        (&ConnectError::Query(InvalidQuery::TooMany), "there are more than 64 parameters"),
        (
            &ConnectError::Query(InvalidQuery::Repeated { name: text() }),
            "the parameter \"x\" is there more than once",
        ),
        (
            &ConnectError::Query(InvalidQuery::Encoding { text: "%".into() }),
            "\"%\" is not percent-encoded UTF-8",
        ),
        (&ConnectError::NoSuchApp { key: text() }, "there is no app with the key \"x\""),
        (&ConnectError::InvalidVersion { version: text() }, "protocol must be a number, and \"x\" is none"),
        (
            &ConnectError::UnsupportedVersion { version: 4 },
            "version 4 of the protocol is not spoken; accepted are 5 to 7",
        ),
    ]);
}

#[test]
fn a_client_that_says_something_wrong_is_told_what() {
    assert_words(&[
        (&ClientError::AuthNotOneLine, "auth must be one line: key:signature"),
        (
            &ClientError::ChannelDataTooLong { bytes: 99_999 },
            "channel_data has 99999 bytes; at most 1024 are accepted",
        ),
        (&InvalidAuth::Malformed, "auth has no colon; it must be \"key:signature\""),
        (
            &InvalidChannelData::TooLong { bytes: 99_999 },
            "channel_data has 99999 bytes; at most 1024 are accepted",
        ),
        (&InvalidChannelData::NotJson { reason: text() }, "channel_data is not valid: x"),
        (&InvalidChannelData::NotAnObject, "channel_data must be a JSON object"),
        (&InvalidChannelData::UserIdOfWrongType, "user_id in channel_data must be a string or a number"),
        (
            &InvalidChannelData::UserIdTooLong { characters: 999 },
            "user_id has 999 characters; at most 128 are accepted",
        ),
    ]);
}

#[test]
fn a_backend_is_told_what_is_wrong_with_its_request() {
    let channel = parse_channel_name("a b").expect_err("a name has no space");
    assert_words(&[
        (
            &ApiError::NoSuchPath { path: text() },
            "there is nothing at \"x\"; accepted below /apps/{id} are events, batch_events, channels, \
             channels/{channel}, channels/{channel}/users, connections and users/{id}/terminate_connections",
        ),
        (&ApiError::MethodNotAllowed { method: text(), allowed: "POST" }, "this path takes POST, not \"x\""),
        (&ApiError::NoSuchApp { app_id: text() }, "there is no app with the id \"x\""),
        (&ApiError::Query(InvalidQuery::TooMany), "there are more than 64 parameters"),
        (&ApiError::Unsigned { missing: "auth_key" }, "the request is not signed: auth_key is missing"),
        (&ApiError::WrongKey { key: text() }, "auth_key is \"x\", which is not this app's key"),
        (&ApiError::WrongAuthVersion { version: text() }, "auth_version is \"x\"; only 1.0 is accepted"),
        (
            &ApiError::InvalidTimestamp { timestamp: text() },
            "auth_timestamp is \"x\"; it must be seconds since 1970",
        ),
        (
            &ApiError::WrongTime { sent_at: 1, server: 1000 },
            "auth_timestamp is 1 and the server's time 1000; they may differ by 600 s at most",
        ),
        (&ApiError::WrongBodyMd5 { actual: text() }, "body_md5 is wrong; the MD5 of the body is x"),
        (
            &ApiError::WrongSignature { signed: "POST\n/".into() },
            "auth_signature is not the HMAC-SHA256 of the following string with the app's secret, in \
             lower-case hex: \"POST\\n/\"",
        ),
        (&ApiError::NotAnObject, "the body must be a JSON object"),
        (&ApiError::NotJson { reason: text() }, "the body is not valid: x"),
        (&ApiError::Missing { field: "name" }, "name is missing from the body"),
        (&ApiError::Channel(channel.clone()), &channel.to_string()),
        (&ApiError::SocketId(InvalidSocketId), &InvalidSocketId.to_string()),
        (
            &ApiError::UnknownInfo { name: text() },
            "info asks for \"x\"; accepted are user_count and subscription_count",
        ),
    ]);
}
