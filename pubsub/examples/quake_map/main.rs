//! A world map in the browser, on which the quakes of a week appear as they happened:
//! `cargo run --example quake_map --features axum`, or with `-- --help`.
//!
//! The server has a hub, and publishes to it by a bus. The page is a visitor like any other: it follows the same topics by the
//! hub's own `pubsub.js`, is told of what it lost, and comes back when the server does. Whoever opens it in the middle of the
//! week gets what was before by position, joined to what comes.
//!
//! | | |
//! |---|---|
//! | `events` | the event map |
//! | `replay` | the publisher |
//! | `page`, `page/` | what the browser gets |
//! | `land.mjs` | how `page/land.js` was made |

mod events;
mod options;
mod page;
mod replay;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use pubsub::prelude::*;
use pubsub::websocket::{Action, HistoryConfig, HubConfig, Permission};
use pubsub::{ErrorCode, Hub, Rejection, web};
use tokio::net::TcpListener;

use crate::events::{QuakeEvent, feed};
use crate::options::{HELP, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => serve(options).await,
        Ok(None) => say(HELP).map_err(Into::into),
        Err(wrong) => {
            let _ = writeln!(io::stderr(), "quake_map: {wrong}; `--help` lists what there is");
            return ExitCode::from(2);
        }
    };
    result.map_or_else(
        |error| {
            let _ = writeln!(io::stderr(), "quake_map: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

async fn serve(options: Options) -> Result<(), Box<dyn Error>> {
    let week = feed()?;
    // All of a week can be replayed, to whoever comes at its end.
    let history = HistoryConfig { events: week.len(), replay: week.len(), ..HistoryConfig::default() };
    let config = HubConfig { history, ..HubConfig::default() };
    let hub = Hub::builder().config(config).authorize(async |_, wanted| may(&wanted)).start();
    let bus = PubSub::<QuakeEvent>::new(hub.transport());
    let app = page::router().nest("/hub", web::router(&hub));

    let listener = TcpListener::bind(options.listen).await?;
    say(&format!("listening on http://{}/\n", listener.local_addr()?))?;
    let server = async { axum::serve(listener, app).await };
    tokio::select! {
        served = server => served?,
        stopped = replay::replay(&hub, &bus, &week, &options.pace) => match stopped? {},
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // Visitors are told when to come back.
    bus.close().await;
    hub.close().await;
    Ok(())
}

/// Visitors may follow what there is, and publish nothing: what the map shows comes from this process.
fn may(wanted: &Permission) -> Result<(), Rejection> {
    let is_known = QuakeEvent::TOPICS.iter().any(|topic| topic.name == wanted.address.topic());
    if wanted.action == Action::Subscribe && is_known {
        return Ok(());
    }
    Err(Rejection::new(ErrorCode::Denied, "this hub is there to follow quakes"))
}

/// Prints to standard output, at once: whoever started this waits for the address.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}
