//! Send has to be said of what comes out of a returned operator.
use futures::{Stream, stream};
use pubsub_operators::*;

#[derive(Clone)]
pub struct Event {
    topic: String,
    size: u32,
}

fn events() -> stream::Empty<Event> {
    stream::empty()
}

fn is_send<T: Send>(_: T) {}

fn main() {
    fn hot<S: Stream<Item = Event> + Send>() -> impl Operator<S, Out: Stream<Item = u32>> {
        (filter(|e: &Event| e.size > 3), map(|e: Event| e.size))
    }
    is_send(events().pipe(hot()));
}
