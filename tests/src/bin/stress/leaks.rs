//! What is there of a world when nothing goes on in it: as much after the scenarios as before, or something was left behind.

use std::fmt;
use std::time::{Duration, Instant};

use pubsub::prelude::*;
use pubsub_tests::raw::{Raw, subscribe};
use pubsub_tests::waiting::DEADLINE;
use tokio::runtime::Handle;

use crate::check::{Mismatch, OrMismatch as _, Outcome, in_time, until};
use crate::events::{App, publish};
use crate::world::{World, spoke};

/// What this check is called beside the scenarios.
pub(crate) const NAME: &str = "nothing_left_behind";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    tasks: usize,
    threads: usize,
    sockets: usize,
    connections: usize,
    subscriptions: usize,
    /// Of the hubs behind Redis, which keep one while somebody follows it. The other hub keeps one of each topic, by intent.
    histories: usize,
    /// Channels and patterns that are followed at Redis, by the bus of the world that stays: those of others go with their
    /// connections. Who reads a stream is not among them.
    remote_subscriptions: usize,
    remote_connections: usize,
}

impl Left {
    pub(crate) fn of(world: &World) -> Self {
        let (channels, patterns) = world.redis.followed();
        let kept = world.pair.iter().flat_map(|hub| hub.stats().topics).filter(|topic| topic.history > 0);
        Self {
            tasks: Handle::current().metrics().num_alive_tasks(),
            threads: entries("/proc/self/task").count(),
            sockets: entries("/proc/self/fd").filter(is_socket).count(),
            connections: world.hubs().iter().map(|hub| hub.connections().len()).sum(),
            subscriptions: world.hubs().iter().map(|hub| hub.subscriptions()).sum(),
            histories: kept.count(),
            remote_subscriptions: channels.len() + usize::try_from(patterns).unwrap_or(usize::MAX),
            remote_connections: world.redis.cli(&["CLIENT", "LIST"]).lines().count(),
        }
    }

    fn all(&self) -> [(&'static str, usize); 8] {
        [
            ("tasks", self.tasks),
            ("threads", self.threads),
            ("sockets", self.sockets),
            ("connections", self.connections),
            ("subscriptions", self.subscriptions),
            ("histories", self.histories),
            ("remote subscriptions", self.remote_subscriptions),
            ("remote connections", self.remote_connections),
        ]
    }

    fn is_within(&self, baseline: &Self) -> bool {
        self.beyond(baseline).next().is_none()
    }

    /// What there is more of: what it is, how many there are, how many there were.
    fn beyond(&self, baseline: &Self) -> impl Iterator<Item = (&'static str, usize, usize)> {
        let pairs = self.all().into_iter().zip(baseline.all());
        pairs.map(|((what, now), (_, before))| (what, now, before)).filter(|(_, now, before)| now > before)
    }

    fn mismatch(&self, baseline: &Self) -> Mismatch {
        let beyond: Vec<_> = self.beyond(baseline).collect();
        let list =
            |one: fn(&(&str, usize, usize)) -> String| beyond.iter().map(one).collect::<Vec<_>>().join(", ");
        Mismatch::new(
            format!("no more than {}", list(|(what, _, before)| format!("{before} {what}"))),
            list(|(what, now, _)| format!("{now} {what}")),
        )
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all().map(|(what, count)| format!("{count} {what}"));
        f.write_str(&all.join(", "))
    }
}

/// Uses everything once, so that what is made at first use is there; then as little as there is.
pub(crate) async fn baseline(world: &World) -> Result<Left, Mismatch> {
    for hub in world.hubs() {
        let bus = spoke(hub).await;
        let mut all = in_time("an answer", bus.subscribe(All)).await?.or_mismatch("it is subscribed")?;
        let mut raw = Raw::connect(pubsub_tests::hub::address(hub)).await?;
        raw.say(&subscribe("crowd")).await?;
        raw.text().await?;
        publish(&bus, App::CROWD, "a", 0..1).await?;
        in_time("an event", all.next()).await?.or_mismatch("an event")?;
        in_time("the end of a bus", bus.close()).await?;
    }
    let mut own = world.channels.subscribe(All).await.or_mismatch("it is subscribed")?;
    publish(&world.channels, App::CROWD, "a", 0..1).await?;
    own.next().await.or_mismatch("an event")?;
    drop(own);
    let idle = || world.hubs().iter().all(|hub| hub.connections().is_empty());
    until("nobody is connected", idle).await?;
    // The least of a while: what goes on is what ends.
    let (mut least, mut since) = (Left::of(world), Instant::now());
    while since.elapsed() < SETTLED {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = Left::of(world);
        if now != least && now.is_within(&least) {
            (least, since) = (now, Instant::now());
        }
    }
    // Whatever is left of the first use: nobody is there, and nobody follows anything.
    Ok(Left { connections: 0, subscriptions: 0, histories: 0, remote_subscriptions: 0, ..least })
}

/// How long nothing has to become less before it is taken to be at rest. More than threads are kept for.
const SETTLED: Duration = Duration::from_secs(1);

/// Waits until no more is there than was before.
pub(crate) async fn check(world: &World, baseline: &Left) -> Outcome {
    let begun = Instant::now();
    loop {
        let now = Left::of(world);
        if now.is_within(baseline) {
            return Ok(now.to_string());
        }
        if begun.elapsed() > DEADLINE {
            return Err(now.mismatch(baseline));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn entries(folder: &str) -> impl Iterator<Item = std::fs::DirEntry> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}

fn is_socket(entry: &std::fs::DirEntry) -> bool {
    std::fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: Left = Left {
        tasks: 9,
        threads: 3,
        sockets: 12,
        connections: 0,
        subscriptions: 0,
        histories: 0,
        remote_subscriptions: 0,
        remote_connections: 7,
    };

    #[test]
    fn what_there_is_more_of_is_told_and_nothing_else() {
        let now = Left { tasks: 8, sockets: 14, remote_subscriptions: 1, ..BASELINE };
        assert!(BASELINE.is_within(&BASELINE) && !now.is_within(&BASELINE));
        assert_eq!(
            now.mismatch(&BASELINE),
            Mismatch::new(
                "no more than 12 sockets, 0 remote subscriptions",
                "14 sockets, 1 remote subscriptions"
            )
        );
    }
}
