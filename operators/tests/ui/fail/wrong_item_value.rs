//! A value whose closure takes another item type.
use futures::stream;
use pubsub_operators::*;

#[derive(Clone)]
pub struct Event {
    topic: String,
    size: u32,
}

fn main() {
    let _ = stream::iter([1_u32]).pipe(filter(|e: &Event| e.size > 3));
}
