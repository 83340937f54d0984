//! On one thread, who reads each event at once is not outrun by the connection that brings them, however many there are.

use std::net::SocketAddr;
use std::sync::mpsc::channel;

use pubsub::prelude::*;
use pubsub::websocket::{HubConfig, OutboxConfig};
use pubsub_tests::turns::{BOUND, BURST, elsewhere, publish_all, read_all};

use crate::harness::{App, address, hub_with, spoke};

/// With room for the burst in the queue of each connection.
fn roomy_hub() -> HubConfig {
    let outbox = OutboxConfig { bytes: 16 << 20, hard_bytes: 64 << 20, ..OutboxConfig::default() };
    HubConfig { outbox, ..HubConfig::default() }
}

async fn burst(bus: &PubSub<App>) {
    for number in 0..BURST {
        bus.publish(App::NUMBER, "a", number).now().expect("there is room");
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
        publish_all(|number| bus.publish(App::NUMBER, "a", number)).await;
        told.recv().expect("told");
    });
    read_all(numbers).await;
    go.send(()).expect("it listens");
    client.join().expect("no panic");
}
