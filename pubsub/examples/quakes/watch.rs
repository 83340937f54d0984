//! `--watch`: follows the week as it happens, by the operators that split, relate and merge streams.
//!
//! | on the screen | operators |
//! |---|---|
//! | reports of each network, by the hour | `group_by` the network, a `window_within` for each, `flat_merge` |
//! | what was felt, and the quake that it was | `join` by the id of the quake |
//! | the newest strong one | `filter_payload` |
//! | all of it, as it comes | `map`, `merge` |
//!
//! Hours are those of the replay (`clock`), so that a window holds the same at any speed. The publisher moves that
//! clock, and an event arrives when it is read: so these subscriptions have a [`BOUND`] that keeps the publisher
//! close, and `--watch` is right also where it is as fast as it goes.

use std::time::Duration;

use futures::Stream;
use pubsub::operators::{Flow, Groups, OnFull, StreamOps, Within};
use pubsub::prelude::*;
use tokio::spawn;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::events::{FeltReport, Network, QuakeEvent, Report};
use crate::live::HOUR;
use crate::screen::Screen;
use crate::subscriber::Following;
use crate::view::View;

/// The publisher is at most one event ahead of who reads, and so is the clock.
const BOUND: usize = 1;
/// From this magnitude on a quake is strong.
const STRONG: f64 = 5.0;
/// How long a window of a rate is; one begins every hour.
const SPAN: Duration = HOUR.saturating_mul(6);
/// Networks at a time; there are far fewer.
const NETWORKS: usize = 256;
/// Reports in a window, and those that a join remembers; there are far fewer.
const MOST: usize = 4_096;
/// Ten frames a second are enough for an eye, and little for a terminal.
const FRAME: Duration = Duration::from_millis(100);

/// What changes the picture.
pub(crate) enum Change {
    Reported(Report),
    Rate(Rate),
    Felt(Felt),
    Strong(Report),
}

/// What a network reported in the [`SPAN`] that has just ended.
pub(crate) struct Rate {
    pub(crate) network: Network,
    pub(crate) reports: usize,
    pub(crate) strongest: f64,
}

/// A felt report, with its quake.
pub(crate) struct Felt {
    pub(crate) people: Event<FeltReport, Network>,
    pub(crate) quake: Report,
}

/// Draws until the bus is closed.
pub(crate) async fn follow(bus: &PubSub<QuakeEvent>, clock: &Clock, total: u64) -> Following<()> {
    let reports = || bus.subscribe(QuakeEvent::QUAKE_REPORTED).bound(BOUND);
    let felt = bus.subscribe(QuakeEvent::QUAKE_FELT).bound(BOUND).await?;

    let all = reports().await?.map(Change::Reported);
    let rates = rates(reports().await?, clock).map(Change::Rate);
    let felt = joined(felt, reports().await?, clock).map(Change::Felt);
    let strong = reports().await?.filter_payload(|quake| quake.magnitude >= STRONG).map(Change::Strong);
    let mut changes = Box::pin(all.merge(rates).merge(felt).merge(strong));

    let mut view = View::new(clock.clone(), total);
    Ok(spawn(async move {
        let mut screen = Screen::enter();
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(change) => view.apply(change),
                    None => break,
                },
                _ = frames.tick() => draw(&mut screen, &view),
            }
        }
        draw(&mut screen, &view);
    }))
}

fn draw(screen: &mut Screen, view: &View) {
    let frame = view.frame(screen.size());
    screen.draw(&frame);
}

/// For each network a window every hour, unless it reported nothing in [`SPAN`].
fn rates(reports: Subscription<Report>, clock: &Clock) -> Flow<impl Stream<Item = Rate> + use<>> {
    let groups = Groups { max: NETWORKS, per_group: BOUND, on_full: OnFull::Wait };
    let timer = clock.timer.clone();
    let windows = reports
        .group_by(groups, |report| report.id.clone())
        .map(move |network| network.flow().window_within(SPAN, HOUR, MOST, timer.clone()))
        .flat_merge(NETWORKS);
    windows.filter_map(|window| {
        let network = window.first()?.id.clone();
        let strongest = window.iter().map(|report| report.payload.magnitude).reduce(f64::max)?;
        Some(Rate { network, reports: window.len(), strongest })
    })
}

/// What people felt and what it was are published one after the other: an hour is plenty for them to meet.
fn joined(
    felt: Subscription<Event<FeltReport, Network>>,
    reports: Subscription<Report>,
    clock: &Clock,
) -> Flow<impl Stream<Item = Felt> + use<>> {
    let within = Within { span: HOUR, capacity: MOST, clock: clock.timer.clone() };
    felt.join(
        reports,
        within,
        |felt| felt.payload.quake.clone(),
        |report| report.payload.id.clone(),
        |felt, report| Felt { people: felt.clone(), quake: report.clone() },
    )
}
