use super::authorization::Authorization;
use super::outgoing::{Frame, Outgoing};
use super::questions::QuestionId;
use crate::join_order::{JoinOrder, Ticket};
use crate::pusher::parse_channel_data;
use crate::{ChannelName, Roster};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

/// The channels that the application wants, in the order in which it asked for them.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    in_order: JoinOrder<Subscription>,
    by_name: BTreeMap<ChannelName, Ticket>,
}

/// One channel that is wanted.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) channel: ChannelName,
    pub(super) progress: Progress,
    /// As whom it was asked for, if it is a presence channel and this was said.
    pub(super) me: Option<String>,
    /// Who is there, if it is a presence channel that the client is in.
    pub(super) roster: Option<Roster>,
}

/// How far a client is with subscribing to a channel.
#[derive(Debug)]
pub(super) enum Progress {
    /// There is no connection.
    Idle,
    /// The authorizer is asked.
    Asked(QuestionId),
    /// It is authorized as the user as whom the client is yet to be signed in.
    Held(Authorization),
    /// The server was asked.
    Requested,
    /// The server let the client in.
    Subscribed,
    /// The authorizer refused it, on this connection.
    Refused,
    /// The server denied it, on this connection; its answer to a later subscribe may still be on its way.
    Denied,
}

impl Subscriptions {
    /// Takes in a channel that is not there.
    pub(super) fn push(&mut self, channel: ChannelName) {
        let subscription =
            Subscription { channel: channel.clone(), progress: Progress::Idle, me: None, roster: None };
        let ticket = self.in_order.push(subscription);
        self.by_name.insert(channel, ticket);
    }

    pub(super) fn remove(&mut self, channel: &ChannelName) -> Option<Subscription> {
        self.in_order.remove(self.by_name.remove(channel)?)
    }

    pub(super) fn get(&self, channel: &ChannelName) -> Option<&Subscription> {
        self.in_order.get(*self.by_name.get(channel)?)
    }

    pub(super) fn get_mut(&mut self, channel: &ChannelName) -> Option<&mut Subscription> {
        self.in_order.get_mut(*self.by_name.get(channel)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.in_order.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.in_order.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }
}

impl Subscription {
    /// Asks the server.
    pub(super) fn request(&mut self, authorization: Authorization, outgoing: &mut Outgoing) {
        let Authorization { auth, data } = authorization;
        // What cannot be read here, the server will not accept.
        self.me =
            data.as_deref().and_then(|data| parse_channel_data(data).ok()).map(|me| me.id().to_string());
        outgoing.push(Frame::subscribe(&self.channel, &auth, data.as_deref()));
        self.progress = Progress::Requested;
    }

    /// Forgets what was true on one connection.
    pub(super) fn reset(&mut self) {
        self.progress = Progress::Idle;
        self.me = None;
        self.roster = None;
    }
}
