//! `echo` and `rooms` over io_uring: one accept for all connections, one receive for all that comes of a connection, into
//! buffers that the kernel takes as it needs them, and the sends of a turn handed over with the wait for the next one.
//!
//! ```text
//! realtime-io-uring echo|rooms ADDRESS
//! ```
//!
//! Wants Linux 6.1; packs what is received where the kernel can (6.12).

mod buffers;
mod socket;

use buffers::{Buffers, GROUP};
use io_uring::cqueue;
use io_uring::squeue::Entry;
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, SubmissionQueue, Submitter, opcode};
use loops::{Connections, Fate, Program, announce, arguments};
use rustix::io::Errno;
use rustix::net::{SendFlags, sockopt};
use socket::{End, Receiving, Socket, Staging};
use std::convert::Infallible;
use std::io;
use std::mem::ManuallyDrop;
use std::net::{Shutdown, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd};
use std::process::ExitCode;
use std::time::Duration;

/// Requests handed over at a time at most; more are handed over in between.
const REQUESTS: u32 = 1024;

/// Completions that may wait; if there are more, the kernel keeps them, and is slower.
const COMPLETIONS: u32 = 16 * 1024;

/// Completions handled, and connections settled, in one turn: what is copied to be sent is then sent while it is still in
/// the processor's cache, and the same buffers serve for the next ones.
const PER_TURN: usize = 64;

/// How long no connection is accepted after the system refused one, for want of open files as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let failed = match arguments() {
        Ok((program, address)) => match TcpListener::bind(address) {
            Ok(listener) => match run(program, &listener) {
                Ok(never) => match never {},
                Err(error) => error.to_string(),
            },
            Err(error) => format!("{address}: {error}"),
        },
        Err(usage) => usage,
    };
    eprintln!("realtime-io-uring: {failed}");
    ExitCode::FAILURE
}

fn run(program: Program, listener: &TcpListener) -> io::Result<Infallible> {
    // Accepted sockets inherit it.
    sockopt::set_tcp_nodelay(listener, true)?;
    let mut ring = new_ring().map_err(refused)?;
    let (submitter, requests, mut completions) = ring.split();
    let buffers = Buffers::register(&submitter).map_err(refused)?;
    announce(listener)?;
    let mut ring = Loop {
        listener,
        // Never dropped: if the loop fails, the kernel may still be sending from what it holds.
        connections: ManuallyDrop::new(Connections::new(program)),
        staging: Staging::new(),
        buffers,
        queue: Queue { submitter, requests },
        accepting: Accepting::No,
    };
    loop {
        ring.begin_accepting()?;
        ring.queue.submit(ring.what_to_wait_for(completions.is_empty()))?;
        completions.sync();
        ring.connections.begin_turn();
        for completion in completions.by_ref().take(PER_TURN) {
            ring.handle(&completion)?;
        }
        completions.sync(); // otherwise what was taken would count as something to wait no longer for
        ring.settle()?;
        ring.buffers.publish();
    }
}

/// Completions come only when they are waited for, and from one thread, where the kernel can do with that (6.1): it need
/// not interrupt the loop then.
fn new_ring() -> io::Result<IoUring> {
    let deferred = IoUring::builder()
        .setup_cqsize(COMPLETIONS)
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(REQUESTS);
    match deferred {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            IoUring::builder().setup_cqsize(COMPLETIONS).build(REQUESTS)
        }
        outcome => outcome,
    }
}

fn refused(error: io::Error) -> io::Error {
    let why = match Errno::from_io_error(&error) {
        Some(Errno::NOSYS) => "this kernel, or a sandbox around it, has no io_uring",
        Some(Errno::PERM) => {
            "it is forbidden here: see kernel.io_uring_disabled and the container's seccomp profile"
        }
        Some(Errno::NOMEM) => "not enough memory may be locked",
        Some(_) | None => "this kernel cannot do what is wanted of it",
    };
    io::Error::new(error.kind(), format!("io_uring: {why} ({error})"))
}

struct Loop<'a> {
    listener: &'a TcpListener,
    connections: ManuallyDrop<Connections<Staging>>,
    staging: Staging,
    buffers: Buffers,
    queue: Queue<'a>,
    accepting: Accepting,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Accepting {
    No,
    Armed,
    /// After an error.
    Pausing,
}

/// Requests for the kernel, and the way to hand them over.
struct Queue<'a> {
    submitter: Submitter<'a>,
    requests: SubmissionQueue<'a>,
}

/// What to wait for when requests are handed over.
#[derive(Clone, Copy)]
enum Wait {
    /// Nothing more is received either: there are completions to be handled first, which hold buffers.
    No,
    AtMost(Duration),
    Forever,
}

/// What a completion is of: written into the lowest bits of a request's user data, below the connection's key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Accept,
    Receive,
    Send,
    Cancel,
}

impl Operation {
    fn of(self, key: usize) -> u64 {
        (key as u64) << 2 | self as u64
    }

    fn from_user_data(user_data: u64) -> (Self, usize) {
        let operation = match user_data & 3 {
            0 => Self::Accept,
            1 => Self::Receive,
            2 => Self::Send,
            _ => Self::Cancel,
        };
        (operation, (user_data >> 2) as usize)
    }
}

impl Queue<'_> {
    fn push(&mut self, request: &Entry) -> io::Result<()> {
        // SAFETY: no request but a send refers to memory, and that is not touched, nor its place freed, until the
        // completion: see `Socket::staged`. Sockets are closed when the kernel has nothing of theirs any more.
        #[expect(unsafe_code, reason = "the kernel is told where memory is")]
        let push = |requests: &mut SubmissionQueue<'_>| unsafe { requests.push(request) };
        while push(&mut self.requests).is_err() {
            self.submit(Wait::No)?;
        }
        Ok(())
    }

    /// Hands over what was pushed, and waits for something to complete.
    fn submit(&mut self, wait: Wait) -> io::Result<()> {
        self.requests.sync();
        let submitted = match wait {
            Wait::No => self.submitter.submit(),
            Wait::AtMost(timeout) => {
                let timeout = Timespec::from(timeout);
                self.submitter.submit_with_args(1, &SubmitArgs::new().timespec(&timeout))
            }
            Wait::Forever => self.submitter.submit_and_wait(1),
        };
        self.requests.sync();
        match submitted.map_err(|error| (Errno::from_io_error(&error), error)) {
            // Busy: completions have to be taken first.
            Ok(_) | Err((Some(Errno::TIME | Errno::INTR | Errno::BUSY), _)) => Ok(()),
            Err((_, error)) => Err(error),
        }
    }
}

impl Loop<'_> {
    fn begin_accepting(&mut self) -> io::Result<()> {
        match self.accepting {
            Accepting::No => {
                let accept = opcode::AcceptMulti::new(Fd(self.listener.as_raw_fd())).build();
                self.queue.push(&accept.user_data(Operation::Accept.of(0)))?;
                self.accepting = Accepting::Armed;
            }
            Accepting::Armed => {}
            Accepting::Pausing => self.accepting = Accepting::No,
        }
        Ok(())
    }

    fn what_to_wait_for(&self, is_all_handled: bool) -> Wait {
        if !is_all_handled {
            return Wait::No;
        }
        if self.connections.is_any_touched() {
            return Wait::AtMost(Duration::ZERO);
        }
        let pause = (self.accepting == Accepting::No).then_some(ACCEPT_PAUSE);
        let next = [self.connections.until_next_deadline(), pause].into_iter().flatten().min();
        next.map_or(Wait::Forever, Wait::AtMost)
    }

    fn handle(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let (result, goes_on) = (result_of(completion), cqueue::more(completion.flags()));
        let (operation, key) = Operation::from_user_data(completion.user_data());
        match operation {
            Operation::Accept => self.handle_accepted(result, goes_on),
            Operation::Receive => self.handle_received(key, result, goes_on, completion.flags()),
            Operation::Send => {
                let Some(socket) = self.connections.socket(key) else { return Ok(()) };
                socket.handle_sent(result.map_err(Errno::raw_os_error), &mut self.staging);
                let is_done = socket.unsent().is_empty() && socket.end == End::Open;
                if result.is_err() {
                    self.connections.receive_eof(key);
                } else if !is_done || self.connections.has_unsent(key) {
                    self.connections.touch(key);
                }
            }
            Operation::Cancel => {} // the receive says so itself
        }
        Ok(())
    }

    fn handle_accepted(&mut self, accepted: Result<usize, Errno>, goes_on: bool) {
        if !goes_on {
            self.accepting = if accepted.is_ok() { Accepting::No } else { Accepting::Pausing };
        }
        if let Ok(descriptor) = accepted {
            // SAFETY: the kernel has just opened it, for whoever takes this completion.
            #[expect(unsafe_code, reason = "the kernel gives a number")]
            let stream = unsafe { FromRawFd::from_raw_fd(descriptor as i32) };
            self.connections.open(Socket::new(stream));
        }
    }

    fn handle_received(&mut self, key: usize, received: Result<usize, Errno>, goes_on: bool, flags: u32) {
        if !goes_on && let Some(socket) = self.connections.socket(key) {
            socket.receiving = match received {
                // The buffers ran out, which are given back by now; or it was given up, or just ended.
                Err(Errno::NOBUFS | Errno::CANCELED | Errno::INTR) | Ok(1..) => Receiving::No,
                Ok(0) | Err(_) => Receiving::Ended,
            };
            if socket.receiving == Receiving::Ended {
                self.connections.receive_eof(key);
            }
            self.connections.touch(key);
        }
        if let Some(buffer) = cqueue::buffer_select(flags) {
            if let Ok(bytes @ 1..) = received {
                let input = self.buffers.received(buffer, bytes);
                self.connections.receive(key, input, &mut self.staging);
            }
            if !cqueue::buffer_more(flags) {
                self.buffers.give_back(buffer);
            }
        }
    }

    /// Asks the kernel for what follows from the turn.
    fn settle(&mut self) -> io::Result<()> {
        for _ in 0..PER_TURN {
            let Some((key, fate)) = self.connections.poll_settled(&mut self.staging) else { break };
            let Some(socket) = self.connections.socket(key) else { continue };
            let wants_input = match fate {
                Fate::Stays { is_read } => is_read,
                Fate::Lingers => {
                    socket.end = End::ToShutDown;
                    true
                }
                Fate::Goes => {
                    socket.end = End::ToClose;
                    false
                }
                Fate::IsCutOff => {
                    socket.cut_off();
                    false
                }
            };
            if !socket.is_sending && socket.unsent().is_empty() {
                match socket.end {
                    End::ToShutDown if socket.stream.shutdown(Shutdown::Write).is_ok() => {
                        socket.end = End::ShutDown;
                    }
                    End::ToShutDown | End::ToClose => socket.cut_off(),
                    End::Open | End::ShutDown | End::CutOff => {}
                }
            }
            if socket.end == End::CutOff {
                if socket.is_at_rest() {
                    self.connections.remove(key);
                }
                continue;
            }
            self.queue.request(key, socket, wants_input)?;
        }
        Ok(())
    }
}

impl Queue<'_> {
    fn request(&mut self, key: usize, socket: &mut Socket, wants_input: bool) -> io::Result<()> {
        let descriptor = Fd(socket.stream.as_raw_fd());
        if !socket.is_sending && !socket.unsent().is_empty() {
            let unsent = socket.unsent();
            // At most `STAGED_BYTES`. All of it: if the socket is full, the kernel goes on when it is not.
            let flags = SendFlags::NOSIGNAL.bits() | MSG_WAITALL;
            let send =
                opcode::Send::new(descriptor, unsent.as_ptr(), unsent.len() as u32).flags(flags as i32);
            self.push(&send.build().user_data(Operation::Send.of(key)))?;
            socket.is_sending = true;
        }
        match socket.receiving {
            Receiving::No if wants_input => {
                let receive = opcode::RecvMulti::new(descriptor, GROUP).build();
                self.push(&receive.user_data(Operation::Receive.of(key)))?;
                socket.receiving = Receiving::Armed;
            }
            Receiving::Armed if !wants_input => {
                let cancel = opcode::AsyncCancel::new(Operation::Receive.of(key)).build();
                self.push(&cancel.user_data(Operation::Cancel.of(key)))?;
                socket.receiving = Receiving::Cancelling;
            }
            Receiving::No | Receiving::Armed | Receiving::Cancelling | Receiving::Ended => {}
        }
        Ok(())
    }
}

/// Not among the flags that `rustix` has for sending: only here does it mean something there.
const MSG_WAITALL: u32 = 0x100;

fn result_of(completion: &cqueue::Entry) -> Result<usize, Errno> {
    let result = completion.result();
    usize::try_from(result).map_err(|_| Errno::from_raw_os_error(-result))
}
