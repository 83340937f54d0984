use futures::stream;
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Rig, Script, contract, drain, panic_message};

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
                std::task::Poll::Ready(None) => return pending,
                std::task::Poll::Ready(Some(_)) => {}
                std::task::Poll::Pending => pending += 1,
            }
        }
    };
    assert_eq!((turns(2, 1), turns(2, 2), turns(2, 4), turns(2, 5)), (0, 1, 2, 2));
}

#[test]
fn yielding_zero_is_refused() {
    let message = panic_message(|| drain(stream::iter(0..1).flow().yielding(0)));
    assert_eq!(
        message,
        "yielding(0) would give no item: pass after how many items other tasks get a turn, at least 1"
    );
}
