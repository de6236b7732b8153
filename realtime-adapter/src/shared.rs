use crate::clock::Clock;
use crate::counts::Losses;
use crate::drivers::Drivers;
use crate::lock;
use crate::panics::contain;
use realtime_core::{Exchange, Home, HubError, Input, LocalClients, Notice, Order, OutboxLimits, Outcome};
use realtime_ws::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::task::Waker;
use std::time::Duration;
use std::{iter, mem};

/// The home of the clients in this process: whoever posts an order for them performs it.
pub(crate) const HERE: Home = Home(0);

pub(crate) type OnNotice = dyn Fn(&Notice) + Send + Sync;

/// What the handles of one hub share.
///
/// Locks are taken in the order of the fields, and none is held while the application's code runs, the turn excepted.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) outbox: OutboxLimits,
    pub(crate) authorization_timeout: Duration,
    pub(crate) losses: Losses,
    /// Whether somebody tells the hub the time, where drivers do not.
    pub(crate) is_told_time: AtomicBool,
    pub(crate) on_notice: Option<Box<OnNotice>>,
    /// Held by whoever tells the application of notices, which keeps them in order.
    pub(crate) turn: Mutex<()>,
    pub(crate) locals: Mutex<LocalClients<Option<Waker>>>,
    /// Whether the exchange has orders for the clients in this process.
    pub(crate) has_orders_here: AtomicBool,
    pub(crate) exchange: Mutex<Exchange>,
    pub(crate) drivers: Mutex<Drivers>,
}

impl Shared {
    pub(crate) fn input(&self, input: Input) -> Result<Outcome, HubError> {
        let outcome = self.hand_in(input);
        self.settle();
        outcome
    }

    /// Hands one input in. [`settle`](Self::settle) is to follow once the caller holds no lock.
    pub(crate) fn hand_in(&self, input: Input) -> Result<Outcome, HubError> {
        let mut exchange = self.exchange();
        let outcome = exchange.handle_input(input, self.clock.now());
        if let Err(HubError::Overloaded) = outcome {
            self.losses.count_overloaded();
        }
        let to_wake: Vec<Home> = iter::from_fn(|| exchange.poll_wake()).collect();
        if self.on_notice.is_none() {
            while exchange.poll_notice().is_some() {}
        }
        if to_wake.contains(&HERE) {
            self.has_orders_here.store(true, Ordering::Release);
        }
        // To wake a driver is a system call, and whoever wakes up wants the exchange.
        drop(exchange);
        for home in to_wake.into_iter().filter(|home| *home != HERE) {
            let waker = lock(&self.drivers).waker(home);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        outcome
    }

    /// Does what inputs left to do for whoever handed them in.
    pub(crate) fn settle(&self) {
        if self.has_orders_here.swap(false, Ordering::AcqRel) {
            self.deliver_here();
        }
        self.tell_notices();
    }

    pub(crate) fn note(&self, notice: Notice) {
        self.losses.count(&notice);
        if self.on_notice.is_some() {
            self.exchange().note(notice);
        }
    }

    pub(crate) fn take_orders(&self, home: Home, orders: &mut VecDeque<Order>) -> Option<Timestamp> {
        self.exchange().take_orders(home, orders)
    }

    pub(crate) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        lock(&self.exchange)
    }

    fn deliver_here(&self) {
        let (mut orders, mut losses, mut wakers) = (VecDeque::new(), Vec::new(), Vec::new());
        loop {
            let mut locals = lock(&self.locals);
            // Inside the locals' lock: whoever took earlier orders has performed them.
            self.take_orders(HERE, &mut orders);
            if orders.is_empty() {
                return;
            }
            for order in orders.drain(..) {
                locals.perform(order, HERE, |waker| wakers.extend(waker.take()), |loss| losses.push(loss));
            }
            drop(locals);
            wakers.drain(..).for_each(Waker::wake);
            for loss in mem::take(&mut losses) {
                let too_slow = if let Notice::TooSlow { client } = loss { Some(client) } else { None };
                self.note(loss);
                if let Some(client) = too_slow {
                    // It may leave orders for the next round.
                    let _ = self.hand_in(Input::Gone { client });
                }
            }
        }
    }

    pub(crate) fn tell_notices(&self) {
        let Some(tell) = &self.on_notice else { return };
        while self.exchange().has_notices() {
            // Whoever has the turn tells everything, also what is noted meanwhile; by the application itself too.
            let turn = match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while let Some(notice) = self.next_notice() {
                // Whoever happens to tell it is not to suffer for it.
                contain(|| tell(&notice));
            }
            drop(turn);
        }
    }

    fn next_notice(&self) -> Option<Notice> {
        self.exchange().poll_notice()
    }
}
