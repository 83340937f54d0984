//! What holds as long as nothing fails.

use pubsub::prelude::*;
use pubsub::websocket::{CloseCode, HubEvent};
use pubsub::{All, ConnectionState, ErrorCode, EventId, PublishError, SubscribeError};

use crate::harness::{App, address, hub, in_time, next, spoke, state, status, until};

#[tokio::test]
async fn an_event_goes_to_all_and_back_to_its_own() {
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let (here, there) = (spoke(address(&hub)).await, spoke(address(&hub)).await);
    let mut one = here.subscribe(App::SESSION_STATUS.id("project-1")).await.expect("subscribed");
    let mut all = there.subscribe(All).await.expect("subscribed");
    let mut at_hub = own.subscribe(App::SESSION_STATUS).await.expect("subscribed");
    let id = EventId::now_v7();
    here.publish(App::SESSION_STATUS, "project-1", status("busy")).event_id(id).await.expect("published");
    own.publish(App::SESSION_STATUS, "project-2", status("elsewhere")).await.expect("published");
    there.publish(App::NUMBER, "a", 7).await.expect("published");
    own.publish(App::SESSION_STATUS, "project-1", status("idle")).await.expect("published");

    let event = next(&mut one).await;
    assert_eq!((&*event.id, event.event_id(), &event.payload), ("project-1", Some(id), &status("busy")));
    assert_eq!(event.position().map(pubsub::Position::offset), Some(1));
    assert_eq!(next(&mut one).await.payload, status("idle"));
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(next(&mut all).await.payload.clone());
    }
    let expected = ["busy", "elsewhere", "idle"].map(|state| App::SessionStatus(status(state)));
    assert_eq!(seen, [&expected[..2], &[App::Number(7)], &expected[2..]].concat());
    for state in ["busy", "elsewhere", "idle"] {
        assert_eq!(next(&mut at_hub).await.payload, status(state));
    }
}

/// Whoever publishes, and from wherever: all see the events of a type in the order of the hub's log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_order() {
    let hub = hub().await;
    let buses = [PubSub::<App>::new(hub.transport()), spoke(address(&hub)).await, spoke(address(&hub)).await];
    let mut readers = Vec::new();
    for bus in &buses {
        readers.push(bus.subscribe(App::NUMBER).await.expect("subscribed"));
    }
    let publishers = buses.iter().cloned().zip(0..).map(|(bus, number)| {
        tokio::spawn(async move {
            for count in 0..300 {
                bus.publish(App::NUMBER, "a", number * 1000 + count).await.expect("published");
            }
        })
    });
    let publishers: Vec<_> = publishers.collect();
    let mut orders = Vec::new();
    for reader in &mut readers {
        let mut order = Vec::new();
        for _ in 0..900 {
            order.push(next(reader).await.payload);
        }
        orders.push(order);
    }
    for publisher in publishers {
        publisher.await.expect("it ends");
    }
    assert!(orders[0] == orders[1] && orders[1] == orders[2]);
    for number in 0..3 {
        let own: Vec<u64> = orders[0].iter().copied().filter(|it| it / 1000 == number).collect();
        assert!(own.is_sorted() && own.len() == 300, "in the order of its publisher");
    }
}

#[tokio::test]
async fn subscribe_is_live_when_it_returns() {
    let hub = hub().await;
    let (here, there) = (spoke(address(&hub)).await, spoke(address(&hub)).await);
    for number in 0..50 {
        let id = format!("{number}");
        let mut one = there.subscribe(App::NUMBER.id(&*id)).await.expect("subscribed");
        here.publish(App::NUMBER, &id, number).await.expect("published");
        assert_eq!(next(&mut one).await.payload, number);
    }
}

#[tokio::test]
async fn a_bus_gets_an_event_once_in_each_subscription() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let mut whole = bus.subscribe(App::NUMBER).await.expect("subscribed");
    let mut several = bus.subscribe((App::NUMBER.id("a"), App::OTHER)).await.expect("subscribed");
    for number in 0..100 {
        bus.publish(App::NUMBER, "a", number).await.expect("published");
    }
    for number in 0..100 {
        assert_eq!(next(&mut one).await.payload, number);
        assert_eq!(next(&mut whole).await.payload, number);
        next(&mut several).await;
    }
    assert!(one.is_empty() && whole.is_empty() && several.is_empty());
}

#[tokio::test]
async fn leaving_ends_the_subscription_at_the_hub() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let again = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let other = bus.subscribe(App::OTHER).await.expect("subscribed");
    assert_eq!(hub.subscriptions(), 2, "one for each address");
    drop(one);
    drop(other);
    until("unsubscribe", || hub.subscriptions() == 1).await;
    drop(again);
    until("unsubscribe", || hub.subscriptions() == 0).await;
}

#[tokio::test]
async fn self_is_denied_to_the_anonymous() {
    let hub = hub().await;
    let (bus, own) = (spoke(address(&hub)).await, PubSub::<App>::new(hub.transport()));
    for bus in [bus, own] {
        let refused = in_time("answer", bus.subscribe(App::NUMBER.id("@self"))).await.expect_err("denied");
        assert!(
            matches!(&refused, SubscribeError::Rejected(rejection) if *rejection.code() == ErrorCode::Denied),
            "{refused}"
        );
        let refused = in_time("answer", bus.publish(App::NUMBER, "@self", 1)).await.expect_err("denied");
        assert!(
            matches!(&refused, PublishError::Rejected(_, rejection) if *rejection.code() == ErrorCode::Denied),
            "{refused}"
        );
        // Only that was refused.
        let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
        bus.publish(App::NUMBER, "a", 1).await.expect("published");
        assert_eq!(next(&mut one).await.payload, 1);
    }
}

/// A refusal among several addresses leaves the others to whoever else follows them.
#[tokio::test]
async fn one_refusal_among_several_harms_no_other() {
    let hub = hub().await;
    let bus = spoke(address(&hub)).await;
    let both = bus.subscribe((App::NUMBER.id("@self"), App::OTHER.id("a")));
    let other = bus.subscribe(App::OTHER.id("a"));
    let (both, other) = in_time("answers", async { tokio::join!(both, other) }).await;
    assert!(matches!(both, Err(SubscribeError::Rejected(_))));
    let mut other = other.expect("subscribed");
    bus.publish(App::OTHER, "a", 3).await.expect("published");
    assert_eq!(next(&mut other).await.payload, 3);
}

#[tokio::test]
async fn handlers_in_order() {
    let hub = hub().await;
    let (here, there) = (spoke(address(&hub)).await, spoke(address(&hub)).await);
    let (done, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let _handler = there
        .on(App::NUMBER.id("a"), async move |event: Event<u64>| {
            tokio::task::yield_now().await;
            done.send(event.payload).map_err(|_| "nobody listens")
        })
        .spawn();
    until("subscribe", || hub.subscriptions() == 1).await;
    for number in 0..100 {
        here.publish(App::NUMBER, "a", number).await.expect("published");
    }
    for number in 0..100 {
        assert_eq!(in_time("handled event", seen.recv()).await, Some(number));
    }
}

/// The hub sees who comes, what each follows, and can speak to one alone.
#[tokio::test]
async fn a_connection_has_a_handle() {
    let hub = hub().await;
    let mut events = hub.events();
    let bus = spoke(address(&hub)).await;
    let Some(HubEvent::Connected(connection)) = in_time("event", events.next()).await else {
        panic!("somebody came")
    };
    let other = spoke(address(&hub)).await;
    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    let mut unmoved = other.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    assert_eq!(connection.topics().iter().map(ToString::to_string).collect::<Vec<_>>(), ["number:a"]);
    connection.send(&pubsub::Header::new("number", "a"), "77".into()).expect("sent");
    assert_eq!(next(&mut one).await.payload, 77);
    let own = PubSub::<App>::new(hub.transport());
    let id = EventId::now_v7();
    own.publish(App::NUMBER, "a", 79).event_id(id).to(&connection).expect("sent");
    let event = next(&mut one).await;
    assert_eq!((event.payload, event.event_id(), event.position()), (79, Some(id), None));
    let nowhere = PubSub::<App>::default();
    let refused = nowhere.publish(App::NUMBER, "a", 80).to(&connection);
    assert!(matches!(refused, Err(PublishError::Rejected(event, _)) if event.payload == 80));
    other.publish(App::NUMBER, "a", 78).await.expect("published");
    assert_eq!(next(&mut one).await.payload, 78);
    assert_eq!(next(&mut unmoved).await.payload, 78, "it was for the other alone");
    assert_eq!(connection.queued_bytes(), 0);

    connection.disconnect(CloseCode::Kicked);
    let closed = state(&bus, |state| matches!(state, ConnectionState::Closed { .. })).await;
    assert!(
        matches!(closed, ConnectionState::Closed { error: Some(error) } if error.to_string().contains("4503"))
    );
    let ended = in_time("event", async {
        loop {
            if let Some(HubEvent::Disconnected { connection, code }) = events.next().await {
                return (connection, code);
            }
        }
    })
    .await;
    assert_eq!(ended, (connection.clone(), CloseCode::Kicked));
    assert!(!connection.is_connected() && connection.topics().is_empty());
    assert!(in_time("end", one.next()).await.is_none(), "its bus is closed");
    let refused = own.publish(App::NUMBER, "a", 81).to(&connection);
    assert!(matches!(refused, Err(PublishError::Closed(_))));
}

#[tokio::test]
async fn a_hub_without_a_listener_is_given_its_connections() {
    let hub = pubsub::Hub::builder().start();
    assert_eq!(hub.local_addr(), None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let door = hub.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody comes");
        door.accept(stream).await.expect("let in")
    });
    let bus = spoke(address).await;
    let mut one = bus.subscribe(App::NUMBER.id("a")).await.expect("subscribed");
    bus.publish(App::NUMBER, "a", 1).await.expect("published");
    assert_eq!(next(&mut one).await.payload, 1);
    hub.close().await;
}

/// Closing leaves nothing behind: not a task, not a connection, not a route.
#[tokio::test]
async fn nothing_is_left_after_close() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let hub = hub().await;
    let own = PubSub::<App>::new(hub.transport());
    let mut buses = vec![own];
    for _ in 0..10 {
        buses.push(spoke(address(&hub)).await);
    }
    let mut subscriptions = Vec::new();
    for bus in &buses {
        subscriptions.push(bus.subscribe(App::NUMBER).await.expect("subscribed"));
    }
    for bus in buses.split_off(6) {
        in_time("close", bus.close()).await;
    }
    until("five spokes", || hub.connections().len() == 5).await;
    in_time("close", hub.close()).await;
    assert!(hub.connections().is_empty());
    assert_eq!(hub.subscriptions(), 0);
    state(&buses[0], |state| matches!(state, ConnectionState::Closed { .. })).await;
    drop(subscriptions);
    drop(buses);
    until("no task", || tasks() == before).await;
}
