use crate::common::{Authorize, Blocking, Client, KEY, PATIENCE, Running, app, hurried};
use realtime_client::{About, Authorization, Event, SubscriptionFailure};
use std::sync::Mutex;
use std::sync::mpsc;

fn failure<C: Client>(client: &C, name: &str) -> SubscriptionFailure {
    client.handle().channel(name).subscribe().unwrap();
    client.wait_for(|event| match event {
        Event::SubscriptionFailed { channel, failure } if channel.as_str() == name => Some(failure.clone()),
        _ => None,
    })
}

fn client<C: Client>(gateway: &Running, authorize: Option<Box<Authorize>>) -> C {
    C::connect(&gateway.url(), KEY, hurried(), authorize).unwrap()
}

pub(crate) fn a_signature_that_is_wrong_is_refused_by_the_gateway<C: Client>() {
    let gateway = Running::new();
    let forge: Box<Authorize> = Box::new(|_| Ok(Authorization { auth: format!("{KEY}:forged"), data: None }));
    let client: C = client(&gateway, Some(forge));
    let SubscriptionFailure::Server { status, reason } = failure(&client, "private-a") else { panic!() };
    assert_eq!(status, Some(401));
    assert!(reason.contains("signature"), "{reason}");
    client.enter("news"); // the connection lives
}

pub(crate) fn without_an_authorizer_it_is_said_so<C: Client>() {
    let gateway = Running::new();
    let client: C = client(&gateway, None);
    let expected = SubscriptionFailure::Authorizer { reason: "there is no authorizer".into() };
    assert_eq!(failure(&client, "private-a"), expected);
}

pub(crate) fn an_authorizer_that_says_no_is_quoted<C: Client>() {
    let gateway = Running::new();
    let client: C = client(&gateway, Some(Box::new(|_| Err("403 Forbidden".into()))));
    let expected = SubscriptionFailure::Authorizer { reason: "403 Forbidden".into() };
    assert_eq!(failure(&client, "private-a"), expected);
}

pub(crate) fn nothing_waits_for_an_authorizer_that_takes_long<C: Client>() {
    let gateway = Running::new();
    let (allow, allowed) = mpsc::channel();
    let allowed = Mutex::new(allowed);
    let authorize: Box<Authorize> = Box::new(move |question| {
        allowed.lock().unwrap().recv_timeout(PATIENCE).map_err(|error| error.to_string())?;
        Ok(question.sign(&app(), None))
    });
    let client: C = client(&gateway, Some(authorize));
    client.handle().channel("private-a").subscribe().unwrap();
    client.enter("news");
    gateway.publish("news", "update", "1");
    client.wait_for_message("news");
    allow.send(()).unwrap();
    client.wait_for_entry("private-a");
}

#[test]
fn a_blocking_authorizer_is_not_asked_what_nobody_wants_to_know_any_more() {
    let gateway = Running::new();
    let ((allow, allowed), (ask, asked)) = (mpsc::channel(), mpsc::channel());
    let inside = Mutex::new((allowed, ask));
    let authorize: Box<Authorize> = Box::new(move |question| {
        let (allowed, ask) = &*inside.lock().unwrap();
        ask.send(question.about.clone()).unwrap();
        allowed.recv_timeout(PATIENCE).map_err(|error| error.to_string())?;
        Ok(question.sign(&app(), None))
    });
    let client: Blocking = client(&gateway, Some(authorize));
    client.channel("private-a").subscribe().unwrap();
    client.channel("private-b").subscribe().unwrap();
    client.channel("private-c").subscribe().unwrap();
    client.enter("news"); // by now the authorizer has all three before it
    client.channel("private-b").unsubscribe();
    allow.send(()).unwrap();
    allow.send(()).unwrap();
    client.wait_for_entry("private-c");
    let asked: Vec<_> = asked.try_iter().collect();
    assert_eq!(asked, ["private-a", "private-c"].map(|name| About::Channel(name.into())));
}
