use crate::shared::Shared;
use realtime_adapter::lock;
use realtime_core::pusher::client::{Authorization, Question};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::{io, thread};

/// Gets a signature from wherever the application has it, or says why there is none.
pub(super) type Authorize = dyn Fn(&Question) -> Result<Authorization, String> + Send;

/// A thread that asks the application, so that nothing else waits for it.
pub(super) struct Authorizer {
    desk: Option<Desk>,
}

/// Where the thread finds its questions.
struct Desk {
    questions: Arc<Questions>,
    bell: SyncSender<()>,
}

/// The questions that wait; those that nobody awaits an answer to are thrown away before there are too many.
type Questions = Mutex<VecDeque<Question>>;

impl Authorizer {
    pub(super) fn new(authorize: Option<Box<Authorize>>, shared: &Arc<Shared>) -> io::Result<Self> {
        let Some(authorize) = authorize else { return Ok(Self { desk: None }) };
        let (bell, rings) = sync_channel(1);
        let questions = Arc::new(Questions::default());
        let (desk, shared) = (Desk { questions: questions.clone(), bell }, shared.clone());
        thread::Builder::new()
            .name("realtime-client authorizer".into())
            .spawn(move || run(&authorize, &rings, &questions, &shared))?;
        Ok(Self { desk: Some(desk) })
    }

    pub(super) fn ask(&self, question: Question, shared: &Shared) {
        let Some(Desk { questions, bell }) = &self.desk else {
            return answer(&question, Err("there is no authorizer".into()), shared);
        };
        let mut waiting = lock(questions);
        if waiting.len() == waiting.capacity() {
            shared.see(|client| waiting.retain(|question| client.awaits(question.id)));
        }
        waiting.push_back(question);
        drop(waiting);
        match bell.try_send(()) {
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => {
                for question in std::mem::take(&mut *lock(questions)) {
                    answer(&question, Err("the authorizer panicked".into()), shared);
                }
            }
        }
    }
}

fn run(authorize: &Authorize, rings: &Receiver<()>, questions: &Questions, shared: &Shared) {
    let next = || lock(questions).pop_front();
    while let Ok(()) = rings.recv() {
        while let Some(question) = next() {
            if shared.see(|client| client.awaits(question.id)) {
                answer(&question, authorize(&question), shared);
            }
        }
    }
}

fn answer(question: &Question, answer: Result<Authorization, String>, shared: &Shared) {
    shared.change(|client, _| client.answer(question.id, answer));
}
