//! A chat in the terminal: what one types, all others in the room read. Start it twice, beside a gateway in demo mode.
//!
//! ```text
//! cargo run --release                                             # the gateway
//! cargo run --release -p realtime-client --example chat -- Ada
//! cargo run --release -p realtime-client --example chat -- Bob ws://127.0.0.1:8080
//! ```

use realtime_client::blocking::Client;
use realtime_client::{App, Channel, Event, Member, Secret};
use std::error::Error;
use std::{io, process, thread};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        eprintln!("usage: chat NAME [ws://HOST:PORT]");
        process::exit(2);
    };
    let address = arguments.next().unwrap_or_else(|| "ws://127.0.0.1:8080".into());

    // A program that is not trusted would ask its server for the signature instead.
    let app = App { id: "demo".into(), key: "demo-key".into(), secret: Secret::new("demo-secret") };
    let me = Member::new(&name, "");
    let client = Client::builder(&address, "demo-key")
        .authorizer(move |question| Ok::<_, String>(question.sign_as(&app, &me)))
        .connect()?;
    let room = client.channel("presence-terminal");
    room.subscribe()?;

    let typing = {
        let (client, room) = (client.clone(), room.clone());
        move || {
            say_what_is_typed(&room);
            client.disconnect();
        }
    };
    thread::spawn(typing);
    while let Some(event) = client.next_event() {
        show(&event);
    }
    Ok(())
}

fn say_what_is_typed(room: &Channel) {
    for line in io::stdin().lines().map_while(Result::ok) {
        // Without quotes and backslashes, a line in quotes is JSON.
        let text = line.replace(['"', '\\'], "'").replace(char::is_control, " ");
        if let Err(error) = room.trigger("client-line", &format!("\"{text}\"")) {
            println!("* not sent: {error}");
        }
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "whatever else comes is shown as it is")]
fn show(event: &Event) {
    match event {
        Event::Message { data, user_id, .. } => println!("{}: {data}", user_id.as_deref().unwrap_or("?")),
        Event::Subscribed { presence: Some(presence), .. } => {
            println!("* here: {}", Vec::from_iter(presence.members.iter().map(Member::id)).join(", "));
        }
        Event::MemberJoined { member, .. } => println!("* {} came", member.id()),
        Event::MemberLeft { member, .. } => println!("* {} left", member.id()),
        Event::StateChanged { state } => println!("* {state:?}"),
        Event::SubscriptionFailed { failure, .. } => println!("* {failure}"),
        Event::Error { message, .. } => println!("* {message}"),
        Event::ConnectionLost { reason, .. } => println!("* the connection is lost: {reason}"),
        other => println!("* {other:?}"),
    }
}
