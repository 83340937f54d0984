//! What each adaptor says of the items to come: at the beginning, after its first item, and at the end. That no hint is
//! wrong is the contract; this is about hints that say less than could be known.

use std::{
    future::pending,
    pin::pin,
    task::{Context, Poll, Waker},
};

use futures::{Stream, stream};
use pubsub_operators::{Flow, StreamOps};

type Hint = (usize, Option<usize>);

/// The hints of a stream that gives at least one item and ends.
fn hints<S: Stream>(stream: S) -> [Hint; 3] {
    let mut stream = pin!(stream);
    let mut cx = Context::from_waker(Waker::noop());
    let fresh = stream.size_hint();
    assert!(matches!(stream.as_mut().poll_next(&mut cx), Poll::Ready(Some(_))));
    let midway = stream.size_hint();
    while !matches!(stream.as_mut().poll_next(&mut cx), Poll::Ready(None)) {}
    [fresh, midway, stream.size_hint()]
}

fn exactly(n: usize) -> Hint {
    (n, Some(n))
}

fn to(lower: usize, upper: usize) -> Hint {
    (lower, Some(upper))
}

fn six() -> Flow<stream::Iter<std::ops::RangeInclusive<u32>>> {
    stream::iter(1..=6).flow()
}

fn two() -> stream::Iter<std::array::IntoIter<u32, 2>> {
    stream::iter([10, 20])
}

fn results() -> Flow<impl Stream<Item = Result<u32, u32>>> {
    six().map(|n| if n == 3 { Err(n) } else { Ok(n) })
}

#[test]
fn of_a_source_that_knows_how_much_it_has() {
    let none = exactly(0);
    let table = [
        ("filter", hints(six().filter(|n| n % 2 == 0)), [to(0, 6), to(0, 4), none]),
        ("filter_map", hints(six().filter_map(|n| (n % 2 == 0).then_some(n))), [to(0, 6), to(0, 4), none]),
        ("filter_async", hints(six().filter_async(async |n| n % 2 == 0)), [to(0, 6), to(0, 4), none]),
        ("map", hints(six().map(|n| n)), [exactly(6), exactly(5), none]),
        ("map_async", hints(six().map_async(async |n| n)), [exactly(6), exactly(5), none]),
        ("take", hints(six().take(4)), [exactly(4), exactly(3), none]),
        ("take, all and more", hints(six().take(9)), [exactly(6), exactly(5), none]),
        ("take_while", hints(six().take_while(|n| *n < 4)), [to(0, 6), to(0, 5), none]),
        ("take_until", hints(six().take_until(pending::<()>())), [to(0, 6), to(0, 5), none]),
        ("accumulate", hints(six().accumulate(0, |sum, n| *sum += n)), [exactly(6), exactly(5), none]),
        ("yielding", hints(six().yielding(2)), [exactly(6), exactly(5), none]),
        ("dedupe", hints(six().dedupe(8, |n| *n)), [to(1, 6), to(0, 5), none]),
        ("dedupe_ref", hints(six().dedupe_ref(8, |n| n)), [to(1, 6), to(0, 5), none]),
        ("dedupe_runs", hints(six().dedupe_runs(|n| *n)), [to(1, 6), to(0, 5), none]),
        ("batch", hints(six().batch(4)), [exactly(2), exactly(1), none]),
        ("batch_ready", hints(six().batch_ready(4)), [to(2, 6), to(1, 2), none]),
        // After the first run one item is held.
        ("batch_by", hints(six().batch_by(4, |n| n / 2)), [to(2, 6), to(2, 5), none]),
        ("window", hints(six().window(2, 1)), [exactly(5), exactly(4), none]),
        ("window, partial", hints(six().window(4, 4).partial()), [exactly(2), exactly(1), none]),
        ("window_map", hints(six().window_map(2, 1, |_| ())), [exactly(5), exactly(4), none]),
        ("flat", hints(six().map(|n| [n, n]).flat()), [(0, None), (1, None), none]),
        ("flat, the last one", hints(six().take(1).map(|n| [n, n]).flat()), [(0, None), exactly(1), none]),
        ("flat_map", hints(six().flat_map(|n| 0..n)), [(0, None), (0, None), none]),
        ("chain", hints(six().chain(two())), [exactly(8), exactly(7), none]),
        ("chain_with", hints(six().chain_with(two)), [(6, None), (5, None), none]),
        ("merge", hints(six().merge(two())), [exactly(8), exactly(7), none]),
        ("zip", hints(six().zip(two())), [exactly(2), exactly(1), none]),
        // The first item of one side meets none, the last of the other may be there before all others.
        ("latest", hints(six().latest(two())), [to(2, 7), exactly(6), none]),
        ("latest_map", hints(six().latest_map(two(), |_, _| ())), [to(2, 7), exactly(6), none]),
        ("with_latest", hints(six().with_latest(two())), [to(0, 6), exactly(5), none]),
        ("with_latest_map", hints(six().with_latest_map(two(), |_, _| ())), [to(0, 6), exactly(5), none]),
        ("filter_ok", hints(results().filter_ok(|_| true)), [to(0, 6), to(0, 5), none]),
        ("filter_map_ok", hints(results().filter_map_ok(Some)), [to(0, 6), to(0, 5), none]),
        ("map_ok", hints(results().map_ok(|n| n)), [exactly(6), exactly(5), none]),
        ("dedupe_ok", hints(results().dedupe_ok(8, |n| *n)), [to(1, 6), to(0, 5), none]),
        // The error that cut the first batch short is held.
        ("batch_ok", hints(results().batch_ok(3)), [to(2, 6), to(2, 4), none]),
        ("window_ok", hints(results().window_ok(2, 1)), [to(5, 6), to(4, 4), none]),
        ("flat_ok", hints(results().map_ok(|n| [n, n]).flat_ok()), [(0, None), (1, None), none]),
    ];
    let wrong: Vec<_> = table.iter().filter(|(_, said, expected)| said != expected).collect();
    assert!(wrong.is_empty(), "adaptor, said, expected: {wrong:#?}");
}

#[test]
fn of_a_source_that_knows_nothing_or_has_no_end() {
    let vague = || stream::poll_fn(|_| Poll::Ready(Some(1_u32))).flow();
    let endless = || stream::repeat(1_u32).flow();
    let table = [
        ("take of what is vague", vague().take(4).size_hint(), to(0, 4)),
        ("take of what is endless", endless().take(4).size_hint(), exactly(4)),
        ("zip, the left one endless", endless().zip(two()).size_hint(), exactly(2)),
        ("zip, the right one endless", six().zip(endless()).size_hint(), exactly(6)),
        ("zip, the left one vague", vague().zip(two()).size_hint(), to(0, 2)),
        ("with_latest of what is endless", six().with_latest(endless()).size_hint(), to(0, 6)),
        ("with_latest over what is endless", endless().with_latest(two()).size_hint(), (0, None)),
        ("chain", six().chain(vague()).size_hint(), (6, None)),
        ("merge", vague().merge(six()).size_hint(), (6, None)),
        ("latest", six().latest(vague()).size_hint(), (0, None)),
        ("latest with nothing", six().latest(stream::empty::<u32>()).size_hint(), exactly(0)),
        ("batch of what is endless", endless().batch(2).size_hint(), (usize::MAX.div_ceil(2), None)),
        ("flat of nothing", stream::empty::<[u32; 2]>().flow().flat().size_hint(), exactly(0)),
    ];
    let wrong: Vec<_> = table.iter().filter(|(_, said, expected)| said != expected).collect();
    assert!(wrong.is_empty(), "adaptor, said, expected: {wrong:#?}");
}
