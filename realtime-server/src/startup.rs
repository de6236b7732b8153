use crate::app_config::AppConfig;
use crate::config::WELL_KNOWN_SECRET;
use crate::options::{DebugPage, Demo, Options};
use realtime_core::pusher::{App, Secret};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the program prints when it is ready: where it is and how to try it.
pub(crate) struct Startup<'a> {
    pub(crate) options: &'a Options,
    pub(crate) address: SocketAddr,
}

impl fmt::Display for Startup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, address } = self;
        writeln!(
            f,
            "realtime {}: a gateway for Pusher and Laravel Echo clients\n",
            env!("CARGO_PKG_VERSION")
        )?;
        match options.demo {
            Demo::On => writeln!(f, "  Open in a browser:  {}", url(*address))?,
            Demo::Off => writeln!(f, "  Listening at:       {}", url(*address))?,
        }
        match options.debug_page {
            DebugPage::WithDemo => {}
            DebugPage::Token(_) => writeln!(f, "  Debug page:         there, for whoever gives the token")?,
        }
        for AppConfig { app, .. } in options.apps.iter().take(MAX_APPS) {
            let secret = match (is_well_known(&app.secret), options.demo) {
                (true, Demo::On) => format!("secret {WELL_KNOWN_SECRET}"),
                (true, Demo::Off) => "secret not shown".into(),
                (false, Demo::On | Demo::Off) => "secret as given".into(),
            };
            writeln!(f, "  App:                id {}, key {}, {secret}", app.id, app.key)?;
        }
        match options.apps.len().saturating_sub(MAX_APPS) {
            0 => {}
            more => writeln!(f, "                      and {more} more")?,
        }
        // What is told of one holds for all.
        let Some(AppConfig { app: App { id, key, .. }, .. }) = options.apps.first() else { return Ok(()) };
        match options.demo {
            Demo::On => writeln!(f, "\nPublish from a shell:\n  {}", curl(*address))?,
            Demo::Off => writeln!(
                f,
                "\nPublish with any Pusher HTTP library:\n  POST {}/apps/{id}/events, signed",
                url(*address)
            )?,
        }
        let (host, port) = (in_url(reachable(*address).ip()), address.port());
        writeln!(
            f,
            "\nSubscribe with pusher-js:\n  new Pusher('{key}', {{ cluster: '', wsHost: '{host}', wsPort: {port}, \
             forceTLS: false, enabledTransports: ['ws'] }}).subscribe('news').bind('hello', console.log)\n"
        )?;
        match options.demo {
            Demo::On => writeln!(
                f,
                "Anyone who reaches this address may publish and join every channel; --no-demo ends that. \
                 Ctrl-C stops."
            ),
            Demo::Off => writeln!(f, "Ctrl-C stops."),
        }
    }
}

/// The most apps that are told.
const MAX_APPS: usize = 10;

/// Whether everybody knows a secret.
pub(crate) fn is_well_known(secret: &Secret) -> bool {
    secret.verify("", &Secret::new(WELL_KNOWN_SECRET).sign(""))
}

/// The address to open in a browser on this machine.
fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

/// A command that publishes through the demo's endpoint.
fn curl(address: SocketAddr) -> String {
    let event = r#"{"channel":"news","event":"hello","data":"it works"}"#;
    format!("curl -d '{event}' {}/demo/publish", url(address))
}

/// An address that connects to a listener at `address`: one that listens everywhere does so at loopback too.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn in_url(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Command;

    fn printed(arguments: &str, address: &str) -> String {
        let Ok(Command::Serve(sources)) = Command::parse(arguments.split_whitespace(), []) else {
            panic!("{arguments}")
        };
        let configuration = sources.load().expect("the test gives what is accepted");
        let address = address.parse().expect("the test gives an address");
        Startup { options: &configuration.options, address }.to_string()
    }

    #[test]
    fn the_demo_is_told_with_its_secret_and_a_command_that_works() {
        let text = printed("", "127.0.0.1:8080");
        for line in [
            "  Open in a browser:  http://127.0.0.1:8080",
            "  App:                id demo, key demo-key, secret demo-secret",
            "  curl -d '{\"channel\":\"news\",\"event\":\"hello\",\"data\":\"it works\"}' \
             http://127.0.0.1:8080/demo/publish",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line} in {text}");
        }
        assert!(text.contains("new Pusher('demo-key', { cluster: '', wsHost: '127.0.0.1', wsPort: 8080,"));
    }

    #[test]
    fn outside_the_demo_no_secret_and_no_demo_endpoint_is_told() {
        for arguments in ["--no-demo", "--no-demo --app-key k --app-secret hidden"] {
            let text = printed(arguments, "127.0.0.1:8080");
            assert!(!text.contains("demo-secret") && !text.contains("hidden"), "{text}");
            assert!(!text.contains("/demo/publish"), "{text}");
            assert!(text.contains("POST http://127.0.0.1:8080/apps/demo/events"), "{text}");
        }
    }

    #[test]
    fn a_debug_page_behind_a_token_is_told_without_the_token() {
        let text = printed("--no-demo --debug-token hidden", "127.0.0.1:8080");
        assert!(text.contains("Debug page:         there, for whoever gives the token"), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_gateway_that_listens_everywhere_is_opened_at_loopback() {
        let text = printed("--listen 0.0.0.0:80 --demo", "0.0.0.0:80");
        assert!(text.contains("http://127.0.0.1:80\n"), "{text}");
        let text = printed("--listen [::]:80 --demo", "[::]:80");
        assert!(text.contains("http://[::1]:80\n") && text.contains("wsHost: '[::1]'"), "{text}");
    }
}
