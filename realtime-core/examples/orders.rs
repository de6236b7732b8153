//! The smallest use of the hub: an in-memory client and one broadcast.
//!
//! ```text
//! cargo run -p realtime-core --example orders
//! ```

use realtime_core::wire::Plain;
use realtime_core::{Action, ChannelName, Config, Credentials, Home, Hub, Input, InputError};
use realtime_ws::Timestamp;

fn main() -> Result<(), InputError> {
    let mut hub = Hub::new(Config::default(), Plain, [0; 16]); // a server draws these bytes at random
    let now = Timestamp::START; // nothing here waits, so that time may stand still
    let orders = ChannelName::from("orders");

    hub.handle_input(Input::Connect { credentials: Credentials::NONE, home: Home::default() }, now)?;
    let Some(Action::Connected { client }) = hub.poll_action() else {
        unreachable!("a connect is answered by the client's id");
    };

    hub.handle_input(Input::Subscribe { client, channel: orders.clone(), credentials: None }, now)?;
    while hub.poll_action().is_some() {} // that it is subscribed, which interests nobody here
    println!("subscribers: {}", hub.subscriber_count(&orders));

    let message = r#"{"event":"created","id":42}"#.into();
    hub.handle_input(Input::Broadcast { channel: orders, message, except: None }, now)?;
    while let Some(action) = hub.poll_action() {
        if let Action::Deliver { to, message } = action {
            for _ in to.iter() {
                println!("frame: {}", message.as_text().unwrap_or("(binary)"));
            }
        }
    }
    Ok(())
}
