//! Where to connect to, and the link to what is there.

use std::sync::Arc;

use clap::Args;
use pubsub::websocket::{Spoke, SpokeConfig, wire::Token};
use pubsub_transports::__private::{Connection, connect};
use pubsub_transports::codec::Json;
use pubsub_transports::redis::Redis;
use pubsub_transports::{ConnectError, Encoded, Inlet, Link};

use crate::Failure;

/// Where to connect to, and as who.
#[derive(Args)]
pub(crate) struct Target {
    /// A hub, `ws://host:port/ws`, or a Redis server, `redis://host:port`
    url: String,
    /// What stands before the channels of Redis
    #[arg(long, default_value = "")]
    prefix: String,
    /// What proves to a hub who this is; rather in the environment than in the list of processes
    #[arg(long, env = "PUBSUB_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl Target {
    /// Connects: what comes in goes to `inlet`.
    pub(crate) async fn connect(&self, inlet: Arc<dyn Inlet>) -> Result<Arc<dyn Link>, Failure> {
        let connection = match self.url.split_once("://").map(|(scheme, _)| scheme) {
            Some("ws" | "wss") => {
                let config = SpokeConfig { token: self.token.clone().map(Token), ..SpokeConfig::default() };
                let spoke = Spoke::builder().config(config).connect(&self.url).await;
                connect(spoke.map_err(unconnected)?)
            }
            Some("redis" | "rediss" | "redis+unix") => {
                let redis = Redis::builder().prefix(self.prefix.as_str()).connect(&self.url).await;
                connect(redis.map_err(unconnected)?)
            }
            _ => return Err(Failure::usage("the URL begins with ws://, wss://, redis:// or rediss://")),
        };
        Ok(attach(connection, inlet))
    }
}

/// Wrong words are told from a server that is not there.
fn unconnected(error: ConnectError) -> Failure {
    match error {
        ConnectError::Url { .. } => Failure::usage(error),
        other => Failure::unconnected(Chain(&other)),
    }
}

fn attach(connection: Connection<Encoded<Json>>, inlet: Arc<dyn Inlet>) -> Arc<dyn Link> {
    match connection {
        Connection::Link { attach, .. } => attach(inlet),
        Connection::InProcess => unreachable!("both leave the process"),
    }
}

/// An error with its causes.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
