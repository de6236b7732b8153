//! fastwebsockets on hyper, as its examples have it. It writes each frame by itself and has no batches.

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocket, WebSocketError,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use servers::{BATCH, MAX_MESSAGE_BYTES, Message, Program, Rooms, arguments, on_tokio};

type Socket = WebSocket<TokioIo<Upgraded>>;

fn main() {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    on_tokio(address, |stream| {
        let rooms = rooms.clone();
        async move {
            let serve = service_fn(move |mut request| {
                let rooms = rooms.clone();
                async move {
                    let (response, upgraded) = fastwebsockets::upgrade::upgrade(&mut request)?;
                    tokio::spawn(tokio::task::unconstrained(async move {
                        if let Ok(mut socket) = upgraded.await {
                            socket.set_max_message_size(MAX_MESSAGE_BYTES);
                            let _ = match program {
                                Program::Echo => echo(socket).await,
                                Program::Rooms => be_in_rooms(rooms, socket).await,
                            };
                        }
                    }));
                    Ok::<_, WebSocketError>(response)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).with_upgrades().await;
        }
    });
}

async fn echo(socket: Socket) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

/// A text that many get.
#[derive(Clone)]
struct Text(Bytes);

impl Message for Text {
    fn is_data(&self) -> bool {
        true
    }

    fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    fn from_text(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

async fn be_in_rooms(rooms: Rooms<Text>, socket: Socket) -> Result<(), WebSocketError> {
    let (reader, mut writer) = socket.split(tokio::io::split);
    let mut reader = FragmentCollectorRead::new(reader);
    let (member, mut inbox) = rooms.enter();
    let writing = tokio::spawn(tokio::task::unconstrained(async move {
        let mut batch = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut batch, BATCH).await > 0 {
            for Text(text) in batch.drain(..) {
                if writer.write_frame(Frame::text(Payload::Borrowed(&text))).await.is_err() {
                    return;
                }
            }
        }
    }));
    // Nothing that obliges to an answer is sent by the load.
    while let Ok(frame) = reader.read_frame(&mut |_| async { Ok::<_, WebSocketError>(()) }).await {
        match frame.opcode {
            OpCode::Close => break,
            OpCode::Text => {
                if let Ok(command) = std::str::from_utf8(&frame.payload) {
                    rooms.obey(&member, command);
                }
            }
            OpCode::Binary | OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
    rooms.leave_all(&member);
    writing.abort();
    Ok(())
}
