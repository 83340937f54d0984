//! What `batch_within` and `batch_within_ok` share: a batch that grows old.

use alloc::vec::Vec;
use core::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::buffer;
use crate::{
    Clock, Timer,
    time::{Alarm, Monotonic},
};

pin_project! {
    pub(super) struct Gathered<I, T: Timer> {
        pub(super) items: Vec<I>,
        pub(super) max: usize,
        pub(super) age: Duration,
        // When the items have to leave, if there are any.
        due: Option<<T as Clock>::Instant>,
        time: Monotonic<T>,
        timer: T,
        #[pin]
        alarm: Alarm<T>,
    }
}

impl<I, T: Timer> Gathered<I, T> {
    pub(super) fn new(max: usize, age: Duration, timer: T) -> Self {
        Self { items: Vec::new(), max, age, due: None, time: Monotonic::new(), timer, alarm: Alarm::new() }
    }

    /// Adds an item; gives the batch if that fills it.
    #[inline]
    pub(super) fn push(self: Pin<&mut Self>, item: I) -> Option<Vec<I>> {
        let this = self.project();
        // A batch that is full with its first item never waits, and needs no clock.
        if this.items.is_empty() && *this.max > 1 {
            *this.due = T::checked_add(this.time.read(this.timer), *this.age);
        }
        buffer::push(this.items, item, *this.max);
        (this.items.len() >= *this.max).then(|| mem::take(this.items))
    }

    /// When nothing more is ready: the batch, once it is due.
    #[inline]
    pub(super) fn poll_due(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<I>> {
        let this = self.project();
        if this.items.is_empty() {
            return Poll::Pending;
        }
        ready!(this.alarm.poll_at(this.timer, this.time, *this.due, cx));
        Poll::Ready(mem::take(this.items))
    }

    /// What is gathered, if anything, before an error.
    pub(super) fn take(self: Pin<&mut Self>) -> Option<Vec<I>> {
        let items = mem::take(self.project().items);
        (!items.is_empty()).then_some(items)
    }

    /// At the end: what is gathered, if anything. The timer is dropped.
    pub(super) fn flush(mut self: Pin<&mut Self>) -> Option<Vec<I>> {
        self.as_mut().project().alarm.release();
        self.take()
    }
}

/// Refuses what would never fill.
pub(super) fn check(max: usize) {
    assert!(
        max > 0,
        "batch_within(0, ..) would hold nothing: pass the number of items of a full batch, at least 1"
    );
}
