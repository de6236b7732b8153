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
fn the_well_known_secret_never_comes_to_an_address_that_others_reach() {
    let public = "listen = \"0.0.0.0:8080\"\n".to_owned() + &app("shop", "");
    let demo = app("a", "").replace("secret = \"a\"", "secret = \"demo-secret\"");
    let admits = |before: &str, arguments: &str, now: &str| {
        Running::new(&effective(Some(before), &[], arguments)).admits(&effective(Some(now), &[], ""))
    };
    let expected = "everybody knows the secret of the app demo: give it one of its own, as others may reach \
                    0.0.0.0:8080 until a restart";
    // What the file says of the address and the demo is not what runs.
    assert_eq!(admits(&public, "", "").unwrap_err(), expected);
    assert_eq!(admits(&public, "", "listen = \"0.0.0.0:8080\"\ndemo = true").unwrap_err(), expected);
    for now in [&demo, &(app("shop", "") + &demo)] {
        assert!(admits(&public, "", now).unwrap_err().contains("the secret of the app a: "), "{now}");
    }
    for (before, arguments, now) in [
        (&*public, "", &*app("shop", "")),
        (&public, "--demo", ""),
        (&app("shop", ""), "", ""),
        (&app("shop", ""), "--listen [::ffff:127.0.0.1]:80", ""),
        ("", "", &demo),
    ] {
        assert_eq!(admits(before, arguments, now), Ok(()), "{before} {arguments} {now}");
    }
}

#[test]
fn a_demo_that_the_apps_alone_would_turn_off_is_told_to_stay() {
    let expected = "demo is off now, which takes a restart; it stays on";
    assert_eq!(told(&["", &app("shop", ""), ""]), [&[expected][..], &[]]);
    let set = "demo is set to false now, which takes a restart; it stays on, since only this machine reaches the \
               address and no app has a secret of its own";
    assert_eq!(told(&["", "demo = false"]), [[set]]);
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
