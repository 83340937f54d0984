//! What the compiler checks: threads, pinning, copying; and what `Debug` asks for and prints.

use std::{cell::Cell, fmt::Debug, marker::PhantomData, pin::Pin};

use futures::stream;
use pubsub_operators::{
    Flow, StreamOps, batch, dedupe, filter, map, reduce, stage, take, take_until, to_vec, window, window_map,
};

use crate::harness::drain;

fn is_send<T: Send>(value: T) -> T {
    value
}

fn is_sync<T: Sync>(value: T) -> T {
    value
}

fn is_copy<T: Copy>(value: T) -> T {
    value
}

/// Neither `Clone` nor `Debug`, nor anything else.
struct Opaque(#[allow(dead_code, reason = "its size is what matters")] u8);

#[test]
fn adaptors_are_send_and_sync_if_their_parts_are() {
    let numbers = || stream::iter(0..9_u32).flow();
    let _ = is_sync(is_send(numbers().filter(|_| true).map(|n| n).take(2).dedupe(8, |n| *n).batch(2).flat()));
    let _ = is_sync(is_send(
        numbers().window_map(2, 1, |w| w[0]).merge(numbers()).zip(numbers()).latest(numbers()),
    ));
    let _ = is_send(numbers().filter_async(async |n| *n > 3).map_async(async |n| n).take(2));
    let _future = is_send(numbers().map(Ok::<_, ()>).batch_ok(2).flat_ok().map_ok(|n| n).try_to_vec());
    let _future = is_send(numbers().reduce(0, |a, b| a + b));
    // Operator values do not care what the items are.
    let _ = is_send(filter(|_: &Cell<u8>| true));
    let _ = is_sync(stage::<PhantomData<*const u8>>().filter(|_| true).take(2));
    // A stream whose items are not `Send` stays on its thread and works there.
    let cells = stream::iter(0..3).flow().map(|n| std::rc::Rc::new(Cell::new(n)));
    assert_eq!(drain(cells.filter(|cell| cell.get() > 0).boxed_local()).len(), 2);
}

/// Says of a type whether it has a trait: the inherent method is there if it has, and else that of the trait is meant.
struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    fn of(_: &T) -> Self {
        Self(PhantomData)
    }
}

impl<T: Send> Probe<T> {
    #[allow(clippy::unused_self, reason = "found by the type of the receiver")]
    fn is_send(&self) -> bool {
        true
    }
}

impl<T: Unpin> Probe<T> {
    #[allow(clippy::unused_self, reason = "found by the type of the receiver")]
    fn is_unpin(&self) -> bool {
        true
    }
}

trait Otherwise {
    fn is_send(&self) -> bool {
        false
    }
    fn is_unpin(&self) -> bool {
        false
    }
}

impl<T> Otherwise for Probe<T> {}

#[test]
fn adaptors_are_not_send_and_not_unpin_if_a_part_is_not() {
    let rc = std::rc::Rc::new(1_u32);
    let numbers = || stream::iter(0..9_u32);
    assert!(Probe::of(&numbers().pipe(map(|n: u32| n))).is_send());
    assert!(!Probe::of(&numbers().pipe(take_until(std::future::ready(rc.clone())))).is_send());
    assert!(!Probe::of(&stream::iter([rc.clone()]).pipe(take(1))).is_send());
    assert!(!Probe::of(&stream::iter([rc]).pipe(stage().take(1).to_vec())).is_send());
    // The key is held.
    assert!(!Probe::of(&numbers().flow().dedupe_runs(|n| std::rc::Rc::new(*n))).is_send());

    let pinned = || stream::once(async { 1 });
    assert!(Probe::of(&numbers().flow().map(|n| n)).is_unpin());
    assert!(!Probe::of(&pinned().flow().map(|n| n)).is_unpin());
    assert!(!Probe::of(&numbers().flow().chain(pinned()).filter(|_| true).batch(2)).is_unpin());
    assert!(!Probe::of(&pinned().flow().reduce(0, |sum, n| sum + n)).is_unpin());
    assert!(!Probe::of(&numbers().flow().map_async(async |n| n)).is_unpin());
    // What is not pinned does not matter: the closure, the accumulator and the items.
    let held = std::marker::PhantomPinned;
    assert!(Probe::of(&numbers().flow().map(move |_| held)).is_unpin());
    assert!(Probe::of(&numbers().flow().reduce(held, |held, _| held)).is_unpin());
    assert!(Probe::of(&numbers().flow().map(move |_| held).batch(2)).is_unpin());
}

#[test]
fn values_are_copy_if_their_closures_are_whatever_the_items() {
    let one = is_copy(
        stage::<Opaque>().filter(|_| true).dedupe(8, |_| 1).batch(2).window_map(2, 1, |_| ()).take(2),
    );
    let _ = is_copy(one.map(|()| 1));
    let _ =
        is_copy((map(|opaque: Opaque| opaque), window_map(2, 1, |_: &[Opaque]| ()), window(2, 1), to_vec()));
    let _ = is_copy((dedupe(2, |_: &Opaque| 1), reduce(0, |n, _: Opaque| n), batch(1), take(1)));
}

#[test]
fn adaptors_without_state_are_clone_if_their_parts_are() {
    let numbers =
        stream::iter(0..4).flow().filter(|n| n % 2 == 0).map(|n| n + 1).take(5).chain(stream::iter([9]));
    assert_eq!((drain(numbers.clone()), drain(numbers)), (vec![1, 3, 9], vec![1, 3, 9]));
}

#[test]
fn boxed_has_one_type() {
    type Boxed = Flow<Pin<Box<dyn futures::Stream<Item = u32> + Send>>>;
    let flows: [Boxed; 2] =
        [stream::iter(0..2).flow().boxed(), stream::iter(0..2).flow().map(|n| n * 10).boxed()];
    let all: Vec<_> = flows.into_iter().flat_map(|flow| drain(flow.filter(|n| *n > 0))).collect();
    assert_eq!(all, [1, 10]);
}

/// A source whose `Debug` prints nothing of its items.
#[derive(Clone, Debug)]
struct Source;

impl futures::Stream for Source {
    type Item = Opaque;

    fn poll_next(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<Opaque>> {
        std::task::Poll::Ready(Some(Opaque(42)))
    }
}

#[test]
fn debug_asks_nothing_of_items_and_closures_and_prints_neither() {
    let ignored = |_: &Opaque| 1;
    let text = |value: &dyn Debug| format!("{value:?}");
    let mut gathering = Source.flow().batch(4);
    assert_eq!(text(&gathering), "Batch { source: Some(Source), gathered: 0, max: 4 }");
    assert!(crate::harness::poll(Pin::new(&mut gathering)).is_ready());
    let all = [
        text(&Source.flow().filter(|_| true)),
        text(&Source.flow().filter_map(Some)),
        text(&Source.flow().map(|_| 1)),
        text(&Source.flow().take(3)),
        text(&Source.flow().take_while(|_| true)),
        text(&Source.flow().take_until(async {})),
        text(&Source.flow().accumulate(0, |_, _| ())),
        text(&Source.flow().batch_ready(4)),
        text(&Source.flow().batch_by(4, ignored)),
        text(&Source.flow().dedupe(4, ignored)),
        text(&Source.flow().dedupe_ref(4, |_| &1)),
        text(&Source.flow().dedupe_runs(ignored)),
        text(&Source.flow().window_map(2, 1, |_| ())),
        text(&Source.flow().map(|_| [1]).flat()),
        text(&Source.flow().flat_map(|_| [1])),
        text(&Source.flow().chain(Source)),
        text(&Source.flow().chain_with(|| Source)),
        text(&Source.flow().merge(Source)),
        text(&Source.flow().zip(Source)),
        text(&Source.flow().latest_map(Source, |_, _| ())),
        text(&Source.flow().with_latest_map(Source, |_, _| ())),
        text(&Source.flow().yielding(4)),
        text(&Source.flow().reduce(0, |n, _| n)),
        text(&Source.flow().reduce_first(|a, _| a)),
        text(&Source.flow().try_reduce(0, |n, _| Ok::<_, ()>(n))),
        text(&Source.flow().to_vec()),
        text(&Source.flow().to_vec_max(4)),
        text(&Source.flow().map(Ok::<_, ()>).map_ok(|_| 1).filter_ok(|_| true).filter_map_ok(Some)),
        text(&Source.flow().map(Ok::<_, ()>).batch_ok(2)),
        text(&Source.flow().map(Ok::<_, ()>).dedupe_ok(2, ignored)),
        text(&Source.flow().map(|_| Ok::<_, ()>([1])).flat_ok()),
        text(&Source.flow().map(|_| Ok::<_, ()>(1)).window_ok(2, 1)),
        text(&Source.flow().map(|_| 1).window(2, 1)),
    ];
    for text in all {
        assert!(text.contains("Source") && !text.contains("Opaque") && !text.contains("42"), "{text}");
    }
    assert_eq!(text(&Source.flow().filter(|_| true)), "Filter { source: Source, .. }");
    let pipeline = stage::<Opaque>().filter(|_| true).take(2);
    assert_eq!(text(&pipeline), "Pipeline((((), FilterOp), TakeOp))");
}
