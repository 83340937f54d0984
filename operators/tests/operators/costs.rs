//! Memory: what is allocated, and how large things are. Instructions are counted by `tests/instructions/operators`.

use std::{
    mem::size_of_val,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::Stream;
use pubsub_operators::{StreamOps, batch, dedupe, filter, map, stage, take};

use crate::harness::{alloc::allocations, poll, poll_future};

/// Sixteen bytes, like an iterator over a slice.
struct Source {
    next: u64,
    end: u64,
}

impl Stream for Source {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        if self.next == self.end {
            return Poll::Ready(None);
        }
        self.next += 1;
        Poll::Ready(Some(self.next))
    }
}

fn source() -> Source {
    Source { next: 0, end: 1000 }
}

/// Allocations from the first poll to the end.
fn of<S: Stream>(stream: S) -> u64 {
    let mut stream = pin!(stream);
    allocations(|| while let Poll::Ready(Some(_)) = poll(stream.as_mut()) {}).0
}

#[test]
fn nothing_is_allocated_per_item() {
    assert_eq!(of(source().flow().filter(|n| n % 2 == 0).map(|n| n + 1).take(900)), 0);
    assert_eq!(of(source().pipe((filter(|n| n % 2 == 0), map(|n| n + 1), take(900)))), 0);
    assert_eq!(of(source().pipe(stage::<u64>().filter(|n| n % 2 == 0).map(|n| n + 1).take(900))), 0);
    assert_eq!(of(source().flow().filter_async(async |n| n % 2 == 0).map_async(async |n| n + 1)), 0);
    assert_eq!(
        of(source().flow().filter_map(Some).take_while(|_| true).take_until(std::future::pending::<()>())),
        0
    );
    assert_eq!(of(source().flow().map(Ok::<_, ()>).filter_ok(|_| true).map_ok(|n| n).filter_map_ok(Some)), 0);
    assert_eq!(of(source().flow().accumulate(0, |sum, n| *sum += n).dedupe_runs(|n| *n).yielding(2000)), 0);
    assert_eq!(of(source().flow().merge(source()).chain(source()).chain_with(source).zip(source())), 0);
    assert_eq!(of(source().flow().latest(source()).with_latest(source())), 0);
    assert_eq!(
        of(source().flow().latest_map(source(), |a, b| a + b).with_latest_map(source(), |a, b| a + b)),
        0
    );
    assert_eq!(of(source().flow().flat_map(|n| [n, n]).flat_map(Some)), 0);
    assert_eq!(of(source().flow().map(|n| Ok::<_, ()>([n])).flat_ok()), 0);
    // The memory of `dedupe` is allocated at construction, up to its bound.
    assert_eq!(of(source().flow().dedupe(100, |n| n % 50)), 0);
    // The buffer of a window is allocated with the first item.
    assert_eq!(of(source().flow().window_map(8, 1, |window| window[0])), 1);

    let mut sum = pin!(source().flow().filter(|_| true).reduce(0, |a, b| a + b));
    assert_eq!(allocations(|| poll_future(sum.as_mut())), (0, Poll::Ready(500_500)));
}

#[test]
fn one_allocation_per_batch_and_per_cloned_window() {
    assert_eq!(of(source().flow().batch(16)), 1000_u64.div_ceil(16));
    assert_eq!(of(source().flow().batch_ready(16)), 1000_u64.div_ceil(16));
    assert_eq!(of(source().flow().map(Ok::<_, ()>).batch_ok(16)), 1000_u64.div_ceil(16));
    assert_eq!(of(source().flow().window(10, 10)), 1 + 100);
}

/// Sizes on a 64-bit machine. An operator that grows shows here.
#[test]
#[cfg(target_pointer_width = "64")]
fn sizes() {
    let flow = || source().flow();
    let table = [
        ("source", 16, size_of_val(&source())),
        ("flow", 16, size_of_val(&flow())),
        ("filter", 16, size_of_val(&flow().filter(|_| true))),
        ("map", 16, size_of_val(&flow().map(|n| n))),
        ("take", 32, size_of_val(&flow().take(1))),
        ("filter, map, take", 32, size_of_val(&flow().filter(|_| true).map(|n| n).take(1))),
        ("take_while", 24, size_of_val(&flow().take_while(|_| true))),
        ("filter_async", 80, size_of_val(&flow().filter_async(async |n| *n > 1))),
        ("map_async", 72, size_of_val(&flow().map_async(async |n| n))),
        ("accumulate", 24, size_of_val(&flow().accumulate(0_u64, |sum, n| *sum += n))),
        ("yielding", 32, size_of_val(&flow().yielding(1))),
        ("batch", 56, size_of_val(&flow().batch(1))),
        ("batch_ready", 32, size_of_val(&flow().batch_ready(1))),
        ("batch_by", 64, size_of_val(&flow().batch_by(1, |n| *n))),
        ("dedupe", 112, size_of_val(&flow().dedupe(1, |n| *n))),
        ("dedupe_runs", 32, size_of_val(&flow().dedupe_runs(|n| *n))),
        ("window_map", 104, size_of_val(&flow().window_map(2, 1, |w| w[0]))),
        ("flat_map", 48, size_of_val(&flow().flat_map(|n| [n]))),
        ("chain", 48, size_of_val(&flow().chain(source()))),
        ("merge", 56, size_of_val(&flow().merge(source()))),
        ("zip", 80, size_of_val(&flow().zip(source()))),
        ("latest", 88, size_of_val(&flow().latest(source()))),
        ("with_latest", 64, size_of_val(&flow().with_latest(source()))),
        ("reduce", 40, size_of_val(&flow().reduce(0_u64, |sum, n| sum + n))),
        ("to_vec", 48, size_of_val(&flow().to_vec())),
        ("filter value", 0, size_of_val(&filter(|_: &u64| true))),
        ("map value", 0, size_of_val(&map(|n: u64| n))),
        ("take value", 8, size_of_val(&take(1))),
        ("batch value", 8, size_of_val(&batch(1))),
        ("dedupe value", 8, size_of_val(&dedupe(1, |n: &u64| *n))),
        ("stage of three", 8, size_of_val(&stage::<u64>().filter(|_| true).map(|n| n).take(1))),
    ];
    let wrong: Vec<_> = table.iter().filter(|(_, expected, is)| expected != is).collect();
    assert!(wrong.is_empty(), "operator, expected, is: {wrong:?}");
}
