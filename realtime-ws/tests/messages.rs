//! Messages as values: what they are made of, and what is read off them.

mod common;

use common::*;
use realtime_ws::{Message, MessageKind, OwnedMessage, PreparedMessage, Role};

#[test]
fn a_message_that_was_received_can_be_kept_and_sent() {
    for (lent, owned) in [
        (Message::Text("text"), OwnedMessage::Text("text".into())),
        (Message::Binary(b"bytes"), OwnedMessage::Binary(b"bytes".into())),
    ] {
        assert_eq!(OwnedMessage::from(lent), owned);
        assert_eq!(Message::from(&owned), lent);
    }
}

#[test]
fn text_stays_text_and_bytes_stay_bytes() {
    assert_eq!(OwnedMessage::from("text"), OwnedMessage::Text("text".into()));
    assert_eq!(OwnedMessage::from(String::from("text")), OwnedMessage::Text("text".into()));
    assert_eq!(OwnedMessage::from(b"text".to_vec()), OwnedMessage::Binary(b"text".into()));
}

#[test]
fn a_prepared_message_shows_what_it_was_made_of() {
    let long = "é".repeat(100);
    for text in ["", "text", &long] {
        let message = PreparedMessage::from(text);
        assert_eq!((message.kind(), message.as_text()), (MessageKind::Text, Some(text)));
        assert_eq!((message.payload(), &message.to_bytes()[..]), (text.as_bytes(), text.as_bytes()));
        assert_eq!(message.frame(), frame(TEXT, text).unmasked());
    }
    let message = PreparedMessage::from(b"bytes");
    assert_eq!((message.kind(), message.as_text()), (MessageKind::Binary, None));
    assert_eq!(message.to_bytes().as_ptr(), message.payload().as_ptr(), "it is shared, not copied");
}

#[test]
fn what_is_printed_of_a_connection_has_no_masking_keys() {
    let printed = format!("{:?}", End::new(Role::Client).connection);
    assert!(printed.contains("masking_keys: Some(MaskingKeys)"), "{printed}");
}
