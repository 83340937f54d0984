//! What is neither `Clone` nor serialisable crosses threads.
use pubsub::prelude::*;

struct Opaque;

#[derive(EventMap)]
enum AppEvent {
    Opaque(Opaque),
}

fn main() {
    let host = pubsub::WorkerHost::<AppEvent>::new();
    let mut opaque = host.bus().subscribe(AppEvent::OPAQUE).now().unwrap();
    let publish = |bus: PubSub<AppEvent>| bus.publish(AppEvent::OPAQUE, "", Opaque).now().unwrap();
    let worker = host.spawn("worker", publish).unwrap();
    futures::executor::block_on(worker.finished()).unwrap();
    opaque.try_next().unwrap();
}
