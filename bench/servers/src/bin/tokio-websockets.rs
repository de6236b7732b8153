//! tokio-websockets, as its echo example sets it up, but with one flush for each batch.

use servers::{MAX_MESSAGE_BYTES, Rooms, arguments, on_tokio, run, spawn_on_tokio};
use tokio_websockets::{Config, Limits, ServerBuilder};

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    on_tokio(address, |stream| {
        let rooms = rooms.clone();
        async move {
            let builder = ServerBuilder::new()
                .config(Config::default().frame_size(usize::MAX))
                .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE_BYTES)));
            if let Ok((_, socket)) = builder.accept(stream).await {
                run(program, rooms, socket, spawn_on_tokio).await;
            }
        }
    });
}
