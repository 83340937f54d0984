use std::{
    pin::pin,
    task::{Context, Poll},
};

use futures::{Stream, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Rig, Script, Step, Waking, contract, drain, panic_message};

#[test]
fn accumulate_keeps_the_contract() {
    let build = |rig: &Rig, source: Script| {
        let board = rig.clone();
        source.flow().accumulate(rig.item(0), move |state, item| {
            board.tick();
            *state = board.item(state.value() * 10 + item.value());
        })
    };
    contract(Ends::WithSource, true, &[1, 2, 3, 4], build, |_| vec![1, 12, 123, 1234]);
    contract(Ends::WithSource, true, &[], build, |_| Vec::<u32>::new());
}

#[test]
fn yielding_keeps_the_contract() {
    for n in [1, 2, 5, usize::MAX] {
        let build = |_: &Rig, source: Script| source.flow().yielding(n);
        contract(Ends::WithSource, true, &[1, 2, 3, 4], build, <[u32]>::to_vec);
    }
}

#[test]
fn yielding_counts_only_what_was_ready_in_a_row() {
    let turns = |n, items: usize| {
        let mut stream = stream::iter(0..items).flow().yielding(n);
        let mut pending = 0;
        loop {
            match crate::harness::poll(std::pin::Pin::new(&mut stream)) {
                Poll::Ready(None) => return pending,
                Poll::Ready(Some(_)) => {}
                Poll::Pending => pending += 1,
            }
        }
    };
    assert_eq!((turns(2, 1), turns(2, 2), turns(2, 4), turns(2, 5)), (0, 1, 2, 2));
}

#[test]
fn a_wait_of_the_source_is_a_turn_too() {
    let rig = Rig::default();
    let steps = [Step::Item(1), Step::Pending, Step::Item(2), Step::Item(3), Step::Item(4)];
    let (source, _) = Script::new(&rig, 0, &steps, Hint::Exact, false);
    let mut stream = pin!(source.flow().yielding(2));
    let mut polls = String::new();
    loop {
        let (waking, waker) = Waking::new();
        let next = stream.as_mut().poll_next(&mut Context::from_waker(&waker));
        polls.push(match (next, waking.count()) {
            (Poll::Ready(Some(_)), 0) => 'i',
            (Poll::Ready(None), 0) => break,
            (Poll::Pending, 0) => 'w',
            (Poll::Pending, 1) => 'y',
            (_, count) => panic!("woken {count} times"),
        });
    }
    assert_eq!(polls, "iwiiyi", "items, waits and turns");
}

#[test]
fn yielding_zero_is_refused() {
    let message = panic_message(|| drain(stream::iter(0..1).flow().yielding(0)));
    assert_eq!(
        message,
        "yielding(0) would give no item: pass after how many items other tasks get a turn, at least 1"
    );
}
