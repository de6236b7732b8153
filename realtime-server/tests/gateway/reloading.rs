//! What happens to clients, and what is said, when the program is to read its file again.

use crate::command_line::Program;
use crate::common::{PusherClient, get, post_signed_by};
use crate::configuration::{app, file};
use realtime_server::{App, Secret};
use rustix::process::Signal;
use serde_json::json;
use std::fs;
use std::os::unix::process::ExitStatusExt;

/// Publishes as the app's own server does.
fn publish(program: &Program, name: &str) {
    let app = App { id: name.into(), key: name.into(), secret: Secret::new(name) };
    let body = json!({ "name": "hello", "data": "still here", "channel": "news" }).to_string();
    let answer = post_signed_by(&app, program.address, &format!("/apps/{name}/events"), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_reload_changes_apps_and_drops_no_connection() {
    let path = file("reload", app("shop"));
    let (program, log) = Program::start_watched(&["--config", &path]);
    let mut client = PusherClient::greeted(program.address, "/app/shop");
    client.subscribe("news");
    let mut turned_away = PusherClient::connect(program.address, "/app/blog");
    assert_eq!(turned_away.closure().code.get(), 4001);

    fs::write(&path, "threads = 7\n".to_owned() + &app("shop") + &app("blog")).unwrap();
    program.signal(Signal::HUP);
    log.expect("threads is set to 7 now, which takes a restart; it stays one for each core");
    log.expect(&format!("the configuration was read again: {path}, 2 apps (shop, blog)"));

    PusherClient::greeted(program.address, "/app/blog").is_alive();
    publish(&program, "shop");
    assert_eq!(client.expect("hello"), "still here");
    client.is_alive();
}

#[test]
fn a_reload_of_a_broken_file_changes_nothing_and_says_why() {
    let path = file("broken", app("shop") + &app("blog"));
    let (program, log) = Program::start_watched(&["--config", &path]);
    let mut client = PusherClient::greeted(program.address, "/app/blog");
    client.subscribe("news");

    fs::write(&path, app("shop") + "secert = \"x\"\n").unwrap();
    program.signal(Signal::HUP);
    log.expect(&format!("{path}:5:1: unknown key \"secert\"; did you mean \"secret\"?"));
    log.expect("the configuration stays as it was");

    client.is_alive();
    publish(&program, "blog");
    assert_eq!(client.expect("hello"), "still here");
    PusherClient::greeted(program.address, "/app/blog").is_alive();
    assert_eq!(get(program.address, "/up").status, 200);

    // A file that is right again is followed.
    fs::write(&path, app("shop")).unwrap();
    program.signal(Signal::HUP);
    log.expect("the configuration was read again");
    assert_eq!(PusherClient::connect(program.address, "/app/blog").closure().code.get(), 4001);
}

#[test]
fn a_reload_brings_no_well_known_secret_to_an_address_that_others_reach() {
    let path = file("public", app("shop"));
    let (program, log) = Program::start_watched(&["--config", &path, "--listen", "0.0.0.0:0"]);
    let mut client = PusherClient::greeted(program.address, "/app/shop");

    // Right by itself, but the demo is on only after a restart.
    fs::write(&path, "demo = true\n").unwrap();
    program.signal(Signal::HUP);
    log.expect("everybody knows the secret of the app demo");
    log.expect("the configuration stays as it was");
    client.is_alive();
    PusherClient::greeted(program.address, "/app/shop").is_alive();
}

#[test]
fn what_a_reload_does_not_do_is_logged_where_only_warnings_are() {
    let path = file("warned", app("shop"));
    let (program, log) = Program::start_watched(&["--config", &path, "--log-level", "warn"]);
    for (text, expected) in [
        ("threads = 7\n".to_owned() + &app("shop"), "WARN realtime_server::reload: threads is set to 7 now"),
        ("lisen = 1".into(), "ERROR realtime_server::reload: the configuration stays as it was"),
    ] {
        fs::write(&path, text).unwrap();
        program.signal(Signal::HUP);
        log.expect(expected);
    }
}

#[test]
fn without_a_file_a_terminal_that_closes_ends_the_program() {
    let mut program = Program::start(&[]);
    program.signal(Signal::HUP);
    assert_eq!(program.child.wait().unwrap().signal(), Some(Signal::HUP.as_raw()));
}
