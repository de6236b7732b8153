use crate::shared::Shared;
use realtime_core::pusher::client::{Authorization, Question};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::{io, thread};

/// Gets a signature from wherever the application has it, or says why there is none.
pub(super) type Authorize = dyn Fn(&Question) -> Result<Authorization, String> + Send;

/// More than a client asks on one connection. Those of earlier ones are answered in vain.
const MAX_QUESTIONS: usize = 1024;

/// A thread that asks the application, so that nothing else waits for it.
pub(super) struct Authorizer {
    questions: Option<SyncSender<Question>>,
}

impl Authorizer {
    pub(super) fn new(authorize: Option<Box<Authorize>>, shared: &Arc<Shared>) -> io::Result<Self> {
        let Some(authorize) = authorize else { return Ok(Self { questions: None }) };
        let (sender, receiver) = sync_channel(MAX_QUESTIONS);
        let shared = shared.clone();
        thread::Builder::new()
            .name("realtime-client authorizer".into())
            .spawn(move || run(&authorize, &receiver, &shared))?;
        Ok(Self { questions: Some(sender) })
    }

    pub(super) fn ask(&self, question: Question, shared: &Shared) {
        let Some(questions) = &self.questions else {
            return answer(&question, Err("there is no authorizer".into()), shared);
        };
        match questions.try_send(question) {
            Ok(()) => {}
            Err(TrySendError::Full(question)) => {
                answer(&question, Err("too many questions wait for the authorizer".into()), shared);
            }
            Err(TrySendError::Disconnected(question)) => {
                answer(&question, Err("the authorizer panicked".into()), shared);
            }
        }
    }
}

fn run(authorize: &Authorize, questions: &Receiver<Question>, shared: &Shared) {
    while let Ok(question) = questions.recv() {
        answer(&question, authorize(&question), shared);
    }
}

fn answer(question: &Question, answer: Result<Authorization, String>, shared: &Shared) {
    shared.change(|client, _| client.answer(question.id, answer));
}
