use super::*;
use crate::webhooks::Webhook;
use realtime_core::pusher::webhooks::EventType;

const APP: &str = "[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret = \"s\"\n[[apps.webhooks]]\n";
const URL: &str = "url = \"https://shop.example/hook\"\n";

fn webhooks(file: Option<&str>, variables: &[(&str, &str)], arguments: &str) -> Vec<Webhook> {
    effective(file, variables, arguments).options.apps.remove(0).webhooks
}

#[test]
fn an_app_has_the_webhooks_that_stand_below_it() {
    let text = format!(
        "{APP}{URL}[[apps.webhooks]]\nurl = \"http://b\"\nevents = [\"member_added\"]\nchannel_prefix = \"presence-\"\n\
         headers = {{ X-From = \"gateway\" }}"
    );
    let expected = [
        Webhook::new("https://shop.example/hook").unwrap(),
        Webhook::new("http://b")
            .unwrap()
            .events([EventType::MemberAdded])
            .channel_prefix("presence-")
            .header("x-from", "gateway")
            .unwrap(),
    ];
    assert_eq!(webhooks(Some(&text), &[], ""), expected);
}

#[test]
fn flags_and_variables_name_all_webhooks_or_none() {
    let variable = [("REALTIME_WEBHOOK", "http://b http://c")];
    for (variables, arguments, expected) in [
        (&[][..], "", &["https://shop.example/hook"][..]),
        (&variable, "", &["http://b", "http://c"]),
        (&variable, "--webhook http://d --webhook http://e", &["http://d", "http://e"]),
    ] {
        let expected: Vec<Webhook> = expected.iter().map(|url| Webhook::new(url).unwrap()).collect();
        assert_eq!(webhooks(Some(&format!("{APP}{URL}")), variables, arguments), expected);
    }
}

#[test]
fn what_is_wrong_with_a_webhook_is_named() {
    for (webhook, expected) in [
        ("", "5:1: this webhook has no url, such as https://shop.example/webhook"),
        (
            "url = \"ftp://shop.example?token=hidden\"",
            "6:7: url takes a URL such as https://shop.example/webhook, not \"ftp://shop.example\": it does not begin with \
             http:// or https://",
        ),
        (
            "url = \"https://ada:hidden@shop.example/hook?token=hidden\"",
            "6:7: url takes a URL such as https://shop.example/webhook, not \"https://***@shop.example/hook\": it has a \
             user or a password; send a header instead",
        ),
        (
            "url = \"http://a?***\"",
            "6:7: url has \"?***\", which --print-config prints in place of what it does not show: put the real one here",
        ),
        (
            "events = [\"member_gone\"]",
            "6:10: events takes a list of channel_occupied, channel_vacated, member_added, member_removed, \
             client_event, cache_miss, subscription_count, not [\"member_gone\"]",
        ),
        ("headers = { Host = \"a\" }", "6:11: headers cannot have \"Host\": the gateway sets it itself"),
        (
            "headers = { A = 1 }",
            "6:11: headers takes a table of headers, such as { \"Authorization\" = \"Bearer 123\" }, not a table",
        ),
        (
            "headers = { A = \"***\" }",
            "6:11: headers has \"***\", which --print-config prints in place of what it does not show: put the real one here",
        ),
        ("event = []", "6:1: unknown key \"event\"; did you mean \"events\"?"),
        ("max_connections = 1", "6:1: unknown key \"max_connections\": it belongs in [[apps]]"),
    ] {
        assert_eq!(refused(Some(&format!("{APP}{webhook}")), &[], ""), format!("gateway.toml:{expected}"));
    }
    let one = APP.replace("[[apps.webhooks]]", "webhooks = [\"http://a\"]");
    let expected = "gateway.toml:5:13: webhooks takes tables, each begun with [[apps.webhooks]]";
    assert_eq!(refused(Some(&one), &[], ""), expected);
    assert_eq!(
        refused(None, &[], "--webhook a"),
        "--webhook takes a URL such as https://shop.example/webhook, not \"a\": it does not begin with http:// or \
         https://; see --help"
    );
}

#[test]
fn of_a_webhook_is_printed_what_gives_nothing_away() {
    let text = format!("{APP}url = \"https://a/b?token=hidden\"\nheaders = {{ Authorization = \"hidden\" }}");
    let printed = effective(Some(&text), &[], "--webhook http://c").to_string();
    assert!(
        printed.contains("\n[[apps.webhooks]]\nurl = \"http://c\"                     # --webhook\n"),
        "{printed}"
    );

    let printed = effective(Some(&text), &[], "").to_string();
    assert!(!printed.contains("hidden"), "{printed}");
    assert!(printed.contains("url = \"https://a/b?***\""), "{printed}");
    assert!(printed.contains("headers = { Authorization = \"***\" }"), "{printed}");
}
