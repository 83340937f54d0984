//! A Redis that is full of others, and one that is killed.

use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use futures::future::try_join_all;
use pubsub::prelude::*;
use pubsub::{BusError, ConnectionState, Delivery};
use pubsub_tests::hub::address;
use pubsub_tests::proxy::Proxy;
use pubsub_tests::server::Server;
use tokio::task::block_in_place;

use crate::auditor::Published;
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, publish};
use crate::reading::{Reader, account, delivery, story};
use crate::world::{Work, channels, hub_behind, patient, spoke, spoke_at, steady_spoke};

/// Each message that is none is one error, in its place, and costs no event.
pub(crate) async fn garbage_on_redis_channel(mut work: Work) -> Outcome {
    let (rounds, topic) = (work.of(500), App::GARBAGE_ON_REDIS_CHANNEL);
    let redis = &work.world.redis;
    let bus = channels(&redis.url()).await?;
    let mut errors = bus.errors();
    let mut one = bus.subscribe(topic.id("a")).bound(1 << 16).await.or_mismatch("it is subscribed")?;
    let mut whole = bus.subscribe(topic).bound(1 << 16).await.or_mismatch("it is subscribed")?;
    let channel = format!("{}:a", topic.name());
    // In order: the number of what is an event, and nothing for what is none.
    let mut sent = Vec::new();
    let mut foreign = block_in_place(|| redis.raw());
    let (mut events, mut read) = (0, 0);
    for _ in 0..rounds {
        let name = topic.name();
        let (message, number): (Vec<u8>, _) = match work.random.u8(..8) {
            0 => ((0..work.random.usize(..200)).map(|_| work.random.u8(..)).collect(), None),
            1 => (b"not json {".to_vec(), None),
            2 => (format!(r#"{{"type":"{name}","id":"a","payload":"seven"}}"#).into(), None),
            3 => (format!(r#"{{"type":"{name}","id":"b","payload":7}}"#).into(), None),
            4 => (br#"{"type":"__ping","id":"a","payload":7}"#.to_vec(), None),
            _ => {
                events += 1;
                let number = events - 1;
                (format!(r#"{{"type":"{name}","id":"a","payload":{number}}}"#).into(), Some(number))
            }
        };
        sent.push(number);
        let reached = block_in_place(|| foreign.publish(channel.as_bytes(), &message));
        holds(reached >= 1, "somebody who listens", || "nobody".to_owned())?;
        // As many errors are kept for a reader.
        if sent.len() - read == 64 {
            told(&mut [&mut one, &mut whole], &sent[read..]).await?;
            read = sent.len();
        }
    }
    publish(&bus, topic, "a", events..events + 1).await?;
    sent.push(Some(events));
    told(&mut [&mut one, &mut whole], &sent[read..]).await?;
    let bad = sent.iter().filter(|number| number.is_none()).count();
    same("errors counted", bus.error_count(), bad as u64)?;
    for _ in 0..bad.min(16) {
        let error = in_time("an error", errors.next()).await?.or_mismatch("an error")?;
        holds(matches!(error, BusError::Undecodable(_)), "what cannot be read", || error.to_string())?;
    }
    drop((one, whole));
    in_time("the end of a bus", bus.close()).await?;
    Ok(format!("{bad} that were none among {} messages", sent.len()))
}

/// Each reader is given this next: the numbers of events, and an error where there is none.
async fn told(readers: &mut [&mut Reader], sent: &[Option<u64>]) -> Result<(), Mismatch> {
    for reader in readers {
        for expected in sent {
            let observed = match delivery(reader).await? {
                Delivery::Event(event) => Some(event.payload),
                Delivery::Undecodable(_) => None,
                other => return Err(Mismatch::new("an event or an error", format!("{other:?}"))),
            };
            same("what comes next", observed, *expected)?;
        }
        same("events missed", reader.missed(), 0)?;
    }
    Ok(())
}

/// After a loss everything is followed again before it is said that there is a connection; and of what hubs before a Redis that is killed
/// have accepted nothing is lost in silence, and nothing comes twice.
pub(crate) async fn redis_restart_resubscribes_before_resuming(mut work: Work) -> Outcome {
    let random = work.random.fork();
    let (on_channels, in_streams) =
        futures::try_join!(restart_under_channels(&work), restart_under_hubs(&work, random))?;
    Ok(format!("{on_channels} restarts under channels, {in_streams} under hubs"))
}

/// So many channels that it takes a while to follow them all again, by a network that passes a few bytes at a time.
const MANY: u64 = 1000;

async fn restart_under_channels(work: &Work) -> Result<u64, Mismatch> {
    let restarts = work.of(5);
    let server = block_in_place(Server::start);
    let proxy = Proxy::to(SocketAddr::from(([127, 0, 0, 1], server.port))).await;
    let bus = channels(&format!("redis://{}", proxy.address)).await?;
    let mut states = bus.connection();
    let mut readers = Vec::new();
    for id in ["a", "b"] {
        readers.push(bus.subscribe(App::NUMBER.id(id)).await.or_mismatch("it is subscribed")?);
    }
    readers.push(bus.subscribe(App::OTHER).await.or_mismatch("it is subscribed")?);
    let names: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
    let many = try_join_all(names.iter().map(|id| bus.subscribe(App::NUMBER.id(&**id)).into_future())).await;
    let many = many.or_mismatch("it is subscribed")?;
    for round in 0..restarts {
        block_in_place(|| server.kill());
        // It has to be noticed before there is a connection again.
        while !matches!(
            in_time("a loss", states.next()).await?.or_mismatch("a state")?,
            ConnectionState::Reconnecting { .. }
        ) {}
        proxy.change(|weather| weather.slice = 4);
        block_in_place(|| server.restart());
        let mut foreign = block_in_place(|| server.raw());
        while !in_time("a connection", states.next()).await?.or_mismatch("a state")?.is_connected() {}
        for id in [MANY - 1, MANY / 2, 0] {
            let channel = format!("number:{id}");
            let message = format!(r#"{{"type":"number","id":"{id}","payload":0}}"#);
            let reached = block_in_place(|| foreign.publish(channel.as_bytes(), message.as_bytes()));
            same(&format!("who follows {channel} at Redis"), reached, 1)?;
        }
        proxy.change(|weather| weather.slice = usize::MAX);
        // Whatever is published from now on comes, by whomever.
        for (reader, topic, id) in [(0, "number", "a"), (1, "number", "b"), (2, "other", "a")] {
            let message = format!(r#"{{"type":"{topic}","id":"{id}","payload":{round}}}"#);
            let channel = format!("{topic}:{id}");
            let reached = block_in_place(|| foreign.publish(channel.as_bytes(), message.as_bytes()));
            same(&format!("who follows {channel} at Redis"), reached, 1)?;
            let (gaps, number) = story(&mut readers[reader]).await?;
            same("one gap, of unknown size, and the next event", (gaps.len(), number), (1, round))?;
            same("how many were missed", gaps[0].missed, None)?;
        }
    }
    drop((readers, many));
    in_time("the end of a bus", bus.close()).await?;
    Ok(restarts)
}

async fn restart_under_hubs(work: &Work, mut random: Rng) -> Result<u64, Mismatch> {
    let (restarts, events) = (work.of(4), 100);
    // What it has accepted it still has when it is back.
    let server = block_in_place(|| Server::with(&["--appendonly", "yes", "--appendfsync", "always"]));
    let hubs = [hub_behind(&server, patient()).await?, hub_behind(&server, patient()).await?];
    let (here, there) = (spoke(&hubs[0]).await, spoke_at(address(&hubs[1]), steady_spoke()).await);
    let mut readers = Vec::new();
    let own = PubSub::new(hubs[1].transport());
    for bus in [&here, &there, &own] {
        readers.push(bus.subscribe(App::NUMBER).bound(1 << 16).await.or_mismatch("it is subscribed")?);
    }
    for round in 0..restarts {
        let numbers = round * events..(round + 1) * events;
        let bus = here.clone();
        let publishing = tokio::spawn(async move { publish(&bus, App::NUMBER, "a", numbers).await });
        tokio::time::sleep(Duration::from_millis(random.u64(1..10))).await;
        block_in_place(|| server.restart());
        publishing.await.or_mismatch("a publisher that ends")??;
    }
    // When all is quiet.
    let quiet = || hubs.iter().all(|hub| hub.upstream().is_some_and(|state| state.is_connected()));
    until("both hubs at Redis", quiet).await?;
    publish(&here, App::NUMBER, "a", restarts * events..restarts * events + 1).await?;
    let published = Published::from([("a".to_owned(), restarts * events + 1)]);
    for reader in &mut readers {
        // Of what a server had before it was killed nobody knows whether it has it all.
        let auditor = account(reader, &published).await?;
        holds(auditor.gaps <= restarts, "at most one gap for a restart", || format!("{}", auditor.gaps))?;
    }
    drop((readers, here, there, own));
    for hub in &hubs {
        in_time("the end of a hub", hub.close()).await?;
    }
    Ok(restarts)
}
