use super::*;
use crate::config::origin::Origin;
use crate::config::setting::{Entry, Name};
use crate::config::settings::all_entries;
use crate::config::webhook::WebhookSettings;
use realtime_core::pusher::Secret;

const SHOP: &str = r#"
listen = "127.0.0.1:1"
compression = true

[[apps]]
id = "shop"
key = "shop-key"
secret = "of the file"
subscription_counts = true
"#;

const SHOP_AND_BLOG: &str = r#"
[[apps]]
id = "shop"
key = "shop-key"
secret = "of the shop"

[[apps]]
id = "blog"
key = "blog-key"
secret = "of the blog"
"#;

/// The secrets of the apps, of these candidates.
fn secrets<'a>(configuration: &Configuration, candidates: &[&'a str]) -> Vec<Option<&'a str>> {
    let secret_of = |secret: &Secret| {
        let is_secret = |candidate: &&&str| secret.verify("", &Secret::new(candidate).sign(""));
        candidates.iter().find(is_secret).copied()
    };
    configuration.options.apps.iter().map(|app| secret_of(&app.app.secret)).collect()
}

#[test]
fn flags_override_variables_and_these_the_file() {
    let variable = [("REALTIME_LISTEN", "127.0.0.1:2")];
    for (file, variables, arguments, port) in [
        (None, &[][..], "", 8080),
        (Some(SHOP), &[], "", 1),
        (Some(SHOP), &variable, "", 2),
        (Some(SHOP), &variable, "--listen 127.0.0.1:3", 3),
        (Some(SHOP), &[], "--listen 127.0.0.1:3", 3),
        (None, &variable, "--listen 127.0.0.1:3", 3),
    ] {
        assert_eq!(effective(file, variables, arguments).options.listen.port(), port, "{arguments}");
    }
}

#[test]
fn what_the_file_turns_on_can_be_turned_off() {
    use crate::options::{Compression::*, SubscriptionCounts};
    for (variables, arguments, compression) in [
        (&[][..], "", On),
        (&[("REALTIME_COMPRESSION", "false")], "", Off),
        (&[], "--no-compression", Off),
        (&[("REALTIME_COMPRESSION", "false")], "--compression", On),
    ] {
        assert_eq!(effective(Some(SHOP), variables, arguments).options.compression, compression);
    }
    let apps = effective(Some(SHOP), &[], "--no-subscription-counts").options.apps;
    assert_eq!(apps[0].subscription_counts, SubscriptionCounts::Off);
}

/// What the configuration has of the setting with this name.
fn entry(configuration: &Configuration, name: Name) -> Entry {
    let apps = configuration.settings.apps.iter();
    let of_apps = apps.flat_map(|app| {
        app.entries().into_iter().chain(app.webhooks.iter().flat_map(WebhookSettings::entries))
    });
    let mut entries = configuration.settings.entries().into_iter().chain(of_apps);
    entries.find(|entry| entry.name == name).unwrap_or_else(|| panic!("{name:?} is not in effect"))
}

#[test]
fn every_flag_has_a_variable() {
    // Something for each; the first that a setting takes is given. Of those that are files, there must be one.
    let values = ["true", "3", "127.0.0.1:9", "json", "warn", "shop", "src/main.rs", "http://a"];
    for Entry { name, is_switch, .. } in all_entries() {
        let (Some(flag), Some(variable)) = (name.flag(), name.variable()) else { continue };
        let of_variable =
            |value: &str| Some((configured(Some(SHOP), &[(&variable, value)], "").ok()?, value.to_owned()));
        let Some((of_variable, value)) = values.into_iter().find_map(of_variable) else {
            panic!("{variable} takes none of {values:?}")
        };
        let arguments = if is_switch { format!("--{flag}") } else { format!("--{flag} {value}") };
        let of_flag = effective(Some(SHOP), &[], &arguments);
        let (of_variable, of_flag) = (entry(&of_variable, name), entry(&of_flag, name));
        assert_eq!(of_variable.origin, Origin::Variable(variable), "{value}");
        assert_eq!(of_flag.origin, Origin::Flag(format!("--{flag}")), "{value}");
        assert_eq!(of_variable.value, of_flag.value, "{arguments}");
    }
}

#[test]
fn one_app_is_overridden_without_naming_it_and_of_several_the_one_that_is_named() {
    let secret = [("REALTIME_APP_SECRET", "new")];
    let blog = [("REALTIME_APP_SECRET", "new"), ("REALTIME_APP_ID", "blog")];
    let candidates = ["of the file", "of the shop", "of the blog", "new", "s"];
    for (file, variables, arguments, expected) in [
        (SHOP, &[][..], "", &["of the file"][..]),
        (SHOP, &secret, "", &["new"]),
        (SHOP, &secret, "--app-secret s", &["s"]),
        (SHOP, &[], "--app-id shop --app-secret s", &["s"]),
        (SHOP_AND_BLOG, &[], "", &["of the shop", "of the blog"]),
        (SHOP_AND_BLOG, &blog, "", &["of the shop", "new"]),
        (SHOP_AND_BLOG, &secret, "--app-id shop", &["new", "of the blog"]),
    ] {
        let secrets = secrets(&effective(Some(file), variables, arguments), &candidates);
        let expected: Vec<Option<&str>> = expected.iter().copied().map(Some).collect();
        assert_eq!(secrets, expected, "{arguments}");
    }
}

#[test]
fn of_several_apps_the_one_that_is_meant_must_be_named() {
    for (file, variables, arguments, expected) in [
        (
            SHOP_AND_BLOG,
            &[][..],
            "--app-secret s",
            "--app-secret is for one app, and gateway.toml has 2: name it with --app-id (shop, blog)",
        ),
        (
            SHOP_AND_BLOG,
            &[("REALTIME_APP_KEY", "k")],
            "",
            "REALTIME_APP_KEY is for one app, and gateway.toml has 2: name it with REALTIME_APP_ID (shop, blog)",
        ),
        (
            SHOP_AND_BLOG,
            &[],
            "--app-id chat --app-secret s",
            "--app-id takes the id of an app in gateway.toml (shop, blog), not \"chat\"",
        ),
        (SHOP, &[], "--app-id chat", "--app-id takes the id of an app in gateway.toml (shop), not \"chat\""),
    ] {
        assert_eq!(refused(Some(file), variables, arguments), format!("{expected}; see --help"));
    }
}

#[test]
fn an_app_may_be_put_together_from_all_sources() {
    let file = "[[apps]]\nid = \"shop\"";
    let configuration = effective(Some(file), &[("REALTIME_APP_SECRET", "s")], "--app-key k");
    assert_eq!(secrets(&configuration, &["s"]), [Some("s")]);
    let configuration = effective(None, &[("REALTIME_APP_SECRET", "s")], "--app-key k");
    assert_eq!(secrets(&configuration, &["s"]), [Some("s")]);
}

#[test]
fn a_file_without_apps_leaves_the_app_to_flags_and_variables() {
    let configuration = effective(Some("compression = true"), &[], "--app-id a --app-key k --app-secret s");
    assert_eq!(configuration.summary(), "gateway.toml, 1 app (a)");
}

#[test]
fn the_last_word_on_metrics_is_that_of_the_later_source() {
    use crate::metrics::Metrics::{self, Off, Open, Token};
    let expected = |metrics: &Metrics| match metrics {
        Off => "off",
        Open => "open",
        Token(_) => "token",
    };
    let (open, token) = ("metrics = true", "metrics_token = \"t\"");
    for (file, variables, arguments, metrics) in [
        (open, &[][..], "", "open"),
        (token, &[], "", "token"),
        (open, &[], "--metrics-token t", "token"),
        (open, &[("REALTIME_METRICS_TOKEN", "t")], "", "token"),
        (token, &[], "--metrics", "open"),
        (token, &[], "--no-metrics", "off"),
        (open, &[("REALTIME_METRICS_TOKEN", "t")], "--no-metrics", "off"),
    ] {
        let options = effective(Some(file), variables, arguments).options;
        assert_eq!(expected(&options.metrics), metrics, "{file} {arguments}");
    }
}

#[test]
fn a_secret_may_stand_in_a_variable_that_the_file_names() {
    let file = "[[apps]]\nid = \"a\"\nkey = \"k\"\nsecret_env = \"SHOP_SECRET\"";
    let configuration = effective(Some(file), &[("SHOP_SECRET", "s")], "");
    assert_eq!(secrets(&configuration, &["s"]), [Some("s")]);
    assert_eq!(
        refused(Some(file), &[], ""),
        "gateway.toml:4:14: secret_env names the variable SHOP_SECRET, which is not set, or no text"
    );
    let configuration = effective(Some(file), &[], "--app-secret other");
    assert_eq!(secrets(&configuration, &["other"]), [Some("other")]);

    // Its name may be almost that of another one; what is almost its name is still a slip.
    let file = file.replace("SHOP_SECRET", "REALTIME_APP1_SECRET");
    let configuration = effective(Some(&file), &[("REALTIME_APP1_SECRET", "s")], "");
    assert_eq!(secrets(&configuration, &["s"]), [Some("s")]);
    assert_eq!(
        refused(Some(&file), &[("REALTIME_APP1_SECERT", "s")], ""),
        "unknown variable REALTIME_APP1_SECERT; did you mean REALTIME_APP1_SECRET?; see --help"
    );
    assert_eq!(
        refused(None, &[("REALTIME_APP1_SECRET", "s")], ""),
        "unknown variable REALTIME_APP1_SECRET; did you mean REALTIME_APP_SECRET?; see --help"
    );
}

#[test]
fn a_variable_that_is_empty_is_none() {
    let variables = [("REALTIME_LISTEN", ""), ("REALTIME_APP_SECRET", "")];
    assert_eq!(effective(None, &variables, "").options.listen.port(), 8080);
}

#[test]
fn variables_are_refused_as_flags_are() {
    for (variable, value, expected) in [
        ("REALTIME_THREADS", "0", "REALTIME_THREADS takes a number from 1 to 1024, not \"0\""),
        ("REALTIME_DEMO", "yes", "REALTIME_DEMO takes true or false, not \"yes\""),
        (
            "REALTIME_APP_KEY",
            "k",
            "REALTIME_APP_KEY and REALTIME_APP_SECRET belong together: give both or neither",
        ),
        (
            "REALTIME_APP_SECERT",
            "s",
            "unknown variable REALTIME_APP_SECERT; did you mean REALTIME_APP_SECRET?",
        ),
    ] {
        assert_eq!(refused(None, &[(variable, value)], ""), format!("{expected}; see --help"));
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    // As Kubernetes sets them for a service of this name.
    let variables =
        [("REALTIME_SERVICE_HOST", "10.0.0.1"), ("REALTIME_PORT", "tcp://10.0.0.1:80"), ("LISTEN", "x")];
    effective(None, &variables, "");
}
