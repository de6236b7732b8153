//! Random lives of a hub: steps that mean something whatever came before them.

use super::{SEED, drain};
use proptest::prelude::*;
use realtime_core::wire::Plain;
use realtime_core::{
    Action, Authorization, ClientId, Config, Credentials, Decision, Home, Hub, Input, InputError, Member,
    RequestId,
};
use realtime_ws::{CloseCode, Timestamp};
use std::time::Duration;

pub const CHANNELS: [&str; 7] =
    ["chat", "news", "private-a", "presence-a", "presence-b", "", "a-name-too-long"];

/// Small limits, so that random lives meet them.
pub fn config() -> Config {
    Config {
        authorization: Authorization::Ask,
        authorization_timeout: Duration::from_millis(50),
        max_channels_per_client: 3,
        max_channel_name_bytes: 12,
        max_members_per_channel: 3,
        max_member_bytes: 40,
        max_roster_bytes: 120,
        subscriber_count_interval: None,
        retention: Duration::from_millis(60),
        max_retained_messages: 2,
        max_retained_bytes: 40,
    }
}

/// One step. Clients and requests are named by when they appeared, the latest first, so that steps mostly
/// concern what is alive.
#[derive(Clone, Debug)]
pub enum Step {
    Connect { home: u16 },
    Subscribe { client: usize, channel: &'static str },
    Unsubscribe { client: usize, channel: &'static str },
    Allow { request: usize, id: &'static str, info: &'static str },
    AllowAsItself { request: usize },
    Deny { request: usize },
    Broadcast { channel: &'static str, except: Option<usize> },
    Retain { channel: &'static str, except: Option<usize> },
    Send { client: usize },
    Disconnect { client: usize },
    Gone { client: usize },
    Wait { millis: u64 },
    Close,
}

/// A life, which may end with a close and what comes after it.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after_close = proptest::collection::vec(step(), 0..10);
    (proptest::collection::vec(step(), 0..300), proptest::option::of(after_close)).prop_map(
        |(mut steps, after_close)| {
            if let Some(after_close) = after_close {
                steps.push(Step::Close);
                steps.extend(after_close);
                steps.push(Step::Close);
            }
            steps
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let channel =
        || proptest::prop_oneof![3 => Just("presence-a"), 5 => proptest::sample::select(&CHANNELS[..])];
    let id = proptest::sample::select(&["", "ada", "ada", "bob", "eve"][..]);
    let info = proptest::sample::select(&["", "1", r#"{"a":2}"#, r#""longer than all limits""#][..]);
    let client = || 0usize..6;
    prop_oneof![
        8 => (0u16..3).prop_map(|home| Step::Connect { home }),
        24 => (client(), channel()).prop_map(|(client, channel)| Step::Subscribe { client, channel }),
        4 => (client(), channel()).prop_map(|(client, channel)| Step::Unsubscribe { client, channel }),
        20 => (0usize..3, id, info).prop_map(|(request, id, info)| Step::Allow { request, id, info }),
        3 => (0usize..3).prop_map(|request| Step::AllowAsItself { request }),
        2 => (0usize..3).prop_map(|request| Step::Deny { request }),
        8 => (channel(), proptest::option::of(client()))
            .prop_map(|(channel, except)| Step::Broadcast { channel, except }),
        8 => (channel(), proptest::option::of(client()))
            .prop_map(|(channel, except)| Step::Retain { channel, except }),
        3 => client().prop_map(|client| Step::Send { client }),
        1 => client().prop_map(|client| Step::Disconnect { client }),
        2 => client().prop_map(|client| Step::Gone { client }),
        4 => (0u64..30).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// A hub that lives through steps.
pub struct Life {
    pub hub: Hub,
    pub now: Timestamp,
    clients: Vec<ClientId>,
    requests: Vec<RequestId>,
    messages: u64,
}

impl Life {
    pub fn new(seed: [u8; 16]) -> Self {
        let hub = Hub::new(config(), Plain, seed);
        Self { hub, now: Timestamp::START, clients: Vec::new(), requests: Vec::new(), messages: 0 }
    }

    /// All inputs and what came of them.
    pub fn transcript(seed: [u8; 16], steps: &[Step]) -> Vec<(Input, Result<(), InputError>, Vec<Action>)> {
        let mut life = Self::new(seed);
        steps.iter().filter_map(|step| life.live(step)).collect()
    }

    /// Takes the step, if it means something.
    pub fn live(&mut self, step: &Step) -> Option<(Input, Result<(), InputError>, Vec<Action>)> {
        let input = self.input(step)?;
        let (result, actions) = self.take(input.clone());
        Some((input, result, actions))
    }

    /// Lets everyone go who is not gone yet.
    pub fn end(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for client in self.clients.clone() {
            actions.extend(self.take(Input::Gone { client }).1);
        }
        actions
    }

    pub fn take(&mut self, input: Input) -> (Result<(), InputError>, Vec<Action>) {
        let result = self.hub.handle_input(input, self.now);
        let actions = drain(&mut self.hub);
        for action in &actions {
            if let Action::Connected { client } = action {
                self.clients.push(*client);
            } else if let Action::Authorize(asked) = action {
                self.requests.push(asked.request);
            }
        }
        (result, actions)
    }

    fn input(&mut self, step: &Step) -> Option<Input> {
        Some(match *step {
            Step::Connect { home } => Input::Connect { credentials: Credentials::NONE, home: Home(home) },
            Step::Subscribe { client, channel } => {
                Input::Subscribe { client: self.client(client)?, channel: channel.into(), credentials: None }
            }
            Step::Unsubscribe { client, channel } => {
                Input::Unsubscribe { client: self.client(client)?, channel: channel.into() }
            }
            Step::Allow { request, id, info } => {
                let decision = Decision::Allow { member: Some(Member::new(id, info)) };
                Input::Decided { request: self.request(request)?, decision }
            }
            Step::AllowAsItself { request } => {
                Input::Decided { request: self.request(request)?, decision: Decision::Allow { member: None } }
            }
            Step::Deny { request } => {
                let decision = Decision::Deny { reason: "no".into() };
                Input::Decided { request: self.request(request)?, decision }
            }
            Step::Broadcast { channel, except } => {
                let except = except.and_then(|client| self.client(client));
                Input::Broadcast { channel: channel.into(), message: (&self.message()).into(), except }
            }
            Step::Retain { channel, except } => {
                let except = except.and_then(|client| self.client(client));
                Input::Retain { channel: channel.into(), message: (&self.message()).into(), except }
            }
            Step::Send { client } => {
                Input::Send { client: self.client(client)?, message: (&self.message()).into() }
            }
            Step::Disconnect { client } => Input::Disconnect {
                client: self.client(client)?,
                code: CloseCode::POLICY_VIOLATION,
                reason: "enough".into(),
            },
            Step::Gone { client } => Input::Gone { client: self.client(client)? },
            Step::Wait { millis } => {
                self.now = self.now + Duration::from_millis(millis);
                Input::TimePassed
            }
            Step::Close => Input::Close,
        })
    }

    fn client(&self, latest: usize) -> Option<ClientId> {
        self.clients.iter().rev().nth(latest).copied()
    }

    /// A request, which counts as the oldest from now on: a second answer to it is rare.
    fn request(&mut self, latest: usize) -> Option<RequestId> {
        let position = self.requests.len().checked_sub(1 + latest)?;
        let request = self.requests.remove(position);
        self.requests.insert(0, request);
        Some(request)
    }

    /// A message that differs from all others.
    fn message(&mut self) -> String {
        self.messages += 1;
        format!("message {}", self.messages)
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::new(SEED)
    }
}
