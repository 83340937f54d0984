//! Closing a bus, and what was left.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Pending;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use pubsub_transports::Closing;

use crate::EventMap;
use crate::bus::Handle;
use crate::engine::{Draining, Left};

pin_project! {
    /// Closing a bus; made by [`PubSub::close`](crate::PubSub::close).
    ///
    /// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
    ///
    /// # Cancel safety
    /// Once polled, the bus is closed and stays so; dropping this then only means not to wait, and nothing is
    /// discarded.
    #[must_use = "nothing is closed until this is awaited or `.now()` is called"]
    pub struct Close<'a, D = Pending<()>> {
        handle: &'a Handle,
        topics: fn(usize) -> &'static str,
        #[pin]
        deadline: Option<D>,
        // What the link has yet to send.
        closing: Option<Closing>,
        unsent: u64,
        refused: Option<usize>,
        draining: Option<Draining<'a>>,
    }
}

impl<'a> Close<'a> {
    pub(crate) fn new<M: EventMap>(handle: &'a Handle) -> Self {
        Self {
            handle,
            topics: |index| M::TOPICS[index].name,
            deadline: None,
            closing: None,
            unsent: 0,
            refused: None,
            draining: None,
        }
    }

    /// Waits until all that was accepted has been read, but no longer than until `deadline` is ready; what has not
    /// been read or sent then is discarded, and counted in the report.
    ///
    /// Read is not handled: a handler may still be at work on its last event; wait for the
    /// [`Handler`](crate::Handler) itself.
    ///
    /// The deadline is any future, so that no runtime is asked for: a sleep of yours, a signal, or
    /// [`std::future::pending`] to wait for as long as it takes.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # use std::time::Duration;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// # let bus = PubSub::<App>::default();
    /// let never_read = bus.subscribe(App::NOTE).await?;
    /// bus.publish(App::NOTE, "desk", "tidy".to_owned()).await?;
    /// let report = bus.close().until(tokio::time::sleep(Duration::from_secs(5))).await;
    /// assert_eq!((report.unread, never_read.missed()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn until<D: Future>(self, deadline: D) -> Close<'a, D> {
        Close {
            handle: self.handle,
            topics: self.topics,
            deadline: Some(deadline),
            closing: None,
            unsent: 0,
            refused: None,
            draining: None,
        }
    }

    /// Closes without waiting, from code that is not async. What was accepted stays readable; the report counts it. What a
    /// network transport has yet to send is sent, and counted as `unsent` here.
    pub fn now(self) -> CloseReport {
        let unsent = self.handle.driver.as_ref().map_or(0, |driver| {
            drop(driver.close());
            driver.in_flight()
        });
        CloseReport::new(self.handle.close_engine(), unsent, self.topics)
    }
}

impl<D: Future> Future for Close<'_, D> {
    type Output = CloseReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReport> {
        let mut this = self.project();
        let mut is_over = false;
        // First the link: what it still sends comes back to the engine, which is closed after it.
        if let (Some(driver), None) = (&this.handle.driver, &this.refused) {
            match Pin::new(this.closing.get_or_insert_with(|| driver.close())).poll(cx) {
                Poll::Ready(unsent) => *this.unsent = unsent,
                Poll::Pending => {
                    match this.deadline.as_mut().as_pin_mut() {
                        Some(deadline) => {
                            ready!(deadline.poll(cx));
                            is_over = true;
                        }
                        // Its end depends on readers, which are not waited for.
                        None if driver.guarantees().backpressure => {}
                        None => return Poll::Pending,
                    }
                    *this.unsent = driver.in_flight();
                }
            }
        }
        let left = match *this.refused {
            None if is_over => this.handle.engine.close(),
            None => this.handle.close_engine(),
            Some(_) => Left::default(),
        };
        let refused = *this.refused.get_or_insert(left.refused);
        let Some(deadline) = this.deadline.as_pin_mut() else {
            return Poll::Ready(CloseReport::new(left, *this.unsent, *this.topics));
        };
        let engine = &*this.handle.engine;
        let left = if this.draining.get_or_insert_with(|| Draining::new(engine)).poll(cx.waker()).is_ready() {
            Left::default()
        } else if is_over || deadline.poll(cx).is_ready() {
            engine.discard()
        } else {
            return Poll::Pending;
        };
        Poll::Ready(CloseReport::new(Left { refused, ..left }, *this.unsent, *this.topics))
    }
}

impl<D> fmt::Debug for Close<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").finish_non_exhaustive()
    }
}

/// What was left when a bus was closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CloseReport {
    /// Events that had been accepted and were not read: an event that two subscriptions had still to read counts
    /// twice.
    pub unread: u64,
    /// The same, by the name of the topic.
    pub unread_by_topic: BTreeMap<&'static str, u64>,
    /// Subscriptions that had something left to read.
    pub subscriptions: usize,
    /// Publishes that waited for room, and got their event back as
    /// [`PublishError::Closed`](crate::PublishError::Closed).
    pub refused: usize,
    /// Events that a network transport had taken, and did not send or got no answer to; or that the inbox of a worker's bus
    /// held, and that reach its subscriptions as far as these make room.
    pub unsent: u64,
}

impl CloseReport {
    fn new(left: Left, unsent: u64, topics: fn(usize) -> &'static str) -> Self {
        let mut report =
            Self { subscriptions: left.queued.len(), refused: left.refused, unsent, ..Self::default() };
        for (topic, events) in left.queued.into_iter().flatten() {
            report.unread += events;
            *report.unread_by_topic.entry(topics(topic)).or_default() += events;
        }
        report
    }

    /// Whether nothing was left: all that was accepted had been read, and nobody waited.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unread == 0 && self.refused == 0 && self.unsent == 0
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unread, subscriptions, refused, unsent, .. } = self;
        write!(
            f,
            "unread events: {unread}, subscriptions behind: {subscriptions}, refused publishes: {refused}, unsent events: {unsent}"
        )
    }
}
