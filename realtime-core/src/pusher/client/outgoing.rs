use crate::ChannelName;
use crate::json::push_string;
use crate::pusher::frames;
use alloc::collections::VecDeque;
use alloc::string::String;

/// A frame that a client sends.
#[derive(Debug)]
pub(super) enum Frame {
    Subscribe { channel: ChannelName, text: String },
    Unsubscribe { channel: ChannelName },
    ClientEvent { channel: ChannelName, event: String, text: String },
    SignIn { text: String },
    Ping,
    Pong,
}

impl Frame {
    /// `pusher:subscribe`.
    pub(super) fn subscribe(channel: &ChannelName, auth: &str, channel_data: Option<&str>) -> Self {
        let mut text = String::from(r#"{"event":"pusher:subscribe","data":{"channel":"#);
        push_string(&mut text, channel.as_str());
        text.push_str(r#","auth":"#);
        push_string(&mut text, auth);
        if let Some(channel_data) = channel_data {
            text.push_str(r#","channel_data":"#);
            push_string(&mut text, channel_data);
        }
        text.push_str("}}");
        Self::Subscribe { channel: channel.clone(), text }
    }

    /// `pusher:signin`.
    pub(super) fn sign_in(auth: &str, user_data: &str) -> Self {
        let mut text = String::from(r#"{"event":"pusher:signin","data":{"auth":"#);
        push_string(&mut text, auth);
        text.push_str(r#","user_data":"#);
        push_string(&mut text, user_data);
        text.push_str("}}");
        Self::SignIn { text }
    }

    /// A client event; `data` is JSON.
    pub(super) fn client_event(channel: &ChannelName, event: &str, data: &str) -> Self {
        let text = frames::client_event(channel, event, Some(data), None);
        Self::ClientEvent { channel: channel.clone(), event: event.into(), text }
    }

    pub(super) fn into_text(self) -> String {
        match self {
            Self::Subscribe { text, .. } | Self::ClientEvent { text, .. } | Self::SignIn { text } => text,
            Self::Unsubscribe { channel } => {
                let mut text = String::from(r#"{"event":"pusher:unsubscribe","data":{"channel":"#);
                push_string(&mut text, channel.as_str());
                text.push_str("}}");
                text
            }
            Self::Ping => frames::PING.into(),
            Self::Pong => frames::PONG.into(),
        }
    }
}

/// The frames that wait for the driver.
///
/// Bounded however the application and the server behave while the driver takes nothing: of each channel that the
/// server knows one unsubscribe and one subscribe, of the others one subscribe; one ping, one pong, one sign-in.
/// Client events are limited by whoever pushes them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    queue: VecDeque<Frame>,
    client_events: usize,
}

impl Outgoing {
    pub(super) fn push(&mut self, frame: Frame) {
        self.client_events += usize::from(matches!(frame, Frame::ClientEvent { .. }));
        self.queue.push_back(frame);
    }

    /// A ping or a pong. A server that asks on without reading is answered once.
    pub(super) fn push_once(&mut self, frame: Frame) {
        let kind = core::mem::discriminant(&frame);
        if !self.queue.iter().any(|waiting| core::mem::discriminant(waiting) == kind) {
            self.push(frame);
        }
    }

    /// Unsubscribes from a channel that was subscribed to. If that still waits, it is taken back.
    pub(super) fn unsubscribe(&mut self, channel: &ChannelName) {
        let is_subscribe =
            |frame: &Frame| matches!(frame, Frame::Subscribe { channel: of, .. } if of == channel);
        match self.queue.iter().rposition(is_subscribe) {
            Some(at) => drop(self.queue.remove(at)),
            None => self.push(Frame::Unsubscribe { channel: channel.clone() }),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = self.queue.pop_front()?;
        self.client_events -= usize::from(matches!(frame, Frame::ClientEvent { .. }));
        Some(frame)
    }

    /// All that waits.
    pub(super) fn take(&mut self) -> VecDeque<Frame> {
        self.client_events = 0;
        core::mem::take(&mut self.queue)
    }

    /// How many client events wait.
    pub(super) fn client_events(&self) -> usize {
        self.client_events
    }
}
