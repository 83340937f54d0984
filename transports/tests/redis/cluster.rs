//! Real clusters of three masters, whose slots move and whose nodes die.

use std::time::Duration;

use pubsub_transports::redis::{Redis, RedisBuilder, Retention};
use pubsub_transports::{ConnectError, GapReason, SendError};

use crate::durable::check;
use crate::faults::{Numbers, heard_up_to};
use crate::harness::cluster::Cluster;
use crate::harness::times::quick;
use crate::harness::{Peer, Said, Server};

mod channels;
mod failover;
mod shards;
mod streams;

async fn connected(builder: RedisBuilder, nodes: Vec<String>) -> Peer {
    Peer::new(quick(builder).connect_cluster(nodes).await.expect("a connection"))
}

#[tokio::test]
async fn what_is_no_cluster_is_said_at_once() {
    let server = Server::start();
    let error = Redis::builder().connect_cluster([server.url()]).await.expect_err("no cluster");
    assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
    let none: [&str; 0] = [];
    for error in [
        Redis::builder().connect_cluster(none).await.expect_err("no nodes"),
        Redis::builder().connect_cluster([format!("{}/1", server.url())]).await.expect_err("a database"),
        Redis::builder().sharded().connect(server.url()).await.expect_err("no shards"),
        Redis::durable(Retention::default()).connect_cluster([server.url()]).await.expect_err("no tag"),
    ] {
        assert!(matches!(error, ConnectError::Url { .. }), "{error:?}");
    }
    let node = Server::with(&["--cluster-enabled", "yes"]);
    let error = Redis::durable(Retention::default()).connect(node.url()).await.expect_err("a cluster");
    assert!(error.to_string().contains("connect_cluster"), "{error}");
}
