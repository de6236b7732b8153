//! What the hub costs as channels, subscriptions, members and loops become many, in memory.
//!
//! Prints CSV: what grows, how far it has, what was measured, in what, and how much. `bench/run growth` and
//! `bench/run scaling` build, run and plot it. `growth members` prints what begins with `members`.

use allocation_counter::measure;
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{
    Action, Authorization, ChannelName, ClientId, Config, Credentials, Decision, Exchange, Home, Hub, Input,
    MailboxLimits, Member, Outcome,
};
use realtime_ws::{PreparedMessage, Timestamp};
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

const NOW: Timestamp = Timestamp::START;

/// How often a thing is done whose median time is reported.
const TIMES: usize = 201;

/// How many broadcasts are timed together: one takes little longer than looking at the clock.
const BATCH: usize = 16;

/// How many channels each client is in while channels grow.
const CHANNELS_PER_CLIENT: usize = 10;

/// What can grow, and what measures it.
type Axis = (&'static str, fn(&str));

const AXES: [Axis; 4] = [
    ("channels", channels),
    ("channels per client", channels_per_client),
    ("members", members),
    ("loops", loops),
];

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    println!("axis,x,figure,unit,value");
    for (axis, run) in AXES {
        if axis.starts_with(&only) {
            run(axis);
        }
    }
}

fn print(axis: &str, x: usize, figure: &str, unit: &str, value: f64) {
    println!("{axis},{x},{figure},{unit},{value:.1}");
}

/// So many channels, each with one subscriber.
fn channels(axis: &str) {
    for channels in [1_usize, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let mut driver = Driver::new(Plain);
        driver.connect(channels.div_ceil(CHANNELS_PER_CLIENT) + 1);
        let names: Vec<ChannelName> =
            (0..channels).map(|i| format!("channel-{i:07}").as_str().into()).collect();
        let mut took = Duration::ZERO;
        let memory = measure(|| {
            // A name of its own for each, as it comes from a client; the list's memory was there before.
            for (i, name) in names.iter().enumerate() {
                let client = driver.clients[i / CHANNELS_PER_CLIENT];
                let channel = ChannelName::from(name.as_str());
                took += timed(|| driver.input(Input::Subscribe { client, channel, credentials: None }));
            }
        });
        print(axis, channels, "subscribe", "ns", took.as_nanos() as f64 / channels as f64);
        print(axis, channels, "held per channel", "bytes", memory.bytes_current as f64 / channels as f64);
        let message = PreparedMessage::new("a message of the news");
        let mut places = scattered(channels);
        let broadcasts = median(|| {
            let there: Vec<&ChannelName> = (0..BATCH).map(|_| &names[places()]).collect();
            timed(|| {
                for channel in there {
                    let (channel, message) = (channel.clone(), message.clone());
                    driver.input(Input::Broadcast { channel, message, except: None });
                }
            })
        });
        print(axis, channels, "broadcast", "ns", broadcasts / BATCH as f64);
        let guest = driver.clients[driver.clients.len() - 1];
        let join = median(|| {
            let channel = names[places()].clone();
            let subscribe = Input::Subscribe { client: guest, channel: channel.clone(), credentials: None };
            let took = timed(|| driver.input(subscribe));
            driver.input(Input::Unsubscribe { client: guest, channel });
            took
        });
        print(axis, channels, "subscribe one more", "ns", join);
    }
}

/// One client in so many channels, among 1,000 in the same ones.
fn channels_per_client(axis: &str) {
    for channels in [1, 4, 16, 64, 256] {
        let mut driver = Driver::new(Plain);
        driver.connect(1_000);
        let names: Vec<ChannelName> =
            (0..channels).map(|i| format!("channel-{i:03}").as_str().into()).collect();
        let memory = measure(|| {
            for client in driver.clients.clone() {
                driver.subscribe_to_all(client, &names);
            }
        });
        print(
            axis,
            channels,
            "held per subscription",
            "bytes",
            memory.bytes_current as f64 / (1_000 * channels) as f64,
        );
        let (mut came, mut left) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            driver.connect(1);
            let client = driver.clients.pop().expect("it has just come");
            came.push(timed(|| driver.subscribe_to_all(client, &names)));
            left.push(timed(|| driver.input(Input::Gone { client })));
        }
        print(axis, channels, "subscribe to each", "ns", median_of(&mut came) / channels as f64);
        print(axis, channels, "leave each", "ns", median_of(&mut left) / channels as f64);
    }
}

/// One joins and leaves a presence channel of so many.
fn members(axis: &str) {
    for members in [10, 30, 100, 300, 1_000, 3_000, 9_999] {
        member_comes_and_goes(axis, "", Plain, members);
        member_comes_and_goes(axis, " (Pusher)", Pusher, members);
    }
}

fn member_comes_and_goes(axis: &str, wire_name: &str, wire: impl Wire + 'static, members: usize) {
    let mut driver = Driver::new(wire);
    driver.connect(members + 1);
    let channel = ChannelName::from("presence-room");
    let (guest, staying) = driver.clients.split_last().expect("more than none");
    let (guest, staying) = (*guest, staying.to_vec());
    for client in staying {
        driver.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
    }
    let (mut joined, mut left) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        driver.told = Told::default();
        let subscribe = Input::Subscribe { client: guest, channel: channel.clone(), credentials: None };
        joined.push(timed(|| driver.input(subscribe)));
        let leave = Input::Unsubscribe { client: guest, channel: channel.clone() };
        left.push(timed(|| driver.input(leave)));
    }
    print(axis, members, &format!("join{wire_name}"), "ns", median_of(&mut joined));
    print(axis, members, &format!("leave{wire_name}"), "ns", median_of(&mut left));
    // Of the last one.
    print(axis, members, &format!("told to the newcomer{wire_name}"), "bytes", driver.told.to_one as f64);
    print(axis, members, &format!("told to all others{wire_name}"), "bytes", driver.told.to_many as f64);
}

/// What is done under the lock that all loops share, with 1,000 clients spread over so many loops.
fn loops(axis: &str) {
    for loops in [1, 2, 4, 8, 16, 32, 64] {
        let mut exchange =
            Exchange::new(Hub::new(Config::default(), Plain, [7; 16]), MailboxLimits::default());
        let homes: Vec<Home> = (0..loops).map(|_| exchange.add_home().expect("room for one more")).collect();
        let channel = ChannelName::from("news");
        let mut clients = Vec::new();
        for i in 0..1_000 {
            let connect = Input::Connect { credentials: Credentials::NONE, home: homes[i % loops] };
            if let Ok(Outcome::Connected(client)) = exchange.handle_input(connect, NOW) {
                clients.push(client);
                subscribe(&mut exchange, client, &channel);
            }
        }
        let message = PreparedMessage::new("a message of the news");
        let mut orders = vec![VecDeque::new(); loops];
        let mut taken = Vec::new();
        let mut take = |exchange: &mut Exchange| {
            // What was taken before is dropped, which no loop does under the lock.
            orders.iter_mut().for_each(VecDeque::clear);
            timed(|| {
                for (home, orders) in homes.iter().zip(&mut orders) {
                    exchange.take_orders(*home, black_box(orders));
                }
            })
        };
        let mut broadcasts = Vec::new();
        for _ in 0..TIMES {
            broadcasts.push(timed(|| {
                for _ in 0..BATCH {
                    let (channel, message) = (channel.clone(), message.clone());
                    let _ = exchange.handle_input(Input::Broadcast { channel, message, except: None }, NOW);
                    while exchange.poll_wake().is_some() {}
                }
            }));
            taken.push(take(&mut exchange));
        }
        print(axis, loops, "broadcast under the lock", "ns", median_of(&mut broadcasts) / BATCH as f64);
        print(axis, loops, "take all orders under the lock", "ns", median_of(&mut taken));
        let guest = clients.pop().expect("a thousand clients");
        let mut subscribes = Vec::new();
        for _ in 0..TIMES {
            let _ =
                exchange.handle_input(Input::Unsubscribe { client: guest, channel: channel.clone() }, NOW);
            subscribes.push(timed(|| subscribe(&mut exchange, guest, &channel)));
            while exchange.poll_notice().is_some() {}
        }
        print(axis, loops, "subscribe under the lock", "ns", median_of(&mut subscribes));
    }
}

fn subscribe(exchange: &mut Exchange, client: ClientId, channel: &ChannelName) {
    let _ =
        exchange.handle_input(Input::Subscribe { client, channel: channel.clone(), credentials: None }, NOW);
    while exchange.poll_notice().is_some() {}
}

/// A hub, and what its clients were told.
struct Driver {
    hub: Hub,
    clients: Vec<ClientId>,
    told: Told,
}

#[derive(Default)]
struct Told {
    to_one: usize,
    to_many: usize,
}

impl Driver {
    fn new(wire: impl Wire + 'static) -> Self {
        let config =
            Config { authorization: Authorization::Ask, max_roster_bytes: usize::MAX, ..Config::default() };
        Self { hub: Hub::new(config, wire, [7; 16]), clients: Vec::new(), told: Told::default() }
    }

    fn connect(&mut self, clients: usize) {
        for _ in 0..clients {
            self.input(Input::Connect { credentials: Credentials::NONE, home: Home::default() });
        }
    }

    fn subscribe_to_all(&mut self, client: ClientId, channels: &[ChannelName]) {
        for channel in channels {
            self.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
        }
    }

    fn input(&mut self, input: Input) {
        self.hub.handle_input(input, NOW).expect("the hub takes it");
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Connected { client } => self.clients.push(client),
                Action::Deliver { to, message } => {
                    let told = if to.len() == 1 { &mut self.told.to_one } else { &mut self.told.to_many };
                    *told = message.frame().len() * to.len();
                }
                Action::Authorize(request) => {
                    let member =
                        Some(Member::new(&format!("user-{}", request.client), r#"{"name":"someone"}"#));
                    let decided =
                        Input::Decided { request: request.request, decision: Decision::Allow { member } };
                    self.hub.handle_input(decided, NOW).expect("the hub takes it");
                }
                action => drop(black_box(action)),
            }
        }
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut work: impl FnMut() -> Duration) -> f64 {
    median_of(&mut (0..TIMES).map(|_| work()).collect::<Vec<_>>())
}

/// In nanoseconds, some 20 for looking at the clock included.
fn median_of(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64
}

/// Places among `count`, as if at random: a stride through all of them that no cache foresees.
fn scattered(count: usize) -> impl FnMut() -> usize {
    let mut at = 0_usize;
    move || {
        at = (at + 618_034 * count / 1_000_000 + 1) % count;
        at
    }
}
