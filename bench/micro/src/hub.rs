use crate::frames;
use crate::stage::{Rank, Stage, Subject};
use realtime_core::wire::{Plain, Pusher, Wire};
use realtime_core::{
    Action, Authorization, ChannelName, ClientId, Config, Credentials, Decision, Home, Hub, Input, Member,
    Outbox, OutboxLimits,
};
use realtime_ws::{PreparedMessage, Timestamp};
use std::hint::black_box;

const NOW: Timestamp = Timestamp::START;

/// The most messages taken out of an outbox at a time. To prepare many more places than are filled costs more than the rest.
const SLICES: usize = 16;

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
                vec![churn("realtime", Plain, members), churn("realtime, Pusher", Pusher, members)],
            );
        }
    }
    let case = "hub bytes per client 100000 clients";
    if stage.plays(case) {
        bytes_per_client(case);
    }
}

/// A hub with its clients' outboxes, filled and drained by whoever runs it.
struct Driver {
    hub: Hub,
    clients: Vec<ClientId>,
    outboxes: Vec<Outbox>,
    filled: Vec<usize>,
    delivered: usize,
}

impl Driver {
    fn new(clients: usize) -> Self {
        Self::speaking(Plain, clients)
    }

    fn speaking(wire: impl Wire + 'static, clients: usize) -> Self {
        let config = Config { authorization: Authorization::Ask, ..Config::default() };
        let hub = Hub::new(config, wire, [7; 16]);
        let mut driver =
            Self { hub, clients: Vec::new(), outboxes: Vec::new(), filled: Vec::new(), delivered: 0 };
        for _ in 0..clients {
            driver.input(Input::Connect { credentials: Credentials::NONE, home: Home::default() });
        }
        driver
    }

    fn input(&mut self, input: Input) {
        self.hub.handle_input(input, NOW).expect("the hub takes it");
        while let Some(action) = self.hub.poll_action() {
            match action {
                Action::Connected { client } => {
                    self.clients.push(client);
                    self.outboxes.push(Outbox::new(OutboxLimits::default()));
                }
                Action::Deliver { to, message } => {
                    for client in to.iter() {
                        let outbox = &mut self.outboxes[client.index()];
                        if outbox.is_empty() {
                            self.filled.push(client.index());
                        }
                        outbox.push(message.clone());
                        self.delivered += 1;
                    }
                }
                Action::Authorize(request) => {
                    let member =
                        Some(Member::new(&format!("user-{}", request.client), r#"{"name":"someone"}"#));
                    let decision = Decision::Allow { member };
                    let decided = Input::Decided { request: request.request, decision };
                    self.hub.handle_input(decided, NOW).expect("the hub takes it");
                }
                action => drop(black_box(action)),
            }
        }
    }

    /// Takes everything out as if it had been written.
    fn drain(&mut self) -> usize {
        for index in self.filled.drain(..) {
            let outbox = &mut self.outboxes[index];
            while !outbox.is_empty() {
                let mut slices = [&[][..]; SLICES];
                let filled = outbox.poll_transmit(&mut slices);
                let bytes = black_box(&slices[..filled]).iter().map(|slice| slice.len()).sum();
                outbox.transmitted(bytes);
            }
        }
        std::mem::take(&mut self.delivered)
    }
}

fn broadcast<'a>(clients: usize, messages: usize) -> Subject<'a> {
    let mut driver = Driver::new(clients);
    let channel = ChannelName::from("news");
    for client in driver.clients.clone() {
        driver.input(Input::Subscribe { client, channel: channel.clone(), credentials: None });
    }
    driver.drain();
    let text = frames::text(64);
    let work = move |driver: &mut Driver| {
        for _ in 0..messages {
            let message = PreparedMessage::new(black_box(&text));
            driver.input(Input::Broadcast { channel: channel.clone(), message, except: None });
        }
        driver.drain()
    };
    Subject::new("realtime", Rank::Ours, driver, |_| {}, work)
}

/// A vector of references for each subscriber, filled and emptied: no bounds, no counting, no channels.
fn plain_queues<'a>(clients: usize, messages: usize) -> Subject<'a> {
    let queues: Vec<Vec<PreparedMessage>> = (0..clients).map(|_| Vec::with_capacity(messages)).collect();
    let text = frames::text(64);
    let work = move |queues: &mut Vec<Vec<PreparedMessage>>| {
        for _ in 0..messages {
            let message = PreparedMessage::new(black_box(&text));
            for queue in queues.iter_mut() {
                queue.push(message.clone());
            }
        }
        for queue in queues.iter_mut() {
            for message in queue.drain(..) {
                black_box(message.frame());
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
        driver.drain();
    }
    let work = move |driver: &mut Driver| {
        driver.input(Input::Subscribe { client: guest, channel: channel.clone(), credentials: None });
        driver.drain();
        driver.input(Input::Unsubscribe { client: guest, channel: channel.clone() });
        driver.drain();
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
        driver.drain();
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
