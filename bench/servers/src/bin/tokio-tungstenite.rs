//! tokio-tungstenite, with its own defaults for buffers.

use servers::{MAX_MESSAGE_BYTES, Rooms, arguments, on_tokio, run, spawn_on_tokio};
use tungstenite::protocol::WebSocketConfig;

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    on_tokio(address, |stream| {
        let rooms = rooms.clone();
        async move {
            if let Ok(socket) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await {
                run(program, rooms, socket, spawn_on_tokio).await;
            }
        }
    });
}
