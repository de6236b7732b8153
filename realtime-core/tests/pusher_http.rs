//! What the HTTP API lets an app's own server do, and what it says when it does not.

#![allow(clippy::unwrap_used, reason = "a test fails where its premises do")]

use proptest::prelude::*;
use realtime_core::pusher::http::{
    ApiCall, ApiError, ApiRequest, Endpoint, Publish, PublishBatch, PublishLimits, SignedRequest,
};
use realtime_core::pusher::{App, InvalidChannelName, InvalidSocketId, Secret};

/// The request that the public documents sign as a sample.
const SAMPLE: ApiRequest<'static> = ApiRequest {
    method: "POST",
    path: "/apps/3/events",
    query: "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
            &body_md5=ec365a775a4cd0599faeb73354201b6f\
            &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
};
const SAMPLE_BODY: &[u8] = br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
const SAMPLE_TIME: u64 = 1_353_088_179;

fn app() -> App {
    App { id: "3".into(), key: "278d425bdf160c739803".into(), secret: Secret::new("7ad3773142a6692b25b8") }
}

/// A `GET` with these parameters, signed over `signed`, at the time of the sample.
fn get_signed(parameters: &str, signed: &str) -> Result<(), ApiError> {
    let own = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    let signature = app().secret.sign(&format!("GET\n/apps/3/channels\n{signed}"));
    let query = format!("{own}&{parameters}&auth_signature={signature}");
    let request = ApiRequest { method: "GET", path: "/apps/3/channels", query: &query };
    request.verify(&app(), SAMPLE_TIME).map(drop)
}

/// The sample with its query changed.
fn sample_with(from: &str, to: &str) -> Result<SignedRequest, ApiError> {
    let query = SAMPLE.query.replace(from, to);
    ApiRequest { query: &query, ..SAMPLE }.verify(&app(), SAMPLE_TIME)
}

/// A `POST` without a body whose query has these parameters as well, rightly signed.
fn post_signed(parameters: &str) -> SignedRequest {
    let own = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0";
    let signature = app().secret.sign(&format!("POST\n/apps/3/events\n{own}{parameters}"));
    let query = format!("{own}{parameters}&auth_signature={signature}");
    ApiRequest { method: "POST", path: "/apps/3/events", query: &query }.verify(&app(), SAMPLE_TIME).unwrap()
}

const LIMITS: PublishLimits = PublishLimits::DEFAULT;

fn publish(body: &str) -> Result<Publish, ApiError> {
    Publish::parse(body.as_bytes(), &LIMITS)
}

#[test]
fn the_documented_sample_is_let_in() {
    assert_eq!(SAMPLE.call(), Ok(ApiCall { app_id: Some("3"), endpoint: Endpoint::PublishEvent }));
    let signed = SAMPLE.verify(&app(), SAMPLE_TIME).unwrap();
    assert_eq!(signed.query().value("auth_version"), Some("1.0"));

    let event = Publish::parse(signed.body(SAMPLE_BODY).unwrap(), &LIMITS).unwrap();
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
}

#[test]
fn a_body_is_taken_only_if_its_md5_was_signed_and_fits() {
    let signed = SAMPLE.verify(&app(), SAMPLE_TIME).unwrap();
    assert_eq!(signed.body(SAMPLE_BODY), Ok(SAMPLE_BODY));
    for (other, actual) in
        [(&b"{}"[..], "99914b932bd37a50b983c5e7c90ae93b"), (b"", "d41d8cd98f00b204e9800998ecf8427e")]
    {
        let error = signed.body(other).unwrap_err();
        assert_eq!(error, ApiError::WrongBodyMd5 { actual: actual.into() });
        let expected = format!("body_md5 is wrong; the MD5 of the body is {actual}");
        assert_eq!((error.status(), error.to_string()), (401, expected));
    }

    let without = post_signed("");
    assert_eq!(without.body(b""), Ok(&b""[..]));
    let error = without.body(b"{}").unwrap_err();
    assert_eq!(error, ApiError::Unsigned { missing: "body_md5" });
    assert_eq!(error.to_string(), "the request is not signed: body_md5 is missing");
    let of_nothing = post_signed("&body_md5=d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(of_nothing.body(b""), Ok(&b""[..]));
}

#[test]
fn each_parameter_is_needed_and_checked() {
    for name in ["auth_key", "auth_timestamp", "auth_version", "auth_signature"] {
        let query: Vec<&str> = SAMPLE.query.split('&').filter(|other| !other.starts_with(name)).collect();
        let error = ApiRequest { query: &query.join("&"), ..SAMPLE }.verify(&app(), SAMPLE_TIME).unwrap_err();
        assert_eq!(error, ApiError::Unsigned { missing: name });
        assert_eq!(error.to_string(), format!("the request is not signed: {name} is missing"));
    }
    for (from, to, status, expected) in [
        ("278d425bdf160c739803", "k", 401, "auth_key is \"k\", which is not this app's key"),
        ("=1.0", "=2.0", 401, "auth_version is \"2.0\"; only 1.0 is accepted"),
        ("=1353088179", "=now", 401, "auth_timestamp is \"now\"; it must be seconds since 1970"),
        ("=1353088179", "=-1", 401, "auth_timestamp is \"-1\"; it must be seconds since 1970"),
        (
            "auth_version",
            "auth_key=k&auth_version",
            400,
            "the parameter \"auth_key\" is there more than once",
        ),
        (
            "auth_version",
            "Auth_Key=k&auth_version",
            400,
            "the parameter \"auth_key\" is there more than once",
        ),
        ("auth_version", "a=%zz&auth_version", 400, "\"%zz\" is not percent-encoded UTF-8"),
    ] {
        let error = sample_with(from, to).unwrap_err();
        assert_eq!((error.status(), &*error.to_string()), (status, expected), "{to}");
    }
}

#[test]
fn a_wrong_signature_is_told_what_had_to_be_signed_and_neither_secret_nor_signature() {
    let right = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
    for wrong in [&"0".repeat(64), "", "short", &right.to_uppercase(), &right[1..], &format!("{right}0")] {
        let error = sample_with(right, wrong).unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            "auth_signature is not the HMAC-SHA256 of the following string with the app's secret, in lower-case \
             hex: \"POST\\n/apps/3/events\\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179\
             &auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f\""
        );
        assert!(!text.contains("7ad3773142a6692b25b8") && !text.contains(right));
        assert!(!format!("{error:?}").contains("7ad3773142a6692b25b8"));
    }
}

#[test]
fn names_in_upper_case_are_signed_and_read_in_lower_case() {
    let signed = post_signed("&body_md5=ec365a775a4cd0599faeb73354201b6f").query().clone();
    let own = "AUTH_KEY=278d425bdf160c739803&Auth_Timestamp=1353088179&AUTH_VERSION=1.0";
    let query = format!(
        "{own}&Body_MD5={}&AUTH_Signature={}",
        signed.value("body_md5").unwrap(),
        signed.value("auth_signature").unwrap()
    );
    let request = ApiRequest { query: &query, ..SAMPLE };
    assert_eq!(request.verify(&app(), SAMPLE_TIME).unwrap().body(SAMPLE_BODY), Ok(SAMPLE_BODY));
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
fn each_path_asks_for_one_thing_with_one_method() {
    let channel = || "presence-a=@,.;".into();
    for (method, path, endpoint) in [
        ("POST", "events", Endpoint::PublishEvent),
        ("POST", "batch_events", Endpoint::PublishBatch),
        ("GET", "channels", Endpoint::ListChannels),
        ("GET", "channels/presence-a=@,.;", Endpoint::DescribeChannel { channel: channel() }),
        ("GET", "channels/presence-a%3D%40%2C.%3b", Endpoint::DescribeChannel { channel: channel() }),
        ("GET", "channels/presence-a=@,.;/users", Endpoint::ListUsers { channel: channel() }),
        ("GET", "connections", Endpoint::CountConnections),
        (
            "POST",
            "users/a%2Fb+c%20%C3%A9/terminate_connections",
            Endpoint::TerminateConnections { user_id: "a/b+c é".into() },
        ),
    ] {
        let path = format!("/apps/my-app/{path}");
        let call = |method| ApiRequest { method, path: &path, query: "" }.call();
        assert_eq!(
            call(method),
            Ok(ApiCall { app_id: Some("my-app"), endpoint: endpoint.clone() }),
            "{path}"
        );
        assert_eq!(endpoint.method(), method);
        let route: Vec<&str> = endpoint.route().split('/').collect();
        assert_eq!(route.len(), path.split('/').count(), "{route:?}");
        for other in ["GET", "POST", "PUT", "DELETE", "HEAD", "get", ""] {
            let expected = ApiError::MethodNotAllowed { method: other.into(), allowed: method };
            assert_eq!(expected.status(), 405);
            assert!(other == method || call(other) == Err(expected), "{other} {path}");
        }
    }
}

#[test]
fn a_user_s_connections_are_terminated_without_an_app_in_the_path_as_well() {
    let call = |path| ApiRequest { method: "POST", path, query: "" }.call();
    let endpoint = Endpoint::TerminateConnections { user_id: "ada".into() };
    assert_eq!(call("/users/ada/terminate_connections"), Ok(ApiCall { app_id: None, endpoint }));
    for path in ["/users/ada", "/users", "/users/ada/terminate_connections/", "/events", "/channels/a/users"]
    {
        assert_eq!(call(path), Err(ApiError::NoSuchPath { path: path.into() }));
    }
}

#[test]
fn other_paths_are_none() {
    for path in [
        "",
        "/",
        "/apps",
        "/apps/",
        "/apps//events",
        "/apps/3",
        "/apps/3/",
        "/apps/3/event",
        "/apps/3/events/",
        "/apps/3/x/events",
        "/apps/3/channels/a/",
        "/apps/3/channels/a/members",
        "/apps/3/channels/a/users/b",
        "/apps/3/users/a",
        "/apps/3/users/a/terminate_connections/",
    ] {
        for method in ["GET", "POST"] {
            let call = ApiRequest { method, path, query: "" }.call();
            assert_eq!(call.map_err(|error| error.status()), Err(404), "{path}");
        }
    }
}

#[test]
fn names_in_a_path_are_checked() {
    let error = |method, path: &str| {
        let path = format!("/apps/3/{path}");
        let error = ApiRequest { method, path: &path, query: "" }.call().unwrap_err();
        assert_eq!(error.status(), 400);
        error.to_string()
    };
    assert_eq!(error("GET", "channels/"), "the channel name is empty");
    assert_eq!(
        error("GET", "channels/a%20b/users"),
        "the channel name \"a b\" contains ' '; accepted are A-Z a-z 0-9 _ - = @ , . ;"
    );
    assert_eq!(error("GET", "channels/a%2"), "\"a%2\" is not percent-encoded UTF-8");
    assert_eq!(error("POST", "users//terminate_connections"), "a user's id is missing or empty");
    let path = format!("users/{}/terminate_connections", "%C3%A9".repeat(129));
    assert_eq!(error("POST", &path), "a user's id has 129 characters; at most 128 are accepted");
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
    assert!(matches!(Publish::parse(b"{\"name\":\"\xff\"}", &LIMITS), Err(ApiError::NotJson { .. })));
}

#[test]
fn a_request_says_of_which_app_it_is_before_that_is_believed() {
    let path = "/users/alice/terminate_connections";
    let key = |query| ApiRequest { method: "POST", path, query }.auth_key();
    assert_eq!(key("AUTH_KEY=k&auth_signature=forged"), Ok("k".into()));
    assert_eq!(key("auth_version=1.0"), Err(ApiError::Unsigned { missing: "auth_key" }));
    assert!(matches!(key("auth_key=%"), Err(ApiError::Query(_))));
    let unknown = ApiError::UnknownKey { key: "k".into() };
    assert_eq!(unknown.status(), 401);
    assert_eq!(unknown.to_string(), r#"auth_key is "k", and there is no app with that key"#);
}

#[test]
fn limits_of_an_event_are_named_where_they_are_met() {
    let event = |name: usize, channels: usize, data: usize| {
        let channels: Vec<String> = (0..channels).map(|n| format!("\"c{n}\"")).collect();
        let (name, data, channels) = ("n".repeat(name), "d".repeat(data), channels.join(","));
        publish(&format!(r#"{{"name":"{name}","data":"{data}","channels":[{channels}]}}"#))
    };
    assert!(event(200, 100, LIMITS.max_event_bytes).is_ok());
    for (result, status, limit) in [
        (event(201, 1, 1), 400, "200"),
        (event(1, 101, 1), 400, "100"),
        (event(1, 1, LIMITS.max_event_bytes + 1), 413, "10240"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.status(), status);
        assert!(error.to_string().contains(&format!("at most {limit}")), "{error}");
    }
}

#[test]
fn a_batch_is_up_to_ten_events_each_for_one_channel() {
    let event = |n: usize| format!(r#"{{"name":"e{n}","channel":"c","data":"{n}","socket_id":"1.2"}}"#);
    let batch = |events: usize| {
        let events: Vec<String> = (0..events).map(event).collect();
        PublishBatch::parse(format!(r#"{{"batch":[{}]}}"#, events.join(",")).as_bytes(), &LIMITS)
    };
    assert!(batch(0).unwrap().events.is_empty());
    let ten = batch(10).unwrap().events;
    assert_eq!(ten.len(), 10);
    assert_eq!((&*ten[9].event, &*ten[9].data, ten[9].except), ("e9", "9", Some("1.2".parse().unwrap())));
    let error = batch(11).unwrap_err();
    assert_eq!(error.status(), 400);
    assert_eq!(error.to_string(), "the batch has 11 events; at most 10 are accepted at a time");
}

#[test]
fn an_app_may_have_limits_of_its_own() {
    assert_eq!(PublishLimits::default(), LIMITS);
    let few = PublishLimits { max_event_bytes: 4, max_channels: 1, max_batch_events: 1 };
    let event = r#"{"name":"e","channels":["a"],"data":"four"}"#;
    assert!(Publish::parse(event.as_bytes(), &few).is_ok());
    assert!(PublishBatch::parse(format!(r#"{{"batch":[{event}]}}"#).as_bytes(), &few).is_ok());
    let too_long = Publish::parse(br#"{"name":"e","channels":["a"],"data":"fives"}"#, &few);
    assert_eq!(too_long, Err(ApiError::EventTooLong { bytes: 5, limit: 4 }));
    let too_many = Publish::parse(br#"{"name":"e","channels":["a","b"],"data":""}"#, &few);
    assert_eq!(too_many, Err(ApiError::TooManyChannels { channels: 2, limit: 1 }));
    let too_many = PublishBatch::parse(format!(r#"{{"batch":[{event},{event}]}}"#).as_bytes(), &few);
    assert_eq!(too_many, Err(ApiError::TooManyEvents { events: 2, limit: 1 }));
}

#[test]
fn what_is_wrong_with_a_batch_is_said() {
    let long = "d".repeat(LIMITS.max_event_bytes + 1);
    for (body, status, expected) in [
        ("[]", 400, "the body must be a JSON object"),
        ("{}", 400, "batch is missing from the body"),
        (
            r#"{"batch":[{"name":"e","channel":"c","data":""},[]]}"#,
            400,
            "event 2 of the batch: the body must be",
        ),
        (r#"{"batch":[{"name":"e","data":""}]}"#, 400, "event 1 of the batch: channels is missing"),
        (
            r#"{"batch":[{"name":"e","channels":["a","b"],"data":""}]}"#,
            400,
            "event 1 of the batch: it is for 2 channels; an event of a batch is for one",
        ),
        (
            &format!(r#"{{"batch":[{{"name":"e","channel":"a","data":"{long}"}}]}}"#),
            413,
            "event 1 of the batch: the event's data has 10241 bytes; at most 10240 are accepted",
        ),
    ] {
        let error = PublishBatch::parse(body.as_bytes(), &LIMITS).unwrap_err();
        assert_eq!(error.status(), status, "{body}");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        method in "[A-Z]{0,5}", path in any::<String>(), query in any::<String>(), body in any::<Vec<u8>>()
    ) {
        let request = ApiRequest { method: &method, path: &path, query: &query };
        let _ = request.call();
        prop_assert!(request.verify(&app(), SAMPLE_TIME).is_err());
        let _ = Publish::parse(&body, &LIMITS);
        let _ = PublishBatch::parse(&body, &LIMITS);
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
