use std::{pin::pin, task::Poll};

use futures::{Stream, executor::block_on, stream};
use pubsub_operators::{Flow, StreamOps};

use crate::harness::{Rig, Script, drain, poll};

#[test]
fn is_transparent() {
    let mut flow = Flow::new(stream::iter([1, 2]));
    assert_eq!(flow.size_hint(), (2, Some(2)));
    assert_eq!(flow.get_ref().size_hint(), (2, Some(2)));
    assert_eq!(block_on(flow.next()), Some(1));
    assert_eq!(drain(flow.get_mut()), [2]);
    assert_eq!(flow.flow().into_inner().size_hint(), (0, Some(0)));
}

#[test]
fn next_borrows_and_holds_nothing() {
    let (sender, receiver) = futures::channel::mpsc::unbounded();
    let mut flow = receiver.flow().map(|n: u32| n + 1);
    for _ in 0..3 {
        let mut next = pin!(flow.next());
        assert!(crate::harness::poll_future(next.as_mut()).is_pending());
    }
    sender.unbounded_send(1).unwrap();
    assert_eq!(block_on(flow.next()), Some(2));
}

#[test]
fn the_source_can_be_reached_through_every_adaptor() {
    let rig = Rig::default();
    let (source, seen) = Script::of(&rig, [1, 2, 3]);
    let mut taken = pin!(source.flow().filter(|_| true).take(2));
    let filter = taken
        .as_mut()
        .get_pin_mut()
        .get_pin_mut()
        .expect("it is not released");
    assert!(matches!(poll(filter.get_pin_mut()), Poll::Ready(Some(item)) if item.value() == 1));
    assert_eq!(
        taken
            .get_ref()
            .get_ref()
            .map(|filter| filter.get_ref().size_hint()),
        Some((2, Some(2)))
    );
    assert!(poll(taken.as_mut()).is_ready());
    assert!(poll(taken.as_mut()).is_ready());
    assert!(taken.get_ref().get_ref().is_none(), "released with its last item");
    assert!(seen.dropped.get());

    let chain = stream::iter([1]).flow().chain(stream::iter([2])).into_inner();
    assert!(matches!(chain.get_ref(), (Some(_), Some(_))));
    assert!(matches!(chain.into_inner(), (Some(_), Some(_))));
    let map = stream::iter([1]).flow().map(|n| n).into_inner();
    assert_eq!(drain(map.into_inner()), [1]);
}
