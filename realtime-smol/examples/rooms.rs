//! Rooms by text commands: `join NAME`, `leave NAME`, and `say NAME TEXT`, which sends TEXT to every member of NAME.
//!
//! ```text
//! cargo run --release -p realtime-smol --example rooms -- 127.0.0.1:9002
//! ```

use realtime_smol::{Answer, Client, Credentials, Handler, HubError, Message, Peer, Server, Upgrade};
use std::io;
use std::net::SocketAddr;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9002".into());
    let server = Server::bind(address)?;
    println!("rooms listens at ws://{}", server.local_addr()?);
    smol::block_on(server.serve(Rooms))
}

struct Rooms;

impl Handler for Rooms {
    type State = ();

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<()> {
        Answer::accept(())
    }

    fn on_message(&self, peer: &mut Peer<'_>, (): &mut (), message: Message<'_>) {
        let outcome = match message {
            Message::Text(command) => {
                peer.connect(Credentials::NONE).map_err(in_words).and_then(|client| obey(client, command))
            }
            Message::Binary(_) => Err("commands are text".into()),
        };
        if let Err(error) = outcome {
            let _ = peer.send(&format!("error: {error}"));
        }
    }
}

fn obey(client: &Client, command: &str) -> Result<(), String> {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    match (verb, rest.split_once(' ')) {
        ("join", None) if !rest.is_empty() => {
            // Rooms are public channels: whoever asks is in at once.
            drop(client.subscribe(rest));
            Ok(())
        }
        ("leave", None) if !rest.is_empty() => client.unsubscribe(rest).map_err(in_words),
        ("say", Some((room, text))) => client.hub().broadcast(room, text).map_err(in_words),
        _ => Err("commands are `join NAME`, `leave NAME` and `say NAME TEXT`".into()),
    }
}

fn in_words(error: HubError) -> String {
    error.to_string()
}
