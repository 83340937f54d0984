//! Where to connect to, and the link to what is there.

use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use pubsub::websocket::{Spoke, SpokeConfig, wire::Token};
use pubsub_transports::__private::{Connection, connect};
use pubsub_transports::codec::Json;
use pubsub_transports::redis::{Redis, Retention};
use pubsub_transports::{ConnectError, Encoded, Inlet, Link};

use crate::Failure;

/// Where to connect to, and as who.
#[derive(Args)]
pub(crate) struct Target {
    /// A hub, `ws://host:port/ws` or `wss://`, or a Redis server, `redis://host:port`
    url: String,
    /// What stands before the channels or streams of Redis
    #[arg(long, default_value = "")]
    prefix: String,
    /// Use the streams of Redis, as hubs that are started with --redis do, and buses over `Redis::durable`; by default its channels
    #[arg(long)]
    streams: bool,
    /// How many events of each type are kept there, by whoever publishes
    #[arg(long, value_name = "EVENTS", default_value_t = Retention::EVENTS, requires = "streams")]
    retention: u64,
    /// What proves to a hub who this is; rather in the environment than in the list of processes
    #[arg(long, env = "PUBSUB_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with the token, which is read for each connection
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// Certificates to trust instead of the usual roots, in PEM
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,
}

impl Target {
    /// Connects: what comes in goes to `inlet`.
    pub(crate) async fn connect(&self, inlet: Arc<dyn Inlet>) -> Result<Arc<dyn Link>, Failure> {
        let is_redis = self.url.starts_with("redis");
        if self.streams && !is_redis {
            return Err(Failure::usage("--streams are those of Redis"));
        }
        let connection = match self.url.split_once("://").map(|(scheme, _)| scheme) {
            Some("ws" | "wss") => {
                let config = SpokeConfig { token: self.token.clone().map(Token), ..SpokeConfig::default() };
                let mut builder = Spoke::builder().config(config);
                if let Some(file) = self.token_file.clone() {
                    // Later it may be away for a moment; at first it is a mistake.
                    read(&file).map_err(Failure::usage)?;
                    builder = builder.token(move || ready(read(&file).map(|text| text.trim().to_owned())));
                }
                if let Some(file) = &self.root_certificates {
                    let pem = read(file).map_err(Failure::usage)?;
                    builder = builder.root_certificates(pem).map_err(unconnected)?;
                }
                connect(builder.connect(&self.url).await.map_err(unconnected)?)
            }
            Some("redis" | "rediss" | "redis+unix") => {
                let builder = match self.streams {
                    true => Redis::durable(Retention::last(self.retention)),
                    false => Redis::builder(),
                };
                let mut builder = builder.prefix(self.prefix.as_str());
                if let Some(file) = &self.root_certificates {
                    let pem = read(file).map_err(Failure::usage)?;
                    builder = builder.root_certificates(pem).map_err(unconnected)?;
                }
                connect(builder.connect(&self.url).await.map_err(unconnected)?)
            }
            _ => return Err(Failure::usage("the URL begins with ws://, wss://, redis:// or rediss://")),
        };
        Ok(attach(connection, inlet))
    }
}

fn read(file: &Path) -> io::Result<String> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    std::fs::read_to_string(file).map_err(named)
}

/// Wrong words are told from a server that is not there, and both from one that refuses.
pub(crate) fn unconnected(error: ConnectError) -> Failure {
    match error {
        ConnectError::Url { .. } => Failure::usage(error),
        ConnectError::Unauthenticated { .. } | ConnectError::Refused(_) => Failure::refused(error),
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
