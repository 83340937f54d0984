//! The event map of these tests, and futures polled by hand: no runtime, no clock, no chance.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pubsub::prelude::*;

#[derive(Clone, Debug, PartialEq, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    Number(u64),
    #[event(id = u32)]
    Text(String),
    Pair(u8, u8),
    Restart,
    /// Not serializable.
    Opaque(Arc<Opaque>),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Opaque;

/// A map that is not `Clone`, with a payload that is not.
#[derive(EventMap)]
pub(crate) enum Keys {
    Rotated(Key),
}

#[derive(Debug)]
pub(crate) struct Key(pub(crate) u8);

#[derive(Clone, Debug, PartialEq, EventSubset)]
#[event_subset(of = App)]
pub(crate) enum Some {
    Pair(u8, u8),
    Restart,
    Number(u64),
}

pub(crate) fn bus() -> PubSub<App> {
    PubSub::default()
}

/// Publishes a number under the id `id`; there must be room.
pub(crate) fn number(bus: &PubSub<App>, id: &str, n: u64) {
    bus.publish(App::NUMBER, id, n).now().expect("there is room");
}

/// Reads what there is to read now.
pub(crate) fn drain<E>(subscription: &mut Subscription<E>) -> Vec<E> {
    std::iter::from_fn(|| subscription.try_next().ok()).collect()
}

/// The payloads that there are to read now.
pub(crate) fn numbers(subscription: &mut Subscription<Event<u64>>) -> Vec<u64> {
    drain(subscription).iter().map(|event| event.payload).collect()
}

/// A future or stream polled by hand, and how often it was woken.
pub(crate) struct Task {
    wakes: Arc<Wakes>,
    waker: Waker,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    pub(crate) fn new() -> Self {
        let wakes = Arc::<Wakes>::default();
        Self { waker: Arc::clone(&wakes).into(), wakes }
    }

    pub(crate) fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }

    /// Wakers of this task that somebody keeps.
    pub(crate) fn kept(&self) -> usize {
        Arc::strong_count(&self.wakes) - 2
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }
}
