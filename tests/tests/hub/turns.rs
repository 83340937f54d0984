//! On one thread, who reads each event at once is not outrun by the connection that brings them, however many there are.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use futures::future::join_all;
use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, OutboxConfig};
use tokio::runtime;

use crate::harness::{App, address, hub_with, next, spoke};

/// Many times the bound, and some reads of a socket.
const BURST: u64 = 20_000;
const BOUND: usize = 256;

/// With room for the burst in the queue of each connection.
fn roomy_hub() -> HubConfig {
    let outbox = OutboxConfig { bytes: 16 << 20, hard_bytes: 64 << 20, ..OutboxConfig::default() };
    HubConfig { outbox, ..HubConfig::default() }
}

/// Runs on a thread of its own, with a runtime of its own, until the test is over.
fn elsewhere<F: Future>(
    run: impl FnOnce(Receiver<()>) -> F + Send + 'static,
) -> (Sender<()>, thread::JoinHandle<F::Output>)
where
    F::Output: Send + 'static,
{
    let (tell, told) = channel();
    let run = move || {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(run(told))
    };
    (tell, thread::spawn(run))
}

async fn burst(bus: &PubSub<App>) {
    for number in 0..BURST {
        bus.publish(App::NUMBER, "a", number).now().expect("there is room");
    }
}

async fn read_all(mut numbers: Subscription<Event<u64>>) {
    for number in 0..BURST {
        let event = next(&mut numbers).await;
        assert_eq!((event.payload, event.missed), (number, 0));
    }
}

#[tokio::test]
async fn a_reader_at_a_spoke_is_not_outrun() {
    let (says_address, address_is) = channel();
    let (go, hub) = elsewhere(move |told| async move {
        let hub = hub_with(roomy_hub()).await;
        let bus = PubSub::<App>::new(hub.transport());
        says_address.send(address(&hub)).expect("it is awaited");
        told.recv().expect("told");
        burst(&bus).await;
        told.recv().expect("told");
    });
    let bus = spoke(address_is.recv().expect("an address")).await;
    let numbers =
        bus.subscribe(App::NUMBER).bound(BOUND).overflow(Overflow::DropOldest).await.expect("subscribed");
    go.send(()).expect("it listens");
    read_all(numbers).await;
    go.send(()).expect("it listens");
    hub.join().expect("no panic");
}

#[tokio::test]
async fn a_reader_at_a_hub_is_not_outrun() {
    let hub = hub_with(roomy_hub()).await;
    let bus = PubSub::<App>::new(hub.transport());
    let numbers =
        bus.subscribe(App::NUMBER).bound(BOUND).overflow(Overflow::DropOldest).await.expect("subscribed");
    let at: SocketAddr = address(&hub);
    let (go, client) = elsewhere(move |told| async move {
        let bus = spoke(at).await;
        let publishes = (0..BURST).map(|number| bus.publish(App::NUMBER, "a", number).into_future());
        for published in join_all(publishes).await {
            published.expect("accepted");
        }
        told.recv().expect("told");
    });
    read_all(numbers).await;
    go.send(()).expect("it listens");
    client.join().expect("no panic");
}
