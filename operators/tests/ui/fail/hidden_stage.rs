//! A stage whose operator is hidden cannot be applied: return `impl Operator<S, Out: Stream<Item = ..>>`.
use futures::stream;
use pubsub_operators::*;

#[derive(Clone)]
pub struct Event {
    topic: String,
    size: u32,
}

fn events() -> stream::Empty<Event> {
    stream::empty()
}

fn main() {
    fn hot() -> Pipeline<Event, String, impl Clone> {
        stage::<Event>().filter(|e| e.size > 3).map(|e| e.topic)
    }
    let _ = events().pipe(hot());
}
