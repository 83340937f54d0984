//! What a subscriber gets that was away: everything, once and in order, or exactly what it did not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt as _;
use pubsub::prelude::*;
use pubsub::websocket::{CloseCode, HistoryConfig, HubConfig, HubConnection, HubEvent, OutboxConfig};
use pubsub::{Gap, GapReason, Hub};
use pubsub_tests::hub::{address, connected, hub_with, lost};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::raw::{Raw, frame};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::auditor::Published;
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, Numbers, publish};
use crate::reading::{account_without_gaps, next, story};
use crate::world::{Work, patient, routes, spoke, spoke_at, steady_spoke};

/// Cuts the connection, and does something before it can come back. Then it comes back, maybe somewhere else.
async fn while_away<T>(proxy: &Proxy, bus: &PubSub<App>, comes_to: &Hub, act: impl Future<Output = T>) -> T {
    leave(proxy, bus).await;
    let done = act.await;
    come_back(proxy, bus, comes_to).await;
    done
}

async fn leave(proxy: &Proxy, bus: &PubSub<App>) {
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    lost(bus).await;
}

async fn come_back(proxy: &Proxy, bus: &PubSub<App>, to: &Hub) {
    proxy.change(|weather| (weather.refuses, weather.target) = (false, address(to)));
    connected(bus).await;
}

async fn spoke_behind(proxy: &Proxy) -> PubSub<App> {
    spoke_at(proxy.address, steady_spoke()).await
}

/// Kicked again and again, in every way, while events are published: no gap and no duplicate.
pub(crate) async fn recovery_storm(mut work: Work) -> Outcome {
    // No more than is kept, as a client may be away all the time; and each comes back for all of them, again and again.
    let events = work.of(2000).min(work.world.history).min(2000);
    let (first, second) = (work.random.fork(), work.random.fork());
    let [hub, one, other] = work.world.hubs();
    let (at_one, at_pair) =
        futures::try_join!(storm([hub, hub], events, first), storm([one, other], events, second))?;
    Ok(format!("{events} events through {at_one} and {at_pair} kicks"))
}

async fn storm(hubs: [&Hub; 2], events: u64, mut random: Rng) -> Result<u64, Mismatch> {
    let topic = App::RECOVERY_STORM;
    let proxy = Proxy::to(address(hubs[0])).await;
    let bound = usize::try_from(events).or_mismatch("a bound")?;
    let mut readers = Vec::new();
    for _ in 0..3 {
        let bus = spoke_behind(&proxy).await;
        let reader = bus.subscribe(topic).bound(bound).await.or_mismatch("it is subscribed")?;
        readers.push((bus, reader));
    }
    let source = spoke(hubs[1]).await;
    let kicks = AtomicU64::new(0);
    let publishing = async {
        for number in 0..events {
            if number + 1 == events {
                until("a kick before the last event", || kicks.load(Ordering::Relaxed) > 0).await?;
            }
            publish(&source, topic, "source", number..number + 1).await?;
            if number % 8 == 0 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        Ok::<_, Mismatch>(())
    };
    let kicking = async {
        loop {
            sleep(Duration::from_millis(random.u64(5..40))).await;
            let there = followers(hubs, topic);
            match random.u8(..3) {
                0 => proxy.cut(),
                1 => {
                    let target = address(hubs[random.usize(..2)]);
                    proxy.change(|weather| weather.target = target);
                    proxy.cut();
                }
                _ => there.iter().for_each(|connection| kick(connection, &mut random)),
            }
            kicks.fetch_add(u64::from(!there.is_empty()), Ordering::Relaxed);
        }
    };
    tokio::select! {
        published = publishing => published?,
        () = kicking => {}
    }
    let published = Published::from([("source".to_owned(), events)]);
    for (_bus, reader) in &mut readers {
        account_without_gaps(reader, &published).await?;
    }
    Ok(kicks.into_inner())
}

/// Those at the hubs who follow it.
fn followers(hubs: [&Hub; 2], topic: Numbers) -> Vec<HubConnection> {
    let follows = |address: &pubsub::Address| address.topic() == topic.name();
    let mut all: Vec<_> = hubs.iter().flat_map(|hub| hub.connections()).collect();
    all.retain(|connection| connection.topics().iter().any(follows));
    all
}

/// The hub sends it away, with a code that lets it come back.
fn kick(connection: &HubConnection, random: &mut Rng) {
    const CODES: [CloseCode; 4] =
        [CloseCode::Reconnect, CloseCode::ServerError, CloseCode::SlowConsumer, CloseCode::InsufficientState];
    connection.disconnect(CODES[random.usize(..CODES.len())]);
}

/// A position is known before the first event is.
pub(crate) async fn recover_with_zero_events_seen(mut work: Work) -> Outcome {
    let [hub, one, other] = work.world.hubs();
    // The pair is one bus: it comes back to the other.
    let ways = [(hub, hub), (one, other), (other, one)];
    let rounds = work.of(10).max(3);
    let topic = App::RECOVER_WITH_ZERO_EVENTS_SEEN;
    for (round, (from, to)) in (0..rounds).zip(ways.into_iter().cycle()) {
        let id = format!("{round}");
        let proxy = Proxy::to(address(from)).await;
        let bus = spoke_behind(&proxy).await;
        let mut reader = bus.subscribe(topic.id(&*id)).await.or_mismatch("it is subscribed")?;
        let (source, events) = (PubSub::<App>::new(to.transport()), work.random.u64(1..5));
        while_away(&proxy, &bus, to, publish(&source, topic, &id, 0..events)).await?;
        account_without_gaps(&mut reader, &Published::from([(id, events)])).await?;
    }
    Ok(format!("{rounds} rounds"))
}

/// A hub that starts anew has another history.
pub(crate) async fn epoch_change_is_a_gap(work: Work) -> Outcome {
    let rounds = work.of(8).max(2);
    let mut hub = hub_with(patient()).await;
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke_behind(&proxy).await;
    let mut readers = Vec::new();
    for subscribing in [bus.subscribe(App::NUMBER.id("a")), bus.subscribe(App::OTHER)] {
        readers.push(subscribing.await.or_mismatch("it is subscribed")?);
    }
    for round in 0..rounds {
        for topic in [App::NUMBER, App::OTHER] {
            publish(&bus, topic, "a", 2 * round..2 * round + 1).await?;
        }
        for reader in &mut readers {
            same("its event", next(reader).await?.payload, 2 * round)?;
        }
        let mut raw = Raw::connect(address(&hub)).await?;
        let known = subscribe_since(&mut raw, "number", None).await?;
        // Somebody else may have its port before the next hub has one.
        proxy.change(|weather| weather.refuses = true);
        // Closed, or gone at once.
        if round % 2 == 0 {
            in_time("the end of a hub", hub.close()).await?;
        }
        drop(hub);
        lost(&bus).await;
        hub = hub_with(patient()).await;
        come_back(&proxy, &bus, &hub).await;
        for topic in [App::NUMBER, App::OTHER] {
            publish(&bus, topic, "a", 2 * round + 1..2 * round + 2).await?;
        }
        let epoch = Gap::new(GapReason::Epoch, None);
        for reader in &mut readers {
            same("a gap, and the next event", story(reader).await?, (vec![epoch], 2 * round + 1))?;
        }
        let mut raw = Raw::connect(address(&hub)).await?;
        let answer = subscribe_since(&mut raw, "number", Some(&known)).await?;
        let said = (&answer["recovered"], &answer["gap"], &answer["replay"]);
        same("what a foreign client hears", said, (&json!(false), &json!("epoch"), &json!(0)))?;
    }
    for reader in &readers {
        same("gaps in all", reader.gaps(), rounds)?;
    }
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{rounds} starts"))
}

fn subscribe_command(topic: &str, known: Option<&Value>) -> String {
    let mut payload = json!({"topic": topic});
    if let Some(known) = known {
        payload["since"] = json!({"epoch": known["epoch"], "offset": known["offset"]});
    }
    json!({"type": "__subscribe", "id": "s", "payload": payload}).to_string()
}

/// The payload of `__subscribed`.
async fn subscribe_since(raw: &mut Raw, topic: &str, known: Option<&Value>) -> Result<Value, Mismatch> {
    raw.say(&subscribe_command(topic, known)).await?;
    let text = raw.text().await?;
    let mut answer: Value = serde_json::from_str(&text).or_mismatch("JSON")?;
    holds(answer["type"] == "__subscribed", "__subscribed", || text)?;
    Ok(answer["payload"].take())
}

/// Where what is replayed meets what is live, nothing comes twice and nothing is lost.
pub(crate) async fn boundary_event_replayed_once(mut work: Work) -> Outcome {
    let rounds = work.of(30);
    let topic = App::BOUNDARY_EVENT_REPLAYED_ONCE;
    let mut total = 0;
    for place in 0..2 {
        let hubs = work.world.hubs();
        let hubs = [[hubs[0], hubs[0]], [hubs[1], hubs[2]]][place];
        let id = format!("{place}");
        let proxy = Proxy::to(address(hubs[0])).await;
        let bus = spoke_behind(&proxy).await;
        let mut reader =
            bus.subscribe(topic.id(&*id)).bound(1 << 16).await.or_mismatch("it is subscribed")?;
        let source = spoke(hubs[1]).await;
        let mut number = 0;
        let mut some = |random: &mut Rng| {
            let begin = number;
            number += random.u64(1..6);
            begin..number
        };
        for _ in 0..rounds {
            publish(&source, topic, &id, some(&mut work.random)).await?;
            leave(&proxy, &bus).await;
            publish(&source, topic, &id, some(&mut work.random)).await?;
            let to = hubs[work.random.usize(..2)];
            let meanwhile = publish(&source, topic, &id, some(&mut work.random));
            let (published, ()) = tokio::join!(meanwhile, come_back(&proxy, &bus, to));
            published?;
        }
        total += account_without_gaps(&mut reader, &Published::from([(id, number)])).await?;
    }
    Ok(format!("{total} events, {} times away", 2 * rounds))
}

/// What the history has is replayed, or it is said how much is missing; never a part of it.
pub(crate) async fn history_evicted_says_so(mut work: Work) -> Outcome {
    // At least those that chance seldom makes: one more than is kept, and as many.
    let (rounds, kept) = (work.of(30).max(2), work.random.u64(3..12));
    let history =
        HistoryConfig { events: usize::try_from(kept).or_mismatch("a bound")?, ..HistoryConfig::default() };
    let hub = hub_with(HubConfig { history, ..patient() }).await;
    let source = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke_behind(&proxy).await;
    let mut reader = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    let (mut number, mut gaps, mut missed) = (0, 0, 0);
    for round in 0..rounds {
        leave(&proxy, &bus).await;
        until("nobody at the hub", || hub.subscriptions() == 0).await?;
        let count = match round {
            0 => kept + 1,
            1 => kept,
            _ => work.random.u64(1..2 * kept),
        };
        publish(&source, App::NUMBER, "a", number..number + count).await?;
        come_back(&proxy, &bus, &hub).await;
        until("a subscription at the hub", || hub.subscriptions() == 1).await?;
        publish(&source, App::NUMBER, "a", number + count..number + count + 1).await?;
        if count > kept {
            let gap = Gap::new(GapReason::Evicted, Some(count));
            same("a gap, and the next event", story(&mut reader).await?, (vec![gap], number + count))?;
            (gaps, missed) = (gaps + 1, missed + count);
        } else {
            for number in number..=number + count {
                same("no gap, and the next event", story(&mut reader).await?, (vec![], number))?;
            }
        }
        number += count + 1;
    }
    same("gaps, and events missed, in all", (reader.gaps(), reader.missed()), (gaps, missed))?;
    drop((bus, reader));
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{gaps} gaps of {missed} events in {rounds} rounds"))
}

/// More is replayed than the queue of a connection holds: it goes through, once, and on one connection.
pub(crate) async fn replay_larger_than_queue_does_not_loop(work: Work) -> Outcome {
    // Many times what the queue holds, also where little is to be done.
    let events = work.of(4000).max(400);
    let outbox = OutboxConfig { bytes: 4096, hard_bytes: 16 * 1024, answer_bytes: 16 * 1024 };
    let hub = hub_with(HubConfig { outbox, ..patient() }).await;
    let source = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let bus = spoke_behind(&proxy).await;
    let bound = usize::try_from(events).or_mismatch("a bound")?;
    let mut reader = bus.subscribe(App::NUMBER).bound(bound).await.or_mismatch("it is subscribed")?;
    let mut happens = hub.events();
    leave(&proxy, &bus).await;
    while !matches!(
        in_time("an end", happens.next()).await?.or_mismatch("a hub that goes on")?,
        HubEvent::Disconnected { .. }
    ) {}
    publish(&source, App::NUMBER, "a", 0..events).await?;
    come_back(&proxy, &bus, &hub).await;
    account_without_gaps(&mut reader, &Published::from([("a".to_owned(), events)])).await?;
    let (mut came, mut went) = (0, 0);
    while let Some(Some(event)) = happens.next().now_or_never() {
        match event {
            HubEvent::Connected(_) => came += 1,
            HubEvent::Disconnected { .. } => went += 1,
            _ => {}
        }
    }
    same("connections that came, and went", (came, went), (1, 0))?;
    same("slow consumers", hub.stats().slow_consumers, 0)?;
    drop((bus, reader));
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{events} events through a queue of 4 KiB"))
}

/// Who has left in the middle of a replay gets nothing after the answer.
pub(crate) async fn unsubscribe_during_replay_delivers_nothing_after(mut work: Work) -> Outcome {
    // As large as a message may be, and together more than sockets hold of what nobody reads.
    const EVENTS: u64 = 128;
    let filling = "x".repeat(60_000);
    let rounds = work.of(12).max(2);
    let topic = App::UNSUBSCRIBE_DURING_REPLAY_DELIVERS_NOTHING_AFTER;
    // A hub alone keeps all that for good, and this one not for longer than it is asked.
    let alone = hub_with(patient()).await;
    let (mut least, mut most) = (u64::MAX, 0);
    for hub in [&alone, &work.world.pair[0]] {
        let source = PubSub::<App>::new(hub.transport());
        let publish = async |number: u64| {
            let publishing = source.publish(topic, "a", format!("{number} {filling}"));
            in_time("answer", publishing).await?.or_mismatch("it is accepted")
        };
        let mut raw = Raw::connect(address(hub)).await?;
        let known = subscribe_since(&mut raw, topic.name(), None).await?;
        drop(raw);
        for number in 0..EVENTS {
            publish(number).await?;
        }
        for round in 0..rounds {
            let all = EVENTS + round;
            // A socket of which much was read holds more.
            let mut raw = Raw::connect(address(hub)).await?;
            if round % 2 == 0 {
                // Both at once, so that nothing is replayed yet.
                let both = [subscribe_command(topic.name(), Some(&known)), unsubscribe(topic.name())];
                raw.bytes(&both.map(|command| frame(0x81, command.as_bytes())).concat()).await?;
                let text = raw.text().await?;
                holds(text.contains("__subscribed"), "__subscribed", || text)?;
                replayed(&mut raw, 0).await?;
            } else {
                let answer = subscribe_since(&mut raw, topic.name(), Some(&known)).await?;
                same("events to be replayed", &answer["replay"], &json!(all))?;
                let read = work.random.u64(1..5);
                for number in 0..read {
                    same("the next event", number_of(&raw.text().await?)?, number)?;
                }
                raw.say(&unsubscribe(topic.name())).await?;
                // It reads nothing more before the hub has heard that.
                until("no subscription at the hub", || routes(hub, topic.name()) == 0).await?;
                let count = replayed(&mut raw, read).await?;
                holds(count < all, "an end in the middle of the replay", || format!("all {all} events"))?;
                (least, most) = (least.min(count), most.max(count));
            }
            publish(all).await?;
            same("messages after the answer", raw.until_pong().await?.len(), 0)?;
        }
    }
    in_time("the end of a hub", alone.close()).await?;
    Ok(format!("{} times after none, or {least} to {most}, of {EVENTS} and more events", 2 * rounds))
}

fn unsubscribe(topic: &str) -> String {
    json!({"type": "__unsubscribe", "id": "u", "payload": {"topic": topic}}).to_string()
}

/// What still comes before the answer to an `__unsubscribe`, in order. The number that would be next.
async fn replayed(raw: &mut Raw, mut number: u64) -> Result<u64, Mismatch> {
    loop {
        let text = raw.text().await?;
        if text.contains("__unsubscribed") {
            return Ok(number);
        }
        same("the next event", number_of(&text)?, number)?;
        number += 1;
    }
}

fn number_of(event: &str) -> Result<u64, Mismatch> {
    let event: Value = serde_json::from_str(event).or_mismatch("JSON")?;
    let number = event["payload"].as_str().and_then(|text| text.split_once(' ')?.0.parse().ok());
    number.or_mismatch("the number of an event")
}
