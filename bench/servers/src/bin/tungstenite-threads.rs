//! tungstenite on threads: one for each connection, and in rooms a second one that writes.

use servers::{BATCH, MAX_MESSAGE_BYTES, Message as _, Program, Rooms, arguments};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

fn main() -> io::Result<()> {
    let (program, address) = arguments();
    let rooms = Rooms::default();
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let listener = TcpListener::bind(address)?;
    for stream in listener.incoming() {
        let rooms = rooms.clone();
        let serve = move || -> Result<(), Error> {
            let stream = stream?;
            stream.set_nodelay(true)?;
            match program {
                Program::Echo => match tungstenite::accept_with_config(stream, Some(config)) {
                    Ok(socket) => echo(socket),
                    Err(_) => Ok(()),
                },
                Program::Rooms => be_in_rooms(rooms, stream, config),
            }
        };
        thread::Builder::new().stack_size(64 * 1024).spawn(serve)?;
    }
    Ok(())
}

fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Error> {
    loop {
        let message = socket.read()?;
        if message.is_data() {
            socket.send(message)?;
        }
    }
}

/// Reading and writing halves of one socket; tungstenite has none of its own.
struct Half(Arc<TcpStream>);

impl Read for Half {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn be_in_rooms(rooms: Rooms<Message>, stream: TcpStream, config: WebSocketConfig) -> Result<(), Error> {
    let stream = Arc::new(stream);
    let Ok(mut reading) = tungstenite::accept_with_config(Half(stream.clone()), Some(config)) else {
        return Ok(());
    };
    let mut writing = WebSocket::from_raw_socket(Half(stream), Role::Server, Some(config));
    let (member, mut inbox) = rooms.enter();
    thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        let mut batch = Vec::with_capacity(BATCH);
        while inbox.blocking_recv_many(&mut batch, BATCH) > 0 {
            for message in batch.drain(..) {
                writing.write(message)?;
            }
            writing.flush()?;
        }
        Ok::<(), Error>(())
    })?;
    while let Ok(message) = reading.read() {
        if let Some(command) = message.as_text() {
            rooms.obey(&member, command);
        }
    }
    rooms.leave_all(&member);
    Ok(())
}
