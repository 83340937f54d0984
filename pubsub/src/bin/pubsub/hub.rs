//! `pubsub hub`: a hub as a process.

use std::io::{self, Write};

use clap::Args;
use pubsub::websocket::{HistoryConfig, HubConfig};
use pubsub::{Hub, web};
use tokio::net::TcpListener;

use crate::Failure;

/// Start a hub: WebSocket at /ws, server-sent events at /sse, the JavaScript client at /pubsub.js, a page at /
///
/// When it is ready it prints `listening on ADDR`. It keeps the last events of each type, so that clients that come back
/// get what they missed. An interrupt closes it in an orderly way.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// How many events of each type are kept
    #[arg(long, value_name = "EVENTS", default_value_t = HistoryConfig::default().events)]
    history: usize,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let history = HistoryConfig { events: arguments.history, ..HistoryConfig::default() };
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| Failure::failed(format_args!("cannot listen on {}: {error}", arguments.listen)))?;
    let address = listener.local_addr().map_err(Failure::failed)?;
    let hub = Hub::builder().config(HubConfig { history, ..HubConfig::default() }).start();

    let mut stdout = io::stdout();
    // Whoever started it may not read on.
    let _ = writeln!(stdout, "listening on {address}").and_then(|()| stdout.flush());

    let app = web::router(&hub);
    let closing = hub.clone();
    let interrupted = async move {
        interrupt().await;
        closing.close().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(interrupted).await.map_err(Failure::failed)
}

/// Ready at an interrupt, or when the process is asked to end.
async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
