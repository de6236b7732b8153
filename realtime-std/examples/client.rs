//! Connects to a WebSocket server: sends each line of the standard input as a message and prints what comes.
//!
//! ```text
//! cargo run --release -p realtime-std --example client -- ws://127.0.0.1:9001
//! ```
//!
//! With `--autobahn` the address is that of an Autobahn fuzzing server, whose cases it echoes.

use realtime_std::{CloseCode, Config, DeflateConfig, Error, OwnedMessage, Reader, WebSocket, Writer};
use std::{io, process, thread};

const AGENT: &str = "realtime-std";

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--autobahn"), Some(server)) => run_cases(&server),
        (Some(uri), None) => talk(uri),
        _ => {
            eprintln!("usage: client ws://HOST[:PORT][/PATH] | client --autobahn ws://HOST:PORT");
            process::exit(2)
        }
    }
}

fn talk(uri: &str) -> Result<(), Error> {
    let (reader, writer) = WebSocket::connect(uri, Config::default())?.split();
    // It ends with the process, should the server close first.
    thread::spawn(|| send_lines(writer));
    print_messages(reader)
}

fn send_lines(mut writer: Writer) -> Result<(), Error> {
    for line in io::stdin().lines() {
        writer.send(&line?)?;
    }
    writer.close(CloseCode::NORMAL, "")
}

fn print_messages(mut reader: Reader) -> Result<(), Error> {
    while let Some(message) = reader.read()? {
        match message {
            OwnedMessage::Text(text) => println!("{text}"),
            OwnedMessage::Binary(bytes) => println!("{} bytes", bytes.len()),
        }
    }
    if let Some(closure) = reader.closure() {
        println!("closed: {closure}");
    }
    Ok(())
}

fn run_cases(server: &str) -> Result<(), Error> {
    let count = match connect(&format!("{server}/getCaseCount"))?.read()? {
        Some(OwnedMessage::Text(count)) => count.parse().unwrap_or(0),
        Some(OwnedMessage::Binary(_)) | None => 0,
    };
    println!("{count} cases");
    for case in 1..=count {
        let mut websocket = connect(&format!("{server}/runCase?case={case}&agent={AGENT}"))?;
        // Many cases misbehave on purpose: how each ended is for the server to judge.
        while let Ok(Some(message)) = websocket.read() {
            if websocket.send(&message).is_err() {
                break;
            }
        }
    }
    let mut websocket = connect(&format!("{server}/updateReports?agent={AGENT}"))?;
    while websocket.read()?.is_some() {}
    Ok(())
}

fn connect(uri: &str) -> Result<WebSocket, Error> {
    let config = Config {
        max_message_bytes: 64 * 1024 * 1024,
        max_fragments: u32::MAX,
        deflate: Some(DeflateConfig {
            outgoing_context_takeover: true,
            incoming_context_takeover: true,
            ..DeflateConfig::default()
        }),
        ..Config::default()
    };
    WebSocket::connect(uri, config)
}
