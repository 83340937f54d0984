//! What holds when the network fails, and when the hub does: the scenarios of recovery by name.

use std::time::{Duration, Instant};

use futures::StreamExt;
use pubsub::prelude::*;
use pubsub::websocket::{CloseCode, HistoryConfig, HubConfig, HubEvent, SpokeConfig};
use pubsub::{ConnectError, ConnectionState, Delivery, Gap, GapReason, PublishError, Spoke};
use pubsub_tests::proxy::Proxy;
use tokio::net::TcpListener;

use crate::harness::{
    App, address, connected, hasty_hub, hasty_spoke, hub, hub_with, in_time, lost, next, quick_hub,
    quick_spoke, spoke, spoke_with, state, until,
};

/// Cuts the connection, does something while it is down, and lets it come back.
async fn while_away(proxy: &Proxy, bus: &PubSub<App>, act: impl AsyncFnOnce()) {
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    lost(bus).await;
    act().await;
    proxy.change(|weather| weather.refuses = false);
    connected(bus).await;
}

/// The notices of a subscription up to its next event.
async fn story<E>(subscription: &mut Subscription<E>) -> (Vec<Gap>, E) {
    let mut gaps = Vec::new();
    let mut deliveries = subscription.deliveries();
    loop {
        match in_time("delivery", deliveries.next()).await.expect("it goes on") {
            Delivery::Event(event) => return (gaps, event),
            Delivery::Gap(gap) => gaps.push(gap),
            Delivery::Reconnected => {}
            _ => panic!("neither an event nor a gap"),
        }
    }
}

fn history(history: HistoryConfig) -> HubConfig {
    HubConfig { history, ..quick_hub() }
}

/// Kicked again and again while another publishes: no gap, no duplicate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_storm() {
    const EVENTS: usize = 2000;
    let hub =
        hub_with(history(HistoryConfig { events: EVENTS, replay: EVENTS, ..HistoryConfig::default() })).await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let buses = [spoke(proxy.address).await, spoke(proxy.address).await, spoke(proxy.address).await];
    let mut readers = Vec::new();
    for bus in &buses {
        readers.push(bus.subscribe(App::NUMBER).bound(EVENTS).await.expect("subscribed"));
    }
    let publisher = tokio::spawn(async move {
        for number in 0..EVENTS as u64 {
            own.publish(App::NUMBER, "a", number).await.expect("published");
            if number % 16 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    while !publisher.is_finished() {
        proxy.cut();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    publisher.await.expect("it ends");
    for reader in &mut readers {
        for number in 0..EVENTS as u64 {
            let (gaps, event) = story(reader).await;
            assert_eq!((gaps, event.payload), (vec![], number));
        }
    }
}

/// Cut while publishing: each event arrives once, whatever became of its first sending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_is_idempotent_across_reconnects() {
    const EVENTS: u64 = 500;
    let hub = hub_with(quick_hub()).await;
    let own = PubSub::<App>::new(hub.transport());
    let mut reader = own.subscribe(App::NUMBER).bound(EVENTS as usize).await.expect("subscribed");
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let publisher = tokio::spawn(async move {
        for number in 0..EVENTS {
            bus.publish(App::NUMBER, "a", number).await.expect("acknowledged in the end");
        }
    });
    while !publisher.is_finished() {
        proxy.cut();
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    publisher.await.expect("it ends");
    for number in 0..EVENTS {
        assert_eq!(next(&mut reader).await.payload, number);
    }
    assert!(reader.is_empty());
}

#[tokio::test]
async fn recover_with_zero_events_seen() {
    let hub = hub_with(quick_hub()).await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    while_away(&proxy, &bus, async || {
        own.publish(App::NUMBER, "a", 1).await.expect("published");
    })
    .await;
    let (gaps, event) = story(&mut reader).await;
    assert_eq!((gaps, event.payload), (vec![], 1));
}

#[tokio::test]
async fn boundary_event_replayed_once() {
    let hub = hub_with(quick_hub()).await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
    for round in 0..20 {
        own.publish(App::NUMBER, "a", 3 * round).await.expect("published");
        while_away(&proxy, &bus, async || {
            own.publish(App::NUMBER, "a", 3 * round + 1).await.expect("published");
        })
        .await;
        own.publish(App::NUMBER, "a", 3 * round + 2).await.expect("published");
    }
    for number in 0..60 {
        let (gaps, event) = story(&mut reader).await;
        assert_eq!((gaps, event.payload), (vec![], number));
    }
    assert!(reader.is_empty());
}

/// A hub that starts anew has another history.
#[tokio::test]
async fn epoch_change_is_a_gap() {
    let hub = hub_with(quick_hub()).await;
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    assert_eq!(next(&mut reader).await.payload, 1);
    in_time("close", hub.close()).await;
    lost(&bus).await;
    let hub = hub_with(quick_hub()).await;
    proxy.change(|weather| weather.target = address(&hub));
    connected(&bus).await;
    bus.publish(App::NUMBER, "a", 2).await.expect("published");
    let (gaps, event) = story(&mut reader).await;
    assert_eq!((gaps, event.payload), (vec![Gap::new(GapReason::Epoch, None)], 2));
    drop(hub);
}

#[tokio::test]
async fn history_evicted_says_so() {
    let hub = hub_with(history(HistoryConfig { events: 4, ..HistoryConfig::default() })).await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
    while_away(&proxy, &bus, async || {
        for number in 0..10 {
            own.publish(App::NUMBER, "a", number).await.expect("published");
        }
    })
    .await;
    until("subscription", || hub.subscriptions() == 1).await;
    own.publish(App::NUMBER, "a", 10).await.expect("published");
    let (gaps, event) = story(&mut reader).await;
    assert_eq!((gaps, event.payload), (vec![Gap::new(GapReason::Evicted, Some(10))], 10));
    assert_eq!((reader.gaps(), reader.missed()), (1, 10));
}

/// More is replayed than the queue of the connection holds: it goes through, once.
#[tokio::test]
async fn replay_larger_than_queue_does_not_loop() {
    const EVENTS: u64 = 900;
    let hub = hub_with(HubConfig {
        outbox: pubsub::websocket::OutboxConfig {
            bytes: 4096,
            hard_bytes: 16 * 1024,
            answer_bytes: 16 * 1024,
        },
        ..quick_hub()
    })
    .await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
    while_away(&proxy, &bus, async || {
        for number in 0..EVENTS {
            own.publish(App::NUMBER, "a", number).await.expect("published");
        }
    })
    .await;
    for number in 0..EVENTS {
        let (gaps, event) = story(&mut reader).await;
        assert_eq!((gaps, event.payload), (vec![], number));
    }
}

#[tokio::test]
async fn a_byte_at_a_time() {
    let hub = hub().await;
    let proxy = Proxy::to(address(&hub)).await;
    proxy.change(|weather| weather.slice = 1);
    let bus = spoke(proxy.address).await;
    let mut reader = bus.subscribe(App::NUMBER.id("ä:1")).await.expect("subscribed");
    for number in 0..20 {
        bus.publish(App::NUMBER, "ä:1", number).await.expect("published");
        assert_eq!(next(&mut reader).await.payload, number);
    }
}

/// Nothing goes through and nothing breaks: both sides find out by their pings.
#[tokio::test]
async fn no_pong() {
    let hub = hub_with(hasty_hub()).await;
    let own = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke_with(proxy.address, hasty_spoke()).await;
    let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
    proxy.change(|weather| weather.stalled = true);
    own.publish(App::NUMBER, "a", 1).await.expect("published");
    lost(&bus).await;
    until("end at the hub", || hub.connections().is_empty()).await;
    assert_eq!(hub.subscriptions(), 0);
    proxy.change(|weather| weather.stalled = false);
    connected(&bus).await;
    let (gaps, event) = story(&mut reader).await;
    assert_eq!((gaps, event.payload), (vec![], 1));
}

/// A hub that lets everybody in and ends it at once is not hammered.
#[tokio::test]
async fn accept_then_close_backs_off() {
    let hub = hub_with(quick_hub()).await;
    let mut happens = hub.events();
    let config = SpokeConfig {
        backoff_min: Duration::from_millis(8),
        backoff_max: Duration::from_millis(64),
        stable_after: Duration::from_secs(60),
        ..quick_spoke()
    };
    let bus = spoke_with(address(&hub), config).await;
    let mut begun = Instant::now();
    for number in 0..24 {
        let connection = loop {
            let event = in_time("another connection", happens.next()).await.expect("the hub goes on");
            if let HubEvent::Connected(connection) = event {
                break connection;
            }
        };
        if number == 3 {
            begun = Instant::now();
        }
        connection.disconnect(CloseCode::ServerError);
    }
    // Twenty delays whose ceiling is reached: 64 ms each at most, 32 ms on average.
    assert!(begun.elapsed() > Duration::from_millis(160), "{:?}", begun.elapsed());
    connected(&bus).await;
}

/// Nor is one that refuses everybody.
#[tokio::test]
async fn refusals_back_off() {
    let hub = hub_with(quick_hub()).await;
    let proxy = Proxy::to(address(&hub)).await;
    let config = SpokeConfig {
        backoff_min: Duration::from_millis(8),
        backoff_max: Duration::from_millis(64),
        stable_after: Duration::from_secs(60),
        ..quick_spoke()
    };
    let bus = spoke_with(proxy.address, config).await;
    let mut states = bus.connection();
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    let mut last = None;
    let begun = Instant::now();
    while last < Some(20) {
        if let Some(ConnectionState::Reconnecting { attempt, .. }) = in_time("state", states.next()).await {
            assert!(last < Some(attempt), "tries are counted, however long they last");
            last = Some(attempt);
        }
    }
    // Twenty delays whose ceiling was reached after four: 64 ms each at most, 32 ms on average.
    assert!(begun.elapsed() > Duration::from_millis(100), "{:?}", begun.elapsed());
    proxy.change(|weather| weather.refuses = false);
    connected(&bus).await;
}

#[tokio::test]
async fn terminal_codes_stop_retryable_resume() {
    let hub = hub_with(quick_hub()).await;
    for code in [CloseCode::Reconnect, CloseCode::ServerError, CloseCode::RateLimited, CloseCode::Restart] {
        let bus = spoke(address(&hub)).await;
        let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
        let first = hub.connections();
        first.iter().for_each(|connection| connection.disconnect(code));
        // Not asked of the bus: between two looks at its state it may have gone and come back.
        until("another connection", || hub.connections().iter().any(|it| !first.contains(it))).await;
        connected(&bus).await;
        bus.publish(App::NUMBER, "a", 5).await.expect("published");
        assert_eq!(next(&mut reader).await.payload, 5, "after {code}");
        in_time("close", bus.close()).await;
        until("nobody", || hub.connections().is_empty()).await;
    }
    for code in [CloseCode::Denied, CloseCode::Kicked, CloseCode::Stale, CloseCode::Other(4777)] {
        let bus = spoke(address(&hub)).await;
        let mut reader = bus.subscribe(App::NUMBER).await.expect("subscribed");
        hub.connections().iter().for_each(|connection| connection.disconnect(code));
        let closed = state(&bus, |state| matches!(state, ConnectionState::Closed { .. })).await;
        let ConnectionState::Closed { error: Some(error) } = closed else { panic!("it says why") };
        assert!(!error.is_retryable() && error.to_string().contains(&code.number().to_string()), "{error}");
        assert!(in_time("end", reader.next()).await.is_none());
        let refused = bus.publish(App::NUMBER, "a", 5).await.expect_err("closed");
        assert!(matches!(refused, PublishError::Closed(event) if event.payload == 5));
    }
}

#[tokio::test]
async fn the_first_connection_is_one_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let here = listener.local_addr().expect("bound");
    let config = SpokeConfig { connect_timeout: Duration::from_millis(100), ..quick_spoke() };
    let silent =
        Spoke::builder().config(config).connect(format!("ws://{here}")).await.expect_err("nobody speaks");
    assert!(matches!(silent, ConnectError::TimedOut { .. }), "{silent}");
    drop(listener);
    let nobody = Spoke::connect(format!("ws://{here}")).await.expect_err("nobody is there");
    assert!(matches!(nobody, ConnectError::Unreachable { .. }), "{nobody}");
    let wrong = Spoke::connect("http://localhost").await.expect_err("no WebSocket");
    assert!(matches!(wrong, ConnectError::Url { .. }), "{wrong}");
    let full = hub_with(HubConfig { max_connections: 0, ..quick_hub() }).await;
    let refused = Spoke::connect(format!("ws://{}", address(&full))).await.expect_err("no room");
    assert!(refused.to_string().contains("4504") && !refused.is_retryable(), "{refused}");
    let strict = hub_with(HubConfig { anonymous: false, ..quick_hub() }).await;
    let refused = Spoke::connect(format!("ws://{}", address(&strict))).await.expect_err("anonymous");
    assert!(matches!(refused, ConnectError::Unauthenticated { .. }), "{refused}");
}

/// A publish that nobody waits for any more, while there is no connection, is not sent.
#[tokio::test]
async fn a_publish_that_was_dropped_before_it_was_written_is_not_sent() {
    let hub = hub_with(quick_hub()).await;
    let own = PubSub::<App>::new(hub.transport());
    let mut reader = own.subscribe(App::NUMBER).await.expect("subscribed");
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke(proxy.address).await;
    let mut kept = Box::pin(bus.publish(App::NUMBER, "a", 2));
    while_away(&proxy, &bus, async || {
        let mut dropped = Box::pin(bus.publish(App::NUMBER, "a", 1));
        assert!(futures::poll!(&mut dropped).is_pending());
        assert!(futures::poll!(&mut kept).is_pending());
    })
    .await;
    in_time("answer", kept).await.expect("published");
    assert_eq!(next(&mut reader).await.payload, 2);
}

#[tokio::test]
async fn what_was_taken_is_sent_before_the_close() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let reader = own.subscribe(App::NUMBER).await.expect("subscribed");
    let bus = spoke(address(&hub)).await;
    for number in 0..100 {
        bus.publish(App::NUMBER, "a", number).now().expect("taken");
    }
    let report = in_time("close", bus.close()).await;
    assert_eq!(report.unsent, 0);
    assert_eq!(
        reader.take(100).map(|event| event.payload).collect::<Vec<_>>().await,
        (0..100).collect::<Vec<_>>()
    );
}
