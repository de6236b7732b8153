use super::authorizer::Authorizer;
use super::waiting::wait_for;
use crate::endpoint::Endpoint;
use crate::shared::{Order, Shared, Socket, ending};
use realtime_core::pusher::client::ConnectionId;
use realtime_std::{OwnedMessage, Reader, WebSocket, Writer};
use std::sync::Arc;
use std::task::Poll;
use std::{io, thread};

/// The thread that opens the connections, sends, and keeps the time.
pub(super) struct Driver {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    authorizer: Authorizer,
    /// The half that sends of the connection that there is.
    writer: Option<(ConnectionId, Writer)>,
}

/// What the driver does next.
enum Turn {
    Perform(Order),
    Send(ConnectionId, String),
    End,
}

impl Driver {
    pub(super) fn start(shared: Arc<Shared>, endpoint: Endpoint, authorizer: Authorizer) -> io::Result<()> {
        let mut driver = Self { shared, endpoint, authorizer, writer: None };
        thread::Builder::new().name("realtime-client".into()).spawn(move || driver.run())?;
        Ok(())
    }

    fn run(&mut self) {
        loop {
            match self.next_turn() {
                Turn::Perform(Order::Open(socket)) => self.open(socket),
                Turn::Perform(Order::Close { connection, code, reason }) => {
                    if let Some(mut writer) = self.take_writer(connection) {
                        // If it fails, the connection is at its end all the same. The reader sees it through.
                        let _ = writer.close(code, reason);
                    }
                }
                Turn::Perform(Order::Ask(question)) => self.authorizer.ask(question, &self.shared),
                Turn::Send(connection, text) => {
                    if let Some((_, writer)) = self.writer.as_mut().filter(|(id, _)| *id == connection) {
                        // If it fails, the reader finds the end, and tells of it.
                        let _ = writer.send(&text);
                    }
                }
                Turn::End => return,
            }
        }
    }

    fn next_turn(&self) -> Turn {
        let shared = &self.shared;
        wait_for(
            |context| match shared.poll_action(context) {
                Poll::Ready(Some(order)) => Poll::Ready(Turn::Perform(order)),
                Poll::Ready(None) => Poll::Ready(Turn::End),
                Poll::Pending => match shared.poll_transmit() {
                    Some((connection, text)) => Poll::Ready(Turn::Send(connection, text)),
                    None => Poll::Pending,
                },
            },
            || shared.poll_timeout().map(|due| shared.clock().until(due)),
        )
    }

    fn open(&mut self, socket: Socket) {
        self.writer = None;
        let opened = WebSocket::connect(&self.endpoint.uri, self.endpoint.config.clone());
        let (reader, writer) = match opened {
            Ok(websocket) => websocket.split(),
            Err(error) => return socket.ended(None, &error.to_string()),
        };
        let socket = Arc::new(socket);
        let read_all = {
            let socket = socket.clone();
            move || read(reader, &socket)
        };
        match thread::Builder::new().name("realtime-client reader".into()).spawn(read_all) {
            Ok(_) => self.writer = Some((socket.connection, writer)),
            Err(error) => socket.ended(None, &format!("no thread can be started: {error}")),
        }
    }

    fn take_writer(&mut self, connection: ConnectionId) -> Option<Writer> {
        let (_, writer) = self.writer.take_if(|(id, _)| *id == connection)?;
        Some(writer)
    }
}

/// Reads one connection from its first text to its end.
fn read(mut reader: Reader, socket: &Socket) {
    let Socket { connection, shared } = socket;
    let (code, reason) = loop {
        match reader.read() {
            Ok(Some(OwnedMessage::Text(text))) => {
                shared.change(|client, now| client.handle_text(*connection, &text, now));
            }
            Ok(Some(OwnedMessage::Binary(_))) => {
                shared.change(|client, now| client.handle_binary(*connection, now));
            }
            Ok(None) => break ending(reader.closure()),
            Err(error) => break (None, error.to_string()),
        }
    };
    socket.ended(code, &reason);
}
