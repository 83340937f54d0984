//! Without `flow` two foreign traits clash.
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
    use futures::StreamExt;
    use tokio_stream::StreamExt as _;
    let _ = events().filter(|e| e.size > 3);
}
