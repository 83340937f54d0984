//! Nothing is inside a number.
use futures::stream;
use pubsub_operators::*;

fn main() {
    let _ = stream::iter([1_u32]).flow().flat();
}
