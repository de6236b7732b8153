use crate::common::{Authorize, Client, KEY, Running, app, hurried};
use realtime_client::{About, Event, State};

fn sign_in<C: Client>(client: &C) {
    client.handle().sign_in();
    wait_for_sign_in(client);
}

fn wait_for_sign_in<C: Client>(client: &C) {
    client.wait_for(|event| match event {
        Event::SignedIn { .. } => Some(()),
        Event::SignInFailed { reason } => panic!("{reason}"),
        _ => None,
    });
}

pub(crate) fn who_is_signed_in_receives_what_is_sent_to_the_user<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    sign_in(&client);
    assert_eq!(client.handle().user_id().as_deref(), Some("ada"));
    // What is subscribed to later is let in later: then the user's channel is there.
    client.enter("news");
    gateway.users.send("ada", "greeting", "hello").unwrap();
    let greeting = client.wait_for(|event| match event {
        Event::ToUser { event, data } => Some((event.clone(), data.clone())),
        _ => None,
    });
    assert_eq!(greeting, ("greeting".into(), "hello".into()));
}

pub(crate) fn a_presence_channel_is_joined_as_the_user<C: Client>() {
    let gateway = Running::new();
    // It names the user on sign-in only.
    let authorize: Box<Authorize> = Box::new(|question| {
        let user_data = r#"{"id":"ada","user_info":{"name":"Ada"}}"#;
        Ok(match &question.about {
            About::User => question.sign(&app(), Some(user_data)),
            About::Channel(_) => question.sign(&app(), None),
        })
    });
    let client = C::connect(&gateway.url(), KEY, hurried(), Some(authorize)).unwrap();
    client.handle().sign_in();
    let room = client.enter("presence-room");
    assert_eq!(room.me().unwrap().info(), Some(r#"{"name":"Ada"}"#));
}

pub(crate) fn users_that_are_watched_come_and_go<C: Client>() {
    let gateway = Running::new();
    let authorize: Box<Authorize> =
        Box::new(|question| Ok(question.sign(&app(), Some(r#"{"id":"ada","watchlist":["bob"]}"#))));
    let ada = C::connect(&gateway.url(), KEY, hurried(), Some(authorize)).unwrap();
    sign_in(&ada);
    let bob = C::of(&gateway, "bob");
    sign_in(&bob);
    ada.wait_for(|event| matches!(event, Event::Online { user_ids } if user_ids == &["bob"]).then_some(()));
    bob.disconnect();
    // The first that is told is that bob was offline when ada came.
    ada.wait_for(|event| matches!(event, Event::Offline { user_ids } if user_ids == &["bob"]).then_some(()));
}

pub(crate) fn who_is_thrown_out_does_not_come_back<C: Client>() {
    let gateway = Running::new();
    let client = C::of(&gateway, "ada");
    sign_in(&client);
    assert_eq!(gateway.users.terminate("ada"), 1);
    client.wait_for_state(State::Failed);
    assert_eq!(client.next_event(), None);
    assert_eq!((client.handle().state(), client.handle().socket_id()), (State::Failed, None));
    client.handle().reconnect(); // unless it is told to
    wait_for_sign_in(&client);
}
