use crate::announcer::Announcer;
use crate::client::Subscription;
use crate::recipients::{Recipients, Subscribers};
use crate::{Action, ClientId, Denial, Home, Member, Roster};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;
use core::ops::{Index, IndexMut};
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// The name of a channel. Cheap to clone; any text is one, the hub refuses what is too long or empty.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

/// Who may subscribe to a channel; its name says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Anyone; the authorizer is not asked.
    Public,
    /// `private-*`: whom the authorizer allows.
    Private,
    /// `presence-*`: whom the authorizer allows, and its subscribers see each other.
    Presence,
}

impl ChannelName {
    /// The channel's kind, from the name's prefix.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        if self.0.starts_with("presence-") {
            ChannelKind::Presence
        } else if self.0.starts_with("private-") {
            ChannelKind::Private
        } else {
            ChannelKind::Public
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for ChannelName {
    fn from(name: &T) -> Self {
        Self(name.as_ref().into())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A channel with at least one subscriber.
pub(crate) struct Channel {
    name: ChannelName,
    subscribers: Subscribers,
    // Of a presence channel only.
    roster: Option<Roster>,
}

/// Whether a channel's other clients are told that one leaves. The application always is.
#[derive(Clone, Copy)]
pub(crate) enum Farewell {
    Told,
    // When the hub closes, nobody is left to be told.
    Silent,
}

impl Channel {
    fn new(name: ChannelName) -> Self {
        let roster = match name.kind() {
            ChannelKind::Presence => Some(Roster::default()),
            ChannelKind::Public | ChannelKind::Private => None,
        };
        Self { name, subscribers: Subscribers::default(), roster }
    }

    /// Lets a client in; in a presence channel it is seen as `member`, unless it would be told more than
    /// `max_roster_bytes` of the others.
    pub(crate) fn enter(
        &mut self,
        index: ChannelIndex,
        (newcomer, home): (ClientId, Home),
        member: Option<Member>,
        max_roster_bytes: usize,
        announcer: &mut Announcer,
    ) -> Result<Subscription, Denial> {
        let to_newcomer = Recipients::one(newcomer, home);
        let subscribed = Action::Subscribed {
            client: newcomer,
            channel: self.name.clone(),
            subscribers: self.subscribers.len() + 1,
        };
        let (Some(roster), Some(member)) = (&mut self.roster, member) else {
            let ticket = self.subscribers.push(newcomer, home);
            announcer.deliver(to_newcomer, |wire| wire.subscribed(&self.name, None));
            announcer.act(subscribed);
            return Ok(Subscription { channel: index, ticket, seat: None });
        };

        let welcome = |roster: &Roster| announcer.wire.subscribed(&self.name, Some(roster));
        let knows_itself = announcer.wire.newcomer_knows_itself();
        let (welcome, (seat, joined)) = if knows_itself {
            let place = roster.join(member);
            (welcome(roster), place)
        } else {
            (welcome(roster), roster.join(member))
        };
        if welcome.as_ref().is_some_and(|welcome| welcome.frame().len() > max_roster_bytes) {
            roster.leave(seat);
            return Err(Denial::RosterTooLong { limit: max_roster_bytes });
        }
        let ticket = self.subscribers.push(newcomer, home);
        announcer.deliver(to_newcomer, |_| welcome);
        announcer.act(subscribed);
        if let Some(member) = joined {
            let to = self.subscribers.recipients(knows_itself.then_some(newcomer));
            announcer.deliver(to, |wire| wire.joined(&self.name, &member));
            announcer.act(Action::Joined { channel: self.name.clone(), member });
        }
        Ok(Subscription { channel: index, ticket, seat: Some(seat) })
    }

    fn leave(
        &mut self,
        (client, home): (ClientId, Home),
        subscription: Subscription,
        farewell: Farewell,
        announcer: &mut Announcer,
    ) {
        self.subscribers.remove(subscription.ticket, home);
        if let (Some(roster), Some(seat)) = (&mut self.roster, subscription.seat)
            && let Some(member) = roster.leave(seat)
        {
            match farewell {
                Farewell::Told => {
                    let to = self.subscribers.recipients(None);
                    announcer.deliver(to, |wire| wire.left(&self.name, &member));
                }
                Farewell::Silent => {}
            }
            announcer.act(Action::Left { channel: self.name.clone(), member });
        }
        let (channel, subscribers) = (self.name.clone(), self.subscribers.len());
        announcer.act(Action::Unsubscribed { client, channel, subscribers });
    }

    /// All subscribers but `except`, who must be one of them.
    pub(crate) fn recipients(&self, except: Option<ClientId>) -> Recipients {
        self.subscribers.recipients(except)
    }

    pub(crate) fn name(&self) -> &ChannelName {
        &self.name
    }

    pub(crate) fn subscriber_count(&self) -> usize {
        self.subscribers.len()
    }

    pub(crate) fn has_subscribers_at(&self, home: Home) -> bool {
        self.subscribers.are_at(home)
    }

    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }
}

/// All channels with a subscriber.
pub(crate) struct Channels {
    // `None` are the places of `vacant`.
    table: Vec<Option<Channel>>,
    vacant: Vec<ChannelIndex>,
    by_name: HashMap<ChannelName, ChannelIndex, SeededHasher>,
}

/// A channel's place, good as long as someone is subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelIndex(u32);

// Clients choose the names: without a key that they do not know, they could choose names that collide.
struct SeededHasher([u8; 16]);

impl BuildHasher for SeededHasher {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

impl Channels {
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self { table: Vec::new(), vacant: Vec::new(), by_name: HashMap::with_hasher(SeededHasher(seed)) }
    }

    pub(crate) fn find(&self, name: &ChannelName) -> Option<ChannelIndex> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, name: &ChannelName) -> Option<&Channel> {
        self.find(name).map(|index| &self[index])
    }

    /// The channel of this name, newly made if there is none. Someone must enter it, or it is to be closed.
    pub(crate) fn open(&mut self, name: &ChannelName) -> ChannelIndex {
        if let Some(index) = self.find(name) {
            return index;
        }
        let channel = Some(Channel::new(name.clone()));
        let index = match self.vacant.pop() {
            Some(index) => {
                self.table[index.0 as usize] = channel;
                index
            }
            None => {
                let index =
                    u32::try_from(self.table.len()).expect("fewer than 2^32 channels fit into memory");
                self.table.push(channel);
                ChannelIndex(index)
            }
        };
        self.by_name.insert(name.clone(), index);
        index
    }

    /// Lets a client go that [`Channel::enter`] let in; a channel that it leaves empty vanishes.
    pub(crate) fn leave(
        &mut self,
        client: (ClientId, Home),
        subscription: Subscription,
        farewell: Farewell,
        announcer: &mut Announcer,
    ) {
        let index = subscription.channel;
        let channel = &mut self[index];
        channel.leave(client, subscription, farewell, announcer);
        self.close_if_empty(index);
    }

    /// Forgets a channel that nobody is in.
    pub(crate) fn close_if_empty(&mut self, index: ChannelIndex) {
        let channel = &self[index];
        if channel.subscribers.is_empty() {
            let name = channel.name.clone();
            self.by_name.remove(&name);
            self.table[index.0 as usize] = None;
            self.vacant.push(index);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The names of all channels, in no order that means anything.
    pub(crate) fn names(&self) -> impl Iterator<Item = &ChannelName> {
        self.table.iter().flatten().map(|channel| &channel.name)
    }

    /// The names of those at the `places` places from `place` on; `None` behind the last place. A channel stays
    /// at its place.
    pub(crate) fn names_from(
        &self,
        place: usize,
        places: usize,
    ) -> Option<impl Iterator<Item = &ChannelName>> {
        let rest = self.table.get(place..).filter(|rest| !rest.is_empty())?;
        Some(rest.iter().take(places).flatten().map(|channel| &channel.name))
    }
}

impl Index<ChannelIndex> for Channels {
    type Output = Channel;

    fn index(&self, index: ChannelIndex) -> &Channel {
        self.table[index.0 as usize].as_ref().expect("a channel stays as long as someone is subscribed")
    }
}

impl IndexMut<ChannelIndex> for Channels {
    fn index_mut(&mut self, index: ChannelIndex) -> &mut Channel {
        self.table[index.0 as usize].as_mut().expect("a channel stays as long as someone is subscribed")
    }
}
