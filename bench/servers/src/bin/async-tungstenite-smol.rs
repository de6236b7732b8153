//! async-tungstenite on smol: a task for each connection, all in one thread.

use async_io::Async;
use servers::{MAX_MESSAGE_BYTES, Rooms, arguments, listen, run};
use smol::net::TcpStream;
use std::sync::Arc;
use tungstenite::protocol::WebSocketConfig;

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let executor = Arc::new(smol::Executor::new());
    smol::block_on(executor.run(async {
        let listener = Async::new_nonblocking(listen(address)).expect("a listener");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let rooms = rooms.clone();
            let beside = executor.clone();
            executor
                .spawn(async move {
                    let stream = TcpStream::from(stream);
                    let _ = stream.set_nodelay(true);
                    if let Ok(socket) =
                        async_tungstenite::accept_async_with_config(stream, Some(config)).await
                    {
                        run(program, rooms, socket, |task| beside.spawn(task).detach()).await;
                    }
                })
                .detach();
        }
    }));
}
