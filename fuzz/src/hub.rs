use crate::choices::Choices;
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{
    Action, Authorization, ChannelKind, ChannelName, ClientId, Config, Credentials, Decision, Denial, Home,
    Hub, Input, InputError, Member, RequestId,
};
use realtime_ws::{CloseCode, PreparedMessage, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const CHANNELS: [&str; 9] = [
    "chat",
    "news",
    "private-a",
    "presence-a",
    "presence-b",
    "presence-",
    "",
    "a-name-that-is-too-long",
    "cache-a",
];
const TIMEOUT: Duration = Duration::from_millis(50);
const RETENTION: Duration = Duration::from_millis(300);
const MAX_NAME_BYTES: usize = 12;
const MAX_MEMBER_BYTES: usize = 60;
const MAX_ROSTER_BYTES: usize = 400;

/// A life of a hub beside a naive one, which keeps lists: who is subscribed, who asks, who is present and how
/// many there are is the same after each input; every action has its cause; a broadcast goes to exactly the
/// subscribers but the excluded one; joins and leaves alternate; the seed of the hash changes nothing; after
/// the last client nothing is left; whoever is let into a channel is sent what is retained for it; counts are
/// told in time and not too often.
pub fn hub(bytes: &[u8]) {
    let first = Life::live(bytes, [0; 16]);
    // Every second case, as most of them are about something else.
    if bytes.len().is_multiple_of(2) {
        assert!(first == Life::live(bytes, [0xFF; 16]), "the seed shows");
    }
}

struct Life {
    hub: Hub,
    limit: usize,
    authorization: Authorization,
    now: Timestamp,
    is_closed: bool,
    /// All that ever were.
    clients: Vec<ClientId>,
    requests: Vec<RequestId>,
    alive: BTreeSet<ClientId>,
    /// In the order of subscribing.
    subscribed: Vec<(ClientId, ChannelName)>,
    /// In the order of asking.
    questions: Vec<Question>,
    /// Those who joined and did not leave, in the order of joining.
    present: Vec<(ChannelName, Member)>,
    /// What is retained for each channel, and until when.
    retained: BTreeMap<ChannelName, (PreparedMessage, Timestamp)>,
    /// Whether subscribers are told how many they are.
    is_counting: bool,
    /// Which count each channel was told last, and when.
    told: BTreeMap<ChannelName, (usize, Timestamp)>,
    transcript: Vec<(Result<(), InputError>, Vec<Action>)>,
}

struct Question {
    request: RequestId,
    client: ClientId,
    channel: ChannelName,
    deadline: Timestamp,
    /// Whether the client does not want to be let in any more; the question counts all the same.
    is_withdrawn: bool,
}

impl Life {
    fn live(bytes: &[u8], seed: [u8; 16]) -> Vec<(Result<(), InputError>, Vec<Action>)> {
        let mut choices = Choices(bytes);
        let limit = choices.one_of(&[3, 1, 10_000]);
        let authorization = choices.one_of(&[Authorization::Ask, Authorization::DenyAll]);
        let kind = choices.byte();
        let config = Config {
            authorization,
            authorization_timeout: TIMEOUT,
            max_channels_per_client: limit,
            max_channel_name_bytes: MAX_NAME_BYTES,
            max_members_per_channel: limit,
            max_member_bytes: MAX_MEMBER_BYTES,
            max_roster_bytes: MAX_ROSTER_BYTES,
            subscriber_count_interval: (kind & 2 != 0).then_some(TIMEOUT),
            retention: RETENTION,
            ..Config::default()
        };
        let wire: Box<dyn Wire> = if kind & 1 != 0 { Box::new(Pusher) } else { Box::new(Plain) };
        let mut life = Self {
            hub: Hub::new(config, wire, seed),
            limit,
            authorization,
            now: Timestamp::START,
            is_closed: false,
            clients: Vec::new(),
            requests: Vec::new(),
            alive: BTreeSet::new(),
            subscribed: Vec::new(),
            questions: Vec::new(),
            present: Vec::new(),
            retained: BTreeMap::new(),
            is_counting: kind & 3 == 3,
            told: BTreeMap::new(),
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
        assert!(life.present.is_empty(), "{:?} never left", life.present);
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
            _ => match choices.byte() {
                0xC1 => Input::Close,
                0xC2 => Input::Retain {
                    channel: channel(choices),
                    message: PreparedMessage::new(choices.bytes()),
                    except: choices.flag().then(|| self.client(choices)),
                },
                _ => Input::TimePassed,
            },
        };
        self.take(input);
    }

    fn take(&mut self, input: Input) {
        let overdue = self.take_overdue();
        let decided = match &input {
            Input::Decided { request, .. } if !self.is_closed => self.take_question(*request),
            _ => None,
        };
        let expected = self.expected_result(&input);
        let result = self.hub.handle_input(input.clone(), self.now);
        assert_eq!(result, expected, "of {input:?}");
        let actions: Vec<Action> = std::iter::from_fn(|| self.hub.poll_action()).collect();

        if result.is_ok() {
            self.withdraw(&input);
            self.judge_deliveries(&input, &actions);
            self.retain(&input);
            self.judge_retained(&actions);
        }
        let cause = Cause { input: &input, decided: decided.as_ref(), overdue: &overdue };
        for action in &actions {
            self.judge(action, &cause);
        }
        if let Input::Gone { client } = &input {
            self.alive.remove(client);
        }
        self.judge_outcome(&cause, &actions);
        self.compare();
        self.transcript.push((result, actions));
    }

    fn expected_result(&self, input: &Input) -> Result<(), InputError> {
        let known = |client: &ClientId| {
            if self.alive.contains(client) { Ok(()) } else { Err(InputError::UnknownClient) }
        };
        match input {
            Input::Gone { .. } | Input::TimePassed | Input::Close => Ok(()),
            _ if self.is_closed => Err(InputError::Closed),
            Input::Connect { .. }
            | Input::Decided { .. }
            | Input::Broadcast { .. }
            | Input::Retain { .. }
            | Input::Configure(_) => Ok(()),
            Input::Subscribe { client, .. }
            | Input::Unsubscribe { client, .. }
            | Input::Send { client, .. }
            | Input::Disconnect { client, .. } => known(client),
        }
    }

    fn take_overdue(&mut self) -> Vec<Question> {
        let now = self.now;
        let overdue = self.questions.extract_if(.., |question| question.deadline <= now);
        overdue.filter(|question| !question.is_withdrawn).collect()
    }

    fn take_question(&mut self, request: RequestId) -> Option<Question> {
        let at = self.questions.iter().position(|question| question.request == request)?;
        Some(self.questions.remove(at)).filter(|question| !question.is_withdrawn)
    }

    /// Notes the questions that nobody wants answered any more.
    fn withdraw(&mut self, input: &Input) {
        match input {
            Input::Unsubscribe { client, channel } => {
                for question in self.questions.iter_mut().filter(|question| question.is_of(*client, channel))
                {
                    question.is_withdrawn = true;
                }
            }
            Input::Gone { client } | Input::Disconnect { client, .. } => {
                self.questions.retain(|question| question.client != *client);
            }
            Input::Close => {
                self.questions.clear();
                self.is_closed = true;
            }
            Input::Connect { .. }
            | Input::Subscribe { .. }
            | Input::Decided { .. }
            | Input::Broadcast { .. }
            | Input::Retain { .. }
            | Input::Send { .. }
            | Input::Configure(_)
            | Input::TimePassed => {}
        }
    }

    fn is_subscribed(&self, client: ClientId, channel: &ChannelName) -> bool {
        self.subscribed.iter().any(|(other, name)| (*other, name) == (client, channel))
    }

    fn subscribers(&self, channel: &ChannelName) -> usize {
        self.subscribed.iter().filter(|(_, name)| name == channel).count()
    }

    /// What the application sends goes to whom it is for, once, as it is.
    fn judge_deliveries(&self, input: &Input, actions: &[Action]) {
        let (sent, mut expected): (_, Vec<ClientId>) = match input {
            Input::Broadcast { channel, message, except } | Input::Retain { channel, message, except } => {
                let here = self.subscribed.iter().filter(|(_, name)| name == channel);
                (message, here.map(|(client, _)| *client).filter(|client| Some(*client) != *except).collect())
            }
            Input::Send { client, message } => (message, vec![*client]),
            _ => return,
        };
        let mut delivered = Vec::new();
        for action in actions {
            match action {
                Action::Deliver { to, message } if message == sent => delivered.extend(to.iter()),
                Action::Deliver { .. } | Action::Denied { .. } => {} // of a question that is overdue
                other => panic!("{other:?} of {input:?}"),
            }
        }
        delivered.sort();
        expected.sort();
        assert_eq!(delivered, expected, "of {input:?}");
    }

    fn retain(&mut self, input: &Input) {
        if let Input::Retain { channel, message, .. } = input {
            self.retained.insert(channel.clone(), (message.clone(), self.now + RETENTION));
        }
        if self.is_closed {
            self.retained.clear();
        }
        self.retained.retain(|_, (_, until)| *until > self.now);
    }

    /// Whoever is let into a channel is sent what is retained for it, or told that nothing is.
    fn judge_retained(&self, actions: &[Action]) {
        for (at, action) in actions.iter().enumerate() {
            let Action::Subscribed { client, channel, .. } = action else { continue };
            let is_told = |sent: &PreparedMessage| {
                actions[at..].iter().any(|action| {
                    matches!(action, Action::Deliver { to, message } if to.iter().eq([*client]) && message == sent)
                })
            };
            let misses = actions[at..]
                .contains(&Action::NothingRetained { client: *client, channel: channel.clone() });
            match self.retained.get(channel) {
                Some((message, _)) => assert!(is_told(message) && !misses, "{channel}"),
                None => assert!(!misses || channel.as_str().contains("cache-"), "{channel}"),
            }
        }
        for channel in CHANNELS.map(ChannelName::from) {
            let kept = self.retained.get(&channel).map(|(message, _)| message);
            assert_eq!(self.hub.retained(&channel).map(|retained| retained.message), kept);
        }
    }

    fn judge(&mut self, action: &Action, cause: &Cause<'_>) {
        match action {
            Action::Connected { client } => {
                assert!(matches!(cause.input, Input::Connect { .. }));
                assert!(!self.clients.contains(client), "{client:?} is used twice");
                self.clients.push(*client);
                self.alive.insert(*client);
            }
            Action::Deliver { to, message } => {
                self.learn_count(message);
                assert!(!to.is_empty());
                assert_eq!(to.len(), to.iter().count());
                assert_eq!(to.len(), to.homes().map(|home| to.at(home).count()).sum::<usize>());
                for client in to.iter() {
                    assert!(self.alive.contains(&client), "{client:?} is gone and gets something");
                }
            }
            Action::Authorize(asked) => {
                assert!(cause.asks_for(asked.client, &asked.channel), "{asked:?} of {:?}", cause.input);
                assert!(!self.requests.contains(&asked.request), "{:?} is used twice", asked.request);
                assert!(asked.kind == asked.channel.kind() && asked.kind != ChannelKind::Public);
                assert_eq!(self.authorization, Authorization::Ask);
                self.requests.push(asked.request);
                self.questions.push(Question {
                    request: asked.request,
                    client: asked.client,
                    channel: asked.channel.clone(),
                    deadline: self.now + TIMEOUT,
                    is_withdrawn: false,
                });
            }
            Action::Subscribed { client, channel, subscribers } => {
                let may = match channel.kind() {
                    ChannelKind::Public => cause.asks_for(*client, channel),
                    ChannelKind::Private | ChannelKind::Presence => cause.allows(*client, channel),
                };
                assert!(may, "{client:?} is let into {channel} by {:?}", cause.input);
                assert!(!self.is_subscribed(*client, channel), "{client:?} is twice in {channel}");
                self.subscribed.push((*client, channel.clone()));
                assert_eq!(*subscribers, self.subscribers(channel));
            }
            Action::NothingRetained { client, channel } => {
                assert!(self.is_subscribed(*client, channel));
            }
            Action::Denied { client, channel, denial } => {
                assert!(
                    cause.may_deny(*client, channel),
                    "{client:?} is denied {channel} by {:?}",
                    cause.input
                );
                assert!(!self.is_subscribed(*client, channel));
                self.judge_denial(*client, channel, denial, cause);
            }
            Action::Unsubscribed { client, channel, subscribers } => {
                assert!(cause.takes_out(*client, channel), "{client:?} is out by {:?}", cause.input);
                let before = self.subscribed.len();
                self.subscribed.retain(|(other, name)| (*other, name) != (*client, channel));
                assert_eq!(self.subscribed.len() + 1, before, "{client:?} was not in {channel}");
                assert_eq!(*subscribers, self.subscribers(channel));
                if *subscribers == 0 {
                    self.told.remove(channel); // if it comes back it begins anew
                }
            }
            Action::Joined { channel, member } => {
                let is_there =
                    self.present.iter().any(|(name, other)| name == channel && other.id() == member.id());
                assert!(!is_there, "{member:?} joined twice");
                self.present.push((channel.clone(), member.clone()));
            }
            Action::Left { channel, member } => {
                let before = self.present.len();
                self.present.retain(|(name, other)| (name, other) != (channel, member));
                assert_eq!(self.present.len() + 1, before, "{member:?} left unseen");
            }
            Action::Disconnect { client, .. } => {
                assert!(matches!(cause.input, Input::Disconnect { .. } | Input::Close));
                assert!(self.alive.remove(client), "{client:?} is disconnected twice");
            }
            Action::Closed => assert!(matches!(cause.input, Input::Close)),
        }
    }

    fn judge_denial(&self, client: ClientId, channel: &ChannelName, denial: &Denial, cause: &Cause<'_>) {
        let is_true = match denial {
            Denial::NoAuthorizer => self.authorization == Authorization::DenyAll,
            Denial::Refused(reason) => reason == "no",
            Denial::AuthorizerTimedOut => {
                cause.overdue.iter().any(|question| question.is_of(client, channel))
            }
            Denial::TooManyChannels { limit } => {
                *limit == self.limit && self.channels_of(client) == self.limit
            }
            Denial::TooManyMembers { limit } => {
                *limit == self.limit && self.members_of(channel).count() == self.limit
            }
            Denial::MemberTooLong { .. } | Denial::RosterTooLong { .. } => {
                channel.kind() == ChannelKind::Presence
            }
            Denial::ChannelNameTooLong { limit } => channel.as_str().len() > *limit,
            Denial::ChannelNameEmpty => channel.as_str().is_empty(),
        };
        assert!(is_true, "{client:?} is denied {channel}: {denial:?}");
    }

    /// An input that calls for an answer has had one.
    fn judge_outcome(&self, cause: &Cause<'_>, actions: &[Action]) {
        let is_denied = |client: ClientId, channel: &ChannelName| {
            let denied = |action: &Action| match action {
                Action::Denied { client: who, channel: name, .. } => (*who, name) == (client, channel),
                _ => false,
            };
            actions.iter().any(denied)
        };
        for question in cause.overdue {
            assert!(is_denied(question.client, &question.channel), "{:?} is forgotten", question.request);
        }
        if let Some(question) = cause.decided {
            let (client, channel) = (question.client, &question.channel);
            assert!(
                self.is_subscribed(client, channel) != is_denied(client, channel),
                "{channel} is decided"
            );
        }
        if let Input::Subscribe { client, channel, .. } = cause.input
            && self.alive.contains(client)
        {
            let asks = |question: &Question| question.is_of(*client, channel) && !question.is_withdrawn;
            let is_asked = self.questions.iter().any(asks);
            let outcomes = [self.is_subscribed(*client, channel), is_asked, is_denied(*client, channel)];
            // One that is denied as overdue may ask again at once.
            assert!(outcomes.contains(&true), "{client:?} asked for {channel} and heard nothing");
        }
    }

    fn channels_of(&self, client: ClientId) -> usize {
        self.subscribed.iter().filter(|(other, _)| *other == client).count()
            + self.questions.iter().filter(|question| question.client == client).count()
    }

    fn members_of<'a>(&'a self, channel: &'a ChannelName) -> impl Iterator<Item = &'a Member> {
        self.present.iter().filter(move |(name, _)| name == channel).map(|(_, member)| member)
    }

    /// All that can be asked of the hub is what the lists say.
    fn compare(&self) {
        assert_eq!(self.hub.client_count(), self.alive.len());
        assert_eq!(self.hub.is_closed(), self.is_closed);
        let first = self.questions.iter().map(|question| question.deadline).min();
        let due = self.hub.poll_timeout();
        if self.is_counting {
            assert!(first.is_none_or(|first| due.is_some_and(|due| due <= first)), "{due:?} after {first:?}");
            self.compare_counts(due);
        } else {
            assert_eq!(due, first);
        }
        let mut channels = 0;
        for name in CHANNELS {
            let channel = ChannelName::from(name);
            let subscribers = self.subscribed.iter().filter(|(_, name)| *name == channel);
            let count = subscribers.clone().count();
            channels += usize::from(count > 0);
            assert_eq!(self.hub.subscriber_count(&channel), count);
            let Some(roster) = self.hub.presence(&channel) else {
                assert!(count == 0 || channel.kind() != ChannelKind::Presence);
                continue;
            };
            assert!(roster.members().eq(self.members_of(&channel)), "{:?} are in {channel}", self.present);
            assert!(roster.len() <= self.limit);
            let mut seen = BTreeSet::new();
            for (client, _) in subscribers {
                let member = self.hub.member(*client, &channel).expect("a subscriber is seen");
                assert!(roster.get(member.id()).is_some(), "{member:?} is nowhere");
                seen.insert(member.id());
            }
            assert_eq!(roster.len(), seen.len(), "nobody is there without a client");
        }
        assert_eq!(self.hub.channel_count(), channels);
        for (client, channel) in &self.subscribed {
            assert!(self.alive.contains(client) && self.hub.is_subscribed(*client, channel));
            assert!(self.channels_of(*client) <= self.limit);
        }
    }

    /// Subscribers know how many they are, or will be told in time.
    fn compare_counts(&self, due: Option<Timestamp>) {
        for channel in CHANNELS.map(ChannelName::from).iter().filter(|it| it.kind() != ChannelKind::Presence)
        {
            let count = self.hub.subscriber_count(channel);
            match self.told.get(channel) {
                Some((told, _)) if *told == count => {}
                Some((_, at)) => assert!(due.is_some_and(|due| due <= *at + TIMEOUT), "{channel}"),
                None => assert_eq!(count, 0, "{channel}"),
            }
        }
    }

    /// Takes note of a count that is told, which must not be too soon after the one before.
    fn learn_count(&mut self, message: &PreparedMessage) {
        let Some(text) = message.as_text().filter(|text| text.contains("pusher_internal:subscription_count"))
        else {
            return;
        };
        let frame: Value = serde_json::from_str(text).expect("a frame is JSON");
        let data: Value = serde_json::from_str(frame["data"].as_str().expect("it is text")).expect("of JSON");
        let channel = ChannelName::from(frame["channel"].as_str().expect("it has a channel"));
        let count =
            data["subscription_count"].as_u64().and_then(|count| count.try_into().ok()).expect("a count");
        if let Some((_, earlier)) = self.told.insert(channel, (count, self.now)) {
            assert!(self.now.since(earlier) >= TIMEOUT, "told too soon: {text}");
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

/// Why something is done.
struct Cause<'a> {
    input: &'a Input,
    /// The question that it answers.
    decided: Option<&'a Question>,
    /// The questions that have waited for too long.
    overdue: &'a [Question],
}

impl Cause<'_> {
    fn asks_for(&self, client: ClientId, wanted: &ChannelName) -> bool {
        match self.input {
            Input::Subscribe { client: asker, channel, .. } => (*asker, channel) == (client, wanted),
            _ => false,
        }
    }

    fn allows(&self, client: ClientId, channel: &ChannelName) -> bool {
        let is_allowed = matches!(self.input, Input::Decided { decision: Decision::Allow { .. }, .. });
        is_allowed && self.decided.is_some_and(|question| question.is_of(client, channel))
    }

    fn may_deny(&self, client: ClientId, channel: &ChannelName) -> bool {
        self.asks_for(client, channel)
            || self.decided.into_iter().chain(self.overdue).any(|question| question.is_of(client, channel))
    }

    fn takes_out(&self, client: ClientId, left: &ChannelName) -> bool {
        match self.input {
            Input::Unsubscribe { client: who, channel } => (*who, channel) == (client, left),
            Input::Gone { client: who } | Input::Disconnect { client: who, .. } => *who == client,
            Input::Close => true,
            Input::Connect { .. }
            | Input::Subscribe { .. }
            | Input::Decided { .. }
            | Input::Broadcast { .. }
            | Input::Retain { .. }
            | Input::Send { .. }
            | Input::TimePassed
            | Input::Configure(_) => false,
        }
    }
}

impl Question {
    fn is_of(&self, client: ClientId, channel: &ChannelName) -> bool {
        (self.client, &self.channel) == (client, channel)
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
