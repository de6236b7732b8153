use crate::frames;
use crate::stage::{Rank, Stage, Subject};
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{
    Authorization, ChannelName, ClientId, Config, Credentials, Decision, Exchange, Home, Hub, Input,
    MailboxLimits, Member, Order, Outbox, OutboxLimits, Outcome, Parcel,
};
use realtime_ws::{CompressionClass, PreparedMessage, Segment, Timestamp};
use std::collections::VecDeque;
use std::hint::black_box;

const NOW: Timestamp = Timestamp::START;

/// The only loop.
const HERE: Home = Home(0);

/// The most places prepared to take messages out of an outbox. Adapters have 16, for one system call; here, where there
/// is none, to prepare those that stay empty would cost as much as a fifth of the rest.
const SLICES: usize = 4;

/// The least that a broadcast has to do is to go through the outboxes; there is no peer with a hub of its own.
pub(crate) fn run(stage: &Stage) {
    for clients in [1_000, 10_000] {
        for messages in [1, 16] {
            let case = format!("hub delivery {clients} subscribers {messages} per turn");
            if stage.plays(&case) {
                stage.play(&case, vec![plain_queues(clients, messages), broadcast(clients, messages)]);
            }
        }
    }
    for members in [10, 1_000, 9_999] {
        let case = format!("hub join or leave {members} members");
        if stage.plays(&case) {
            stage.play(
                &case,
                vec![churn("realtime", Plain, members), churn("realtime (Pusher)", Pusher, members)],
            );
        }
    }
    let case = "hub bytes per client 100000 clients";
    if stage.plays(case) {
        bytes_per_client(case);
    }
}

/// A loop with its clients' outboxes and nothing around them: orders are taken and joined as adapters do it; which
/// connection a client is, and the connection itself, are left out.
struct Driver {
    exchange: Exchange,
    clients: Vec<ClientId>,
    outboxes: Vec<Outbox>,
    orders: VecDeque<Order>,
    filled: Vec<usize>,
}

impl Driver {
    fn new(clients: usize) -> Self {
        Self::speaking(Plain, clients)
    }

    fn speaking(wire: impl Wire + 'static, clients: usize) -> Self {
        let config = Config { authorization: Authorization::Ask, ..Config::default() };
        let exchange = Exchange::new(Hub::new(config, wire, [7; 16]), MailboxLimits::default());
        let (orders, filled) = (VecDeque::new(), Vec::new());
        let mut driver = Self { exchange, clients: Vec::new(), outboxes: Vec::new(), orders, filled };
        for _ in 0..clients {
            driver.input(Input::Connect { credentials: Credentials::NONE, home: HERE });
        }
        driver
    }

    fn input(&mut self, input: Input) {
        match self.exchange.handle_input(input, NOW).expect("the hub takes it") {
            Outcome::Connected(client) => {
                self.clients.push(client);
                self.outboxes.push(Outbox::new(OutboxLimits::default()));
            }
            Outcome::Authorize(request) => {
                let member = Some(Member::new(&format!("user-{}", request.client), r#"{"name":"someone"}"#));
                let decision = Decision::Allow { member };
                self.input(Input::Decided { request: request.request, decision });
            }
            Outcome::Taken | Outcome::Subscribed => {}
            Outcome::Denied(denial) => panic!("{denial}"),
        }
        black_box(self.exchange.poll_wake());
        while let Some(notice) = self.exchange.poll_notice() {
            black_box(notice);
        }
    }

    /// Fills the outboxes with what there is for them, and takes everything out as if it had been written. Returns how many
    /// messages that were, those of all outboxes added up.
    fn turn(&mut self) -> usize {
        self.fill();
        self.drain()
    }

    fn fill(&mut self) {
        self.exchange.take_orders(HERE, &mut self.orders);
        for order in Order::joined(self.orders.drain(..), HERE) {
            let Order::Deliver { to, parcel } = order else { continue };
            for client in to.at(HERE) {
                let outbox = &mut self.outboxes[client.index()];
                if outbox.is_empty() {
                    self.filled.push(client.index());
                }
                match &parcel {
                    Parcel::Message(message) => drop(black_box(outbox.push(message.clone()))),
                    Parcel::Segment(segment) => assert!(outbox.push_whole(segment), "there is room"),
                }
            }
        }
    }

    fn drain(&mut self) -> usize {
        let mut delivered = 0;
        for index in self.filled.drain(..) {
            let outbox = &mut self.outboxes[index];
            delivered += outbox.len();
            while !outbox.is_empty() {
                let mut slices = [&[][..]; SLICES];
                let filled = outbox.poll_transmit(&mut slices);
                let bytes = black_box(&slices[..filled]).iter().map(|slice| slice.len()).sum();
                outbox.transmitted(bytes);
            }
        }
        delivered
    }
}

fn broadcast<'a>(clients: usize, messages: usize) -> Subject<'a> {
    let mut driver = Driver::new(clients);
    let channel = ChannelName::from("news");
    for client in driver.clients.clone() {
        driver.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
    }
    driver.turn();
    let text = frames::text(64);
    let work = move |driver: &mut Driver| {
        for _ in 0..messages {
            let message = PreparedMessage::new(black_box(&text));
            driver.input(Input::Broadcast { channel: channel.clone(), message, except: None });
        }
        driver.turn()
    };
    Subject::new("realtime", Rank::Ours, driver, |_| {}, work)
}

/// A vector of references for each subscriber, filled with what one turn has for all of them and emptied: no bounds,
/// no counting, no channels.
fn plain_queues<'a>(clients: usize, messages: usize) -> Subject<'a> {
    let queues: Vec<Vec<Segment>> = (0..clients).map(|_| Vec::with_capacity(1)).collect();
    let text = frames::text(64);
    let work = move |queues: &mut Vec<Vec<Segment>>| {
        let prepared = (0..messages).map(|_| PreparedMessage::new(black_box(&text)));
        let segment = Segment::new(prepared.collect());
        for queue in queues.iter_mut() {
            queue.push(segment.clone());
        }
        for queue in queues.iter_mut() {
            for segment in queue.drain(..) {
                black_box(segment.frames_for(CompressionClass::NONE));
            }
        }
        clients * messages
    };
    Subject::new("plain queues", Rank::Limit, queues, |_| {}, work)
}

/// One client more joins a presence channel of so many, and leaves: two operations, each told to all.
fn churn<'a>(name: &'static str, wire: impl Wire + 'static, members: usize) -> Subject<'a> {
    let mut driver = Driver::speaking(wire, members + 1);
    let channel = ChannelName::from("presence-room");
    let (guest, staying) =
        driver.clients.split_last().map(|(guest, rest)| (*guest, rest.to_vec())).expect("clients");
    for client in staying {
        driver.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
        driver.turn();
    }
    let work = move |driver: &mut Driver| {
        driver.input(Input::Subscribe { client: guest, channel: channel.clone(), credentials: None });
        driver.turn();
        driver.input(Input::Unsubscribe { client: guest, channel: channel.clone() });
        driver.turn();
        2
    };
    Subject::new(name, Rank::Ours, driver, |_| {}, work)
}

/// Resident memory, since that is what an operator sees.
fn bytes_per_client(case: &str) {
    const CLIENTS: usize = 100_000;
    let before = resident_bytes();
    let mut driver = Driver::new(CLIENTS);
    let channel = ChannelName::from("news");
    for client in driver.clients.clone() {
        driver.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
        driver.turn();
    }
    let per_client = (resident_bytes() - before) / CLIENTS as f64;
    black_box(&driver);
    println!("{case},realtime,{per_client:.0},{per_client:.0},{per_client:.0},,,");
}

fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1024.0
}
