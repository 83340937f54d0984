use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{Stream, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Rig, Script, contract, drain, panic_message, poll};

/// Pending so often, and wakes for each.
struct Waits(u32);

impl Future for Waits {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn filter_async_keeps_the_contract() {
    for waits in 0..3 {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().filter_async(async move |item| {
                Waits(waits).await;
                rig.tick();
                // The item is borrowed across this.
                Waits(waits).await;
                item.value() % 2 == 0
            })
        };
        contract(Ends::Itself, false, &[1, 2, 3, 4], build, |_| vec![2, 4]);
        contract(Ends::Itself, false, &[], build, |_| Vec::<u32>::new());
    }
}

#[test]
fn map_async_keeps_the_contract() {
    for waits in 0..3 {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().map_async(async move |item| {
                rig.tick();
                Waits(waits).await;
                (item.value() * 10, item)
            })
        };
        contract(Ends::Itself, true, &[1, 2, 3, 4], build, |input| {
            input.iter().map(|n| (n * 10, *n)).collect()
        });
    }
}

#[test]
fn one_call_at_a_time_and_state_between_them() {
    let mut calls = 0;
    let mut running = false;
    let numbered = stream::iter(["a", "b", "c"]).flow().map_async(async move |text| {
        assert!(!running);
        running = true;
        Waits(2).await;
        calls += 1;
        running = false;
        format!("{text}{calls}")
    });
    assert_eq!(drain(numbered), ["a1", "b2", "c3"]);
}

#[test]
fn a_call_in_flight_survives_the_future_that_drove_it() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [1, 2]);
    let board = rig.clone();
    let mut slow = pin!(source.flow().map_async(async move |item| {
        board.tick();
        Waits(3).await;
        item.value()
    }));
    for _ in 0..3 {
        assert_eq!(poll(slow.as_mut()), Poll::Pending);
    }
    assert_eq!(
        (rig.calls(), seen.polls.get()),
        (1, 1),
        "one call, and the next item is not taken before it is done"
    );
    assert_eq!(slow.size_hint(), (2, Some(2)), "the one in flight counts");
    assert_eq!(poll(slow.as_mut()), Poll::Ready(Some(1)));
    assert_eq!(rig.calls(), 1);
}

#[test]
fn the_upper_hint_counts_the_item_in_flight() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, [1, 2]);
    let mut slow = pin!(source.flow().filter_async(async |_| {
        Waits(1).await;
        true
    }));
    assert_eq!(slow.size_hint(), (0, Some(2)));
    assert_eq!(poll(slow.as_mut()).map(drop), Poll::Pending);
    assert_eq!(slow.size_hint(), (0, Some(2)));
}

#[test]
fn a_result_still_comes_when_the_source_has_nothing_more() {
    let slow = stream::iter([1]).flow().map_async(async |n| {
        Waits(2).await;
        n
    });
    assert_eq!(drain(slow), [1]);
}

#[test]
fn a_rejected_item_is_gone_before_the_next_is_taken() {
    let rig = Rig::default();
    let (source, _) = Script::of(&rig, [1, 2, 3]);
    let board = rig.clone();
    let none = source.flow().filter_async(async move |_| {
        assert_eq!(board.live(), 1);
        Waits(1).await;
        false
    });
    assert!(drain(none).is_empty());
}

#[test]
fn after_a_panic_it_says_what_is_wrong() {
    let mut broken = pin!(stream::iter([1, 2]).flow().map_async(async |n| {
        assert_ne!(n, 1, "the closure");
        n
    }));
    assert!(panic_message(|| poll(broken.as_mut())).contains("the closure"));
    // What an async block says when it is resumed after a panic, or the adaptor.
    assert!(panic_message(|| poll(broken.as_mut())).contains("panicking"));
}
