use crate::close::CloseCode;
use crate::opcode::MessageKind;

/// What came from the peer. Lent: copy what is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A piece of a message, with [`Delivery::Pieces`](crate::Delivery::Pieces) only.
    Piece(Piece<'a>),
    /// The peer asks for a pong; the answer is already queued, unless our close frame is.
    Ping(&'a [u8]),
    /// The peer answers a ping, or says unasked that it lives.
    Pong(&'a [u8]),
    /// The peer closes, or answers our close; our answer is already queued. No event follows.
    Closing {
        /// The code, if it gave one.
        code: Option<CloseCode>,
        /// The reason; may be empty.
        reason: &'a str,
    },
}

/// A part of a message, as it arrived; empty ones occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The type of the message that this belongs to.
    pub kind: MessageKind,
    /// The bytes. Of a text message they are UTF-8 taken together; a character may be cut by the
    /// end of a piece, never by the end of the message.
    pub bytes: &'a [u8],
    /// Whether the message ends with this piece.
    pub is_last: bool,
}
