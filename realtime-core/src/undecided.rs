use crate::{ClientId, RequestId};
use alloc::collections::BTreeMap;
use realtime_ws::Timestamp;

/// What the authorizer was asked and has not decided yet.
///
/// All may take equally long, so that the order of asking is the order of the deadlines too.
#[derive(Default)]
pub(crate) struct Undecided {
    questions: BTreeMap<RequestId, Question>,
    next: u64,
}

struct Question {
    client: ClientId,
    deadline: Timestamp,
}

impl Undecided {
    pub(crate) fn ask(&mut self, client: ClientId, deadline: Timestamp) -> RequestId {
        let request = RequestId(self.next);
        self.next += 1;
        self.questions.insert(request, Question { client, deadline });
        request
    }

    /// Whom `request`, which is answered now, was about; `None` if nobody wants to know any more.
    pub(crate) fn take(&mut self, request: RequestId) -> Option<ClientId> {
        self.questions.remove(&request).map(|question| question.client)
    }

    /// A question whose deadline has come, and whom it was about.
    pub(crate) fn take_overdue(&mut self, now: Timestamp) -> Option<(RequestId, ClientId)> {
        let first = self.questions.first_entry().filter(|first| first.get().deadline <= now)?;
        let (request, question) = first.remove_entry();
        Some((request, question.client))
    }

    pub(crate) fn first_deadline(&self) -> Option<Timestamp> {
        self.questions.first_key_value().map(|(_, question)| question.deadline)
    }
}
