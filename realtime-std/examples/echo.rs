//! Sends every message back with its type.
//!
//! ```text
//! cargo run --release -p realtime-std --example echo -- 127.0.0.1:9001
//! ```

use realtime_std::{Config, DeflateConfig, Message, Peer, Server};
use std::io;

const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let config = Config {
        max_message_bytes: MAX_MESSAGE_BYTES,
        max_fragments: u32::MAX,
        deflate: Some(DeflateConfig {
            outgoing_context_takeover: true,
            incoming_context_takeover: true,
            ..DeflateConfig::default()
        }),
        ..Config::default()
    };
    let server = Server::builder().config(config).bind(address)?;
    println!("echo listens at ws://{}", server.local_addr()?);
    server.serve(|peer: &mut Peer<'_>, message: Message<'_>| {
        // Refused only while the connection is closing; then nobody waits for an answer.
        let _ = peer.send(message);
    })
}
