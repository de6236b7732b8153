use super::*;
use crate::options::Demo;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// An app that is right, with more keys at its end.
fn app(more: &str) -> String {
    format!("[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"s\"\n{more}")
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_place_and_what_is_accepted() {
    for (text, expected) in [
        // The text itself.
        ("listen = ", "1:10: this is not TOML: string values must be quoted, expected literal string"),
        ("a\n", "1:2: this is not TOML: key with no value, expected `=`"),
        ("threads = 1\n\nthreads = 2", "3:1: threads stands here again; it was given in line 1"),
        // Keys.
        ("lisen = \"x\"", "1:1: unknown key \"lisen\"; did you mean \"listen\"?"),
        (
            "port = 8080",
            "1:1: unknown key \"port\"; accepted are listen, threads, demo, debug_token, compression, metrics, metrics_token, \
             drain_seconds, drain_notice_seconds, log_level, log_format, max_http_connections, max_http_body_bytes, apps",
        ),
        ("secret = \"s\"", "1:1: unknown key \"secret\": it belongs in [[apps]]"),
        ("[[app]]\nid = \"a\"", "1:3: unknown key \"app\"; did you mean \"apps\"?"),
        // Values.
        (
            "\n  listen = \"localhost\"",
            "2:12: listen takes an IP address and a port, such as 127.0.0.1:8080, not \"localhost\"",
        ),
        ("listen = 8080", "1:10: listen takes an IP address and a port, such as 127.0.0.1:8080, not 8080"),
        ("threads = \"two\"", "1:11: threads takes a number from 1 to 1024, not \"two\""),
        ("threads = 2.5", "1:11: threads takes a number from 1 to 1024, not 2.5"),
        ("threads = 0x401", "1:11: threads takes a number from 1 to 1024, not 0x401"),
        ("threads = -1", "1:11: threads takes a number from 1 to 1024, not -1"),
        ("demo = \"yes\"", "1:8: demo takes true or false, not \"yes\""),
        ("compression = 1", "1:15: compression takes true or false, not 1"),
        ("metrics_token = \"\"", "1:17: metrics_token must not be empty"),
        ("metrics_token = 1234", "1:17: metrics_token takes text, not a number"),
        (
            "metrics = true\nmetrics_token = \"t\"",
            "2:17: metrics lets anyone in and metrics_token does not: give one of them",
        ),
        ("[apps]\nid = \"a\"", "1:1: apps takes tables, each begun with [[apps]]"),
        ("apps = [1]", "1:9: apps takes tables, each begun with [[apps]]"),
    ] {
        assert_eq!(refused(Some(text), &[], ""), format!("gateway.toml:{expected}"), "{text}");
    }
}

#[test]
fn what_is_wrong_in_an_app_is_named_too() {
    for (more, expected) in [
        ("listen = \"x\"", "5:1: unknown key \"listen\": it belongs at the top, before the first [[apps]]"),
        ("allowed_origin = []", "5:1: unknown key \"allowed_origin\"; did you mean \"allowed_origins\"?"),
        ("max_connections = 0", "5:19: max_connections takes a number from 1 to 10000000, not 0"),
        ("max_event_bytes = 1048577", "5:19: max_event_bytes takes a number from 1 to 1048576, not 1048577"),
        ("client_events = \"on\"", "5:17: client_events takes true or false, not \"on\""),
        (
            "allowed_origins = [\"example.com\"]",
            "5:19: allowed_origins takes a list of origins, such as [\"https://example.com\", \
             \"http://localhost:3000\"], or [\"*\"] for all, not [\"example.com\"]",
        ),
        (
            "allowed_origins = \"*\"",
            "5:19: allowed_origins takes a list of origins, such as [\"https://example.com\", \
             \"http://localhost:3000\"], or [\"*\"] for all, not \"*\"",
        ),
        (
            "max_event_bytes = 1048576",
            "5:19: an event with max_event_bytes (1048576) does not fit into max_http_body_bytes (1048576)",
        ),
        (
            "secret_file = \"f\"",
            "5:15: this says more than once what the secret is: give one of secret, secret_file and secret_env",
        ),
    ] {
        assert_eq!(refused(Some(&app(more)), &[], ""), format!("gateway.toml:{expected}"), "{more}");
    }
}

#[test]
fn an_app_that_is_not_whole_is_named() {
    let needs = "an app needs id, key, and one of secret, secret_file and secret_env";
    for (app, missing) in [
        ("", "id"),
        ("key = \"k\"\nsecret = \"s\"", "id"),
        ("id = \"a\"\nsecret = \"s\"", "key"),
        ("id = \"a\"\nkey = \"k\"", "secret"),
    ] {
        let text = format!("threads = 1\n[[apps]]\n{app}");
        let expected = format!("gateway.toml:2:1: this app has no {missing}; {needs}");
        assert_eq!(refused(Some(&text), &[], ""), expected);
    }
}

#[test]
fn ids_and_keys_that_are_given_twice_are_named_with_both_lines() {
    let text = "[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"s\"\n\n[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"s\"";
    assert_eq!(
        refused(Some(text), &[], ""),
        "gateway.toml:7:6: the id \"a\" is that of the app in line 2 too; each app needs one of its own\n\
         gateway.toml:8:7: the key \"k\" is that of the app in line 3 too; each app needs one of its own"
    );
    let text = "[[apps]]\nid = \"a\"\n[[apps]]\nid = \"b\"\nkey = \"k\"\nid = \"c\"";
    assert_eq!(
        refused(Some(text), &[], ""),
        "gateway.toml:6:1: id stands here again; it was given in line 4"
    );
}

#[test]
fn all_that_is_wrong_is_named_at_once_from_the_top() {
    let text = "threads = 0\nlisen = \"x\"\ndemo = 1";
    assert_eq!(
        refused(Some(text), &[], "--metrics-token="),
        "--metrics-token must not be empty; see --help\n\
         gateway.toml:1:11: threads takes a number from 1 to 1024, not 0\n\
         gateway.toml:2:1: unknown key \"lisen\"; did you mean \"listen\"?\n\
         gateway.toml:3:8: demo takes true or false, not 1"
    );
    let text: String = (0..25).map(|n| format!("wrong{n} = 1\n")).collect();
    let told = refused(Some(&text), &[], "");
    assert_eq!((told.lines().count(), told.lines().last()), (21, Some("and 5 more")));
}

#[test]
fn columns_count_characters() {
    let text = "listen = \"ü\" # ä\n\"größe\" = 1";
    assert!(refused(Some(text), &[], "").ends_with(
        "gateway.toml:2:1: unknown key \"größe\"; accepted are listen, threads, demo, debug_token, compression, metrics, \
         metrics_token, drain_seconds, drain_notice_seconds, log_level, log_format, max_http_connections, max_http_body_bytes, apps"
    ));
    let text = "apps = [{ \"größe\" = 1, id = 5 }]";
    assert!(refused(Some(text), &[], "").contains("gateway.toml:1:29: id takes letters"));
}

#[test]
fn the_well_known_secret_in_a_file_is_refused_where_others_may_reach_it() {
    let text = "listen = \"0.0.0.0:1\"\n[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"demo-secret\"";
    assert_eq!(
        refused(Some(text), &[], ""),
        "gateway.toml:5:10: others may reach 0.0.0.0:1, and everybody knows this secret: give the app one of its \
         own, or --demo to let anyone in"
    );
    effective(Some(text), &[], "--demo");
}

#[test]
fn one_app_with_a_secret_of_its_own_turns_the_demo_off() {
    let demo = "[[apps]]\nid = \"demo\"\nkey = \"demo-key\"\nsecret = \"demo-secret\"\n";
    let of_a_variable = "[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret_env = \"OWN\"\n";
    let own = [("OWN", "s")];
    for (text, expected) in [
        ("", Demo::On),
        (demo, Demo::On),
        (&app(""), Demo::Off),
        (&format!("{demo}{}", app("")), Demo::Off),
        (&format!("{demo}{of_a_variable}"), Demo::Off),
        (&format!("demo = true\n{demo}{}", app("")), Demo::On),
    ] {
        assert_eq!(effective(Some(text), &own, "").options.demo, expected, "{text}");
    }
    let printed = effective(Some(&app("")), &[], "").to_string();
    assert!(printed.contains("# demo: off, since an app has a secret of its own\n"), "{printed}");
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_and_not_shown() {
    let rule = "must be of visible ASCII characters, without spaces: nothing else can be sent in a header";
    for token in ["let me in", " hidden", "hidden ", "größe", r"hid\tden", r"hidden\u007f", r"hidden\n"] {
        for key in ["debug_token", "metrics_token"] {
            let expected = format!("gateway.toml:1:{}: {key} {rule}", key.len() + 4);
            assert_eq!(refused(Some(&format!("{key} = \"{token}\"")), &[], ""), expected, "{token}");
        }
    }
    let variable = [("REALTIME_METRICS_TOKEN", "hidden hidden")];
    assert_eq!(refused(None, &variable, ""), format!("REALTIME_METRICS_TOKEN {rule}; see --help"));
    effective(None, &[], "--metrics-token !aZ09-._~+/=~ --debug-token {\"}");
}

#[test]
fn the_file_in_the_readme_is_right() {
    let readme = include_str!("../../../../README.md");
    let text = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // There is no such file here.
    let text = text.replace("secret_file", "secret");
    assert_eq!(effective(Some(&text), &[], "").summary(), "gateway.toml, 1 app (shop)");
}

/// What may stand left and right of a `=`, and in lines between, right or wrong.
const KEYS: &[&str] =
    &["listen", "threads", "demo", "id", "key", "secret", "metrics_token", "größe", "apps", "a.b", ""];
const VALUES: &[&str] = &[
    r#""127.0.0.1:1""#,
    r#""a""#,
    r#""***""#,
    "true",
    "0",
    "2.5",
    "1979-05-27",
    "[1, [2]]",
    "{ id = 1 }",
    r#""ü"#,
    "",
];
const LINES: &[&str] =
    &["[[apps]]", "[[apps]]", "[[apps]]", "[apps]", "[", "]", "# \u{1f980}", "\r", "\0", "'''"];

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_taken_or_refused_with_a_place_in_it(
        lines in vec(
            prop_oneof![
                3 => (select(KEYS), select(VALUES)).prop_map(|(key, value)| format!("{key} = {value}")),
                1 => select(LINES).prop_map(str::to_owned),
            ],
            0..12,
        ),
    ) {
        let text = lines.join("\n");
        let refused = configured(Some(&text), &[], "").err().unwrap_or_default();
        for line in refused.lines() {
            let place = line.strip_prefix("gateway.toml:").unwrap_or_else(|| panic!("{line}"));
            let mut numbers = place.splitn(3, ':').map_while(|number| number.parse::<usize>().ok());
            let (Some(line), Some(column)) = (numbers.next(), numbers.next()) else { panic!("{place}") };
            let in_file = text.split('\n').nth(line - 1).unwrap_or_else(|| panic!("{place} of {text:?}"));
            prop_assert!((1..=in_file.chars().count() + 1).contains(&column), "{place} of {text:?}");
        }
    }
}
