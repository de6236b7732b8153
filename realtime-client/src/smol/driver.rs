use crate::endpoint::Endpoint;
use crate::shared::{Order, Shared, Socket, ending};
use ::smol::Timer;
use ::smol::future::{Boxed, or};
use futures_core::Stream;
use futures_sink::Sink;
use realtime_core::pusher::client::{Authorization, Client, Question};
use realtime_smol::{CloseCode, Error, OwnedMessage, WebSocket};
use realtime_ws::Timestamp;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Gets a signature from wherever the application has it, or says why there is none.
pub(super) type Authorize = dyn Fn(Question) -> Boxed<Result<Authorization, String>> + Send + Sync;

/// Other tasks get their turn after so many messages, though more are there.
const MESSAGES_PER_TURN: usize = 64;

/// The task that opens the connections, reads, sends, and keeps the time.
pub(super) struct Driver {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    authorize: Option<Arc<Authorize>>,
    patience_with_authorizer: Duration,
    link: Link,
    timer: Option<(Timestamp, Timer)>,
}

/// The connection that there is.
enum Link {
    None,
    Opening(Socket, Boxed<Result<WebSocket, Error>>),
    Open(Socket, Box<WebSocket>),
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        endpoint: Endpoint,
        authorize: Option<Arc<Authorize>>,
        patience_with_authorizer: Duration,
    ) -> Self {
        Self { shared, endpoint, authorize, patience_with_authorizer, link: Link::None, timer: None }
    }

    pub(super) async fn run(mut self) {
        while let Some(order) = poll_fn(|context| self.poll_order(context)).await {
            self.perform(order);
        }
    }

    /// Moves messages until there is something else to do; `None` once nothing more will come.
    fn poll_order(&mut self, context: &mut Context<'_>) -> Poll<Option<Order>> {
        for _ in 0..MESSAGES_PER_TURN {
            if let Poll::Ready(order) = self.shared.poll_action(context) {
                return Poll::Ready(order);
            }
            if self.poll_transmit(context).is_ready() {
                continue; // a connection is closed once all is sent
            }
            let went_on = match &mut self.link {
                Link::None => Poll::Pending,
                Link::Opening(..) => self.poll_opening(context),
                Link::Open(socket, websocket) => {
                    poll_message(socket, websocket, context).map(|came| match came {
                        Came::Message => {}
                        Came::End => self.link = Link::None,
                    })
                }
            };
            if went_on.is_pending() && self.poll_due(context).is_pending() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Hands a text to the connection, or throws it away if that has ended. Pending if there is none, or no room.
    fn poll_transmit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let open = match &mut self.link {
            Link::None => None,
            Link::Opening(..) => return Poll::Pending,
            Link::Open(socket, websocket) => {
                // If it fails, so it will be told when it is read. A server that takes nothing is not to keep a
                // connection from being closed.
                let has_room = matches!(Pin::new(&mut **websocket).poll_ready(context), Poll::Ready(Ok(())));
                if !has_room && !self.shared.see(Client::is_closing) {
                    return Poll::Pending;
                }
                Some((socket, websocket))
            }
        };
        let Some((connection, text)) = self.shared.poll_transmit() else { return Poll::Pending };
        if let Some((_, websocket)) = open.filter(|(socket, _)| socket.connection == connection) {
            // A connection that is closing takes none, and its end is told when it is read.
            let _ = Pin::new(&mut **websocket).start_send(text.into());
        }
        Poll::Ready(())
    }

    fn poll_opening(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Link::Opening(_, opening) = &mut self.link else { return Poll::Pending };
        let Poll::Ready(opened) = opening.as_mut().poll(context) else { return Poll::Pending };
        let Link::Opening(socket, _) = mem::replace(&mut self.link, Link::None) else { return Poll::Pending };
        match opened {
            Ok(websocket) => self.link = Link::Open(socket, Box::new(websocket)),
            Err(error) => socket.ended(None, &error.to_string()),
        }
        Poll::Ready(())
    }

    /// Ready when the client is to be asked again, though nothing came.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.shared.poll_timeout() else {
            self.timer = None;
            return Poll::Pending;
        };
        // A timer that rings too early is set anew then; every message moves the deadline.
        let timer = match &mut self.timer {
            Some((entered, timer)) if *entered <= due => timer,
            timer => &mut timer.insert((due, Timer::at(self.shared.clock().instant(due)))).1,
        };
        if Pin::new(timer).poll(context).is_pending() {
            return Poll::Pending;
        }
        self.timer = None;
        Poll::Ready(())
    }

    fn perform(&mut self, order: Order) {
        match order {
            Order::Open(socket) => {
                let Endpoint { uri, config } = self.endpoint.clone();
                let opening = async move { WebSocket::connect(&uri, config).await };
                self.link = Link::Opening(socket, Box::pin(opening));
            }
            Order::Close { connection, code, reason } => {
                match mem::replace(&mut self.link, Link::None) {
                    Link::Open(socket, websocket) if socket.connection == connection => {
                        ::smol::spawn(close(socket, websocket, code, reason)).detach();
                    }
                    Link::Opening(socket, opening) if socket.connection == connection => {
                        drop((opening, socket));
                    }
                    // It has ended by itself.
                    link @ (Link::None | Link::Opening(..) | Link::Open(..)) => self.link = link,
                }
            }
            Order::Ask(question) => self.ask(question),
        }
    }

    fn ask(&self, question: Question) {
        let (id, shared) = (question.id, self.shared.clone());
        let answer = move |shared: &Shared, answer| shared.change(|client, _| client.answer(id, answer));
        let Some(authorize) = self.authorize.clone() else {
            return answer(&shared, Err("there is no authorizer".into()));
        };
        let patience = self.patience_with_authorizer;
        let asking = async move {
            let too_late = async {
                Timer::after(patience).await;
                Err("the authorizer took too long".into())
            };
            let said = or(async { authorize(question).await }, too_late).await;
            answer(&shared, said);
        };
        ::smol::spawn(asking).detach();
    }
}

/// What came over a connection, and was told.
enum Came {
    Message,
    End,
}

/// Receives a message, and writes what waits.
fn poll_message(socket: &Socket, websocket: &mut WebSocket, context: &mut Context<'_>) -> Poll<Came> {
    let (shared, connection) = (&socket.shared, socket.connection);
    let (code, reason) = match Pin::new(&mut *websocket).poll_next(context) {
        Poll::Pending => return Poll::Pending,
        Poll::Ready(Some(Ok(OwnedMessage::Text(text)))) => {
            shared.change(|client, now| client.handle_text(connection, &text, now));
            return Poll::Ready(Came::Message);
        }
        Poll::Ready(Some(Ok(OwnedMessage::Binary(_)))) => {
            shared.change(|client, now| client.handle_binary(connection, now));
            return Poll::Ready(Came::Message);
        }
        Poll::Ready(Some(Err(error))) => (None, error.to_string()),
        Poll::Ready(None) => ending(websocket.closure()),
    };
    socket.ended(code, &reason);
    Poll::Ready(Came::End)
}

/// Closes a connection that the client has done with.
async fn close(socket: Socket, mut websocket: Box<WebSocket>, code: CloseCode, reason: &'static str) {
    // Whether the server answers in time makes no difference any more.
    let _ = websocket.close(code, reason).await;
    drop((websocket, socket));
}
