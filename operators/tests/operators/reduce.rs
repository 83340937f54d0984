use std::pin::pin;

use futures::{future::FusedFuture, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Rig, Script, Step, contract, finish, panic_message, poll_future};

const INPUT: [u32; 5] = [1, 2, 3, 4, 5];

#[test]
fn reduce_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        let start = rig.item(0);
        // The accumulator is neither `Clone` in use nor `Default`, and the closure does not commute.
        let sum = source.flow().reduce((start, String::new()), move |(_, text), item| {
            board.tick();
            (item, format!("{text}{}", board.calls()))
        });
        stream::once(sum)
    };
    contract(Ends::Itself, true, &INPUT, build, |_| vec![(5, "12345")]);
    contract(Ends::Itself, true, &[], build, |_| vec![(0, "")]);
}

#[test]
fn reduce_first_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        stream::once(source.flow().reduce_first(move |before, item| {
            board.tick();
            board.item(before.value() * 10 + item.value())
        }))
    };
    contract(Ends::Itself, true, &INPUT, build, |_| vec![Some(12345)]);
    contract(Ends::Itself, true, &[7], build, |_| vec![Some(7)]);
    contract(Ends::Itself, true, &[], build, |_| vec![None::<u32>]);
}

#[test]
fn try_reduce_keeps_the_contract() {
    for fails_at in [1, 3, 9] {
        let build = |rig: &Rig, source: Script| {
            let board = rig.clone();
            stream::once(source.flow().try_reduce(0, move |sum, item| {
                board.tick();
                if item.value() == fails_at { Err(item) } else { Ok(sum * 10 + item.value()) }
            }))
        };
        contract(Ends::Itself, true, &INPUT, build, |_| {
            vec![if fails_at == 9 { Ok(12345) } else { Err(fails_at) }]
        });
    }
}

#[test]
fn the_source_is_dropped_in_the_poll_that_completes() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let mut sum = pin!(source.flow().reduce(0, |sum, item| sum + item.value()));
    assert_eq!(poll_future(sum.as_mut()), std::task::Poll::Ready(15));
    assert!(seen.dropped.get());
    assert!(sum.is_terminated());

    let (source, seen) = Script::of(&rig, INPUT);
    let mut failed = pin!(source.flow().try_reduce((), |(), item| Err::<(), _>(item.value())));
    assert_eq!(poll_future(failed.as_mut()), std::task::Poll::Ready(Err(1)));
    assert!(seen.dropped.get(), "at the first error, with items left");
    assert_eq!(seen.polls.get(), 1);
}

#[test]
fn polled_again_it_says_what_is_wrong() {
    let mut sum = pin!(stream::iter(INPUT).flow().reduce(0, |sum, n| sum + n));
    assert!(poll_future(sum.as_mut()).is_ready());
    let message = panic_message(|| poll_future(sum.as_mut()));
    assert_eq!(message, "`Reduce` polled after it completed or its closure panicked");
    let mut first = pin!(stream::iter(INPUT).flow().reduce_first(u32::max));
    assert!(poll_future(first.as_mut()).is_ready());
    assert!(panic_message(|| poll_future(first.as_mut())).contains("`ReduceFirst` polled after"));
    let mut tried = pin!(stream::iter(INPUT).flow().try_reduce(0, |_, n| Ok::<_, ()>(n)));
    assert!(poll_future(tried.as_mut()).is_ready());
    assert!(panic_message(|| poll_future(tried.as_mut())).contains("`TryReduce` polled after"));
}

#[test]
fn a_wait_keeps_what_is_accumulated() {
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(2), Step::Pending, Step::Pending, Step::Item(3)];
    let (source, _) = Script::new(&rig, 0, &steps, Hint::Vague, true);
    assert_eq!(finish(source.flow().reduce(0, |sum, item| sum * 10 + item.value())), 123);
}

#[test]
fn yielding_gives_other_tasks_their_turn_in_a_long_loop() {
    let mut sum =
        pin!(stream::iter(0..1000_u64).flow().yielding(100).filter(|_| true).reduce(0, |sum, n| sum + n));
    let mut turns = 0;
    while poll_future(sum.as_mut()).is_pending() {
        turns += 1;
    }
    assert_eq!(turns, 10);
}
