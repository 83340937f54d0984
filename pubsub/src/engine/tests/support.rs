//! What the tests of the engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use crate::IdString;
use crate::engine::sync::lock;
use crate::engine::{Address, At, Engine, Make, Refused, Store, Terms};
use crate::event::{EventData, Stored};
use crate::interest::Interest;
use crate::overflow::Overflow;

/// A number that the engine delivers. It holds on to a token, so that what is kept can be counted.
pub(super) struct Numbered {
    pub(super) number: u64,
    _token: Arc<()>,
}

pub(super) fn event(topic: usize, id: &str, number: u64, token: &Arc<()>) -> Stored {
    Stored::new(EventData::<Numbered>::new(
        (topic, "numbers"),
        IdString::from(id),
        (),
        Numbered { number, _token: Arc::clone(token) },
        None,
    ))
}

/// Makes an event as a function says.
pub(super) struct Making<F>(pub(super) F);

impl<F: FnMut() -> Stored> Store for Making<F> {
    fn store(&mut self, _: Option<&IdString>) -> Stored {
        (self.0)()
    }
}

pub(super) type Reader = crate::engine::Reader<(Stored, u64)>;

pub(super) fn subscribe(engine: &Arc<Engine>, interest: Interest, terms: Terms) -> Result<Reader, Refused> {
    Ok(Reader::new(engine.subscribe(interest, terms)?, || Make::STORED))
}

pub(super) fn number(stored: Stored) -> u64 {
    stored.into_event::<Numbered, str>(0).payload.number
}

/// Counts how often it was woken.
#[derive(Default)]
pub(super) struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Alarm {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self::default());
        (Arc::clone(&alarm), Waker::from(alarm))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// SplitMix64: small, and the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

pub(super) fn at(topic: usize, id: &str) -> Address<'_> {
    Address { topic, at: At::Id(id) }
}

pub(super) fn address(topic: usize, id: &str) -> Interest {
    let mut interest = Interest::default();
    interest.add_address(topic, id.into());
    interest
}

pub(super) fn terms(bound: usize, overflow: Overflow) -> Terms {
    Terms { bound, overflow, name: None, observes: false }
}

/// Nothing of any subscription or publish is left.
pub(super) fn assert_empty(engine: &Engine) {
    assert!(lock(&engine.line).is_empty(), "the line is not empty");
    for topic in &engine.topics {
        assert!(!topic.listening().anybody(), "somebody is still counted");
        assert!(lock(&topic.roster).is_empty());
    }
    for shard in &engine.shards {
        assert!(lock(shard).is_empty(), "an address is left");
    }
}
