//! Sends every message back with its type. Takes messages of 64 MiB, or of as many bytes as it is told.
//!
//! ```text
//! cargo run --release -p realtime-smol --example echo -- 127.0.0.1:9001 [MAX_MESSAGE_BYTES]
//! ```

use realtime_smol::{Config, DeflateConfig, Message, Peer, Server};
use std::io;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:9001".into());
    let max_message_bytes = match arguments.next() {
        Some(bytes) => bytes.parse().map_err(io::Error::other)?,
        None => 64 * 1024 * 1024,
    };
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
    let server = Server::builder().config(config).bind(address)?;
    println!("echo listens at ws://{}", server.local_addr()?);
    smol::block_on(server.serve(|peer: &mut Peer<'_>, message: Message<'_>| {
        // Refused only while the connection is closing; then nobody waits for an answer.
        let _ = peer.send(message);
    }))
}
