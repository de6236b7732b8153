use crate::world::{assert_receives_nothing, text};
use crate::{Client, Setup, World, eventually};
use realtime_core::{Decision, Member, Notice};

const LOBBY: &str = "presence-lobby";
const ADA: &str = r#"{"id":"ada","info":{"from":"London"}}"#;
const BOB: &str = r#"{"id":"bob","info":"unknown"}"#;

/// Each gets the roster from before it joined, and then every join, its own included.
pub fn two_members_see_each_other_join<W: World>() {
    let world = W::open(setup());
    let mut ada = join(&world, "ada");
    assert_eq!(ada.receive(), roster(&[]));
    assert_eq!(ada.receive(), added(ADA));
    let mut bob = join(&world, "bob");
    assert_eq!(bob.receive(), roster(&[ADA]));
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.receive(), added(BOB));
    }
    assert_eq!(ids(&world), ["ada", "bob"]);
    world.end();
}

/// Those who stay are told, and who left gets nothing more.
pub fn unsubscribing_is_leaving<W: World>() {
    let world = W::open(setup());
    let (mut ada, mut bob) = both_joined(&world);
    bob.unsubscribe(LOBBY).expect("the client is connected");
    assert_eq!(ada.receive(), removed(BOB));
    assert_receives_nothing(&world, &mut bob);
    assert_eq!(ids(&world), ["ada"]);
    ada.unsubscribe(LOBBY).expect("the client is connected");
    assert_eq!(world.presence(LOBBY), None);
    world.end();
}

/// Once, and the roster is right.
pub fn disconnecting_is_leaving<W: World>() {
    let world = W::open(setup());
    let (mut ada, bob) = both_joined(&world);
    bob.leave();
    assert_eq!(ada.receive(), removed(BOB));
    assert_receives_nothing(&world, &mut ada);
    assert_eq!(ids(&world), ["ada"]);
    world.end();
}

/// With its first client and with its last.
pub fn a_member_with_two_clients_joins_and_leaves_once<W: World>() {
    let world = W::open(setup());
    let (mut ada, bob) = both_joined(&world);
    let mut bobs_phone = join(&world, "bob");
    assert_eq!(bobs_phone.receive(), roster(&[ADA, BOB]));
    assert_receives_nothing(&world, &mut ada);
    bob.leave();
    eventually("the first client's leaving", || world.client_count() == 2);
    assert_receives_nothing(&world, &mut ada);
    assert_eq!(ids(&world), ["ada", "bob"]);
    bobs_phone.leave();
    assert_eq!(ada.receive(), removed(BOB));
    world.end();
}

/// In the order in which they happened.
pub fn joins_and_leaves_are_told_to_the_application<W: World>() {
    let world = W::open(setup());
    let (mut ada, bob) = both_joined(&world);
    bob.leave();
    assert_eq!(ada.receive(), removed(BOB));
    ada.leave();
    eventually("the last client's leaving", || world.client_count() == 0);
    let comings_and_goings = || -> Vec<(&str, String)> {
        let notices = world.notices();
        notices
            .iter()
            .filter_map(coming_or_going)
            .map(|(how, member)| (how, member.id().to_owned()))
            .collect()
    };
    let expected = [("joined", "ada"), ("joined", "bob"), ("left", "bob"), ("left", "ada")];
    eventually("the last notice", || comings_and_goings().len() == expected.len());
    assert_eq!(comings_and_goings(), expected.map(|(how, id)| (how, id.to_owned())));
    world.end();
}

fn coming_or_going(notice: &Notice) -> Option<(&'static str, &Member)> {
    match notice {
        Notice::Joined { member, .. } => Some(("joined", member)),
        Notice::Left { member, .. } => Some(("left", member)),
        Notice::Subscribed { .. }
        | Notice::Denied { .. }
        | Notice::NothingRetained { .. }
        | Notice::Unsubscribed { .. }
        | Notice::Dropped { .. }
        | Notice::TooSlow { .. }
        | Notice::Undelivered { .. }
        | Notice::Closed => None,
    }
}

/// A hub where everyone is who they say.
fn setup() -> Setup {
    Setup::authorized_by(|request| {
        let id = String::from_utf8_lossy(request.credentials.as_bytes());
        let info = if id == "ada" { r#"{"from":"London"}"# } else { "unknown" };
        Decision::Allow { member: Some(Member::new(&id, info)) }
    })
}

fn join<W: World>(world: &W, id: &str) -> W::Client {
    let client = world.connect(id).expect("the hub is open");
    client.subscribe(LOBBY).expect("the authorizer allows it");
    client
}

/// Ada and Bob, who have received all there was.
fn both_joined<W: World>(world: &W) -> (W::Client, W::Client) {
    let (mut ada, mut bob) = (join(world, "ada"), join(world, "bob"));
    for expected in [roster(&[]), added(ADA), added(BOB)] {
        assert_eq!(ada.receive(), expected);
    }
    for expected in [roster(&[ADA]), added(BOB)] {
        assert_eq!(bob.receive(), expected);
    }
    (ada, bob)
}

fn ids<W: World>(world: &W) -> Vec<String> {
    let members = world.presence(LOBBY).expect("someone is there");
    members.iter().map(|member| member.id().to_owned()).collect()
}

fn roster(members: &[&str]) -> crate::Received {
    let members = members.join(",");
    text(&format!(
        r#"{{"event":"presence:subscription_succeeded","channel":"{LOBBY}","members":[{members}]}}"#
    ))
}

fn added(member: &str) -> crate::Received {
    text(&format!(r#"{{"event":"presence:member_added","channel":"{LOBBY}","member":{member}}}"#))
}

fn removed(member: &str) -> crate::Received {
    text(&format!(r#"{{"event":"presence:member_removed","channel":"{LOBBY}","member":{member}}}"#))
}
