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
    let filter = taken.as_mut().get_pin_mut().get_pin_mut().expect("it is not released");
    assert!(matches!(poll(filter.get_pin_mut()), Poll::Ready(Some(item)) if item.value() == 1));
    assert_eq!(taken.get_ref().get_ref().map(|filter| filter.get_ref().size_hint()), Some((2, Some(2))));
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

#[test]
fn both_sources_can_be_reached_through_every_adaptor_of_two() {
    /// Takes the first item of each source, and counts what the adaptor gives without them.
    macro_rules! reach {
        ($adaptor:expr) => {{
            let mut both = pin!($adaptor.into_inner());
            let (left, right) = both.as_mut().get_pin_mut();
            assert_eq!(left.map(poll), Some(Poll::Ready(Some(1))));
            assert_eq!(right.map(poll), Some(Poll::Ready(Some(10))));
            assert!(matches!(both.get_ref(), (Some(_), Some(_))));
            assert!(matches!(both.as_mut().get_mut().get_mut(), (Some(_), Some(_))));
            let rest = drain(both.as_mut()).len();
            assert!(matches!(both.get_ref(), (None, None)), "released at the end");
            rest
        }};
    }
    let flow = || stream::iter([1, 2, 3]).flow();
    let other = || stream::iter([10, 20]);
    assert_eq!(reach!(flow().chain(other())), 3);
    assert_eq!(reach!(flow().merge(other())), 3);
    assert_eq!(reach!(flow().zip(other())), 1);
    assert_eq!(reach!(flow().latest(other())), 2);
    assert_eq!(reach!(flow().latest_map(other(), |a, b| a + b)), 2);
    assert_eq!(reach!(flow().with_latest(other())), 2);
    assert_eq!(reach!(flow().with_latest_map(other(), |a, b| a + b)), 2);

    let mut seam = pin!(flow().chain_with(other).into_inner());
    assert!(seam.as_mut().get_pin_mut().1.is_none(), "not made yet");
    assert_eq!(drain(seam.as_mut().get_pin_mut().0.expect("it is there")), [1, 2, 3]);
    assert_eq!(poll(seam.as_mut()), Poll::Ready(Some(10)));
    assert!(matches!(seam.as_mut().get_pin_mut(), (None, Some(_))));

    let mut inside =
        pin!(stream::iter([Ok(vec![1, 2]), Err("lost"), Ok(vec![3])]).flow().flat_ok().into_inner());
    assert_eq!(poll(inside.as_mut()), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll(inside.as_mut().get_pin_mut()), Poll::Ready(Some(Err("lost"))));
    assert_eq!(drain(inside.as_mut()), [Ok(2), Ok(3)]);
}
