use std::{convert::identity, marker::PhantomPinned, pin::pin, rc::Rc};

use futures::stream;
use pubsub_operators::StreamOps;

use crate::harness::{Hint, Rig, Script, Step, contract_future, finish, poll_future};

const INPUT: [u32; 5] = [1, 2, 3, 4, 5];

#[test]
fn reduce_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        let start = rig.item(0);
        // The accumulator is neither `Clone` in use nor `Default`, and the closure does not commute.
        source.flow().reduce((start, String::new()), move |(_, text), item| {
            board.tick();
            (item, format!("{text}{}", board.calls()))
        })
    };
    let again = "`Reduce` polled after it completed or its closure panicked";
    contract_future(again, &INPUT, build, identity, |_| (5, "12345"));
    contract_future(again, &[], build, identity, |_| (0, ""));
}

#[test]
fn reduce_first_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        source.flow().reduce_first(move |before, item| {
            board.tick();
            board.item(before.value() * 10 + item.value())
        })
    };
    let again = "`ReduceFirst` polled after it completed or its closure panicked";
    contract_future(again, &INPUT, build, identity, |_| Some(12345));
    contract_future(again, &[7], build, identity, |_| Some(7));
    contract_future(again, &[], build, identity, |_| None::<u32>);
}

#[test]
fn try_reduce_keeps_the_contract() {
    for fails_at in [1, 3, 9] {
        let build = |rig: &Rig, source: Script| {
            let board = rig.clone();
            source.flow().try_reduce(0, move |sum, item| {
                board.tick();
                if item.value() == fails_at { Err(item) } else { Ok(sum * 10 + item.value()) }
            })
        };
        let again = "`TryReduce` polled after it completed or its closure panicked";
        contract_future(again, &INPUT, build, identity, |_| {
            if fails_at == 9 { Ok(12345) } else { Err(fails_at) }
        });
    }
}

#[test]
fn at_the_first_failure_nothing_more_is_taken() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    assert_eq!(finish(source.flow().try_reduce((), |(), item| Err::<(), _>(item.value()))), Err(1));
    assert_eq!(seen.polls.get(), 1);
}

#[test]
fn a_wait_keeps_what_is_accumulated() {
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(2), Step::Pending, Step::Pending, Step::Item(3)];
    let (source, _) = Script::new(&rig, 0, &steps, Hint::Vague, true);
    assert_eq!(finish(source.flow().reduce(0, |sum, item| sum * 10 + item.value())), 123);
}

#[test]
fn the_accumulator_need_not_be_anything() {
    struct Bare(
        u32,
        #[allow(dead_code, reason = "it is there to be neither `Unpin` nor `Send`")] PhantomPinned,
        Rc<()>,
    );
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(2)];
    let (source, _) = Script::new(&rig, 0, &steps, Hint::Vague, true);
    let start = Bare(0, PhantomPinned, Rc::new(()));
    let sum = finish(
        source.flow().reduce(start, |Bare(sum, pinned, rc), item| Bare(sum + item.value(), pinned, rc)),
    );
    assert_eq!((sum.0, Rc::strong_count(&sum.2)), (3, 1));
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
