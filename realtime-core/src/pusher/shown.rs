use core::fmt::{self, Write};

/// Text from a client as an error message shows it: in quotes, and cut where it is long, so that an answer
/// does not grow with the request.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl Shown<'_> {
    const MAX_BYTES: usize = 64;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.floor_char_boundary(Self::MAX_BYTES)];
        write!(f, "\"{shown}")?;
        if shown.len() < self.0.len() {
            f.write_char('…')?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(Shown("short").to_string(), "\"short\"");
        let shown = Shown(&("x".to_string() + &"é".repeat(40))).to_string();
        assert_eq!(shown, "\"x".to_string() + &"é".repeat(31) + "…\"");
    }
}
