use std::{
    cell::Cell,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::{Stream, channel::mpsc, stream, stream::FusedStream};
use pubsub_operators::{StreamOps, flat_merge, stage};

use crate::harness::{Ends, Rig, Script, Waking, contract, drain, panic_message, poll};

#[test]
fn flat_merge_keeps_the_contract() {
    for limit in [1, 2, 9] {
        // Inner streams of no, one or two items, all ready.
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            let streams = source.flow().map(move |item| {
                rig.tick();
                stream::iter(std::iter::repeat_n(item.value(), item.value() as usize % 3))
            });
            streams.flat_merge(limit)
        };
        contract(Ends::Itself, false, &[3, 1, 2], build, |input| {
            match limit {
                1 => input.iter().flat_map(|n| std::iter::repeat_n(*n, *n as usize % 3)).collect::<Vec<_>>(),
                // The order between streams is theirs: here the 1 opens first or alone.
                _ => vec![1, 2, 2],
            }
        });
    }
}

#[test]
fn inner_streams_that_are_ready_take_turns() {
    let streams = stream::iter([1, 2]).flow().map(|n| stream::repeat(n).flow());
    assert_eq!(drain(streams.flat_merge(2).take(6)), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_batch_and_its_inverse() {
    for limit in 1..4 {
        let mut items = drain(stream::iter(0..10).flow().batch(3).map(stream::iter).flat_merge(limit));
        if limit > 1 {
            items.sort_unstable();
        }
        assert_eq!(items, (0..10).collect::<Vec<_>>());
    }
}

/// Counts how often it is polled.
struct Polled<S>(S, Rc<Cell<usize>>);

impl<S: Stream + Unpin> Stream for Polled<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.1.set(self.1.get() + 1);
        Pin::new(&mut self.0).poll_next(cx)
    }
}

#[test]
fn only_what_was_woken_is_polled() {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::unbounded()).unzip();
    let counts: Vec<_> = (0..3).map(|_| Rc::new(Cell::new(0))).collect();
    let inner: Vec<_> =
        receivers.into_iter().zip(&counts).map(|(r, count)| Polled(r, count.clone())).collect();
    let polls = || counts.iter().map(|count| count.get()).collect::<Vec<_>>();
    let mut merged = pin!(stream::iter(inner).flow().flat_merge(3));
    let (waking, waker) = Waking::new();
    assert!(merged.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(polls(), [1, 1, 1]);
    assert!(poll(merged.as_mut()).is_pending());
    assert_eq!(polls(), [1, 1, 1], "nobody was woken");
    assert!(merged.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    senders[1].unbounded_send(7).unwrap();
    assert_eq!(waking.count(), 1);
    assert_eq!(poll(merged.as_mut()), Poll::Ready(Some(7)));
    assert!(poll(merged.as_mut()).is_pending());
    assert_eq!(polls(), [1, 3, 1]);
}

#[test]
fn the_source_is_not_polled_while_the_limit_is_reached() {
    let (outer, source) = mpsc::unbounded();
    let count = Rc::new(Cell::new(0));
    let mut merged = pin!(Polled(source, count.clone()).flow().flat_merge(1));
    let (first, inner) = mpsc::unbounded();
    outer.unbounded_send(inner).unwrap();
    assert!(poll(merged.as_mut()).is_pending());
    let (second, inner) = mpsc::unbounded();
    outer.unbounded_send(inner).unwrap();
    second.unbounded_send(2).unwrap();
    assert!(poll(merged.as_mut()).is_pending());
    assert_eq!(count.get(), 1);
    first.unbounded_send(1).unwrap();
    drop(first);
    assert_eq!(poll(merged.as_mut()), Poll::Ready(Some(1)));
    // Its end makes room in the same poll.
    assert_eq!(poll(merged.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(count.get(), 2);
    drop((outer, second));
    assert_eq!(poll(merged.as_mut()), Poll::Ready(None));
    assert!(merged.is_terminated());
    assert_eq!(merged.size_hint(), (0, Some(0)));
}

#[test]
fn the_source_is_released_at_its_end_and_the_inner_streams_go_on() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [3]);
    let (sender, inner) = mpsc::unbounded();
    let mut inner = Some(inner);
    let mut merged = pin!(source.flow().map(|_| inner.take().unwrap()).flat_merge(2));
    assert!(poll(merged.as_mut()).is_pending());
    assert!(seen.dropped.get());
    assert!(!merged.is_terminated());
    sender.unbounded_send(1).unwrap();
    assert_eq!(poll(merged.as_mut()), Poll::Ready(Some(1)));
    assert!(!sender.is_closed());
    drop(sender);
    assert_eq!(poll(merged.as_mut()), Poll::Ready(None));
}

/// Wakes itself in every poll, and gives nothing.
struct Restless;

impl Stream for Restless {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn an_inner_stream_that_wakes_itself_is_polled_once_per_poll() {
    let mut merged = pin!(stream::iter([Restless, Restless]).flow().flat_merge(2));
    for _ in 0..3 {
        let (waking, waker) = Waking::new();
        assert!(merged.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
        assert!(waking.count() > 0, "and it comes again");
    }
}

#[test]
fn an_inner_stream_that_panics_is_gone() {
    let streams = stream::iter(0..2).flow().map(|n| {
        stream::iter(0..2).flow().map(move |item| {
            assert_ne!(n, 0, "as told");
            item
        })
    });
    let mut merged = Box::pin(streams.flat_merge(2));
    let message = panic_message(|| poll(merged.as_mut()));
    assert!(message.contains("as told"));
    assert_eq!(drain(merged), [0, 1]);
}

/// Keeps the waker of its last poll where others find it.
struct Keeps(Rc<Cell<Option<Waker>>>);

impl Stream for Keeps {
    type Item = u32;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        self.0.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

#[test]
fn once_dropped_it_keeps_no_waker_of_its_task() {
    let kept = Rc::new(Cell::new(None));
    let mut merged = Box::pin(stream::iter([Keeps(kept.clone())]).flow().flat_merge(2));
    let (waking, waker) = Waking::new();
    assert!(merged.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&waking), 2);
    drop(merged);
    assert_eq!(Arc::strong_count(&waking), 1, "though the waker of an inner stream is still there");
    kept.take().unwrap().wake();
    assert_eq!(waking.count(), 0);
}

#[test]
fn size_hints_add_up() {
    let mut merged = pin!(stream::iter([2_u32, 3]).flow().map(|n| stream::iter(0..n)).flat_merge(1));
    assert_eq!(merged.size_hint(), (0, None));
    assert!(poll(merged.as_mut()).is_ready());
    assert_eq!(merged.size_hint(), (1, None));
    for _ in 0..2 {
        assert!(poll(merged.as_mut()).is_ready());
    }
    // The source has ended.
    assert_eq!(merged.size_hint(), (2, Some(2)));
}

#[test]
fn a_limit_of_zero_is_refused_and_values_do_the_same() {
    let message = panic_message(|| flat_merge(0));
    assert!(message.contains("pass how many inner streams"), "{message}");
    let streams = || stream::iter(0..3).flow().map(|n| stream::iter(0..n));
    assert_eq!(drain(streams().pipe(flat_merge(1))), [0, 0, 1]);
    let by_stage = stage::<u32>().map(|n| stream::iter(0..n)).flat_merge(1);
    assert_eq!(drain(stream::iter(0..3).pipe(by_stage)), [0, 0, 1]);
}
