//! sockudo-ws, as its `simple_echo` example sets it up, but with one flush for each batch.

use bytes::BytesMut;
use servers::{MAX_MESSAGE_BYTES, Rooms, arguments, on_tokio, run, spawn_on_tokio};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{Config, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    sockudo_ws::init_clock();
    on_tokio(address, |stream| {
        let rooms = rooms.clone();
        async move {
            if let Some(stream) = shake_hands(stream).await {
                let config = Config::builder()
                    .max_message_size(MAX_MESSAGE_BYTES)
                    .max_frame_size(MAX_MESSAGE_BYTES)
                    .build();
                run(program, rooms, WebSocketStream::server(stream, config), spawn_on_tokio).await;
            }
        }
    });
}

async fn shake_hands(mut stream: TcpStream) -> Option<TcpStream> {
    let mut head = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        if let Some((request, _)) = parse_request(&head).ok()? {
            let response = build_response(&generate_accept_key(request.key), None, None);
            stream.write_all(&response).await.ok()?;
            return Some(stream);
        }
    }
}
