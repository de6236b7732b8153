//! What the HTTP API lets an app's own server do, and what it says when it does not.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use proptest::prelude::*;
use realtime_core::pusher::http::{ApiCall, ApiError, ApiRequest, MAX_EVENT_BYTES, Publish};
use realtime_core::pusher::{App, InvalidChannelName, InvalidQuery, InvalidSocketId, Secret};

/// The request that the public documents sign as a sample.
const SAMPLE: ApiRequest<'static> = ApiRequest {
    method: "POST",
    path: "/apps/3/events",
    query: "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
            &body_md5=ec365a775a4cd0599faeb73354201b6f\
            &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
    body: br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#,
};
const SAMPLE_TIME: u64 = 1_353_088_179;

fn app() -> App {
    App { id: "3".into(), key: "278d425bdf160c739803".into(), secret: Secret::new("7ad3773142a6692b25b8") }
}

/// A `GET` with these parameters, signed over `signed`, at the time of the sample.
fn get_signed(parameters: &str, signed: &str) -> Result<(), ApiError> {
    let own = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    let signature = app().secret.sign(&format!("GET\n/apps/3/channels\n{signed}"));
    let query = format!("{own}&{parameters}&auth_signature={signature}");
    let request = ApiRequest { method: "GET", path: "/apps/3/channels", query: &query, body: b"" };
    request.verify(&app(), SAMPLE_TIME).map(drop)
}

fn publish(body: &str) -> Result<Publish, ApiError> {
    Publish::parse(body.as_bytes())
}

#[test]
fn the_documented_sample_is_let_in() {
    assert_eq!(SAMPLE.call(), Ok(ApiCall::PublishEvent { app_id: "3" }));
    let query = SAMPLE.verify(&app(), SAMPLE_TIME).unwrap();
    assert_eq!(query.value("auth_version"), Some("1.0"));

    let event = Publish::parse(SAMPLE.body).unwrap();
    assert_eq!((&*event.event, &*event.data, event.except), ("foo", r#"{"some":"data"}"#, None));
    assert_eq!(event.channels, ["project-3".into()]);
    assert_eq!(
        event.message(&event.channels[0]).as_text(),
        Some(r#"{"event":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}"#)
    );
}

#[test]
fn clocks_may_differ_by_ten_minutes() {
    for time in [SAMPLE_TIME - 600, SAMPLE_TIME + 600] {
        assert!(SAMPLE.verify(&app(), time).is_ok());
    }
    for server in [SAMPLE_TIME - 601, SAMPLE_TIME + 601, 0, u64::MAX] {
        let error = SAMPLE.verify(&app(), server).unwrap_err();
        assert_eq!(error, ApiError::WrongTime { sent_at: SAMPLE_TIME, server });
        assert_eq!(error.status(), 401);
    }
}

#[test]
fn a_request_that_was_changed_is_refused() {
    let wrong_signature = |request: ApiRequest<'_>| {
        let error = request.verify(&app(), SAMPLE_TIME).unwrap_err();
        assert!(matches!(error, ApiError::WrongSignature { .. }), "{request:?}: {error}");
        assert_eq!(error.status(), 401);
    };
    wrong_signature(ApiRequest { method: "PUT", ..SAMPLE });
    wrong_signature(ApiRequest { path: "/apps/4/events", ..SAMPLE });
    wrong_signature(ApiRequest { query: &format!("{}&more=1", SAMPLE.query), ..SAMPLE });
    wrong_signature(ApiRequest { query: &SAMPLE.query.replace("da454824", "da454825"), ..SAMPLE });
    wrong_signature(ApiRequest { query: &SAMPLE.query.replace("da454824", "DA454824"), ..SAMPLE });

    let actual = "99914b932bd37a50b983c5e7c90ae93b".to_string();
    let other_body = ApiRequest { body: b"{}", ..SAMPLE };
    assert_eq!(other_body.verify(&app(), SAMPLE_TIME), Err(ApiError::WrongBodyMd5 { actual }));
    let no_body = ApiRequest { body: b"", ..SAMPLE };
    assert!(matches!(no_body.verify(&app(), SAMPLE_TIME), Err(ApiError::WrongBodyMd5 { .. })));
}

#[test]
fn each_parameter_is_needed_and_checked() {
    for parameter in SAMPLE.query.split('&') {
        let name = parameter.split_once('=').unwrap().0;
        let query: Vec<&str> = SAMPLE.query.split('&').filter(|other| *other != parameter).collect();
        let query = query.join("&");
        let Err(ApiError::Unsigned { missing }) =
            ApiRequest { query: &query, ..SAMPLE }.verify(&app(), SAMPLE_TIME)
        else {
            panic!("{name} was not missed")
        };
        assert_eq!(missing, name);
    }
    let with = |from: &str, to: &str| {
        let query = SAMPLE.query.replace(from, to);
        ApiRequest { query: &query, ..SAMPLE }.verify(&app(), SAMPLE_TIME).unwrap_err()
    };
    assert_eq!(with("278d425bdf160c739803", "k"), ApiError::WrongKey { key: "k".into() });
    assert_eq!(with("=1.0", "=2.0"), ApiError::WrongAuthVersion { version: "2.0".into() });
    assert_eq!(with("=1353088179", "=now"), ApiError::InvalidTimestamp { timestamp: "now".into() });
    let repeated = ApiError::Query(InvalidQuery::Repeated { name: "auth_key".into() });
    assert_eq!(with("auth_version", "auth_key=k&auth_version"), repeated);
    assert_eq!(repeated.status(), 400);
}

#[test]
fn parameters_are_signed_decoded_and_in_the_order_of_their_names() {
    let own = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    for (parameters, signed) in [
        (
            "info=user_count,cache&filter_by_prefix=presence-",
            format!("{own}&filter_by_prefix=presence-&info=user_count,cache"),
        ),
        (
            "info=user_count%2Ccache&filter_by_prefix=presence%2d",
            format!("{own}&filter_by_prefix=presence-&info=user_count,cache"),
        ),
        ("b=x+y%20z&a=", format!("a=&{own}&b=x y z")),
        ("INFO=1&about=2", format!("about=2&{own}&info=1")),
    ] {
        assert_eq!(get_signed(parameters, &signed), Ok(()), "{parameters}");
    }
}

#[test]
fn only_posting_events_is_known() {
    let call = |method, path| {
        ApiRequest { method, path, query: "", body: b"" }.call().map_err(|error| error.status())
    };
    assert_eq!(call("POST", "/apps/my-app/events"), Ok(ApiCall::PublishEvent { app_id: "my-app" }));
    assert_eq!(call("GET", "/apps/3/events"), Err(405));
    for path in [
        "",
        "/",
        "/apps",
        "/apps/",
        "/apps//events",
        "/apps/3",
        "/apps/3/event",
        "/apps/3/events/",
        "/apps/3/x/events",
    ] {
        assert_eq!(call("POST", path), Err(404), "{path}");
    }
}

#[test]
fn an_event_is_published_in_all_the_ways_that_libraries_write_it() {
    let one = publish(r#"{"name":"e","channel":"a","data":"d"}"#).unwrap();
    assert_eq!(one.channels, ["a".into()]);

    let more = publish(
        r#"{"name":"e","channels":["a","b","a"],"channel":"c","data":"","socket_id":"1.2","info":"user_count"}"#,
    );
    let more = more.unwrap();
    assert_eq!(more.channels, ["a".into(), "b".into(), "c".into()]);
    assert_eq!(more.except, Some("1.2".parse().unwrap()));

    for (data, text) in [(r#"{"a": 1}"#, r#"{"a": 1}"#), ("[1]", "[1]"), ("3", "3"), (r#""\u00e9\n""#, "é\n")]
    {
        let event =
            publish(&format!(r#"{{"name":"e","channel":"a","data":{data},"socket_id":null}}"#)).unwrap();
        assert_eq!(event.data, text);
    }
}

#[test]
fn what_is_wrong_with_an_event_is_said() {
    let missing = |field| ApiError::Missing { field };
    for (body, expected) in [
        (r#"{"channel":"a","data":""}"#, missing("name")),
        (r#"{"name":"","channel":"a","data":""}"#, missing("name")),
        (r#"{"name":"e","channel":"a"}"#, missing("data")),
        (r#"{"name":"e","channel":"a","data":null}"#, missing("data")),
        (r#"{"name":"e","data":""}"#, missing("channels")),
        (r#"{"name":"e","data":"","channels":[]}"#, missing("channels")),
        (r#"{"name":"e","data":"","channel":""}"#, ApiError::Channel(InvalidChannelName::Empty)),
        (r#"{"name":"e","data":"","channel":"a","socket_id":"1"}"#, ApiError::SocketId(InvalidSocketId)),
        (
            r#"{"name":"e","data":"","channel":"a","info":"user_count,age"}"#,
            ApiError::UnknownInfo { name: "age".into() },
        ),
    ] {
        assert_eq!(publish(body), Err(expected.clone()), "{body}");
        assert_eq!(expected.status(), 400);
    }
    for body in ["", "hello", "[]", r#"["e","d",["a"],null,null]"#, "3"] {
        assert_eq!(publish(body), Err(ApiError::NotAnObject), "{body}");
    }
    for body in ["{", r#"{"name":1}"#, r#"{"channels":"a"}"#, r#"{"name":"a","name":"b"}"#] {
        assert!(matches!(publish(body), Err(ApiError::NotJson { .. })), "{body}");
    }
    assert!(matches!(Publish::parse(b"{\"name\":\"\xff\"}"), Err(ApiError::NotJson { .. })));
}

#[test]
fn limits_of_an_event_are_named_where_they_are_met() {
    let event = |name: usize, channels: usize, data: usize| {
        let channels: Vec<String> = (0..channels).map(|n| format!("\"c{n}\"")).collect();
        let (name, data, channels) = ("n".repeat(name), "d".repeat(data), channels.join(","));
        publish(&format!(r#"{{"name":"{name}","data":"{data}","channels":[{channels}]}}"#))
    };
    assert!(event(200, 100, MAX_EVENT_BYTES).is_ok());
    for (result, status, limit) in [
        (event(201, 1, 1), 400, "200"),
        (event(1, 101, 1), 400, "100"),
        (event(1, 1, MAX_EVENT_BYTES + 1), 413, "10240"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.status(), status);
        assert!(error.to_string().contains(&format!("at most {limit}")), "{error}");
    }
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        method in "[A-Z]{0,5}", path in any::<String>(), query in any::<String>(), body in any::<Vec<u8>>()
    ) {
        let request = ApiRequest { method: &method, path: &path, query: &query, body: &body };
        let _ = request.call();
        prop_assert!(request.verify(&app(), SAMPLE_TIME).is_err());
        let _ = Publish::parse(&body);
    }

    #[test]
    fn what_is_signed_is_let_in(names in prop::collection::hash_set("[b-z]{1,8}", 0..8), value in any::<String>()) {
        let own = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
        let mut names: Vec<String> = names.into_iter().collect();
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let query: String = names.iter().map(|name| format!("&{name}={encoded}")).collect();
        names.sort();
        let signed: String = names.iter().map(|name| format!("&{name}={value}")).collect();
        prop_assert_eq!(get_signed(&query, &format!("{own}{signed}")), Ok(()));
    }
}
