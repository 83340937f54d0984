use std::pin::pin;

use futures::{Stream, StreamExt};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Rig, Script, Step, contract, drain, poll};

const INPUT: [u32; 6] = [1, 2, 3, 4, 5, 6];

#[test]
fn map_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        source.flow().map(move |item| {
            rig.tick();
            (item.value() * 10, item)
        })
    };
    contract(Ends::WithSource, true, &INPUT, build, |input| input.iter().map(|n| (n * 10, *n)).collect());
    contract(Ends::WithSource, true, &[], build, |_| Vec::<u32>::new());
}

#[test]
fn map_ok_keeps_the_contract_and_leaves_errors_alone() {
    let build = |rig: &Rig, source: Script| {
        let rig = rig.clone();
        let results = source.flow().map(|item| if item.value() % 2 == 1 { Err(item) } else { Ok(item) });
        results.map_ok(move |item| {
            rig.tick();
            item.value() * 10
        })
    };
    contract(Ends::WithSource, true, &INPUT, build, |input| {
        input.iter().map(|n| if n % 2 == 1 { Err(*n) } else { Ok(n * 10) }).collect()
    });
}

#[test]
fn the_closure_sees_each_item_once_in_order() {
    let mut seen = Vec::new();
    let unit: Vec<()> = drain(futures::stream::iter(INPUT).flow().map(|n| seen.push(n)));
    assert_eq!((seen.as_slice(), unit.len()), (INPUT.as_slice(), 6));
}

#[test]
fn a_future_is_an_item_and_is_not_polled() {
    let futures = drain(futures::stream::iter(0..3).flow().map(|_| async { unreachable!("not polled") }));
    assert_eq!(futures.len(), 3);
    drop::<Vec<_>>(futures);
}

#[test]
fn the_largest_hint_does_not_overflow() {
    struct Endless;
    impl Stream for Endless {
        type Item = u32;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<u32>> {
            std::task::Poll::Ready(Some(0))
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, Some(usize::MAX))
        }
    }
    let max = usize::MAX;
    assert_eq!(Endless.flow().map(|n| n).size_hint(), (max, Some(max)));
    assert_eq!(Endless.flow().chain(Endless).size_hint(), (max, None));
    assert_eq!(Endless.flow().merge(Endless).size_hint(), (max, None));
    assert_eq!(Endless.flow().batch(2).size_hint(), (max.div_ceil(2), Some(max.div_ceil(2))));
    assert_eq!(Endless.flow().window(2, 1).size_hint().0, max - 1);
    assert_eq!(Endless.flow().latest(Endless).size_hint(), (max, None));
    let mut asynchronous = Box::pin(Endless.flow().map_async(async |n| {
        futures::pending!();
        n
    }));
    assert!(poll(asynchronous.as_mut()).is_pending());
    assert_eq!(asynchronous.size_hint(), (max, None));
}

#[test]
fn a_mapper_may_publish_into_the_channel_it_reads_from() {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    sender.unbounded_send(3_u32).unwrap();
    let again = sender.clone();
    let mut counting_down = pin!(receiver.flow().map(move |n| {
        if n > 0 {
            again.unbounded_send(n - 1).unwrap();
        }
        n
    }));
    let seen = futures::executor::block_on(counting_down.as_mut().take(4).collect::<Vec<_>>());
    assert_eq!(seen, [3, 2, 1, 0]);
}

#[test]
fn is_unpin_exactly_if_its_source_is() {
    fn unpin<T: Unpin>(_: T) {}
    unpin(futures::stream::iter([1]).flow().filter(|_| true).map(|n| n).take(1).batch(1).window(1, 1));
    // `Script` is not: that it can be driven through `Box::pin` alone is what every contract test shows.
    let rig = Rig::default();
    let (source, _) = Script::new(&rig, 0, &[Step::Item(1)], Hint::Exact, true);
    assert_eq!(drain(source.flow().map(|item| item.value())), [1]);
}
