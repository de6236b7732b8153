use super::*;
use crate::config::Running;

/// What takes a restart when `gateway.toml` has these texts, one after the other.
fn told(texts: &[&str]) -> Vec<Vec<String>> {
    let mut running: Option<Running> = None;
    let mut told = Vec::new();
    for text in texts {
        let now = effective(Some(text), &[], "");
        match &mut running {
            Some(running) => told.push(running.follow(&now)),
            None => running = Some(Running::new(&now)),
        }
    }
    told
}

/// An app whose id, key and secret are its name, with more keys at its end.
fn app(name: &str, more: &str) -> String {
    format!("[[apps]]\nid = \"{name}\"\nkey = \"{name}\"\nsecret = \"{name}\"\n{more}\n")
}

#[test]
fn what_takes_a_restart_is_told_and_what_is_not_shown_stays_so() {
    let before = "metrics_token = \"one\"";
    let after = "listen = \"127.0.0.1:9\"\nmetrics_token = \"two\"\nthreads = 2";
    let expected = [
        r#"listen is set to "127.0.0.1:9" now, which takes a restart; it stays "127.0.0.1:8080""#,
        "threads is set to 2 now, which takes a restart; it stays one for each core",
        r#"metrics_token is set to "***" now, which takes a restart; it stays "***""#,
    ];
    // It is told each time, until the file says again what runs.
    assert_eq!(told(&[before, after, after, before]), [&expected[..], &expected, &[]]);
}

#[test]
fn what_follows_from_another_setting_is_not_told() {
    let now = "listen = \"0.0.0.0:8080\"\n".to_owned() + &app("shop", "");
    let expected = r#"listen is set to "0.0.0.0:8080" now, which takes a restart; it stays "127.0.0.1:8080""#;
    assert_eq!(told(&[&app("shop", ""), &now]), [[expected]]);
}

#[test]
fn webhooks_stay_as_they_were_when_their_app_came() {
    let with = |url: &str| app("shop", &format!("[[apps.webhooks]]\nurl = \"{url}\""));
    let expected = "app shop: webhooks are others now, which takes a restart; they stay as they were";
    let (one, other, none) = (with("http://a?token=one"), with("http://a?token=other"), app("shop", ""));
    assert_eq!(told(&[&one, &other, &none, &one]), [&[expected][..], &[expected], &[]]);
    // An app that went and comes again is a new one.
    assert_eq!(told(&[&one, &app("blog", ""), &other, &one]), [&[][..], &[], &[expected]]);
}

#[test]
fn all_else_of_an_app_changes_at_once() {
    let more = "allowed_origins = [\"https://a.example\"]\nmax_connections = 5\nsubscription_counts = true";
    assert_eq!(told(&[&app("shop", ""), &app("shop", more)]), [[""; 0]]);
}
