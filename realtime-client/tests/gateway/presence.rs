use crate::common::{Client, Running};
use realtime_client::{Channel, Event};

pub(crate) fn ids(channel: &Channel) -> Vec<String> {
    channel.members().iter().map(|member| member.id().to_string()).collect()
}

pub(crate) fn wait_for_joining<C: Client>(client: &C, id: &str) {
    client.wait_for(|event| match event {
        Event::MemberJoined { member, .. } if member.id() == id => Some(()),
        Event::MemberJoined { .. } | Event::MemberLeft { .. } => panic!("{event:?}"),
        _ => None,
    });
}

fn wait_for_leaving<C: Client>(client: &C, id: &str) {
    client.wait_for(|event| match event {
        Event::MemberLeft { member, .. } if member.id() == id => Some(()),
        Event::MemberJoined { .. } | Event::MemberLeft { .. } => panic!("{event:?}"),
        _ => None,
    });
}

pub(crate) fn members_see_each_other_come_and_go<C: Client>() {
    let gateway = Running::new();
    let (ada, bob) = (C::of(&gateway, "ada"), C::of(&gateway, "bob"));
    let room = ada.enter("presence-room");
    assert_eq!(ids(&room), ["ada"]);
    let room_of_bob = bob.handle().channel("presence-room");
    room_of_bob.subscribe().unwrap();
    let here = bob.wait_for(|event| match event {
        Event::Subscribed { presence: Some(presence), .. } => Some(presence.clone()),
        _ => None,
    });
    assert_eq!(here.me.unwrap().info(), Some(r#"{"name":"bob"}"#));
    assert_eq!(here.members.iter().map(|member| member.id()).collect::<Vec<_>>(), ["ada", "bob"]);
    wait_for_joining(&ada, "bob");
    assert_eq!(ids(&room), ["ada", "bob"]);
    room_of_bob.unsubscribe();
    wait_for_leaving(&ada, "bob");
    assert_eq!((ids(&room), ids(&room_of_bob)), (vec!["ada".to_string()], vec![]));
}

pub(crate) fn a_user_with_two_connections_comes_once_and_goes_once<C: Client>() {
    let gateway = Running::new();
    let ada = C::of(&gateway, "ada");
    let room = ada.enter("presence-room");
    let (phone, laptop, carol) = (C::of(&gateway, "bob"), C::of(&gateway, "bob"), C::of(&gateway, "carol"));
    phone.enter("presence-room");
    laptop.enter("presence-room");
    wait_for_joining(&ada, "bob");
    phone.disconnect();
    carol.enter("presence-room");
    wait_for_joining(&ada, "carol"); // and nothing came of the others in between
    assert_eq!(ids(&room), ["ada", "bob", "carol"]);
    laptop.disconnect();
    wait_for_leaving(&ada, "bob");
}

pub(crate) fn many_members_are_shown<C: Client>() {
    let gateway = Running::new();
    let clients = Vec::from_iter((0..20).map(|n| C::of(&gateway, &format!("user{n}"))));
    for client in &clients {
        client.enter("presence-room");
    }
    let rooms = clients.iter().map(|client| client.handle().channel("presence-room"));
    for (n, room) in rooms.enumerate() {
        // Who came later is told to those who came before.
        for later in n + 1..clients.len() {
            wait_for_joining(&clients[n], &format!("user{later}"));
        }
        assert_eq!(ids(&room).len(), 20);
    }
}
