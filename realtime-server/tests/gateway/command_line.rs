//! The program as its user meets it: what it prints, what it refuses, how it ends.

use crate::common::{PATIENCE, PusherClient, exchange, get, post};
use crate::webhooks::tls_receiver;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

const PROGRAM: &str = env!("CARGO_BIN_EXE_realtime-server");

pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// The one line that a refused start prints, and its exit code.
fn refusal(arguments: &[&str]) -> (String, i32) {
    let output = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(output.stdout.is_empty());
    (stderr.trim_end().to_owned(), output.status.code().unwrap())
}

/// The program while it runs.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) printed: String,
}

/// What a program logs.
pub(crate) struct Log(Receiver<String>);

impl Log {
    /// Waits for a line in which this stands.
    pub(crate) fn expect(&self, text: &str) {
        let mut others = Vec::new();
        loop {
            match self.0.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => others.push(line),
                Err(_) => panic!("waited in vain for {text:?} in the log: {others:#?}"),
            }
        }
    }
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_as(Command::new(PROGRAM).stderr(Stdio::null()), arguments)
    }

    fn start_logging(arguments: &[&str], level: Option<&str>) -> Self {
        let mut command = Command::new(PROGRAM);
        if let Some(level) = level {
            command.env("REALTIME_LOG_LEVEL", level);
        }
        Self::start_as(command.stderr(Stdio::piped()), arguments)
    }

    /// Starts the program, and listens to what it logs.
    pub(crate) fn start_watched(arguments: &[&str]) -> (Self, Log) {
        let mut program = Self::start_as(Command::new(PROGRAM).stderr(Stdio::piped()), arguments);
        let stderr = BufReader::new(program.child.stderr.take().unwrap());
        let (heard, lines) = channel();
        // It ends with the program.
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| heard.send(line)));
        (program, Log(lines))
    }

    fn start_as(command: &mut Command, arguments: &[&str]) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut printed = String::new();
        for line in &mut lines {
            printed.push_str(&line);
            printed.push('\n');
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let url = printed.split_once("http://").unwrap_or_else(|| panic!("no address in {printed:?}")).1;
        let address = url.split(|end: char| !end.is_ascii_digit() && !".:".contains(end)).next();
        Self { child, address: address.unwrap().parse().unwrap(), printed }
    }

    /// All that it writes there until its end.
    fn stderr(mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_where_it_is_and_a_command_that_publishes() {
    let program = Program::start(&[]);
    assert!(program.printed.contains(&format!("http://{}\n", program.address)));
    assert!(program.printed.contains("id demo, key demo-key, secret demo-secret"));

    let mut client = PusherClient::greeted(program.address, "/app/demo-key");
    client.subscribe("news");
    let curl = program.printed.lines().find_map(|line| line.trim().strip_prefix("curl -d '")).unwrap();
    let (body, url) = curl.split_once("' ").unwrap();
    let target = url.strip_prefix(&format!("http://{}", program.address)).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n"; // as curl says
    assert_eq!(post(program.address, target, form, body).status, 200);
    assert_eq!(client.expect("hello"), "it works");
}

#[test]
fn ctrl_c_and_sigterm_close_clients_and_end_it_with_success() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut program = Program::start(&[]);
        let mut client = PusherClient::greeted(program.address, "/app/demo-key");
        program.signal(signal);
        let closure = client.closure();
        assert_eq!((closure.code.get(), closure.was_clean), (1001, true), "{signal:?}");
        drop(client);
        assert!(program.child.wait().unwrap().success(), "{signal:?}");
    }
}

#[test]
fn with_time_to_drain_clients_are_told_to_come_back_at_once() {
    let mut program = Program::start(&["--drain-seconds", "3600"]);
    let mut clients = [(); 3].map(|()| PusherClient::greeted(program.address, "/app/demo-key"));
    program.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.closure().code.get(), 4200);
    }
    drop(clients);
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(&["--drain-notice-seconds", "3600"]);
    program.signal(Signal::TERM);
    while get(program.address, "/ready").status == 200 {
        thread::yield_now();
    }
    program.signal(Signal::INT);
    assert_eq!(program.child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_log_is_text_or_json_on_the_standard_error_and_whole_at_the_end() {
    for (arguments, variable, expected) in [
        (&[][..], None, "INFO realtime_server::gateway: stopped address="),
        (&["--log-format", "json"], None, r#""message":"stopped","address":"127.0.0.1:"#),
        (&["--log-level", "off"], None, ""),
        (&[], Some("warn"), ""),
        (&["--log-level", "info"], Some("warn"), "stopped"),
    ] {
        let program = Program::start_logging(arguments, variable);
        program.signal(Signal::TERM);
        let log = program.stderr();
        let last = log.lines().last().unwrap_or_default();
        assert!(last.contains(expected) && last.is_empty() == expected.is_empty(), "{arguments:?}: {log}");
    }
}

#[test]
fn no_demo_leaves_no_demo() {
    let program = Program::start(&["--no-demo", "--app-key", "k", "--app-secret", "hidden"]);
    assert!(!program.printed.contains("hidden"), "{}", program.printed);
    assert_eq!(get(program.address, "/").status, 404);
    assert_eq!(get(program.address, "/up").status, 200);
    PusherClient::greeted(program.address, "/app/k").is_alive();
}

#[test]
fn webhooks_are_posted_over_tls_to_whom_the_system_trusts() {
    let (receiver, certificate) = tls_receiver();
    let trusted = concat!(env!("CARGO_TARGET_TMPDIR"), "/webhook-receiver.pem");
    std::fs::write(trusted, certificate).unwrap();
    let url = format!("https://{}/", receiver.address);
    let mut command = Command::new(PROGRAM);
    command.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR");
    let own = ["--app-key", "test-key", "--app-secret", "test-secret", "--webhook", &url];
    let program = Program::start_as(&mut command, &own);
    let mut client = PusherClient::greeted(program.address, "/app/test-key");
    client.subscribe("news");
    assert_eq!(receiver.events(1), [json!({ "name": "channel_occupied", "channel": "news" })]);
}

#[test]
fn certificates_that_cannot_be_read_are_warned_of() {
    let missing = concat!(env!("CARGO_TARGET_TMPDIR"), "/no-such-certificates.pem");
    let mut command = Command::new(PROGRAM);
    command.env("SSL_CERT_FILE", missing).env_remove("SSL_CERT_DIR").stderr(Stdio::piped());
    let program = Program::start_as(&mut command, &["--webhook", "https://127.0.0.1:1/"]);
    program.signal(Signal::TERM);
    let log = program.stderr();
    let warning =
        log.lines().find(|line| line.contains("certificates that the system trusts cannot be read"));
    assert!(warning.is_some_and(|line| line.contains(missing)), "{log}");
}

#[test]
fn a_closed_standard_output_is_no_reason_not_to_serve() {
    // An address that no other test uses, so that the port stays free until the program takes it.
    let address = TcpListener::bind("127.9.9.9:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", &address.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    while TcpStream::connect(address).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        thread::yield_now();
    }
    assert_eq!(exchange(address, b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status, 200);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_port_in_use_is_said_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (line, code) = refusal(&["--listen", &address.to_string()]);
    let port = address.port();
    let expected = format!(
        "realtime-server: cannot listen at {address}: port {port} is in use; choose another with --listen"
    );
    assert_eq!((&*line, code), (&*expected, 1));
}

#[test]
fn an_address_of_another_machine_is_said_in_one_line() {
    let own = ["--app-key", "k", "--app-secret", "s"];
    let (line, code) = refusal(&[&["--listen", "192.0.2.1:8080"], &own[..]].concat());
    assert!(line.starts_with("realtime-server: cannot listen at 192.0.2.1:8080: "), "{line}");
    assert_eq!(code, 1);
}

#[test]
fn what_cannot_be_followed_is_said_in_one_line() {
    for (arguments, expected) in [
        (&["--nonsense"][..], "invalid option '--nonsense'"),
        (
            &["--listen", "nowhere"],
            "--listen takes an IP address and a port, such as 127.0.0.1:8080, not \"nowhere\"",
        ),
        (
            &["--listen", "0.0.0.0:0"],
            "others may reach 0.0.0.0:0: give an --app-key and an --app-secret of your own, or --demo to let \
             anyone in",
        ),
        (
            &["--webhook", "shop.example"],
            "--webhook takes a URL such as https://shop.example/webhook, not \"shop.example\": it does not \
             begin with http:// or https://",
        ),
        (&["--demo", "--no-demo"], "--demo and --no-demo contradict each other"),
    ] {
        assert_eq!(refusal(arguments), (format!("realtime-server: {expected}; see --help"), 2));
    }
}

#[test]
fn help_and_version_are_printed_and_that_is_all() {
    for (flag, expected) in [("--help", "--app-secret SECRET"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = run(&[flag]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains(expected), "{flag}");
    }
}
