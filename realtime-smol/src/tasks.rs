use crate::client::Client;
use crate::driver::Mail;
use crate::handler::{Handler, Peer};
use crate::homes::HomeKey;
use crate::panics::contain_async;
use futures_core::Stream;
use realtime_core::{Answer, ClientId, Credentials, HubError};
use realtime_ws::handshake::Upgrade;
use realtime_ws::{CloseCode, Closure, Message, OwnedMessage, PreparedMessage};
use smol::channel::{Receiver, Sender, unbounded};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// Nothing is read from a connection while this many of its messages wait for its task.
const PAUSE_FROM_MESSAGES: usize = 16;

/// A [`Handler`] whose connections are each a task of smol's global executor, which may wait for whatever it
/// likes.
///
/// ```
/// use realtime_smol::{Conversation, Server, Tasks};
///
/// # async fn look_up(question: &str) -> String { question.to_uppercase() }
/// async fn answer(mut conversation: Conversation) {
///     while let Some(message) = conversation.next().await {
///         if let realtime_smol::OwnedMessage::Text(question) = message {
///             let answer = look_up(&question).await;
///             if conversation.send(&answer).is_err() {
///                 break;
///             }
///         }
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let server = Server::bind("127.0.0.1:0")?;
/// # server.stopper().stop();
/// smol::block_on(server.serve(Tasks::new(answer)))
/// # }
/// ```
///
/// The sockets stay with the drivers. While a task does not take its messages, its connection is not read,
/// and its peer's silence is not held against it.
pub struct Tasks<F> {
    run: F,
}

impl<F, T> Tasks<F>
where
    F: Fn(Conversation) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    /// A handler that runs `run` for each connection. When the task ends the connection is closed, with 1000
    /// or, if it panicked, 1011; when the connection ends, so does the conversation.
    #[must_use]
    pub fn new(run: F) -> Self {
        Self { run }
    }
}

impl<F> fmt::Debug for Tasks<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").finish_non_exhaustive()
    }
}

impl<F, T> Handler for Tasks<F>
where
    F: Fn(Conversation) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    /// Where the task's messages go; `None` until it runs, and if the hub took no client.
    type State = Option<ToTask>;

    fn on_request(&self, _: &Upgrade<'_>, _: SocketAddr) -> Answer<Self::State> {
        Answer::accept(None)
    }

    fn on_open(&self, peer: &mut Peer<'_>, state: &mut Self::State) {
        let client = match peer.connect(Credentials::NONE) {
            Ok(client) => client.clone(),
            Err(error) => {
                // The code is one that may be sent.
                let _ = peer.close(CloseCode::TRY_AGAIN_LATER, &error.to_string());
                return;
            }
        };
        let (messages, from_driver) = unbounded(); // bounded by pausing
        let is_paused = Arc::new(AtomicBool::new(false));
        let conversation = Conversation {
            client: client.clone(),
            at: *peer.at,
            messages: Box::pin(from_driver),
            is_paused: is_paused.clone(),
            mail: peer.mail.clone(),
        };
        *state = Some(ToTask { messages, is_paused });
        let task = (self.run)(conversation);
        smol::spawn(async move {
            let (code, reason) = match contain_async(task).await {
                Some(()) => (CloseCode::NORMAL, ""),
                None => (CloseCode::INTERNAL_ERROR, "the application failed"),
            };
            // It may be gone already.
            let _ = client.disconnect(code, reason);
        })
        .detach();
    }

    fn on_message(&self, peer: &mut Peer<'_>, state: &mut Self::State, message: Message<'_>) {
        let Some(to_task) = state else { return };
        // Refused only if the task has dropped the conversation: then nobody wants it.
        let _ = to_task.messages.try_send(message.into());
        if to_task.messages.len() >= PAUSE_FROM_MESSAGES {
            to_task.is_paused.store(true, Ordering::SeqCst);
            // The task may have taken them all before it could see that; then it would never resume.
            if !resumes(to_task.messages.len(), &to_task.is_paused) {
                peer.pause();
            }
        }
    }

    fn on_close(&self, _: Option<ClientId>, state: Self::State, _: &Closure) {
        drop(state); // which ends the conversation
    }
}

/// A connection's side of its task.
#[derive(Debug)]
pub struct ToTask {
    messages: Sender<OwnedMessage>,
    is_paused: Arc<AtomicBool>,
}

/// Whether the connection is to be read again, said once for each pause.
fn resumes(waiting_messages: usize, is_paused: &AtomicBool) -> bool {
    waiting_messages < PAUSE_FROM_MESSAGES / 2 && is_paused.swap(false, Ordering::SeqCst)
}

/// A task's side of its connection: a stream of the messages that come, and ways to answer.
pub struct Conversation {
    client: Client,
    /// Where the client lives among its driver's.
    at: HomeKey,
    messages: Pin<Box<Receiver<OwnedMessage>>>,
    is_paused: Arc<AtomicBool>,
    mail: Arc<Mail>,
}

impl Conversation {
    /// The next message; `None` once the connection has ended. Safe to cancel.
    pub async fn next(&mut self) -> Option<OwnedMessage> {
        let message = self.messages.recv().await.ok();
        self.resume();
        message
    }

    /// Sends a message, after all that is already on its way. It waits in the client's outbox, bounded as
    /// that is.
    ///
    /// # Errors
    /// [`HubError::UnknownClient`] once the connection has ended; [`HubError`].
    pub fn send(&self, message: impl Into<PreparedMessage>) -> Result<(), HubError> {
        self.client.send(message)
    }

    /// The client of a hub that this connection is: of the server's, unless it was connected to another one before.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    fn resume(&self) {
        if resumes(self.messages.len(), &self.is_paused) {
            self.mail.resume(self.at, self.client.id());
        }
    }
}

impl Stream for Conversation {
    type Item = OwnedMessage;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<OwnedMessage>> {
        let message = self.messages.as_mut().poll_next(context);
        if message.is_ready() {
            self.resume();
        }
        message
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("client", &self.client).finish_non_exhaustive()
    }
}
