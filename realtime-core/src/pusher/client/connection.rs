use super::outgoing::Frame;
use crate::pusher::SocketId;
use alloc::collections::VecDeque;
use core::time::Duration;
use realtime_ws::{CloseCode, Timestamp};

/// Names one connection of a client; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    pub(super) const FIRST: Self = Self(0);

    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What there is of a connection.
#[derive(Debug)]
pub(super) enum Phase {
    /// None, and none is wanted.
    Idle,
    /// None; another is opened then.
    Waiting { until: Timestamp },
    /// The driver opens one, or has, and the server has not greeted yet.
    Opening { connection: ConnectionId, deadline: Timestamp },
    /// The server has greeted.
    Established(Established),
}

impl Phase {
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Idle | Self::Waiting { .. } => None,
            Self::Opening { connection, .. } => Some(*connection),
            Self::Established(established) => Some(established.connection),
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Idle => None,
            Self::Waiting { until } => Some(*until),
            Self::Opening { deadline, .. } => Some(*deadline),
            Self::Established(established) => Some(established.deadline()),
        }
    }
}

/// A connection on which the server has greeted.
#[derive(Debug)]
pub(super) struct Established {
    pub(super) connection: ConnectionId,
    pub(super) socket_id: SocketId,
    pub(super) since: Timestamp,
    activity_timeout: Duration,
    last_heard: Timestamp,
    /// Until when the server has to answer, if it was asked whether it lives.
    pong_due: Option<Timestamp>,
}

impl Established {
    pub(super) fn new(
        connection: ConnectionId,
        socket_id: SocketId,
        activity_timeout: Duration,
        now: Timestamp,
    ) -> Self {
        Self { connection, socket_id, since: now, activity_timeout, last_heard: now, pong_due: None }
    }

    /// Something came: the server lives.
    pub(super) fn heard(&mut self, now: Timestamp) {
        self.last_heard = now;
        self.pong_due = None;
    }

    /// The server is asked whether it lives.
    pub(super) fn asked(&mut self, pong_due: Timestamp) {
        self.pong_due = Some(pong_due);
    }

    pub(super) fn awaits_pong(&self) -> bool {
        self.pong_due.is_some()
    }

    /// When it is to be asked, or given up.
    pub(super) fn deadline(&self) -> Timestamp {
        self.pong_due.unwrap_or(self.last_heard + self.activity_timeout)
    }
}

/// A connection that the driver is to close.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) connection: ConnectionId,
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
    /// What it is to send before.
    pub(super) last: VecDeque<Frame>,
}
