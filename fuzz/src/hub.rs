use crate::choices::Choices;
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{
    Action, Authorization, ChannelName, ClientId, Config, Credentials, Decision, Home, Hub, Input,
    InputError, Member, RequestId,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CHANNELS: [&str; 8] =
    ["chat", "news", "private-a", "presence-a", "presence-b", "presence-", "", "a-name-that-is-too-long"];

/// A life of a hub: what is delivered goes to clients that are there, joins and leaves alternate, the seed
/// of the hash changes nothing, and after the last client nothing is left.
pub fn hub(bytes: &[u8]) {
    let first = Life::live(bytes, [0; 16]);
    let second = Life::live(bytes, [0xFF; 16]);
    assert_eq!(first, second, "the seed shows");
}

struct Life {
    hub: Hub,
    now: Timestamp,
    clients: Vec<ClientId>,
    requests: Vec<RequestId>,
    alive: BTreeSet<ClientId>,
    /// By channel and member id, those who joined and did not leave.
    present: BTreeMap<(String, String), Member>,
    transcript: Vec<String>,
}

impl Life {
    fn live(bytes: &[u8], seed: [u8; 16]) -> Vec<String> {
        let mut choices = Choices(bytes);
        let limit = choices.one_of(&[3, 1, 10_000]);
        let config = Config {
            authorization: choices.one_of(&[Authorization::Ask, Authorization::DenyAll]),
            authorization_timeout: Duration::from_millis(50),
            max_channels_per_client: limit,
            max_channel_name_bytes: 12,
            max_members_per_channel: limit,
            max_member_bytes: 60,
            max_roster_bytes: 400,
        };
        let wire: Box<dyn Wire> = if choices.flag() { Box::new(Pusher) } else { Box::new(Plain) };
        let mut life = Self {
            hub: Hub::new(config, wire, seed),
            now: Timestamp::START,
            clients: Vec::new(),
            requests: Vec::new(),
            alive: BTreeSet::new(),
            present: BTreeMap::new(),
            transcript: Vec::new(),
        };
        while !choices.is_empty() {
            life.step(&mut choices);
        }
        for client in life.clients.clone() {
            life.take(Input::Gone { client });
        }
        assert_eq!((life.hub.client_count(), life.hub.channel_count()), (0, 0));
        assert_eq!(life.hub.poll_timeout(), None);
        assert!(life.present.is_empty(), "{:?} never left", life.present.keys());
        life.transcript
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        let input = match choices.byte() % 16 {
            0 | 1 => Input::Connect {
                credentials: Credentials::from(choices.bytes()),
                home: Home(u16::from(choices.byte() % 3)),
            },
            2..=5 => Input::Subscribe {
                client: self.client(choices),
                channel: channel(choices),
                credentials: choices.flag().then_some(Credentials::NONE),
            },
            6..=8 => Input::Decided { request: self.request(choices), decision: decision(choices) },
            9 => Input::Unsubscribe { client: self.client(choices), channel: channel(choices) },
            10 => Input::Broadcast {
                channel: channel(choices),
                message: PreparedMessage::new(choices.bytes()),
                except: choices.flag().then(|| self.client(choices)),
            },
            11 => {
                Input::Send { client: self.client(choices), message: PreparedMessage::new(choices.bytes()) }
            }
            12 => Input::Disconnect {
                client: self.client(choices),
                code: CloseCode::NORMAL,
                reason: String::new(),
            },
            13 => Input::Gone { client: self.client(choices) },
            14 => {
                self.now = self.now + Duration::from_millis(u64::from(choices.byte()));
                Input::TimePassed
            }
            _ if choices.byte() == 0xC1 => Input::Close,
            _ => Input::TimePassed,
        };
        self.take(input);
    }

    fn take(&mut self, input: Input) {
        let gone = if let Input::Gone { client } = input { Some(client) } else { None };
        let counts = (self.hub.client_count(), self.hub.channel_count());
        let result = self.hub.handle_input(input, self.now);
        self.transcript.push(format!("{result:?}"));
        let mut actions = 0;
        while let Some(action) = self.hub.poll_action() {
            self.judge(&action);
            self.transcript.push(format!("{action:?}"));
            actions += 1;
        }
        if let Some(client) = gone {
            self.alive.remove(&client);
        }
        match result {
            Ok(()) => {}
            Err(InputError::Closed) => assert_eq!((actions, self.hub.is_closed()), (0, true)),
            // An overdue authorization is denied first, whatever the input.
            Err(_) => assert_eq!(counts.0, self.hub.client_count()),
        }
        assert_eq!(self.hub.client_count(), self.alive.len());
        if let Some(due) = self.hub.poll_timeout() {
            assert!(due > self.now, "what is due was not done");
        }
    }

    fn judge(&mut self, action: &Action) {
        match action {
            Action::Connected { client } => {
                assert!(!self.clients.contains(client), "{client:?} is used twice");
                self.clients.push(*client);
                self.alive.insert(*client);
            }
            Action::Deliver { to, .. } => {
                assert!(!to.is_empty());
                assert_eq!(to.len(), to.iter().count());
                assert_eq!(to.len(), to.homes().map(|home| to.at(home).count()).sum::<usize>());
                for client in to.iter() {
                    assert!(self.alive.contains(&client), "{client:?} is gone and gets something");
                }
            }
            Action::Authorize(asked) => {
                assert!(!self.requests.contains(&asked.request), "{:?} is used twice", asked.request);
                self.requests.push(asked.request);
            }
            Action::Joined { channel, member } => {
                let key = (channel.as_str().to_string(), member.id().to_string());
                assert!(self.present.insert(key, member.clone()).is_none(), "{member:?} joined twice");
            }
            Action::Left { channel, member } => {
                let key = (channel.as_str().to_string(), member.id().to_string());
                assert_eq!(self.present.remove(&key).as_ref(), Some(member), "{member:?} left unseen");
            }
            Action::Disconnect { client, .. } => {
                assert!(self.alive.remove(client), "{client:?} is disconnected twice");
            }
            Action::Subscribed { .. }
            | Action::Denied { .. }
            | Action::Unsubscribed { .. }
            | Action::Closed => {}
        }
    }

    /// A client that is or was, mostly a late one. A case without any names one that another hub knew.
    fn client(&self, choices: &mut Choices<'_>) -> ClientId {
        let back = usize::from(choices.byte() % 8);
        match self.clients.len().checked_sub(1 + back).or(self.clients.len().checked_sub(1)) {
            Some(at) => self.clients[at],
            None => stranger(),
        }
    }

    fn request(&self, choices: &mut Choices<'_>) -> RequestId {
        let back = usize::from(choices.byte() % 4);
        match self.requests.len().checked_sub(1 + back).or(self.requests.len().checked_sub(1)) {
            Some(at) => self.requests[at],
            None => strange_request(),
        }
    }
}

fn channel(choices: &mut Choices<'_>) -> ChannelName {
    choices.one_of(&CHANNELS).into()
}

fn decision(choices: &mut Choices<'_>) -> Decision {
    match choices.byte() % 4 {
        0 => Decision::Deny { reason: "no".into() },
        1 => Decision::Allow { member: None },
        _ => {
            let id = choices.one_of(&["ada", "bob", "eve", "", "\"\n\u{2028}"]);
            let info = choices.one_of(&[
                "",
                "1",
                r#"{"a":2}"#,
                "no json",
                r#""longer than all the limits that there are in this target""#,
            ]);
            Decision::Allow { member: Some(Member::new(id, info)) }
        }
    }
}

/// The first action of a hub that does `input`, and of which nothing else is known.
fn first_action(inputs: impl FnOnce(ClientId) -> Option<Input>) -> Action {
    let config = Config { authorization: Authorization::Ask, ..Config::default() };
    let mut hub = Hub::new(config, Plain, [0; 16]);
    let connect = Input::Connect { credentials: Credentials::NONE, home: Home(0) };
    hub.handle_input(connect, Timestamp::START).expect("a hub is open at first");
    let connected = hub.poll_action().expect("a connect is answered");
    let Action::Connected { client } = connected else { panic!("a connect is answered by {connected:?}") };
    match inputs(client) {
        None => connected,
        Some(input) => {
            hub.handle_input(input, Timestamp::START).expect("the client is known");
            hub.poll_action().expect("it is answered")
        }
    }
}

fn stranger() -> ClientId {
    let Action::Connected { client } = first_action(|_| None) else {
        unreachable!("it is answered by its id")
    };
    client
}

fn strange_request() -> RequestId {
    let subscribe =
        |client| Some(Input::Subscribe { client, channel: "private-a".into(), credentials: None });
    let Action::Authorize(asked) = first_action(subscribe) else { unreachable!("the authorizer is asked") };
    asked.request
}
