//! `group_by` and `flat_merge` between threads, under the model checker: `tests/loom-operators` runs this. A wake that is
//! lost shows as a deadlock, in the one interleaving of many in which it is.
//!
//! Mutations tried by hand, each reported as a deadlock: a party registers after it has looked at the state instead of
//! before; a party that finds the source taken is not woken when it is given back; nobody is woken when the item that
//! was held finds room.
#![cfg(pubsub_loom)]

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::{Stream, StreamExt};
use loom::{future::block_on, sync::Mutex, thread};
use pubsub_operators::{Groups, OnFull, StreamOps};

/// Threads may be interrupted this often at places where they would not have to wait.
const PREEMPTIONS: usize = 3;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

/// A channel the model checker sees through.
#[derive(Clone, Default)]
struct Channel(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    items: VecDeque<u32>,
    closed: bool,
    reader: Option<Waker>,
}

impl Channel {
    fn of(items: impl IntoIterator<Item = u32>) -> Self {
        let channel = Self::default();
        channel.0.lock().unwrap().items.extend(items);
        channel
    }

    fn send(&self, item: u32) {
        let mut inner = self.0.lock().unwrap();
        inner.items.push_back(item);
        let reader = inner.reader.take();
        drop(inner);
        reader.into_iter().for_each(Waker::wake);
    }

    fn close(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.closed = true;
        let reader = inner.reader.take();
        drop(inner);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl Stream for Channel {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        let mut inner = self.0.lock().unwrap();
        if let Some(item) = inner.items.pop_front() {
            return Poll::Ready(Some(item));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        inner.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn bounds(per_group: usize) -> Groups {
    Groups { max: 2, per_group, on_full: OnFull::Wait }
}

#[test]
fn two_readers_and_a_sender() {
    check(|| {
        let channel = Channel::of([0, 1]);
        let mut outer = channel.clone().flow().group_by(bounds(4), |n| n % 2);
        let mut even = block_on(StreamExt::next(&mut outer)).unwrap();
        let mut odd = block_on(StreamExt::next(&mut outer)).unwrap();
        let reader = thread::spawn(move || {
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(0));
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(2));
        });
        let sender = thread::spawn(move || channel.send(2));
        // This party may take the 2 from the source, and then does nothing more.
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(1));
        let _ = block_on(async { futures::poll!(StreamExt::next(&mut odd)) });
        reader.join().unwrap();
        sender.join().unwrap();
    });
}

#[test]
fn two_readers_to_the_end() {
    check(|| {
        let channel = Channel::of([0, 1]);
        let mut outer = channel.clone().flow().group_by(bounds(4), |n| n % 2);
        let mut even = block_on(StreamExt::next(&mut outer)).unwrap();
        let mut odd = block_on(StreamExt::next(&mut outer)).unwrap();
        drop(outer);
        let reader = thread::spawn(move || {
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(0));
            assert_eq!(block_on(StreamExt::next(&mut even)), None);
        });
        channel.close();
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(1));
        assert_eq!(block_on(StreamExt::next(&mut odd)), None);
        reader.join().unwrap();
    });
}

#[test]
fn a_full_group_and_those_who_wait_for_it() {
    check(|| {
        let channel = Channel::of([0, 1, 2, 3]);
        channel.close();
        let mut outer = channel.flow().group_by(bounds(1), |n| n % 2);
        let mut even = block_on(StreamExt::next(&mut outer)).unwrap();
        let mut odd = block_on(StreamExt::next(&mut outer)).unwrap();
        drop(outer);
        // The 2 does not fit while the 0 is unread, and the 3 not while the 1 is.
        let reader = thread::spawn(move || {
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(0));
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(2));
            assert_eq!(block_on(StreamExt::next(&mut even)), None);
        });
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(1));
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(3));
        assert_eq!(block_on(StreamExt::next(&mut odd)), None);
        reader.join().unwrap();
    });
}

#[test]
fn a_full_group_that_is_dropped() {
    check(|| {
        let channel = Channel::of([0, 1, 2, 3]);
        channel.close();
        let mut outer = channel.flow().group_by(bounds(1), |n| n % 2);
        let even = block_on(StreamExt::next(&mut outer)).unwrap();
        let mut odd = block_on(StreamExt::next(&mut outer)).unwrap();
        drop(outer);
        let dropper = thread::spawn(move || drop(even));
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(1));
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(3));
        assert_eq!(block_on(StreamExt::next(&mut odd)), None);
        dropper.join().unwrap();
    });
}

#[test]
fn the_outer_stream_and_a_group_that_drives_for_it() {
    check(|| {
        let channel = Channel::of([0, 1, 2]);
        channel.close();
        let mut outer = channel.flow().group_by(bounds(4), |n| n % 2);
        let mut even = block_on(StreamExt::next(&mut outer)).unwrap();
        let reader = thread::spawn(move || {
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(0));
            assert_eq!(block_on(StreamExt::next(&mut even)), Some(2));
            assert_eq!(block_on(StreamExt::next(&mut even)), None);
        });
        let mut odd = block_on(StreamExt::next(&mut outer)).unwrap();
        assert_eq!(block_on(StreamExt::next(&mut odd)), Some(1));
        assert!(block_on(StreamExt::next(&mut outer)).is_none());
        reader.join().unwrap();
    });
}

#[test]
fn inner_streams_that_are_woken_while_others_are_polled() {
    check(|| {
        let (one, two) = (Channel::default(), Channel::default());
        let mut merged = futures::stream::iter([one.clone(), two.clone()]).flow().flat_merge(2);
        let sender = thread::spawn(move || {
            one.send(1);
            one.close();
        });
        let other = thread::spawn(move || two.close());
        assert_eq!(block_on(StreamExt::next(&mut merged)), Some(1));
        assert_eq!(block_on(StreamExt::next(&mut merged)), None);
        sender.join().unwrap();
        other.join().unwrap();
    });
}
