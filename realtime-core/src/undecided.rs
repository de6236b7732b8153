use crate::{ChannelName, ClientId, RequestId};
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

/// Whom an answer concerns.
pub(crate) struct Question {
    pub(crate) client: ClientId,
    pub(crate) channel: ChannelName,
    deadline: Timestamp,
}

impl Undecided {
    pub(crate) fn ask(&mut self, client: ClientId, channel: ChannelName, deadline: Timestamp) -> RequestId {
        let request = RequestId(self.next);
        self.next += 1;
        self.questions.insert(request, Question { client, channel, deadline });
        request
    }

    /// The question that is answered now; `None` if nobody wants to know any more.
    pub(crate) fn take(&mut self, request: RequestId) -> Option<Question> {
        self.questions.remove(&request)
    }

    /// A question whose deadline has come.
    pub(crate) fn take_overdue(&mut self, now: Timestamp) -> Option<Question> {
        let first = self.questions.first_entry().filter(|first| first.get().deadline <= now)?;
        Some(first.remove())
    }

    pub(crate) fn first_deadline(&self) -> Option<Timestamp> {
        self.questions.first_key_value().map(|(_, question)| question.deadline)
    }
}
