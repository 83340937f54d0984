//! A week of earthquakes as typed events: `cargo run --example quakes`, or with `-- --help`.
//!
//! One publisher replays a file; seven subscribers follow what concerns them, each a task with a stream, and each
//! in a file of its own. Where to look:
//!
//! | | |
//! |---|---|
//! | `events` | the event map: topics, payloads, a typed id |
//! | `feed`, `replay` | reading and checking the file; publishing it |
//! | `networks`, `world` | a topic |
//! | `california` | two ids of a topic |
//! | `days`, `alerts` | some topics, as an enum with an exhaustive `match` |
//! | `ledger` | all topics |
//! | `newest` | one that may lose events, and counts what it lost |
//! | `watch`, `clock` | `--watch`: joins, groups and windows, by the time of the replay |
//! | `view`, `layout`, `live`, `mark`, `screen` | what is watched, as it is drawn |
//! | `page`, `chart`, `coast`, `progress`, `terminal`, `calendar`, `options` | what is not about events |

mod alerts;
mod calendar;
mod california;
mod chart;
mod clock;
mod coast;
mod days;
mod deliveries;
mod events;
mod feed;
mod layout;
mod ledger;
mod live;
mod mark;
mod networks;
mod newest;
mod options;
mod page;
mod progress;
mod replay;
mod screen;
mod subscriber;
mod terminal;
mod view;
mod watch;
mod world;

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use pubsub::prelude::*;
use tokio::signal::ctrl_c;
use tokio::time::sleep;

use crate::calendar::Timestamp;
use crate::clock::{Clock, Pace};
use crate::deliveries::Deliveries;
use crate::events::QuakeEvent;
use crate::feed::{Feed, Record};
use crate::options::{BadOption, HELP, Options, Request, Source};
use crate::page::Page;
use crate::progress::Progress;

/// The week that comes with the example, from wherever this is started.
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/earthquakes.jsonl");

/// What a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// One thread is plenty, and shows that the bus asks for no more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Request::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => finish(print(HELP).map(|()| ExitCode::SUCCESS)),
        Ok(Request::Replay(options)) if options.watch && !terminal::moves_a_cursor(&io::stdout()) => {
            refuse(&BadOption::NoTerminal)
        }
        Ok(Request::Replay(options)) => finish(run(options).await),
        Err(bad) => refuse(&bad),
    }
}

/// What did not go well has been told, and is in the exit status.
async fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let feed = read(&options.source)?;
    for line in &feed.malformed {
        complain(&line.to_string());
    }
    let skipped = feed.malformed.len();
    if skipped > 0 {
        complain(&format!("lines skipped: {skipped}"));
    }
    let is_clean = if options.watch {
        tokio::select! {
            // First, so that the interrupt is waited for before the screen is another one. The tasks are dropped with
            // the runtime, and with the task that draws its screen.
            biased;
            interrupt = ctrl_c() => return interrupt.map(|()| ExitCode::from(INTERRUPTED)).map_err(Into::into),
            shown = show(feed.records, &options) => shown?,
        }
    } else {
        show(feed.records, &options).await?
    };
    Ok(if skipped == 0 && is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Gives whether every subscriber read everything.
async fn show(records: Vec<Record>, options: &Options) -> Result<bool, Box<dyn Error>> {
    let total = records.len() as u64;
    let clock = Clock::new(records.first().map_or_else(Timestamp::default, |first| first.quake.time));
    let progress = if options.watch { Progress::hidden() } else { Progress::new(total) };

    let bus = PubSub::<QuakeEvent>::default();
    let networks = networks::follow(&bus).await?;
    let world = world::follow(&bus).await?;
    let days = days::follow(&bus).await?;
    let alerts = alerts::follow(&bus).await?;
    let california = california::follow(&bus).await?;
    let ledger = ledger::follow(&bus).await?;
    let newest = newest::follow(&bus, progress).await?;
    let watch = if options.watch { Some(watch::follow(&bus, &clock, total).await?) } else { None };

    let published = replay::replay(&bus, records, Pace::new(clock, options.speed)).await?;
    // What was published is still on its way to who reads slowly; what nobody reads in five seconds is reported.
    let report = bus.close().until(sleep(Duration::from_secs(5))).await;

    let (networks, world, days, alerts) = (networks.await?, world.await?, days.await?, alerts.await?);
    let (california, ledger, newest) = (california.await?, ledger.await?, newest.await?);
    if let Some(watch) = watch {
        watch.await?;
    }

    let mut page = Page::new(terminal::columns(&io::stdout()), terminal::has_colours(&io::stdout()));
    networks.title(&mut page);
    world.show(&mut page);
    networks.show(&mut page);
    days.show(&mut page);
    alerts.show(&mut page);
    california.show(&mut page);
    Deliveries {
        topics: ledger.topics(),
        rows: [
            ("networks", "quake.reported", networks.received),
            ("world", "quake.reported", world.received),
            ("days", "quake.reported, day.ended", days.received),
            ("alerts", "quake.felt, tsunami.flagged", alerts.received),
            ("california", "quake.reported, ids ci and nc", california.received),
            ("ledger", "everything", ledger.received),
            ("newest", "quake.reported, drops oldest", newest),
        ],
    }
    .show(&mut page);
    page.gap();
    let received = networks.received;
    page.plain(&format!("published {published} delivered {} missed {}", received.delivered, received.missed));
    if !report.is_clean() {
        complain(&format!("not everything was read: {report}"));
    }
    print(&page.into_text())?;
    Ok(report.is_clean())
}

fn read(source: &Source) -> Result<Feed, String> {
    let file = |path: &Path| {
        let feed = File::open(path).and_then(|file| Feed::read(BufReader::new(file)));
        feed.map_err(|error| format!("cannot read `{}`: {error}", path.display()))
    };
    match source {
        Source::BuiltIn => file(Path::new(BUILT_IN)),
        Source::File(path) => file(path),
        Source::Stdin => {
            let feed = Feed::read(io::stdin().lock());
            feed.map_err(|error| format!("cannot read standard input: {error}"))
        }
    }
}

/// Prints to standard output. Whoever closes it early (`| head`) has seen enough: that is no error.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}").into()),
        _ => Ok(()),
    }
}

/// Says on standard error what is wrong; `eprintln!` would panic where nobody listens.
fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "quakes: {what}");
}

fn refuse(bad: &BadOption) -> ExitCode {
    complain(&format!("{bad}; `--help` lists what there is"));
    ExitCode::from(2)
}

fn finish(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        complain(&error.to_string());
        ExitCode::FAILURE
    })
}
