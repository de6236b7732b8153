//! The smallest use of a hub: a client without a connection, and one broadcast.
//!
//! ```text
//! cargo run --release -p realtime-std --example orders
//! ```

use realtime_std::{Credentials, Hub};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::new();
    let (client, mut deliveries) = hub.connect(Credentials::NONE)?;
    client.subscribe("orders")?;
    println!("subscribers: {}", hub.subscriber_count("orders"));

    hub.broadcast("orders", r#"{"event":"created","id":42}"#)?;
    if let Some(frame) = deliveries.next() {
        println!("frame: {}", frame.as_text().unwrap_or("(binary)"));
    }
    Ok(())
}
