use super::*;
use crate::config::kind::Written;
use crate::config::settings::all_entries;

const EXAMPLE: &str = include_str!("../../../realtime.example.toml");

const APPS: &str = r#"listen = "0.0.0.0:80"
metrics_token = "hidden"

[[apps]]
id = "shop"
key = "shop-key"
secret = "hidden"
allowed_origins = ["https://shop.example"]

[[apps]]
id = "blog"
key = "blog-key"
secret_env = "BLOG_SECRET"
max_connections = 10
client_events = false
"#;

/// What is set, without where it comes from.
fn settings(configuration: &Configuration) -> Vec<(&'static str, Written)> {
    let apps = configuration.settings.apps.iter().flat_map(|app| app.entries());
    let entries = configuration.settings.entries().into_iter().chain(apps);
    entries.map(|entry| (entry.name.key, entry.value)).collect()
}

#[test]
fn the_example_equals_the_defaults() {
    assert_eq!(settings(&effective(Some(EXAMPLE), &[], "")), settings(&effective(None, &[], "")));
}

#[test]
fn the_example_has_every_key_and_its_examples_are_accepted() {
    let examples = EXAMPLE.lines().map(|line| line.strip_prefix('#').unwrap_or(line));
    let keys: Vec<&str> = examples.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    for setting in all_entries() {
        assert!(keys.contains(&setting.name.key), "{}", setting.name.key);
    }
    let (app, webhook) = EXAMPLE.split_once("#[[apps.webhooks]]").unwrap();
    let webhook = format!("{app}[[apps.webhooks]]{}", webhook.replace("\n#", "\n"));
    assert_eq!(effective(Some(&webhook), &[], "").options.apps[0].webhooks.len(), 1);
    for (index, line) in app.lines().enumerate().filter(|(_, line)| line.contains(" = ")) {
        let Some(example) = line.strip_prefix('#') else { continue };
        let instead_of = match example.split_once(" = ") {
            Some(("secret_file", _)) => continue, // there is none
            Some(("secret_env", _)) => "secret = ",
            Some(("metrics_token", _)) => "metrics = ",
            Some(_) | None => "nothing",
        };
        let lines = app.lines().enumerate().filter(|(_, line)| !line.starts_with(instead_of));
        let text: Vec<&str> = lines.map(|(at, line)| if at == index { example } else { line }).collect();
        effective(Some(&text.join("\n")), &[("SHOP_SECRET", "s")], "");
    }
}

#[test]
fn what_is_in_effect_is_printed_with_where_it_comes_from() {
    let printed =
        effective(Some(APPS), &[("REALTIME_THREADS", "2"), ("BLOG_SECRET", "hidden")], "--compression");
    let printed = printed.to_string();
    for line in [
        "listen = \"0.0.0.0:80\"                # gateway.toml:1:10",
        "threads = 2                          # REALTIME_THREADS",
        "# demo: off, since others may reach the address",
        "compression = true                   # --compression",
        "metrics_token = \"***\"                # gateway.toml:2:17",
        "secret = \"***\"                       # gateway.toml:7:10",
        "# secret_file: none",
        "secret_env = \"BLOG_SECRET\"           # gateway.toml:13:14",
        "# max_connections: as many as the gateway takes",
        "max_connections = 10                 # gateway.toml:14:19",
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{line}\nin\n{printed}");
    }
    assert!(!printed.contains("hidden"));
}

#[test]
fn what_is_printed_says_the_same_when_it_is_fed_back() {
    let variables = [("BLOG_SECRET", "b")];
    for (file, arguments) in [
        (None, ""),
        (None, "--threads 3 --no-demo --subscription-counts"),
        (Some(EXAMPLE), "--listen [::1]:9"),
    ] {
        let configuration = effective(file, &variables, arguments);
        let again = effective(Some(&configuration.to_string()), &variables, "");
        assert_eq!(settings(&again), settings(&configuration));
    }
    let configuration = effective(Some(APPS), &variables, "");
    let unmasked = configuration.to_string().replace("***", "hidden");
    assert_eq!(settings(&effective(Some(&unmasked), &variables, "")), settings(&configuration));
}

#[test]
fn a_masked_secret_that_is_fed_back_is_refused() {
    let printed = effective(Some(APPS), &[("BLOG_SECRET", "b")], "").to_string();
    let reason =
        "has \"***\", which --print-config prints in place of what it does not show: put the real one here";
    let line =
        |key: &str| printed.lines().position(|line| line.starts_with(&format!("{key} = "))).unwrap() + 1;
    let (token, secret) = (line("metrics_token"), line("secret"));
    assert_eq!(
        refused(Some(&printed), &[("BLOG_SECRET", "b")], ""),
        format!("gateway.toml:{token}:17: metrics_token {reason}\ngateway.toml:{secret}:10: secret {reason}")
    );
}
