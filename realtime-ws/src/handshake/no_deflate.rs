//! What stands in for the negotiation of compression in a build without it: nothing is offered or accepted.

use super::HandshakeFailed;
use super::extension::Extension;
use crate::Config;
use crate::deflate::NegotiatedDeflate;
use alloc::string::String;

pub(super) fn accept<'a>(
    _: impl Iterator<Item = Extension<'a>>,
    _: &Config,
) -> Option<(NegotiatedDeflate, String)> {
    None
}

pub(super) fn offer(_: &Config) -> Option<String> {
    None
}

pub(super) fn judge<'a>(
    mut answers: impl Iterator<Item = Extension<'a>>,
    _: &Config,
) -> Result<Option<NegotiatedDeflate>, HandshakeFailed> {
    if answers.next().is_some() { Err(HandshakeFailed::ExtensionNotOffered) } else { Ok(None) }
}
