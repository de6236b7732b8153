use crate::{ChannelName, Hub};

/// A look at all channels of a hub in steps, between which the hub can take inputs: for hubs with so many
/// channels that others should not wait for a look at all of them.
///
/// A channel that is there from the first step to the last is seen once. One that comes or goes meanwhile may
/// be seen or not, and one that goes and comes again may be seen twice.
///
/// ```
/// use realtime_core::{ChannelWalk, Config, Hub, wire};
///
/// # let hub = Hub::new(Config::default(), wire::Plain, [0; 16]);
/// let mut walk = ChannelWalk::default();
/// while let Some(channels) = walk.step(&hub) {
///     channels.for_each(|channel| println!("{channel}"));
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChannelWalk {
    next: usize,
}

impl ChannelWalk {
    /// The most channels of a step: some tens of microseconds.
    pub const MAX_STEP: usize = 256;

    /// The channels of the next step, in no order that means anything; possibly none of them. `None` after the
    /// last step.
    pub fn step<'h>(&mut self, hub: &'h Hub) -> Option<impl Iterator<Item = &'h ChannelName> + use<'h>> {
        let start = self.next;
        let names = hub.channel_names_from(start, Self::MAX_STEP)?;
        self.next = start.saturating_add(Self::MAX_STEP);
        Some(names)
    }
}
