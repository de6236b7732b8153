//! How what a subscribe shows, and who its client is, travel through the hub to the authorizer.

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
    pub(crate) identity: Identity<'a>,
}

/// Who a client says it is, or is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity<'a> {
    /// Nobody in particular.
    None,
    /// Whom the app's server signed with the channel, letter by letter.
    ChannelData(&'a str),
    /// The user as whom it is signed in, as [`Member::to_json`](crate::Member::to_json) writes it. Ours, never
    /// the client's word.
    User(&'a str),
}

const CHANNEL_DATA: &str = "channel_data:";
const USER: &str = "user:";

impl<'a> SubscribeCredentials<'a> {
    /// The credentials for the hub: two or three lines, of which only the last may contain line breaks.
    pub(crate) fn encode(&self) -> Credentials {
        let Self { socket_id, auth, .. } = self;
        let (kind, data) = match self.identity {
            Identity::None => return Credentials::from(&format!("{socket_id}\n{auth}")),
            Identity::ChannelData(channel_data) => (CHANNEL_DATA, channel_data),
            Identity::User(member) => (USER, member),
        };
        Credentials::from(&format!("{socket_id}\n{auth}\n{kind}{data}"))
    }

    /// What [`encode`](Self::encode) wrote; `None` for the credentials of anything else.
    pub(crate) fn decode(credentials: &'a Credentials) -> Option<Self> {
        let mut lines = str::from_utf8(credentials.as_bytes()).ok()?.splitn(3, '\n');
        let (socket_id, auth) = (lines.next()?.parse().ok()?, lines.next()?);
        let identity = match lines.next() {
            None => Identity::None,
            Some(line) => match line.strip_prefix(CHANNEL_DATA) {
                Some(channel_data) => Identity::ChannelData(channel_data),
                None => Identity::User(line.strip_prefix(USER)?),
            },
        };
        Some(Self { socket_id, auth, identity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    #[test]
    fn credentials_of_something_else_are_not_taken_for_a_subscribe() {
        for bytes in ["", "1.2", "hello\nk:s", "1.2 \nk:s", "1.2\nk:s\n", "1.2\nk:s\n{}"] {
            assert_eq!(SubscribeCredentials::decode(&Credentials::from(bytes)), None, "{bytes:?}");
        }
        assert_eq!(SubscribeCredentials::decode(&Credentials::from(b"1.2\n\xff")), None);
    }

    proptest! {
        #[test]
        fn they_come_back_as_they_were(id in any::<[u8; 16]>(), auth in "[^\n]*", data in any::<String>()) {
            let socket_id = SocketId::from_random(id);
            for identity in [Identity::None, Identity::ChannelData(&data), Identity::User(&data)] {
                let shown = SubscribeCredentials { socket_id, auth: &auth, identity };
                let credentials = shown.encode();
                prop_assert_eq!(SubscribeCredentials::decode(&credentials), Some(shown));
            }
        }
    }
}
