//! The password of the Redis that a hub is behind, and of a cluster that is connected: nobody is told it, whatever goes wrong.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::redis::{RedisBuilder, Retention};
use pubsub::{ConnectError, ConnectionState, Hub, Redis};
use pubsub_tests::server;
use pubsub_tests::waiting::DEADLINE;

use crate::harness::{App, Server, bound, in_time, next, order, spoke, until};
use crate::secrets::{PRIVATE, Printed, SECRET, Watching, assert_silent};

#[path = "../../../transports/tests/redis/harness/cluster.rs"]
// The suite of the transport needs more of it.
#[allow(dead_code)]
mod cluster;

/// Soon knows what is wrong, and does not take a busy machine for it.
fn quick(builder: RedisBuilder) -> RedisBuilder {
    builder
        .publish_timeout(Duration::from_millis(300))
        .backoff(Duration::from_millis(5), Duration::from_millis(50))
}

/// Another password from now on, for which connections begin anew: ours is wrong.
fn change_password(server: &Server) {
    server.cli(&["-a", SECRET, "--no-auth-warning", "CONFIG", "SET", "requirepass", "another"]);
    server.cli(&["-a", "another", "--no-auth-warning", "CLIENT", "KILL", "TYPE", "normal"]);
}

/// Why there is no connection.
fn reason(state: &ConnectionState) -> Option<&ConnectError> {
    match state {
        ConnectionState::Reconnecting { error, .. } | ConnectionState::ReceiveOnly { error, .. } => {
            Some(error)
        }
        ConnectionState::Closed { error } => error.as_ref(),
        _ => None,
    }
}

fn is_unauthenticated(state: &ConnectionState) -> bool {
    matches!(reason(state), Some(ConnectError::Unauthenticated { .. }))
}

#[tokio::test]
async fn of_the_redis_behind_a_hub() {
    let watching = Watching::start();
    let mut printed = Printed::default();
    let server = Server::with(&["--requirepass", SECRET]);
    let redis = |password: &str| {
        let url = format!("redis://:{password}@127.0.0.1:{}", server.port);
        async move { quick(Redis::durable(Retention::default())).connect(url).await }
    };
    printed.error("Redis", &redis("hunter2-but-wrong").await.map(drop).expect_err("it is wrong"));
    let redis = redis(SECRET).await.expect("a connection");
    printed.debug("Redis", &redis);
    let hub = Hub::behind(redis).expect("durable").guard_timeout(Duration::from_millis(300));
    printed.debug("HubBuilder", &hub);
    let hub = bound(hub).await;
    let (far, near) = (spoke(&hub).await, PubSub::<App>::new(hub.transport()));
    let mut orders = far.subscribe(App::ORDER).await.expect("subscribed");
    near.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
    next(&mut orders).await;
    let upstream = || hub.upstream().expect("it is behind one");
    let print = async |printed: &mut Printed| {
        printed.debug("a hub", &(&hub, hub.stats(), hub.connections(), hub.events(), upstream()));
        printed.debug("its buses", &(&far, far.stats(), &near, near.stats(), near.connection_state()));
        for bus in [&far, &near] {
            if let Err(error) = in_time("answer", bus.publish(App::ORDER, PRIVATE, order(PRIVATE))).await {
                printed.error("PublishError", &error);
            }
        }
        // Where it is of the hub's own process it is answered when Redis is back.
        if let Err(error) = in_time("answer", far.subscribe(App::BILL)).await {
            printed.error("SubscribeError", &error);
        }
    };
    print(&mut printed).await;
    change_password(&server);
    until("word of the password", || is_unauthenticated(&upstream())).await;
    print(&mut printed).await;
    server.kill();
    until("word of the end", || !is_unauthenticated(&upstream())).await;
    print(&mut printed).await;
    printed.error("upstream", reason(&upstream()).expect("it is away"));
    in_time("end", hub.close()).await;
    in_time("end", far.close()).await;
    assert!(printed.has("PublishError") && printed.has("SubscribeError"));
    printed.assert_silent_about(SECRET);
    assert_silent(&watching, 4, 4);
}

#[tokio::test]
async fn of_a_cluster() {
    let watching = Watching::start();
    let mut printed = Printed::default();
    let cluster = cluster::Cluster::start();
    for node in &cluster.nodes {
        node.cli(&["CONFIG", "SET", "requirepass", SECRET]);
    }
    let urls = |password: &str| -> Vec<String> {
        cluster.nodes.iter().map(|node| format!("redis://:{password}@127.0.0.1:{}", node.port)).collect()
    };
    let wrong = Redis::builder().connect_cluster(urls("hunter2-but-wrong")).await;
    printed.error("Redis", &wrong.map(drop).expect_err("the password is wrong"));
    for builder in
        [Redis::builder(), Redis::builder().sharded(), Redis::durable(Retention::default()).prefix("{shop}:")]
    {
        let redis = quick(builder).connect_cluster(urls(SECRET)).await.expect("a connection");
        printed.debug("Redis", &redis);
        let bus = PubSub::<App>::new(redis);
        let mut orders = bus.subscribe(App::ORDER.id(PRIVATE)).await.expect("subscribed");
        bus.publish(App::ORDER, PRIVATE, order(PRIVATE)).await.expect("published");
        next(&mut orders).await;
        printed.debug("a bus", &(&bus, bus.stats(), bus.connection_state(), bus.guarantees(), bus.errors()));
        bus.close().await;
    }
    // Of channels, which any node has.
    let bus = PubSub::<App>::new(
        quick(Redis::builder()).connect_cluster(urls(SECRET)).await.expect("a connection"),
    );
    let print = async |printed: &mut Printed| {
        printed.debug("a bus", &(&bus, bus.stats(), bus.connection_state()));
        if let Err(error) = in_time("answer", bus.publish(App::ORDER, PRIVATE, order(PRIVATE))).await {
            printed.error("PublishError", &error);
        }
    };
    cluster.nodes.iter().for_each(change_password);
    until("word of the password", || is_unauthenticated(&bus.connection_state())).await;
    print(&mut printed).await;
    cluster.nodes.iter().for_each(Server::kill);
    until("word of the end", || !is_unauthenticated(&bus.connection_state())).await;
    print(&mut printed).await;
    printed.error("ConnectionState", reason(&bus.connection_state()).expect("they are away"));
    in_time("end", bus.close()).await;
    assert!(printed.has("PublishError"));
    printed.assert_silent_about(SECRET);
    assert_silent(&watching, 6, 4);
}
