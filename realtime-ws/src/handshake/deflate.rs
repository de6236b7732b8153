//! The negotiation of permessage-deflate (RFC 7692 §7.1).

use super::HandshakeFailed;
use super::extension::Extension;
use crate::deflate::MIN_WINDOW_BITS;
use crate::{Config, DeflateConfig, NegotiatedDeflate};
use alloc::string::String;
use core::fmt;

const NAME: &str = "permessage-deflate";

/// The window of who says nothing of windows.
const DEFAULT_WINDOW_BITS: u8 = 15;

/// What a server agrees to, and the header's value that says so: the first of the client's offers that is
/// acceptable.
pub(super) fn accept<'a>(
    offers: impl Iterator<Item = Extension<'a>>,
    config: &Config,
) -> Option<(NegotiatedDeflate, String)> {
    let config = config.deflate.as_ref()?;
    let mut offers = offers.filter(|offer| offer.name() == NAME);
    let answer = offers.find_map(|offer| Params::read(&offer)?.answer(config))?;
    let agreed = NegotiatedDeflate {
        outgoing_context_takeover: !answer.server_no_context_takeover,
        incoming_context_takeover: !answer.client_no_context_takeover,
        outgoing_window_bits: answer.server_max_window_bits.unwrap_or(config.outgoing_window_bits),
        incoming_window_bits: answer.client_window_bits(),
    };
    Some((agreed, alloc::format!("{answer}")))
}

/// What a client offers: the header's value.
pub(super) fn offer(config: &Config) -> Option<String> {
    config.deflate.as_ref().map(|config| alloc::format!("{}", Params::offer(config)))
}

/// What a server's answer to [`offer`] agrees to.
pub(super) fn judge<'a>(
    mut answers: impl Iterator<Item = Extension<'a>>,
    config: &Config,
) -> Result<Option<NegotiatedDeflate>, HandshakeFailed> {
    let Some(answer) = answers.next() else { return Ok(None) };
    let Some(config) = config.deflate.as_ref().filter(|_| answer.name() == NAME) else {
        return Err(HandshakeFailed::ExtensionNotOffered);
    };
    let answer = Params::read(&answer).filter(|answer| answers.next().is_none() && answer.answers(config));
    let Some(answer) = answer else { return Err(HandshakeFailed::UnacceptableExtension) };
    Ok(Some(NegotiatedDeflate {
        outgoing_context_takeover: config.outgoing_context_takeover && !answer.client_no_context_takeover,
        incoming_context_takeover: !answer.server_no_context_takeover,
        outgoing_window_bits: answer.client_window_bits().min(config.outgoing_window_bits),
        incoming_window_bits: answer.server_max_window_bits.unwrap_or(DEFAULT_WINDOW_BITS),
    }))
}

/// The parameters of one offer or answer, each of which may come once.
#[derive(Clone, Copy, Default)]
struct Params {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<ClientWindow>,
}

#[derive(Clone, Copy)]
enum ClientWindow {
    Bits(u8),
    /// Without a value, in an offer only: it is the server's to choose.
    Any,
}

impl Params {
    /// `None` if a parameter is unknown, repeated, or has a value that it cannot have.
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut params = Self::default();
        for (name, value) in extension.params() {
            let value = value.as_deref();
            let is_new = match name {
                "server_no_context_takeover" => {
                    value.is_none() && !core::mem::replace(&mut params.server_no_context_takeover, true)
                }
                "client_no_context_takeover" => {
                    value.is_none() && !core::mem::replace(&mut params.client_no_context_takeover, true)
                }
                "server_max_window_bits" => {
                    params.server_max_window_bits.replace(read_window_bits(value?)?).is_none()
                }
                "client_max_window_bits" => {
                    let window = match value {
                        Some(value) => ClientWindow::Bits(read_window_bits(value)?),
                        None => ClientWindow::Any,
                    };
                    params.client_max_window_bits.replace(window).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(params)
    }

    /// What a server answers to this offer; `None` if it declines it.
    fn answer(self, config: &DeflateConfig) -> Option<Self> {
        if self.server_max_window_bits.is_some_and(|bits| bits < MIN_WINDOW_BITS) {
            return None;
        }
        Some(Self {
            // A server may say both of these whether or not they were offered (§7.1.1).
            server_no_context_takeover: self.server_no_context_takeover || !config.outgoing_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover || !config.incoming_context_takeover,
            server_max_window_bits: self
                .server_max_window_bits
                .map(|offered| offered.min(config.outgoing_window_bits)),
            // Only who offers this one understands it (§7.1.2.2).
            client_max_window_bits: self
                .client_max_window_bits
                .map(|_| ClientWindow::Bits(self.client_window_bits().min(config.incoming_window_bits))),
        })
    }

    fn offer(config: &DeflateConfig) -> Self {
        let limit = |bits: u8| (bits < DEFAULT_WINDOW_BITS).then_some(bits);
        Self {
            server_no_context_takeover: !config.incoming_context_takeover,
            client_no_context_takeover: !config.outgoing_context_takeover,
            server_max_window_bits: limit(config.incoming_window_bits),
            client_max_window_bits: Some(
                limit(config.outgoing_window_bits).map_or(ClientWindow::Any, ClientWindow::Bits),
            ),
        }
    }

    /// Whether this is a valid answer to what a client offers: it grants what was asked for.
    fn answers(&self, config: &DeflateConfig) -> bool {
        let offer = Self::offer(config);
        let grants_no_takeover = self.server_no_context_takeover || !offer.server_no_context_takeover;
        let grants_window = match (offer.server_max_window_bits, self.server_max_window_bits) {
            (Some(offered), Some(answered)) => answered <= offered,
            (Some(_), None) => false,
            (None, Some(_) | None) => true,
        };
        let is_client_window_valid = match self.client_max_window_bits {
            Some(ClientWindow::Bits(answered)) => answered <= offer.client_window_bits(),
            Some(ClientWindow::Any) => false,
            None => true,
        };
        grants_no_takeover && grants_window && is_client_window_valid
    }

    fn client_window_bits(&self) -> u8 {
        match self.client_max_window_bits {
            Some(ClientWindow::Bits(bits)) => bits,
            Some(ClientWindow::Any) | None => DEFAULT_WINDOW_BITS,
        }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if self.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; server_max_window_bits={bits}")?;
        }
        match self.client_max_window_bits {
            Some(ClientWindow::Bits(bits)) => write!(f, "; client_max_window_bits={bits}"),
            Some(ClientWindow::Any) => f.write_str("; client_max_window_bits"),
            None => Ok(()),
        }
    }
}

/// A decimal number from 8 to 15 without leading zeros (§7.1.2).
fn read_window_bits(value: &str) -> Option<u8> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    value.parse().ok().filter(|bits| is_plain && (8..=15).contains(bits))
}
