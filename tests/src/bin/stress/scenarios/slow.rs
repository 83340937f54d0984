//! Clients that do not read.

use std::time::Duration;

use pubsub::prelude::*;
use pubsub::websocket::{HistoryConfig, HubConfig, HubConnection, OutboxConfig, Overflow as AtHub};
use pubsub::{Delivery, Hub};
use pubsub_tests::hub::{address, hub_with};
use pubsub_tests::raw::{Heard, Raw, subscribe};
use serde_json::{Value, json};

use crate::auditor::{Auditor, Published};
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, publish};
use crate::reading::{delivery, next, tell};
use crate::world::{Work, patient, spoke};

const QUEUE: usize = 64 * 1024;
const HARD: usize = 128 * 1024;

/// A hub whose queues hold little, and who finds out that somebody does not read by nothing else.
async fn narrow_hub(overflow: AtHub) -> Hub {
    let outbox = OutboxConfig { bytes: QUEUE, hard_bytes: HARD, ..OutboxConfig::default() };
    let history = HistoryConfig { events: 16, ..HistoryConfig::default() };
    let stall_timeout = Duration::from_secs(2);
    hub_with(HubConfig { outbox, overflow, history, stall_timeout, ..patient() }).await
}

/// Clients that follow the texts, and read nothing after the answer. The hub's handles on them are those that have come last.
async fn stalled(hub: &Hub, count: u64) -> Result<Vec<(Raw, HubConnection)>, Mismatch> {
    let mut all = Vec::new();
    for _ in 0..count {
        let before = hub.connections();
        let mut raw = Raw::connect(address(hub)).await?;
        raw.say(&subscribe(App::TEXT.name())).await?;
        raw.text().await?;
        let new = hub.connections().into_iter().find(|one| !before.contains(one));
        all.push((raw, new.or_mismatch("a connection at the hub")?));
    }
    Ok(all)
}

/// Publishes texts, numbered from `first`, until the condition holds, with a neighbour that gets every one of them. The next number.
async fn flood(hub: &Hub, first: u64, mut until: impl FnMut() -> bool) -> Result<u64, Mismatch> {
    let bus = spoke(hub).await;
    let mut neighbour = bus.subscribe(App::TEXT).await.or_mismatch("it is subscribed")?;
    let mut number = first;
    while !until() {
        holds(number < 20_000, "an end of the flood", || format!("none after {number} texts"))?;
        let text = format!("{number:016384}");
        in_time("answer", bus.publish(App::TEXT, "a", text.clone())).await?.or_mismatch("it is accepted")?;
        let event = in_time("an event", neighbour.next()).await?.or_mismatch("a neighbour that goes on")?;
        holds(event.missed == 0 && event.payload == text, "each text at the neighbour", || {
            format!("{} missed before {}", event.missed, event.payload.trim_start_matches('0'))
        })?;
        number += 1;
    }
    Ok(number)
}

/// Closed with 4002; its memory is bounded, its routes are released, and the neighbours are not affected.
pub(crate) async fn slow_consumer(work: Work) -> Outcome {
    let hub = narrow_hub(AtHub::Disconnect).await;
    let mut slow = stalled(&hub, work.of(4).max(2)).await?;
    let mut most = 0;
    let count = flood(&hub, 0, || {
        most = slow.iter().map(|(_, connection)| connection.queued_bytes()).max().unwrap_or(0).max(most);
        !slow.iter().any(|(_, connection)| connection.is_connected())
    })
    .await?;
    holds(most <= HARD, "at most 128 KiB in a queue", || format!("{most} bytes"))?;
    until("no route", || hub.subscriptions() == 0).await?;
    same("slow consumers counted", hub.stats().slow_consumers, slow.len() as u64)?;
    for (raw, _) in &mut slow {
        same("the code that it is closed with", raw.closed().await?, 4002)?;
    }
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{} closed after {count} texts, at most {most} bytes waited", slow.len()))
}

/// What a reader is too slow for is counted and told where it is missing, and what follows comes.
pub(crate) async fn lag_is_a_typed_gap_and_the_loop_goes_on(mut work: Work) -> Outcome {
    let at_hub = lag_at_the_hub(&work).await?;
    let here = lag_at_the_spoke(&mut work).await?;
    Ok(format!("{at_hub} dropped at the hub, {here} at the spoke"))
}

async fn lag_at_the_hub(work: &Work) -> Result<u64, Mismatch> {
    let hub = narrow_hub(AtHub::DropOldest).await;
    let mut slow = stalled(&hub, work.of(2)).await?;
    // So long that the sockets take no more, and much was dropped.
    let mut full_for = 0;
    let count = flood(&hub, 0, || {
        let is_full = slow.iter().all(|(_, connection)| connection.queued_bytes() > QUEUE / 2);
        full_for = if is_full { full_for + 1 } else { 0 };
        full_for > 20
    })
    .await?;
    for (_, connection) in &slow {
        let queued = connection.queued_bytes();
        holds(queued <= QUEUE + 1024, "at most 64 KiB in a queue", || format!("{queued} bytes"))?;
    }
    let mut dropped = 0;
    for (raw, _) in &mut slow {
        let mut auditor = Auditor::default();
        let published = Published::from([("a".to_owned(), count)]);
        while !auditor.has_all(&published) {
            let Heard::Text(text) = raw.hear().await? else {
                return Err(Mismatch::new("an event or a gap", "an end"));
            };
            let message: Value = serde_json::from_str(&text).or_mismatch("JSON")?;
            if message["type"] == "__gap" {
                let gap = &message["payload"];
                same("why", (&gap["reason"], &gap["topic"]), (&json!("overflow"), &json!("text")))?;
                auditor.gap(gap["missed"].as_u64());
            } else {
                let number = message["payload"].as_str().and_then(|text| text.parse().ok());
                let number: u64 = number.or_mismatch("a number")?;
                auditor.event("a", number)?;
            }
        }
        dropped += auditor.finish(&published)?.missed;
    }
    holds(dropped > 0, "something dropped", || "nothing".to_owned())?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(dropped)
}

async fn lag_at_the_spoke(work: &mut Work) -> Result<u64, Mismatch> {
    let hub = hub_with(patient()).await;
    let source = PubSub::<App>::new(hub.transport());
    let bus = spoke(&hub).await;
    let bound = work.random.usize(1..32);
    let mut slow = bus.subscribe(App::NUMBER).bound(bound).await.or_mismatch("it is subscribed")?;
    let mut quick = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    let (mut auditor, mut number) = (Auditor::default(), 0);
    for _ in 0..work.of(50) {
        for _ in 0..work.random.usize(1..3 * bound) {
            publish(&source, App::NUMBER, "a", number..number + 1).await?;
            same("each event at the neighbour", next(&mut quick).await?.payload, number)?;
            number += 1;
        }
        // Now and then it reads a little.
        for _ in 0..work.random.usize(..=bound).min(slow.len()) {
            tell(&mut auditor, delivery(&mut slow).await?)?;
        }
    }
    // More than it holds, while nobody reads.
    for _ in 0..=bound {
        publish(&source, App::NUMBER, "a", number..number + 1).await?;
        same("each event at the neighbour", next(&mut quick).await?.payload, number)?;
        number += 1;
    }
    let published = Published::from([("a".to_owned(), number)]);
    while !auditor.has_all(&published) {
        let one = delivery(&mut slow).await?;
        holds(!matches!(one, Delivery::Gap(_)), "lag, or an event", || format!("{one:?}"))?;
        tell(&mut auditor, one)?;
    }
    let auditor = auditor.finish(&published)?;
    holds(auditor.missed > 0, "something missed", || "nothing".to_owned())?;
    same("missed, as the subscription counts it", slow.missed(), auditor.missed)?;
    drop((bus, slow, quick));
    in_time("the end of a hub", hub.close()).await?;
    Ok(auditor.missed)
}
