use std::pin::pin;

use futures::{Stream, executor::block_on, stream};
use pubsub_operators::{
    Flow, Operator, StreamOps, Take, accumulate, batch, batch_by, batch_ok, batch_ready, chain, chain_with,
    dedupe, dedupe_ok, dedupe_ref, dedupe_runs, filter, filter_map, filter_map_ok, filter_ok, flat, flat_map,
    flat_ok, latest, latest_map, map, map_ok, merge, pipe, reduce, reduce_first, stage, take, take_until,
    take_while, to_vec, to_vec_max, try_reduce, try_to_vec, window, window_map, window_ok, with_latest,
    with_latest_map, yielding, zip,
};

use crate::harness::{Item, Rig, Script, drain, finish};

fn numbers() -> stream::Iter<std::ops::Range<u32>> {
    stream::iter(0..6)
}

#[test]
fn the_empty_tuple_is_the_identity() {
    assert_eq!(drain(pipe(numbers(), ())), [0, 1, 2, 3, 4, 5]);
    assert_eq!(drain(numbers().pipe(((), ((),), take(2)))), [0, 1]);
}

#[test]
fn tuples_nest_and_have_up_to_twelve_steps() {
    let one = || map(|n: u32| n + 1);
    let twelve = (one(), one(), one(), one(), one(), one(), one(), one(), one(), one(), one(), to_vec());
    assert_eq!(finish(numbers().pipe(twelve)), [11, 12, 13, 14, 15, 16]);
    let nested = ((one(), (one(),)), ((), take(2)), one());
    assert_eq!(drain(numbers().pipe(nested)), [3, 4]);
}

#[test]
fn functions_closures_and_types_of_ones_own_are_operators() {
    fn odd(source: impl Stream<Item = u32>) -> impl Stream<Item = u32> {
        source.flow().filter(|n| n % 2 == 1)
    }
    struct Two;
    impl<S: Stream> Operator<S> for Two {
        type Out = Flow<Take<S>>;
        fn apply(self, source: S) -> Self::Out {
            source.flow().take(2)
        }
    }
    type OfTwo = Flow<Take<stream::Iter<std::ops::Range<u32>>>>;
    let pointer: fn(OfTwo) -> usize = |source| source.size_hint().0;
    assert_eq!(drain(numbers().pipe((odd, Two, map(|n| n * 10)))), [10, 30]);
    assert_eq!(numbers().pipe((Two, pointer)), 2);
    let limit = 3;
    assert_eq!(drain(numbers().pipe(|source: stream::Iter<_>| source.flow().take(limit))).len(), 3);
}

#[test]
fn what_pipe_gives_goes_on_with_the_operators() {
    let sums = numbers().pipe((filter(|n| *n > 1), batch(2))).map(|batch| batch.len()).take(1);
    assert_eq!(drain(sums), [2]);
    let staged = numbers().flow().pipe(stage::<u32>().take(4)).window(2, 2).to_vec();
    assert_eq!(finish(staged), [[0, 1], [2, 3]]);
}

#[test]
fn a_terminal_operator_comes_last_and_gives_a_future() {
    assert_eq!(block_on(numbers().pipe((take(3), reduce(0, |sum, n| sum + n)))), 3);
    assert_eq!(block_on(numbers().pipe(stage::<u32>().take(3).to_vec())), [0, 1, 2]);
    assert_eq!(block_on(numbers().pipe(stage().reduce(0, |sum, n: u32| sum + n))), 15);
    assert_eq!(block_on(numbers().pipe(stage().take(3).to_vec_max(3))).unwrap(), [0, 1, 2]);
    assert_eq!(
        block_on(numbers().pipe(stage().try_reduce(0, |_, n: u32| if n < 9 { Ok(n) } else { Err(n) }))),
        Ok(5)
    );
}

#[test]
fn each_application_of_a_value_has_state_of_its_own() {
    let once = stage::<u32>().dedupe(8, |n| *n).take(3).batch(2);
    for _ in 0..2 {
        assert_eq!(drain(stream::iter([1, 1, 2, 3, 4]).pipe(once)), [vec![1, 2], vec![3]]);
    }
}

#[test]
fn by_reference_the_rest_stays_usable_and_unpin_is_not_asked_for() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, [1, 2, 3]);
    let mut source = pin!(source);
    assert_eq!(
        drain(source.as_mut().pipe((take(1), map(|item: Item| rig.live() + item.value() as usize)))),
        [2]
    );
    assert_eq!(drain(source).len(), 2);
}

/// Every value does what the method does.
#[test]
fn values_and_methods_are_the_same() {
    let flow = || numbers().flow();
    let other = || stream::iter(10..13_u32);
    macro_rules! same {
        ($($operator:ident($($argument:expr),*))*) => {$(
            assert_eq!(drain(flow().$operator($($argument),*)), drain(numbers().pipe($operator($($argument),*))));
        )*};
    }
    same! {
        filter(|n: &u32| *n > 2) filter_map(|n: u32| n.checked_sub(3)) map(|n: u32| n + 1)
        take(2) take_while(|n: &u32| *n < 3) take_until(std::future::pending::<()>())
        accumulate(0, |sum: &mut u32, n: u32| *sum += n) batch(4) batch_ready(4) batch_by(4, |n: &u32| n / 3)
        dedupe(4, |n: &u32| n / 2) dedupe_ref(4, |n: &u32| n) dedupe_runs(|n: &u32| n / 2)
        window(2, 1) window_map(2, 1, |window: &[u32]| window[0]) flat_map(|n: u32| 0..n)
        chain(other()) chain_with(other) merge(other()) zip(other()) latest(other()) with_latest(other())
        latest_map(other(), |a: &u32, b: &u32| a + b) with_latest_map(other(), |a: u32, b: &u32| a + b) yielding(2)
    }
    assert_eq!(drain(numbers().pipe((batch(4), flat()))), drain(numbers()));
    assert_eq!(drain(numbers().pipe(window(4, 4).partial())), [vec![0, 1, 2, 3], vec![4, 5]]);
    assert_eq!(drain(numbers().pipe(window_map(4, 4, |window: &[u32]| window.len()).partial())), [4, 2]);

    let results = || numbers().flow().map(|n| if n == 3 { Err(n) } else { Ok(n) });
    macro_rules! same_ok {
        ($($operator:ident($($argument:expr),*))*) => {$(
            assert_eq!(drain(results().$operator($($argument),*)), drain(results().pipe($operator($($argument),*))));
        )*};
    }
    same_ok! {
        filter_ok(|n: &u32| *n > 2) filter_map_ok(|n: u32| n.checked_sub(3)) map_ok(|n: u32| n + 1)
        batch_ok(2) dedupe_ok(4, |n: &u32| n / 2) window_ok(2, 1)
    }
    assert_eq!(drain(results().pipe((batch_ok(2), flat_ok()))), drain(results()));
    assert_eq!(drain(results().pipe(window_ok(4, 4).partial())).len(), 3);

    assert_eq!(finish(flow().reduce_first(u32::max)), finish(numbers().pipe(reduce_first(u32::max))));
    assert_eq!(finish(results().try_to_vec()), finish(results().pipe(try_to_vec())));
    assert_eq!(finish(numbers().pipe(to_vec_max(2))).unwrap_err().next, 2);
    assert_eq!(finish(numbers().pipe(try_reduce(0, |_, n: u32| Err::<u32, _>(n)))), Err(0));
}

/// Every step of a stage does what the method does.
#[test]
fn stages_and_methods_are_the_same() {
    let flow = || numbers().flow();
    let other = || stream::iter(10..13_u32);
    macro_rules! same {
        ($($operator:ident($($argument:expr),*))*) => {$(
            assert_eq!(
                drain(flow().$operator($($argument),*)),
                drain(numbers().pipe(stage::<u32>().$operator($($argument),*))),
            );
        )*};
    }
    same! {
        filter(|n| n % 2 == 0) filter_map(|n| n.checked_sub(3)) map(|n| n + 1) take(2) take_while(|n| *n < 3)
        accumulate(0, |sum: &mut u32, n| *sum += n) batch(4) batch_ready(4) batch_by(4, |n| n / 3)
        dedupe(4, |n| n / 2) dedupe_ref(4, |n| n) dedupe_runs(|n| n / 2)
        dedupe_with_hasher(4, pubsub_operators::RandomState::default(), |n| n / 2)
        window(2, 1) window_map(2, 1, |window| window[0]) flat_map(|n| 0..n)
        chain(other()) merge(other()) zip(other()) yielding(2)
        take_until(std::future::pending::<()>()) chain_with(other) latest(other()) with_latest(other())
        latest_map(other(), |a, b| a + b) with_latest_map(other(), |a, b| a + b)
        dedupe_ref_with_hasher(4, pubsub_operators::RandomState::default(), |n| n)
    }
    assert_eq!(drain(numbers().pipe(stage::<u32>().batch(4).flat())), drain(numbers()));
    assert_eq!(drain(numbers().pipe(stage::<u32>().window(4, 4).partial())), [vec![0, 1, 2, 3], vec![4, 5]]);
    let lengths = stage::<u32>().window_map(4, 4, <[u32]>::len).partial().map(|length| length + 1);
    assert_eq!(drain(numbers().pipe(lengths)), [5, 3]);
    assert_eq!(finish(numbers().pipe(stage::<u32>().reduce_first(u32::max))), Some(5));

    let results = || numbers().flow().map(|n| if n == 3 { Err(n) } else { Ok(n) });
    let staged = || stage::<u32>().map(|n| if n == 3 { Err(n) } else { Ok(n) });
    macro_rules! same_ok {
        ($($operator:ident($($argument:expr),*))*) => {$(
            assert_eq!(
                drain(results().$operator($($argument),*)),
                drain(numbers().pipe(staged().$operator($($argument),*))),
            );
        )*};
    }
    same_ok! {
        filter_ok(|n| n % 2 == 0) filter_map_ok(|n| n.checked_sub(3)) map_ok(|n| n + 1)
        batch_ok(2) dedupe_ok(4, |n| n / 2) window_ok(2, 1)
        dedupe_ok_with_hasher(4, pubsub_operators::RandomState::default(), |n| n / 2)
    }
    assert_eq!(drain(numbers().pipe(staged().window_ok(4, 4).partial())).len(), 3);
    assert_eq!(finish(numbers().pipe(staged().try_to_vec())), Err(3));
    assert_eq!(drain(numbers().pipe(staged().batch_ok(2).flat_ok())), drain(results()));
}
