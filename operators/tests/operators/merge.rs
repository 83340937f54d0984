use std::pin::pin;

use futures::{channel::mpsc, stream};
use pubsub_operators::StreamOps;

use crate::harness::{Rig, Script, contract2, drain, poll};

#[test]
fn merge_keeps_the_contract() {
    for inputs in [[&[1, 2, 3][..], &[10, 20]], [&[], &[10]], [&[1], &[]], [&[], &[]]] {
        let build = |_: &Rig, left: Script, right: Script| left.flow().merge(right);
        contract2(true, inputs, build, |delivered| {
            // Nothing is lost, and each side keeps its order.
            for (side, input) in inputs.iter().enumerate() {
                let of_side: Vec<_> =
                    delivered.iter().filter(|(from, _)| *from == side).map(|(_, n)| *n).collect();
                assert_eq!(of_side, *input);
            }
            delivered.iter().map(|(_, n)| *n).collect::<Vec<_>>()
        });
    }
}

#[test]
fn neither_side_starves() {
    let both = stream::repeat(1).flow().merge(stream::repeat(2));
    assert_eq!(drain(both.take(6)), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn a_side_that_ends_is_released_and_the_other_goes_on() {
    let (left, receiver) = mpsc::unbounded();
    let (right, other) = mpsc::unbounded::<u32>();
    let mut both = pin!(receiver.flow().merge(other));
    right.close_channel();
    assert!(poll(both.as_mut()).is_pending());
    assert!(both.get_ref().get_ref().1.is_none());
    left.unbounded_send(1).unwrap();
    assert!(poll(both.as_mut()).is_ready());
}
