//! Cache channels, whose latest event is for those who come later too.

use crate::common::{Running, post_event};
use realtime_server::Demo;
use serde_json::json;

#[test]
fn whoever_comes_is_sent_the_latest_event_or_told_that_there_is_none() {
    let gateway = Running::new(Demo::Off);
    let [mut first, mut second] = [(); 2].map(|()| gateway.client());
    first.subscribe("private-cache-prices");
    assert_eq!(first.next(), json!({ "event": "pusher:cache_miss", "channel": "private-cache-prices" }));
    for price in ["1", "2"] {
        let event = json!({ "name": "price", "channel": "private-cache-prices", "data": price });
        assert_eq!(post_event(gateway.address, &event.to_string()).status, 200);
        assert_eq!(first.expect("price"), json!(price.parse::<u8>().unwrap()));
    }
    second.subscribe("private-cache-prices");
    assert_eq!(second.expect("price"), 2);
    second.is_alive();
    first.is_alive();
}

#[test]
fn who_caused_an_event_is_left_out_now_and_not_later() {
    let gateway = Running::new(Demo::Off);
    let mut client = gateway.client();
    client.subscribe("private-cache-prices");
    client.expect("pusher:cache_miss");
    let socket_id = client.socket_id.to_string();
    let event =
        json!({ "name": "price", "channel": "private-cache-prices", "data": "1", "socket_id": socket_id });
    assert_eq!(post_event(gateway.address, &event.to_string()).status, 200);
    client.is_alive();
    client.say(&json!({ "event": "pusher:unsubscribe", "data": { "channel": "private-cache-prices" } }));
    client.subscribe("private-cache-prices");
    assert_eq!(client.expect("price"), 1);
}
