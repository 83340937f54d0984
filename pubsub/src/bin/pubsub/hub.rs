//! `pubsub hub`: a hub as a process.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use pubsub::redis::Retention;
use pubsub::websocket::{HistoryConfig, HubConfig};
use pubsub::{Hub, Redis, web};
use tokio::net::TcpListener;

use crate::Failure;
use crate::members::{self, Member};
use crate::serve::serve;
use crate::url::unconnected;

/// Start a hub: WebSocket at /ws, server-sent events at /sse, the JavaScript client at /pubsub.js, a page at /
///
/// When it is ready it prints `listening on ADDR`. With tokens there is no page, unless everybody is let in. It keeps the last events of each type, so that clients that come back
/// get what they missed. An interrupt closes it in an orderly way.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Be one of several hubs, which are one bus behind this Redis: redis://host:port or rediss://; with a password rather in the
    /// environment than in the list of processes
    #[arg(long, value_name = "URL", env = "PUBSUB_REDIS", hide_env_values = true)]
    redis: Option<String>,
    /// What stands before the streams in Redis, the same for all hubs of one bus
    #[arg(long, default_value = "", requires = "redis")]
    prefix: String,
    /// How many events of each type are kept there
    #[arg(long, value_name = "EVENTS", default_value_t = Retention::EVENTS, requires = "redis")]
    retention: u64,
    /// How many events of each type are kept
    #[arg(long, value_name = "EVENTS", default_value_t = HistoryConfig::default().events)]
    history: usize,
    /// Whom to let in, as NAME=TOKEN; several times, or in the environment with commas between them, so a
    /// token has none. Without any everybody is
    #[arg(
        long = "token",
        value_name = "NAME=TOKEN",
        value_delimiter = ',',
        env = "PUBSUB_TOKENS",
        hide_env_values = true
    )]
    tokens: Vec<String>,
    /// For how many seconds a token proves who somebody is, before a client has to say it again; for ever by default
    #[arg(long, value_name = "SECONDS")]
    token_seconds: Option<f64>,
    /// For how many seconds a client may take to ask, and then to say who it is
    #[arg(long, value_name = "SECONDS", default_value_t = HubConfig::default().handshake_timeout.as_secs_f64())]
    handshake_seconds: f64,
    /// Let in those without a token too
    #[arg(long)]
    anonymous: bool,
    /// Types whose ids are names: only who has the name may follow such an address, or publish to it
    #[arg(long, value_name = "TYPE")]
    direct: Vec<String>,
    /// Let in browsers from these pages alone, each as https://app.example
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let history = HistoryConfig { events: arguments.history, ..HistoryConfig::default() };
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| Failure::failed(format_args!("cannot listen on {}: {error}", arguments.listen)))?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let lifetime =
        arguments.token_seconds.map(Duration::try_from_secs_f64).transpose().map_err(Failure::usage)?;
    let handshake = Duration::try_from_secs_f64(arguments.handshake_seconds).map_err(Failure::usage)?;
    let direct = arguments.direct.iter().map(|topic| topic.as_str().into()).collect();
    let config = HubConfig { history, direct, handshake_timeout: handshake, ..HubConfig::default() };
    let mut builder = Hub::builder().config(config);
    if let Some(url) = &arguments.redis {
        let redis = Redis::durable(Retention::last(arguments.retention)).prefix(arguments.prefix.as_str());
        let redis = redis.connect(url).await.map_err(unconnected)?;
        builder = builder.behind(redis).map_err(Failure::failed)?;
    }
    // Not by clap, which would print what it cannot read.
    let members: Result<Vec<_>, _> = arguments.tokens.iter().map(|text| Member::parse(text)).collect();
    let members =
        members.map_err(|error| Failure::usage(format_args!("a --token is no NAME=TOKEN: {error}")))?;
    let is_open = arguments.anonymous || members.is_empty();
    if !members.is_empty() {
        builder = builder.authenticate(members::verify(members, lifetime)).anonymous(arguments.anonymous);
    }
    if !arguments.origins.is_empty() {
        builder = builder.allowed_origins(arguments.origins);
    }
    let hub = builder.start();

    // Before anybody hears that it listens, and may end it.
    let interrupt = interrupt().map_err(Failure::failed)?;
    let mut stdout = io::stdout();
    // Whoever started it may not read on.
    let _ = writeln!(stdout, "listening on {address}").and_then(|()| stdout.flush());

    // What the page shows is not for everybody, where not everybody is let in.
    let app = if is_open { web::router(&hub) } else { web::events(&hub) };
    let closing = async {
        interrupt.await;
        hub.close().await;
    };
    serve(listener, app, handshake, closing).await;
    Ok(())
}

/// Ready at an interrupt, or when the process is asked to end, from now on.
#[cfg(unix)]
fn interrupt() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interrupt() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
