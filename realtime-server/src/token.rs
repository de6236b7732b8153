use realtime_core::pusher::Secret;

/// What lets its bearer in, where it is asked for. Not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct Token {
    secret: Secret,
    // Compared in place of the token, in constant time.
    signature: String,
}

impl Token {
    /// The token `token`.
    #[must_use]
    pub fn new(token: &str) -> Self {
        let secret = Secret::new(token);
        let signature = secret.sign(token);
        Self { secret, signature }
    }

    /// Whether `token` is this one; in constant time.
    pub(crate) fn is(&self, token: &str) -> bool {
        self.secret.verify(token, &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_lets_in() {
        let token = Token::new("let me in");
        assert!(token.is("let me in"));
        for other in ["", "let me i", "let me in ", "Let me in"] {
            assert!(!token.is(other), "{other:?}");
        }
        assert!(!format!("{token:?}").contains("let me in"));
    }
}
