//! Signatures of the Pusher protocol, against the samples of its public documents.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use realtime_core::pusher::{
    App, ChannelAuthRequest, InvalidAuth, Secret, SigningString, SocketId, UserAuthRequest,
};

fn app() -> App {
    App { id: "3".into(), key: "278d425bdf160c739803".into(), secret: Secret::new("7ad3773142a6692b25b8") }
}

fn socket_id() -> SocketId {
    "1234.1234".parse().unwrap()
}

const CHANNEL_DATA: &str = r#"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#;

fn samples() -> [(SigningString<'static>, &'static str, &'static str); 3] {
    let socket_id = socket_id();
    [
        (
            SigningString::Channel { socket_id, channel: "private-foobar", channel_data: None },
            "1234.1234:private-foobar",
            "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
        ),
        // The documents print another signature here, which is not the one of their own string.
        (
            SigningString::Channel {
                socket_id,
                channel: "presence-foobar",
                channel_data: Some(CHANNEL_DATA),
            },
            r#"1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#,
            "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
        ),
        (
            SigningString::User { socket_id, user_data: r#"{"id":"12345"}"# },
            r#"1234.1234::user::{"id":"12345"}"#,
            "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
        ),
    ]
}

#[test]
fn the_documented_samples_are_signed_as_documented() {
    for (string, written, signature) in samples() {
        assert_eq!(string.to_string(), written);
        assert_eq!(app().secret.sign(&string), signature);
        assert_eq!(app().auth(&string), format!("278d425bdf160c739803:{signature}"));
    }
}

#[test]
fn what_was_signed_is_verified() {
    for (string, _, signature) in samples() {
        assert_eq!(app().verify_auth(&format!("278d425bdf160c739803:{signature}"), &string), Ok(()));
    }
}

#[test]
fn any_other_auth_is_refused_with_what_is_wrong() {
    let (string, written, signature) = samples()[0];
    let verify = |auth: &str| app().verify_auth(auth, &string);
    let wrong_signature = Err(InvalidAuth::WrongSignature { signed: written.into() });

    assert_eq!(verify(""), Err(InvalidAuth::Missing));
    assert_eq!(verify(signature), Err(InvalidAuth::Malformed));
    assert_eq!(verify(&format!("other:{signature}")), Err(InvalidAuth::WrongKey { key: "other".into() }));
    assert_eq!(verify(&format!(":{signature}")), Err(InvalidAuth::WrongKey { key: "".into() }));
    let key = "278d425bdf160c739803";
    assert_eq!(verify(&format!("{key}:")), wrong_signature);
    assert_eq!(verify(&format!("{key}:{}", signature.to_uppercase())), wrong_signature);
    assert_eq!(verify(&format!("{key}:{signature}0")), wrong_signature);
    assert_eq!(verify(&format!("{key}:{}", &signature[..62])), wrong_signature);
    for at in 0..64 {
        let mut changed = signature.to_string();
        changed.replace_range(at..=at, if &signature[at..=at] == "0" { "1" } else { "0" });
        assert_eq!(verify(&format!("{key}:{changed}")), wrong_signature, "digit {at}");
    }
}

#[test]
fn a_signature_is_for_one_connection_one_channel_and_one_identity() {
    let socket_id = socket_id();
    let channel = "presence-a";
    let signed = SigningString::Channel { socket_id, channel, channel_data: Some("{}") };
    let auth = app().auth(&signed);
    for other in [
        SigningString::Channel { socket_id: "1234.1235".parse().unwrap(), channel, channel_data: Some("{}") },
        SigningString::Channel { socket_id, channel: "presence-b", channel_data: Some("{}") },
        SigningString::Channel { socket_id, channel, channel_data: Some("{ }") },
        SigningString::Channel { socket_id, channel, channel_data: None },
        SigningString::User { socket_id, user_data: "{}" },
    ] {
        assert!(
            matches!(app().verify_auth(&auth, &other), Err(InvalidAuth::WrongSignature { .. })),
            "{other:?}"
        );
    }
}

#[test]
fn a_secret_does_not_reach_a_log() {
    assert_eq!(format!("{:?}", app()), r#"App { id: "3", key: "278d425bdf160c739803", secret: Secret(…) }"#);
}

#[test]
fn the_auth_endpoint_answers_what_clients_pass_on() {
    let request = ChannelAuthRequest::parse("socket_id=1234.1234&channel_name=private-foobar").unwrap();
    assert_eq!(
        request.allow(&app(), None),
        r#"{"auth":"278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"}"#
    );
    let request = ChannelAuthRequest::parse("channel_name=presence-foobar&socket_id=1234.1234").unwrap();
    assert_eq!(
        request.allow(&app(), Some(CHANNEL_DATA)),
        concat!(
            r#"{"auth":"278d425bdf160c739803:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80","#,
            r#""channel_data":"{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}"}"#,
        )
    );
}

#[test]
fn the_user_endpoint_answers_what_clients_pass_on() {
    let request = UserAuthRequest { socket_id: socket_id() };
    assert_eq!(
        request.allow(&app(), r#"{"id":"12345"}"#),
        concat!(
            r#"{"auth":"278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba","#,
            r#""user_data":"{\"id\":\"12345\"}"}"#,
        )
    );
}

#[test]
fn the_auth_endpoint_signs_nothing_but_a_socket_id_and_a_channel() {
    for form in [
        "",
        "socket_id=1.2",
        "channel_name=private-a",
        "socket_id=1.2&channel_name=",
        "socket_id=1.2%3Aprivate-b&channel_name=private-a",
        "socket_id=1.2&channel_name=private-a%3A%7B%7D",
        "socket_id=1.2&channel_name=%3Auser%3A%3A%7B%7D",
        "socket_id=1.2&socket_id=1.3&channel_name=private-a",
        "socket_id=1.2&channel_name=private-a%ff",
        "socket_id=1.2&channel_name=%23server-to-user-1",
    ] {
        let error = ChannelAuthRequest::parse(form).expect_err(form);
        assert!(!error.to_string().is_empty());
    }
}
