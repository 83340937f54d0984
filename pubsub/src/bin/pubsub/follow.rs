//! What comes in from a link, in its order, through a queue with a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use pubsub_transports::{
    Address, ConnectionState, Frame, Gap, Header, Inlet, Rejection, SendError, Undecodable,
};
use tokio::sync::mpsc;

/// How much waits for who reads. What is more is counted.
const WAITING: usize = 65_536;

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
    missed: Arc<AtomicU64>,
}

impl Incomings {
    /// The next; `None` once the link has ended.
    pub(crate) async fn next(&mut self) -> Option<Incoming> {
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => self.queue.recv().await,
            missed => Some(Incoming::Missed(missed)),
        }
    }
}

pub(crate) fn channel() -> (Arc<dyn Inlet>, Incomings) {
    let (sender, queue) = mpsc::channel(WAITING);
    let missed = Arc::new(AtomicU64::new(0));
    (Arc::new(Follower { sender, missed: Arc::clone(&missed) }), Incomings { queue, missed })
}

struct Follower {
    sender: mpsc::Sender<Incoming>,
    missed: Arc<AtomicU64>,
}

impl Follower {
    fn tell(&self, incoming: Incoming) {
        // Who does not read any more misses nothing.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.sender.try_send(incoming) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Inlet for Follower {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }

    fn deliver(&self, frame: Frame) {
        self.tell(Incoming::Event(frame));
    }

    fn subscribed(&self, _: u64) {
        self.tell(Incoming::Subscribed);
    }

    fn refused(&self, _: u64, address: Address, rejection: Rejection) {
        self.tell(Incoming::Refused(address, rejection));
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        self.tell(Incoming::Gap(address, gap));
    }

    fn undecodable(&self, undecodable: Undecodable) {
        self.tell(Incoming::Undecodable(undecodable));
    }

    /// Whoever publishes here waits for the answer.
    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        self.tell(Incoming::State(state));
    }
}
