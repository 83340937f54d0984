//! What comes in from a link, in its order, through a queue with a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use pubsub_transports::{
    Address, ConnectionState, Frame, Gap, Header, Inlet, Rejection, SendError, Undecodable,
};
use tokio::sync::mpsc;

/// How many events wait for who reads. What is more is counted.
const WAITING: usize = 65_536;
/// How much else does.
const WORDS: usize = 4_096;

/// What happened.
pub(crate) enum Incoming {
    Event(Frame),
    Subscribed,
    Refused(Address, Rejection),
    Gap(Option<Address>, Gap),
    Undecodable(Undecodable),
    State(ConnectionState),
    /// So many events gave way here: whoever reads was too slow.
    Missed(u64),
}

/// The end that reads.
pub(crate) struct Incomings {
    queue: mpsc::Receiver<Incoming>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    /// Events that gave way, and whose place is behind all that waits.
    missed: AtomicU64,
}

impl Incomings {
    /// The next; `None` once the link has ended.
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        let next = match self.queue.try_recv() {
            Ok(next) => next,
            Err(_) => match self.counts.missed.swap(0, Ordering::Relaxed) {
                0 => self.queue.recv().await?,
                missed => Incoming::Missed(missed),
            },
        };
        if let Incoming::Event(_) = next {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        Some(next)
    }
}

pub(crate) fn channel() -> (Arc<dyn Inlet>, Incomings) {
    let (sender, queue) = mpsc::channel(WAITING + WORDS);
    let counts = Arc::new(Counts::default());
    (Arc::new(Follower { sender, counts: Arc::clone(&counts) }), Incomings { queue, counts })
}

struct Follower {
    sender: mpsc::Sender<Incoming>,
    counts: Arc<Counts>,
}

impl Follower {
    /// Whether there was room. Who does not read any more misses nothing.
    fn tell(&self, incoming: Incoming) -> bool {
        !matches!(self.sender.try_send(incoming), Err(mpsc::error::TrySendError::Full(_)))
    }

    fn event(&self, frame: Frame) {
        let counts = &*self.counts;
        if counts.waiting.load(Ordering::Relaxed) >= WAITING {
            counts.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let missed = counts.missed.swap(0, Ordering::Relaxed);
        if missed > 0 && !self.tell(Incoming::Missed(missed)) {
            counts.missed.fetch_add(missed + 1, Ordering::Relaxed);
            return;
        }
        counts.waiting.fetch_add(1, Ordering::Relaxed);
        if !self.tell(Incoming::Event(frame)) {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            counts.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Inlet for Follower {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }

    fn deliver(&self, frame: Frame) {
        self.event(frame);
    }

    fn subscribed(&self, _: u64) {
        let _ = self.tell(Incoming::Subscribed);
    }

    fn refused(&self, _: u64, address: Address, rejection: Rejection) {
        let _ = self.tell(Incoming::Refused(address, rejection));
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        let _ = self.tell(Incoming::Gap(address, gap));
    }

    fn undecodable(&self, undecodable: Undecodable) {
        let _ = self.tell(Incoming::Undecodable(undecodable));
    }

    /// Whoever publishes here waits for the answer.
    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        let _ = self.tell(Incoming::State(state));
    }
}
