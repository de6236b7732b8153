//! The vocabulary of the transcripts: who does what, and what exactly comes of it.
#![allow(dead_code, unreachable_pub, reason = "each test file is a crate of its own that uses a part of it")]

pub mod random;

use realtime_core::wire::{Plain, Wire};
use realtime_core::{
    Action, Authorization, AuthorizationRequest, ChannelKind, ChannelName, ClientId, Config, Credentials,
    Decision, Denial, Home, Hub, Input, InputError, Member, RequestId, Roster,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const SEED: [u8; 16] = *b"the tests' seed.";

/// A hub and the time, which only the test advances.
pub struct TestHub {
    pub hub: Hub,
    pub now: Timestamp,
}

/// What comes out of a hub, delivery by delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Sent(ClientId, PreparedMessage),
    In(ClientId, ChannelName),
    OutOf(ClientId, ChannelName),
    Did(Action),
}

/// One client, for what it does and for what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub ClientId, Home);

impl TestHub {
    /// A hub without an authorizer.
    pub fn new() -> Self {
        Self::with(Config::default(), Plain)
    }

    /// A hub that asks the test.
    pub fn asking() -> Self {
        Self::with(Config { authorization: Authorization::Ask, ..Config::default() }, Plain)
    }

    pub fn with(config: Config, wire: impl Wire + 'static) -> Self {
        Self { hub: Hub::new(config, wire, SEED), now: Timestamp::START }
    }

    pub fn connect(&mut self) -> Peer {
        self.connect_with(&[])
    }

    pub fn connect_with(&mut self, credentials: &[u8]) -> Peer {
        self.connect_at(Home::default(), credentials)
    }

    pub fn connect_at(&mut self, home: Home, credentials: &[u8]) -> Peer {
        let credentials = Credentials::from(credentials);
        match &self.actions(Input::Connect { credentials, home })[..] {
            [Seen::Did(Action::Connected { client })] => Peer(*client, home),
            other => panic!("a connect led to {other:?}"),
        }
    }

    #[track_caller]
    pub fn assert_actions<const N: usize>(&mut self, input: Input, expected: [Seen; N]) {
        let context = format!("{input:?}");
        assert_eq!(self.actions(input), expected, "after {context}");
    }

    #[track_caller]
    pub fn assert_refuses(&mut self, input: Input, error: InputError) {
        let context = format!("{input:?}");
        assert_eq!(self.hub.handle_input(input, self.now), Err(error), "of {context}");
        assert_eq!(self.hub.poll_action(), None, "after {context}, which was refused");
    }

    /// Asserts that the input does nothing but ask the authorizer.
    #[track_caller]
    pub fn assert_asks(&mut self, input: Input) -> AuthorizationRequest {
        match &self.actions(input)[..] {
            [Seen::Did(Action::Authorize(request))] => request.clone(),
            other => panic!("not one question, but {other:?}"),
        }
    }

    /// Lets a client into a presence channel.
    #[track_caller]
    pub fn enter(&mut self, peer: Peer, channel: &str, member: &Member) -> Vec<Seen> {
        let asked = self.assert_asks(peer.subscribes(channel));
        self.actions(allows_as(asked.request, member))
    }

    #[track_caller]
    pub fn actions(&mut self, input: Input) -> Vec<Seen> {
        let context = format!("{input:?}");
        assert_eq!(self.hub.handle_input(input, self.now), Ok(()), "of {context}");
        drain(&mut self.hub).iter().flat_map(seen).collect()
    }

    /// Lets time pass without telling the hub.
    pub fn wait(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// Asserts that nothing is left of anyone.
    #[track_caller]
    pub fn assert_holds_nothing(&self) {
        assert_eq!(self.hub.client_count(), 0);
        assert_eq!(self.hub.channel_count(), 0);
        assert_eq!(self.hub.channels("").count(), 0);
        assert_eq!(self.hub.poll_timeout(), None);
    }
}

pub fn drain(hub: &mut Hub) -> Vec<Action> {
    std::iter::from_fn(|| hub.poll_action()).collect()
}

pub fn seen(action: &Action) -> Vec<Seen> {
    if let Action::Deliver { to, message } = action {
        to.iter().map(|client| Seen::Sent(client, message.clone())).collect()
    } else if let Action::Subscribed { client, channel, .. } = action {
        vec![Seen::In(*client, channel.clone())]
    } else if let Action::Unsubscribed { client, channel, .. } = action {
        vec![Seen::OutOf(*client, channel.clone())]
    } else {
        vec![Seen::Did(action.clone())]
    }
}

impl Peer {
    pub fn subscribes(self, channel: &str) -> Input {
        Input::Subscribe { client: self.0, channel: channel.into(), credentials: None }
    }

    pub fn subscribes_showing(self, channel: &str, credentials: &[u8]) -> Input {
        let credentials = Some(Credentials::from(credentials));
        Input::Subscribe { client: self.0, channel: channel.into(), credentials }
    }

    pub fn unsubscribes(self, channel: &str) -> Input {
        Input::Unsubscribe { client: self.0, channel: channel.into() }
    }

    pub fn is_gone(self) -> Input {
        Input::Gone { client: self.0 }
    }

    pub fn gets(self, text: &str) -> Input {
        Input::Send { client: self.0, message: text.into() }
    }

    pub fn must_leave(self) -> Input {
        Input::Disconnect { client: self.0, code: CloseCode::POLICY_VIOLATION, reason: "enough".into() }
    }

    pub fn is_sent(self, text: &str) -> Seen {
        Seen::Sent(self.0, text.into())
    }

    pub fn is_sent_binary(self, bytes: &[u8]) -> Seen {
        Seen::Sent(self.0, bytes.into())
    }

    pub fn is_in(self, channel: &str) -> Seen {
        Seen::In(self.0, channel.into())
    }

    pub fn is_out_of(self, channel: &str) -> Seen {
        Seen::OutOf(self.0, channel.into())
    }

    pub fn is_denied(self, channel: &str, denial: Denial) -> Seen {
        Seen::Did(Action::Denied { client: self.0, channel: channel.into(), denial })
    }

    pub fn is_disconnected(self, code: CloseCode, reason: &str) -> Seen {
        Seen::Did(Action::Disconnect { client: self.0, home: self.1, code, reason: reason.into() })
    }
}

pub fn broadcast(channel: &str, text: &str) -> Input {
    Input::Broadcast { channel: channel.into(), message: text.into(), except: None }
}

pub fn broadcast_except(channel: &str, text: &str, except: Peer) -> Input {
    Input::Broadcast { channel: channel.into(), message: text.into(), except: Some(except.0) }
}

pub fn allows(request: RequestId) -> Input {
    Input::Decided { request, decision: Decision::Allow { member: None } }
}

pub fn allows_as(request: RequestId, member: &Member) -> Input {
    Input::Decided { request, decision: Decision::Allow { member: Some(member.clone()) } }
}

pub fn denies(request: RequestId, reason: &str) -> Input {
    Input::Decided { request, decision: Decision::Deny { reason: reason.into() } }
}

pub fn joined(channel: &str, member: &Member) -> Seen {
    Seen::Did(Action::Joined { channel: channel.into(), member: member.clone() })
}

pub fn left(channel: &str, member: &Member) -> Seen {
    Seen::Did(Action::Left { channel: channel.into(), member: member.clone() })
}

pub fn closed() -> Seen {
    Seen::Did(Action::Closed)
}

/// The names of a roster, in its order.
pub fn names(roster: Option<&Roster>) -> Option<Vec<&str>> {
    Some(roster?.members().map(Member::id).collect())
}

/// A wire format that has a message for everything (that nothing is retained, where names end in `kept`) and tells a newcomer of itself in the roster.
pub struct Introducing;

impl Wire for Introducing {
    fn newcomer_knows_itself(&self) -> bool {
        true
    }

    fn subscribed(&self, channel: &ChannelName, roster: Option<&Roster>) -> Option<PreparedMessage> {
        let members = names(roster).map(|names| format!(" with {}", names.join(","))).unwrap_or_default();
        Some((&format!("you are in {channel}{members}")).into())
    }

    fn nothing_retained(&self, channel: &ChannelName) -> Option<PreparedMessage> {
        channel.as_str().ends_with("kept").then(|| (&format!("nothing new in {channel}")).into())
    }

    fn subscriber_count(&self, channel: &ChannelName, subscribers: usize) -> Option<PreparedMessage> {
        match channel.kind() {
            ChannelKind::Public | ChannelKind::Private => {
                Some((&format!("{subscribers} are in {channel}")).into())
            }
            ChannelKind::Presence => None,
        }
    }

    fn denied(&self, channel: &ChannelName, denial: &Denial) -> Option<PreparedMessage> {
        Some((&format!("you are not in {channel}: {denial}")).into())
    }

    fn joined(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        Some((&format!("{} came into {channel}", member.id())).into())
    }

    fn left(&self, channel: &ChannelName, member: &Member) -> Option<PreparedMessage> {
        Some((&format!("{} went out of {channel}", member.id())).into())
    }
}
