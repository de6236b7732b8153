use crate::wire::Wire;
use crate::*;
use alloc::boxed::Box;
use realtime_ws::Timestamp;

/// The hub.
pub struct Hub {
    wire: Box<dyn Wire>,
}

impl Hub {
    /// `seed`: 16 unpredictable bytes
    pub fn new(config: Config, wire: impl Wire + 'static, seed: [u8; 16]) -> Self {
        todo!()
    }
    /// Takes one input. Drain poll_action afterwards.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) -> Result<(), InputError> {
        todo!()
    }
    /// next action
    pub fn poll_action(&mut self) -> Option<Action> {
        todo!()
    }
    /// when to hand in TimePassed
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        todo!()
    }
    /// clients connected
    pub fn client_count(&self) -> usize {
        todo!()
    }
    /// channels with a subscriber
    pub fn channel_count(&self) -> usize {
        todo!()
    }
    /// subscribers of a channel
    pub fn subscriber_count(&self, channel: &ChannelName) -> usize {
        todo!()
    }
    /// None for unknown or non-presence
    pub fn presence(&self, channel: &ChannelName) -> Option<&Roster> {
        todo!()
    }
    /// names, sorted, of occupied channels with this prefix
    pub fn channels<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a ChannelName> {
        core::iter::empty()
    }
    /// whether this client receives the channel's messages
    pub fn is_subscribed(&self, client: ClientId, channel: &ChannelName) -> bool {
        todo!()
    }
    /// The member that the client is seen as in a presence channel
    pub fn member(&self, client: ClientId, channel: &ChannelName) -> Option<&Member> {
        todo!()
    }
    /// Whether Close was handled
    pub fn is_closed(&self) -> bool {
        todo!()
    }
}
