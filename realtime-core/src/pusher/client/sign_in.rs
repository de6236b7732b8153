use crate::ChannelName;
use crate::pusher::User;
use alloc::string::String;

/// How far a client is with signing in.
#[derive(Debug)]
pub(super) enum SignIn {
    /// The application does not want it.
    Unwanted,
    /// It is to begin with the next connection.
    Wanted,
    /// The authorizer is asked.
    Asked,
    /// The server was asked.
    Requested,
    /// It is signed in.
    Done { user_id: String, channel: ChannelName },
    /// It was refused, on this connection.
    Failed,
}

impl SignIn {
    pub(super) fn done(user_id: String) -> Self {
        let channel = User::channel(&user_id);
        Self::Done { user_id, channel }
    }

    /// Whether the server is still to be asked.
    pub(super) fn is_ahead(&self) -> bool {
        match self {
            Self::Wanted | Self::Asked => true,
            Self::Unwanted | Self::Requested | Self::Done { .. } | Self::Failed => false,
        }
    }

    /// Whether `of` is the channel of the user.
    pub(super) fn is_channel(&self, of: &ChannelName) -> bool {
        match self {
            Self::Done { channel, .. } => channel == of,
            Self::Unwanted | Self::Wanted | Self::Asked | Self::Requested | Self::Failed => false,
        }
    }

    /// The connection is no more.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Unwanted => {}
            Self::Wanted | Self::Asked | Self::Requested | Self::Done { .. } | Self::Failed => {
                *self = Self::Wanted;
            }
        }
    }
}
