//! How a subscribe's `auth` and `channel_data` travel through the hub to the authorizer.

use super::socket_id::SocketId;
use crate::Credentials;
use alloc::format;
use core::str;

/// What a client shows for a private or presence channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SubscribeCredentials<'a> {
    /// The client's connection, so that the authorizer needs no table of its own. Ours, never the client's
    /// word.
    pub(crate) socket_id: SocketId,
    /// `key:signature`, on one line.
    pub(crate) auth: &'a str,
    /// Who the client is in a presence channel.
    pub(crate) channel_data: Option<&'a str>,
}

impl<'a> SubscribeCredentials<'a> {
    /// The credentials for the hub: two or three lines, of which only the last may contain line breaks.
    pub(crate) fn encode(&self) -> Credentials {
        let Self { socket_id, auth, .. } = self;
        match self.channel_data {
            Some(channel_data) => Credentials::from(&format!("{socket_id}\n{auth}\n{channel_data}")),
            None => Credentials::from(&format!("{socket_id}\n{auth}")),
        }
    }

    /// What [`encode`](Self::encode) wrote; `None` for the credentials of anything else.
    pub(crate) fn decode(credentials: &'a Credentials) -> Option<Self> {
        let mut lines = str::from_utf8(credentials.as_bytes()).ok()?.splitn(3, '\n');
        Some(Self { socket_id: lines.next()?.parse().ok()?, auth: lines.next()?, channel_data: lines.next() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_of_something_else_are_not_taken_for_a_subscribe() {
        for bytes in ["", "1.2", "hello\nk:s", "1.2 \nk:s"] {
            assert_eq!(SubscribeCredentials::decode(&Credentials::from(bytes)), None, "{bytes:?}");
        }
        assert_eq!(SubscribeCredentials::decode(&Credentials::from(b"1.2\n\xff")), None);
    }

    proptest! {
        #[test]
        fn they_come_back_as_they_were(id in any::<[u8; 16]>(), auth in "[^\n]*", data in any::<Option<alloc::string::String>>()) {
            let socket_id = SocketId::from_random(id);
            let shown = SubscribeCredentials { socket_id, auth: &auth, channel_data: data.as_deref() };
            let credentials = shown.encode();
            prop_assert_eq!(SubscribeCredentials::decode(&credentials), Some(shown));
        }
    }
}
