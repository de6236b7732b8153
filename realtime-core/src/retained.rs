use crate::{ChannelName, Config};
use alloc::collections::BTreeMap;
use core::time::Duration;
use realtime_ws::{PreparedMessage, Timestamp};

/// The latest message of a channel that is kept for newcomers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained<'a> {
    /// The message.
    pub message: &'a PreparedMessage,
    /// How long newcomers will still be sent it, counted from the hub's latest input.
    pub lasts: Duration,
}

/// All messages that are kept for newcomers, one for each channel at most.
#[derive(Default)]
pub(crate) struct RetainedMessages {
    by_channel: BTreeMap<ChannelName, Kept>,
    // The oldest are the first to make room, and the first to be overdue: unless they were to last longer than is usual
    // now, and then others wait with them to be forgotten.
    by_age: BTreeMap<u64, ChannelName>,
    kept_so_far: u64,
    bytes: usize,
}

struct Kept {
    message: PreparedMessage,
    until: Timestamp,
    age: u64,
}

impl RetainedMessages {
    /// Keeps `message` in the place of an earlier one. The oldest of all make room for it; one that is longer
    /// than all may be is not kept.
    pub(crate) fn keep(
        &mut self,
        channel: &ChannelName,
        message: PreparedMessage,
        config: &Config,
        now: Timestamp,
    ) {
        self.forget(channel);
        if bytes(channel, &message) > config.max_retained_bytes {
            return;
        }
        let age = self.kept_so_far;
        self.kept_so_far += 1;
        self.bytes += bytes(channel, &message);
        self.by_age.insert(age, channel.clone());
        self.by_channel.insert(channel.clone(), Kept { message, until: now + config.retention, age });
        while self.bytes > config.max_retained_bytes || self.by_age.len() > config.max_retained_messages {
            self.forget_oldest();
        }
    }

    pub(crate) fn get(&self, channel: &ChannelName, now: Timestamp) -> Option<Retained<'_>> {
        let kept = self.by_channel.get(channel).filter(|kept| kept.until > now)?;
        Some(Retained { message: &kept.message, lasts: kept.until.since(now) })
    }

    /// Forgets what is kept no longer.
    pub(crate) fn forget_overdue(&mut self, now: Timestamp) {
        while self.oldest().is_some_and(|oldest| oldest.until <= now) {
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<&Kept> {
        self.by_channel.get(self.by_age.first_key_value()?.1)
    }

    fn forget_oldest(&mut self) {
        if let Some((_, channel)) = self.by_age.pop_first() {
            self.forget(&channel);
        }
    }

    fn forget(&mut self, channel: &ChannelName) {
        if let Some(kept) = self.by_channel.remove(channel) {
            self.by_age.remove(&kept.age);
            self.bytes -= bytes(channel, &kept.message);
        }
    }
}

fn bytes(channel: &ChannelName, message: &PreparedMessage) -> usize {
    channel.as_str().len() + message.frame().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn nothing_is_left_of_what_is_forgotten() {
        let config = Config { retention: Duration::from_secs(10), ..Config::default() };
        let mut retained = RetainedMessages::default();
        for second in 0..100 {
            let channel = ChannelName::from(&format!("{}", second % 7));
            retained.keep(&channel, "message".into(), &config, at(second));
            retained.forget_overdue(at(second));
            assert!(retained.by_channel.len() == retained.by_age.len() && retained.by_age.len() <= 7);
        }
        assert_eq!(retained.bytes, 7 * bytes(&"0".into(), &"message".into()));
        retained.forget_overdue(at(108));
        assert_eq!(retained.by_age.len(), 1);
        retained.forget_overdue(at(109));
        assert_eq!((retained.by_channel.len(), retained.by_age.len(), retained.bytes), (0, 0, 0));
    }
}
