//! A bus for tests, which remembers what was published.

use std::fmt;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Poll, Waker};

use crate::engine::{Found, Make, Reader};
use crate::event::Stored;
use crate::interest::Interest;
use crate::{EventMap, PubSub, Selector};

/// A bus in one process that remembers every event published on it, for tests of code that publishes.
///
/// It derefs to its [`PubSub`]; clone that into the code under test. What is remembered is not bounded. The bus
/// [has subscribers](PubSub::has_subscribers) always; when it is closed, what the test has not looked at counts as read.
/// Needs the feature `test-util`.
///
/// ```
/// use pubsub::TestBus;
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App { Note(String), Tick(u32) }
///
/// fn code_under_test(bus: &PubSub<App>) {
///     bus.publish(App::TICK, "clock", 1).now().unwrap();
///     bus.publish(App::NOTE, "desk", "tidy".to_owned()).now().unwrap();
/// }
///
/// # futures::executor::block_on(async {
/// let mut bus = TestBus::<App>::new();
/// code_under_test(&bus);
/// let deadline = std::future::ready(()); // or the sleep of any timer
/// let note = bus.expect_next(App::NOTE, deadline).await?;
/// assert_eq!(note.payload, "tidy");
/// assert_eq!(bus.published(App::TICK).len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct TestBus<M: EventMap> {
    bus: PubSub<M>,
    reader: Reader<(Stored, u64)>,
    remembered: Vec<Stored>,
    /// How many of them lie behind the last event that was expected.
    expected: usize,
}

impl<M: EventMap> TestBus<M> {
    /// A new bus, open and empty.
    #[must_use]
    pub fn new() -> Self {
        let bus = PubSub::default();
        let seat = bus.observer().unwrap_or_else(|_| unreachable!("a new bus is open"));
        let reader = Reader::new(seat, || Make::STORED);
        Self { bus, reader, remembered: Vec::new(), expected: 0 }
    }

    /// All that was published so far and is selected, in order.
    pub fn published<S: Selector<M>>(&mut self, selector: S) -> Vec<S::Event> {
        while self.poll_remember(Waker::noop()) == Poll::Ready(true) {}
        let interest = Interest::of(&selector);
        let selected =
            self.remembered.iter().filter(|stored| interest.contains(stored.topic(), stored.id_text()));
        selected.map(|stored| S::__make().one(stored.clone(), 0)).collect()
    }

    /// The next event that is selected, after the one that was expected before; events between the two are passed
    /// over.
    ///
    /// The deadline is any future: the sleep of any timer, or [`ready`](std::future::ready) for what has to be there
    /// already.
    ///
    /// # Errors
    /// At the deadline, or when the bus is closed: what came instead.
    ///
    /// # Cancel safety
    /// Dropping the future expects nothing: the event can be expected again.
    pub async fn expect_next<S: Selector<M>>(
        &mut self,
        selector: S,
        deadline: impl Future,
    ) -> Result<S::Event, NotPublished> {
        let interest = Interest::of(&selector);
        let mut deadline = pin!(deadline);
        let mut next = self.expected;
        std::future::poll_fn(|cx| {
            loop {
                if let Some(stored) = self.remembered.get(next) {
                    next += 1;
                    if interest.contains(stored.topic(), stored.id_text()) {
                        self.expected = next;
                        return Poll::Ready(Ok(S::__make().one(stored.clone(), 0)));
                    }
                    continue;
                }
                match self.poll_remember(cx.waker()) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Poll::Ready(Err(self.not_published(&interest, true))),
                    Poll::Pending if deadline.as_mut().poll(cx).is_pending() => return Poll::Pending,
                    Poll::Pending => return Poll::Ready(Err(self.not_published(&interest, false))),
                }
            }
        })
        .await
    }

    /// Remembers one more event; ready with `false` when none will come.
    fn poll_remember(&mut self, waker: &Waker) -> Poll<bool> {
        let mut found = Found::default();
        match self.reader.take(waker, false, &mut found) {
            Some((stored, _)) => {
                self.remembered.push(stored);
                Poll::Ready(true)
            }
            None if found.end.is_some() => Poll::Ready(false),
            None => Poll::Pending,
        }
    }

    fn not_published(&self, interest: &Interest, bus_closed: bool) -> NotPublished {
        let since = self.remembered[self.expected..].iter();
        NotPublished {
            expected: interest.addresses(M::TOPICS),
            bus_closed,
            came: since.map(|stored| format!("{}:{}", stored.name(), stored.id_text())).collect(),
        }
    }
}

impl<M: EventMap> Default for TestBus<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: EventMap> Deref for TestBus<M> {
    type Target = PubSub<M>;

    fn deref(&self) -> &PubSub<M> {
        &self.bus
    }
}

impl<M: EventMap> fmt::Debug for TestBus<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestBus").field("remembered", &self.remembered.len()).finish_non_exhaustive()
    }
}

/// An event that a test expected was not published in time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotPublished {
    /// The addresses that were selected.
    pub expected: Vec<String>,
    /// What was published instead, since the last event that was expected.
    pub came: Vec<String>,
    /// Whether the bus was closed, so that it cannot come any more; otherwise the deadline was over.
    pub bus_closed: bool,
}

impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = if self.bus_closed { "the bus was closed" } else { "the deadline" };
        write!(f, "expected an event of `{}` before {until}, ", self.expected.join("`, `"))?;
        match &*self.came {
            [] => f.write_str("and nothing was published"),
            came => write!(f, "and this was published instead: `{}`", came.join("`, `")),
        }
    }
}

impl std::error::Error for NotPublished {}
