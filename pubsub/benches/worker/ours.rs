//! A host and a worker.

use futures::executor::block_on;
use pubsub::prelude::*;
use pubsub::{Worker, WorkerHost};

use crate::{BOUND, EVENTS, ROUND_TRIPS, Status, timed};

pub(crate) const NAME: &str = "ours";

#[derive(EventMap)]
enum App {
    There(Status),
    Back(Status),
}

const ID: &str = "project-42";

/// A worker that follows what goes there.
fn start(
    run: impl FnOnce(PubSub<App>, Subscription<Event<Status>>) + Send + 'static,
) -> (WorkerHost<App>, Worker<App>) {
    let host = WorkerHost::<App>::with_inbox(BOUND);
    let worker = host.build("worker").inbox(BOUND).spawn(|bus| {
        let there = bus.subscribe(App::THERE.id(ID)).bound(BOUND).now().expect("the bus is open");
        run(bus, there);
    });
    let worker = worker.expect("a thread");
    block_on(worker.follows(App::THERE.id(ID))).expect("it runs");
    (host, worker)
}

pub(crate) fn one_way() -> f64 {
    let (host, worker) = start(|_, mut there| {
        for number in 0..EVENTS {
            let event = block_on(there.next()).expect("the bus is open");
            assert_eq!(event.payload.number, number, "lost or out of order");
        }
    });
    timed(EVENTS, || {
        for number in 0..EVENTS {
            block_on(host.bus().publish(App::THERE, ID, Status::new(number))).expect("it is accepted");
        }
        block_on(worker.finished()).expect("no panic");
    })
}

pub(crate) fn round_trips() -> f64 {
    let (host, worker) = start(|bus, mut there| {
        for _ in 0..ROUND_TRIPS {
            let event = block_on(there.next()).expect("the bus is open");
            block_on(bus.publish(App::BACK, ID, event.payload)).expect("it is accepted");
        }
    });
    let mut back = host.bus().subscribe(App::BACK.id(ID)).bound(BOUND).now().expect("the bus is open");
    timed(ROUND_TRIPS, || {
        for number in 0..ROUND_TRIPS {
            block_on(host.bus().publish(App::THERE, ID, Status::new(number))).expect("it is accepted");
            assert_eq!(block_on(back.next()).expect("the bus is open").payload.number, number);
        }
        block_on(worker.finished()).expect("no panic");
    })
}
