use std::pin::pin;
use std::task::Poll;

use futures::{FutureExt, StreamExt, channel::mpsc, channel::oneshot, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Ends, Hint, Rig, Script, Step, contract, drain, poll};

const INPUT: [u32; 5] = [1, 2, 3, 4, 5];

#[test]
fn take_keeps_the_contract() {
    for n in [0, 1, 4, 5, 6, usize::MAX] {
        let build = |_: &Rig, source: Script| source.flow().take(n);
        contract(Ends::Itself, true, &INPUT, build, |input| input.iter().copied().take(n).collect());
        contract(Ends::Itself, true, &[], build, |_| Vec::<u32>::new());
    }
    contract(
        Ends::Itself,
        true,
        &INPUT,
        |_, source| source.flow().take(5).take(3),
        |input| input[..3].to_vec(),
    );
    contract(
        Ends::Itself,
        true,
        &INPUT,
        |_, source| source.flow().take(2).take(3),
        |input| input[..2].to_vec(),
    );
}

#[test]
fn take_while_keeps_the_contract() {
    for end in [0, 1, 3, 9] {
        let build = |rig: &Rig, source: Script| {
            let rig = rig.clone();
            source.flow().take_while(move |item| {
                rig.tick();
                item.value() < end
            })
        };
        contract(Ends::Itself, false, &INPUT, build, |input| {
            input.iter().copied().take_while(|n| *n < end).collect()
        });
    }
}

#[test]
fn take_until_keeps_the_contract() {
    let build = |_: &Rig, source: Script| source.flow().take_until(std::future::pending::<()>());
    contract(Ends::Itself, false, &INPUT, build, <[u32]>::to_vec);
    let build = |_: &Rig, source: Script| source.flow().take_until(async {});
    contract(Ends::Itself, false, &INPUT, build, |_| Vec::<u32>::new());
}

#[test]
fn take_until_wins_over_an_item_that_is_ready() {
    let (stop, stopped) = oneshot::channel::<()>();
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let mut until = pin!(source.flow().take_until(stopped));
    assert!(poll(until.as_mut()).is_ready());
    stop.send(()).unwrap();
    assert!(matches!(poll(until.as_mut()), Poll::Ready(None)));
    assert!(seen.dropped.get());
    assert_eq!(rig.delivered().len(), 1, "the second item was not taken");
}

#[test]
fn the_source_is_gone_before_the_last_item_is_seen() {
    let (sender, receiver) = mpsc::unbounded();
    let mut two = pin!(receiver.flow().take(2));
    sender.unbounded_send(1).unwrap();
    sender.unbounded_send(2).unwrap();
    assert_eq!(poll(two.as_mut()), Poll::Ready(Some(1)));
    assert!(!sender.is_closed());
    assert_eq!(poll(two.as_mut()), Poll::Ready(Some(2)));
    assert!(sender.is_closed());
    assert_eq!(poll(two.as_mut()), Poll::Ready(None));

    // Where there is one, the source is gone before the next operator sees the item.
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let gone = drain(source.flow().take(1).map(|_| seen.dropped.get()));
    assert_eq!(gone, [true]);
}

#[test]
fn take_zero_drops_the_source_at_construction_and_never_polls_it() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, INPUT);
    let none = source.flow().take(0);
    assert!(seen.dropped.get());
    assert_eq!(seen.polls.get(), 0);
    assert!(drain(none).is_empty());
}

#[test]
fn the_last_item_is_not_followed_by_a_poll() {
    let rig = Rig::default();
    let (source, seen) = Script::new(&rig, 0, &[Step::Item(1), Step::Item(2)], Hint::Exact, true);
    assert_eq!(drain(source.flow().take(2)).len(), 2);
    assert_eq!(seen.polls.get(), 2);
}

#[test]
fn take_of_a_reference_leaves_the_rest() {
    let mut numbers = stream::iter(INPUT).flow();
    assert_eq!(drain((&mut numbers).flow().take(2)), [1, 2]);
    assert_eq!(drain(numbers), [3, 4, 5]);
}

#[test]
fn select_sees_the_end() {
    let mut two = stream::iter(INPUT).flow().take(2);
    let mut seen = Vec::new();
    let all = async {
        loop {
            futures::select! {
                n = StreamExt::next(&mut two) => seen.extend(n),
                complete => break,
            }
        }
    };
    all.now_or_never().expect("everything is ready");
    assert_eq!(seen, [1, 2]);
}

#[test]
fn take_until_drops_the_future_with_the_end() {
    let (stop, stopped) = oneshot::channel::<()>();
    let mut until = pin!(stream::iter([1]).flow().take_until(stopped));
    assert_eq!(poll(until.as_mut()), Poll::Ready(Some(1)));
    assert!(!stop.is_canceled());
    assert_eq!(poll(until.as_mut()), Poll::Ready(None));
    assert!(stop.is_canceled(), "nobody waits for the stop any more");
}
