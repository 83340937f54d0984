//! The buses of the hubs' own processes: they are clients of what the hubs are behind too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use pubsub_transports::__private::{Connection, connect};
use pubsub_transports::redis::Retention;
use pubsub_transports::websocket::{Hub, HubConfig};
use pubsub_transports::{Body, ErrorCode, EventId, Frame, GapReason, Header, Link, Patience, SendError};

use super::harness::recorder::{Recorder, Said};
use super::harness::{Client, Server, hub, hub_with, in_time};

pub(crate) struct Bus {
    link: Arc<dyn Link>,
    pub(crate) heard: Arc<Recorder>,
    last: AtomicU64,
}

impl Bus {
    pub(crate) fn of(hub: &Hub) -> Self {
        let heard = Arc::new(Recorder::default());
        let Connection::Link { attach, .. } = connect(hub.transport()) else {
            unreachable!("a hub has a link")
        };
        Self { link: attach(heard.clone()), heard, last: AtomicU64::new(0) }
    }

    pub(crate) async fn subscribe(&self, address: &str) {
        let request = self.ask(address);
        self.heard.subscribed(request).await;
    }

    /// The number of the request, which is not answered yet.
    pub(crate) fn ask(&self, address: &str) -> u64 {
        let request = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.link.subscribe(request, vec![address.parse().expect("an address")]);
        request
    }

    async fn publish(
        &self,
        topic: &str,
        id: &str,
        payload: &str,
        event_id: EventId,
    ) -> Result<(), SendError> {
        let header = Header::new(topic, id).with_event_id(event_id);
        let body = Body::Bytes(Bytes::copy_from_slice(payload.as_bytes()));
        in_time("answer", self.link.publish(Frame { header, body }, Patience::Wait)).await
    }
}

fn id(number: u64) -> EventId {
    super::harness::uuid(number).parse().expect("an event id")
}

#[tokio::test]
async fn buses_and_clients_of_all_hubs_are_one() {
    let server = Server::start();
    let (one, other) = (hub(&server).await, hub(&server).await);
    let (here, there) = (Bus::of(&one), Bus::of(&other));
    let mut client = Client::connect(&other).await;
    client.subscribe("chat").await;
    here.subscribe("chat").await;
    there.subscribe("chat:a").await;
    for number in 1..=3 {
        here.publish("chat", "a", &number.to_string(), id(number)).await.expect("accepted");
    }
    // The same again, where it is known and where it is not.
    for bus in [&here, &there] {
        bus.publish("chat", "a", "3", id(3)).await.expect("accepted before");
    }
    client.publish("chat", "b", 4, 4).await;
    there.publish("chat", "a", "5", id(5)).await.expect("accepted");
    for number in 1..=5 {
        assert_eq!(client.event().await, (number, number));
    }
    here.heard.events(5).await;
    there.heard.events(4).await;
    assert_eq!(here.heard.payloads("chat:a"), ["1", "2", "3", "5"]);
    assert_eq!(there.heard.payloads("chat:a"), ["1", "2", "3", "5"], "and nothing of b");
    let place = |bus: &Bus| bus.heard.positions().last().cloned();
    assert_eq!(place(&here).map(|it| it.offset()), Some(5));
    assert_eq!(
        place(&here).and_then(|it| it.epoch().map(str::to_owned)),
        place(&there).and_then(|it| it.epoch().map(str::to_owned))
    );
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_bus_hears_of_loss_and_of_refusal() {
    let server = Server::start();
    server.cli(&["SET", "{bad}", "no stream"]);
    let config = HubConfig { max_frame: 2048, ..HubConfig::default() };
    let hub = hub_with(&server, Retention::default(), config, |it| it).await;
    let bus = Bus::of(&hub);
    bus.subscribe("bad").await;
    assert!(
        matches!(&bus.heard.all()[..], [Said::Refused(topic, ErrorCode::Internal), ..] if topic == "bad"),
        "{:?}",
        bus.heard.all()
    );
    bus.publish("bad", "a", "1", id(1)).await.expect_err("no stream");
    let large = format!("\"{}\"", "x".repeat(2048));
    bus.publish("chat", "a", &large, id(2)).await.expect_err("too large");
    bus.subscribe("chat").await;
    bus.publish("chat", "a", "1", id(3)).await.expect("accepted");
    bus.heard.events(1).await;
    server.restart();
    bus.heard.gaps(1).await;
    let lost = |said: &Said| matches!(said, Said::Gap(Some(topic), gap) if topic == "chat" && gap.reason == GapReason::Epoch);
    assert!(bus.heard.all().iter().any(lost));
    bus.publish("chat", "a", "2", id(4)).await.expect("accepted");
    bus.heard.events(2).await;
    hub.close().await;
}
