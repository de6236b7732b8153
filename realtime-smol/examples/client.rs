//! Connects to a WebSocket server: sends each line of the standard input as a message and prints what comes.
//!
//! ```text
//! cargo run --release -p realtime-smol --example client -- ws://127.0.0.1:9001
//! ```
//!
//! With `--autobahn` the address is that of an Autobahn fuzzing server, whose cases it echoes.

use realtime_smol::{CloseCode, Config, DeflateConfig, Error, OwnedMessage, WebSocket};
use smol::io::{AsyncBufReadExt, BufReader};
use smol::stream::StreamExt;

const AGENT: &str = "realtime-smol";

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    smol::block_on(async {
        match (arguments.next().as_deref(), arguments.next()) {
            (Some("--autobahn"), Some(server)) => run_cases(&server).await,
            (Some(uri), None) => talk(uri).await,
            _ => {
                eprintln!("usage: client ws://HOST[:PORT][/PATH] | client --autobahn ws://HOST:PORT");
                std::process::exit(2)
            }
        }
    })
}

async fn talk(uri: &str) -> Result<(), Error> {
    enum Step {
        Send(String),
        Print(OwnedMessage),
        Leave,
        End,
    }
    let mut websocket = WebSocket::connect(uri, Config::default()).await?;
    let mut lines = BufReader::new(smol::Unblock::new(std::io::stdin())).lines();
    loop {
        // Either may be dropped in favour of the other: nothing is lost.
        let typed = async {
            Ok(match lines.next().await.transpose()? {
                Some(line) => Step::Send(line),
                None => Step::Leave,
            })
        };
        let received = async {
            Ok(match websocket.next().await.transpose()? {
                Some(message) => Step::Print(message),
                None => Step::End,
            })
        };
        let step: Result<Step, Error> = smol::future::or(typed, received).await;
        match step? {
            Step::Send(line) => websocket.send(&line).await?,
            Step::Print(OwnedMessage::Text(text)) => println!("{text}"),
            Step::Print(OwnedMessage::Binary(bytes)) => println!("{} bytes", bytes.len()),
            Step::Leave => return websocket.close(CloseCode::NORMAL, "").await,
            Step::End => {
                if let Some(closure) = websocket.closure() {
                    println!("closed: {closure}");
                }
                return Ok(());
            }
        }
    }
}

async fn run_cases(server: &str) -> Result<(), Error> {
    let mut websocket = connect(&format!("{server}/getCaseCount")).await?;
    let count = match websocket.next().await.transpose()? {
        Some(OwnedMessage::Text(count)) => count.parse().unwrap_or(0),
        Some(OwnedMessage::Binary(_)) | None => 0,
    };
    println!("{count} cases");
    for case in 1..=count {
        let mut websocket = connect(&format!("{server}/runCase?case={case}&agent={AGENT}")).await?;
        // Many cases misbehave on purpose: how each ended is for the server to judge.
        while let Some(Ok(message)) = websocket.next().await {
            if websocket.send(&message).await.is_err() {
                break;
            }
        }
    }
    let mut websocket = connect(&format!("{server}/updateReports?agent={AGENT}")).await?;
    while websocket.next().await.transpose()?.is_some() {}
    Ok(())
}

async fn connect(uri: &str) -> Result<WebSocket, Error> {
    let max_message_bytes = 64 * 1024 * 1024;
    let config = Config {
        max_message_bytes,
        max_fragments: u32::MAX,
        max_unsent_bytes: max_message_bytes,
        deflate: Some(DeflateConfig {
            outgoing_context_takeover: true,
            incoming_context_takeover: true,
            ..DeflateConfig::default()
        }),
        ..Config::default()
    };
    WebSocket::connect(uri, config).await
}
