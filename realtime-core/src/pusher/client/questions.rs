use super::authorization::{About, Question};
use crate::pusher::SocketId;
use alloc::collections::{BTreeMap, VecDeque};
use realtime_ws::Timestamp;

/// Names one question to the authorizer; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(u64);

/// What the authorizer is to be asked, or was, and has not answered.
///
/// All may take equally long, so that the order of asking is the order of the deadlines too.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: BTreeMap<QuestionId, (About, Timestamp)>,
    /// Those of them that the driver does not know of yet.
    unasked: VecDeque<Question>,
    next: u64,
}

impl Questions {
    pub(super) fn ask(&mut self, socket_id: SocketId, about: About, deadline: Timestamp) -> QuestionId {
        let id = QuestionId(self.next);
        self.next += 1;
        self.open.insert(id, (about.clone(), deadline));
        self.unasked.push_back(Question { id, socket_id, about });
        id
    }

    /// Nobody wants to know any more.
    pub(super) fn withdraw(&mut self, id: QuestionId) {
        self.open.remove(&id);
        self.unasked.retain(|question| question.id != id);
    }

    pub(super) fn is_open(&self, id: QuestionId) -> bool {
        self.open.contains_key(&id)
    }

    /// What the question that is answered now was about; `None` if nobody wants to know any more.
    pub(super) fn take(&mut self, id: QuestionId) -> Option<About> {
        let (about, _) = self.open.remove(&id)?;
        Some(about)
    }

    /// A question whose deadline has come. The driver, if it does not know of it yet, will not.
    pub(super) fn overdue(&mut self, now: Timestamp) -> Option<QuestionId> {
        let (id, _) = self.open.first_key_value().filter(|(_, (_, deadline))| *deadline <= now)?;
        let id = *id;
        self.unasked.retain(|question| question.id != id);
        Some(id)
    }

    pub(super) fn first_deadline(&self) -> Option<Timestamp> {
        self.open.first_key_value().map(|(_, (_, deadline))| *deadline)
    }

    /// The next that the driver is to ask.
    pub(super) fn poll(&mut self) -> Option<Question> {
        self.unasked.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.unasked.clear();
    }
}
