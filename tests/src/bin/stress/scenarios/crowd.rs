//! Many clients at once, who come, go and change their minds.

use std::sync::Arc;

use fastrand::Rng;
use futures::future::{join_all, try_join_all};
use futures::poll;
use pubsub::Hub;
use pubsub::prelude::*;
use pubsub_tests::hub::address;
use pubsub_tests::raw::{HANDSHAKE, Raw, subscribe};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::auditor::{Auditor, Published};
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, Numbers, publish};
use crate::reading::{Reader, account_without_gaps, next};
use crate::world::{Work, World, routes, spoke};

/// Clients come and go, in orderly and disorderly ways, while events flow. Who stays has every event.
pub(crate) async fn connect_churn(mut work: Work) -> Outcome {
    const CLIENTS: u64 = 16;
    let rounds = work.of(40);
    let bound = usize::try_from(CLIENTS * rounds).or_mismatch("a bound")?;
    let mut stay = Vec::new();
    // One of a bus that its hub has alone, and one of the bus that two hubs are.
    for hub in [&work.world.hub, &work.world.pair[1]] {
        let bus = spoke(hub).await;
        let reader = bus.subscribe(App::CONNECT_CHURN).bound(bound).await.or_mismatch("it is subscribed")?;
        stay.push((bus, reader));
    }
    let mut churn = JoinSet::new();
    for client in 0..CLIENTS {
        churn.spawn(come_and_go(Arc::clone(&work.world), client.to_string(), rounds, work.random.fork()));
    }
    let mut published = [Published::new(), Published::new()];
    while let Some(ended) = churn.join_next().await {
        let (client, counts) = ended.or_mismatch("a client that ends")??;
        for (published, count) in published.iter_mut().zip(counts) {
            published.insert(client.clone(), count);
        }
    }
    let mut events = 0;
    for ((_bus, reader), published) in stay.iter_mut().zip(&published) {
        events += account_without_gaps(reader, published).await?;
    }
    let left = |hub| routes(hub, App::CONNECT_CHURN.name());
    until("one subscription at each hub where somebody stays", || work.world.hubs().map(left) == [1, 0, 1])
        .await?;
    Ok(format!("{} visits, {events} events", CLIENTS * rounds))
}

/// How many events it has published, at the hub and at the pair.
async fn come_and_go(
    world: Arc<World>,
    client: String,
    rounds: u64,
    mut random: Rng,
) -> Result<(String, [u64; 2]), Mismatch> {
    let topic = App::CONNECT_CHURN;
    let mut counts = [0; 2];
    for round in 0..rounds {
        let at = random.usize(..3);
        let hub = world.hubs()[at];
        let count = &mut counts[at.min(1)];
        match random.u8(..7) {
            // Has what it has published, and leaves or is gone.
            end @ 0..3 => {
                let bus = spoke(hub).await;
                let mut own = bus.subscribe(topic.id(&*client)).await.or_mismatch("it is subscribed")?;
                publish(&bus, topic, &client, *count..*count + 1).await?;
                let mut heard = next(&mut own).await?.payload;
                // What it has published at the other hub of the pair may come to this one only now.
                while at > 0 && heard < *count {
                    heard = next(&mut own).await?.payload;
                }
                same("its own event", heard, *count)?;
                *count += 1;
                if end == 0 {
                    in_time("the end of a bus", bus.close()).await?;
                }
            }
            // Changes its mind before it is subscribed.
            3 => {
                let bus = spoke(hub).await;
                let mut subscribing = Box::pin(bus.subscribe(topic).into_future());
                let _ = poll!(&mut subscribing);
            }
            4 => {
                let mut raw = Raw::connect(address(hub)).await?;
                raw.say(&subscribe(topic.name())).await?;
                raw.text().await?;
            }
            // Comes and goes on a bus that stays.
            5 => {
                let mut own =
                    world.channels.subscribe(topic.id(&*client)).await.or_mismatch("it is subscribed")?;
                publish(&world.channels, topic, &client, round..round + 1).await?;
                same("its own event, by Redis", next(&mut own).await?.payload, round)?;
            }
            // Does not even become a WebSocket.
            _ => {
                let mut stream = TcpStream::connect(address(hub)).await.or_mismatch("a connection")?;
                let part = &HANDSHAKE.as_bytes()[..random.usize(..HANDSHAKE.len())];
                stream.write_all(part).await.or_mismatch("it is written")?;
            }
        }
    }
    Ok((client, counts))
}

/// Exactly once and in order to each, in one order for all.
pub(crate) async fn fan_out(work: Work) -> Outcome {
    let [hub, one, other] = work.world.hubs();
    let (at_one, at_pair) =
        futures::try_join!(fan_out_at(&work, [hub, hub]), fan_out_at(&work, [one, other]))?;
    Ok(format!("{} deliveries", at_one + at_pair))
}

async fn fan_out_at(work: &Work, hubs: [&Hub; 2]) -> Result<u64, Mismatch> {
    let (topic, events) = (App::FAN_OUT, work.of(500));
    let published = Published::from([("own".to_owned(), events), ("spoke".to_owned(), events)]);
    let bound = usize::try_from(2 * events).or_mismatch("a bound")?;
    let buses = join_all((0..work.of(40)).map(|number| spoke(hubs[usize::from(number % 2 == 1)]))).await;
    let mut readers = Vec::new();
    for bus in &buses {
        readers.push(bus.subscribe(topic).bound(bound).await.or_mismatch("it is subscribed")?);
    }
    let mut raws = try_join_all(
        (0..work.of(10)).map(|number| Raw::connect(address(hubs[usize::from(number % 2 == 1)]))),
    )
    .await?;
    for raw in &mut raws {
        raw.say(&subscribe(topic.name())).await?;
        raw.text().await?;
    }
    let (own, far) = (PubSub::<App>::new(hubs[0].transport()), spoke(hubs[1]).await);
    futures::try_join!(publish(&own, topic, "own", 0..events), publish(&far, topic, "spoke", 0..events))?;
    let mut orders = try_join_all(readers.iter_mut().map(|reader| order(reader, &published))).await?;
    orders.extend(try_join_all(raws.iter_mut().map(|raw| raw_order(raw, &published))).await?);
    let first = orders.first().or_mismatch("a reader")?;
    let differs = orders.iter().position(|order| order != first);
    holds(differs.is_none(), "one order for all", || format!("reader {differs:?} has another"))?;
    Ok(2 * events * orders.len() as u64)
}

/// All events, audited.
async fn order(reader: &mut Reader, published: &Published) -> Result<Vec<(String, u64)>, Mismatch> {
    let (mut auditor, mut order) = (Auditor::default(), Vec::new());
    while !auditor.has_all(published) {
        let event = next(reader).await?;
        same("events missed", event.missed, 0)?;
        auditor.event(&event.id, event.payload)?;
        order.push((event.id.to_string(), event.payload));
    }
    auditor.finish(published)?;
    holds(reader.is_empty(), "nothing after the last event", || format!("{} more", reader.len()))?;
    Ok(order)
}

async fn raw_order(raw: &mut Raw, published: &Published) -> Result<Vec<(String, u64)>, Mismatch> {
    let (mut auditor, mut order) = (Auditor::default(), Vec::new());
    while !auditor.has_all(published) {
        let text = raw.text().await?;
        let message: serde_json::Value = serde_json::from_str(&text).or_mismatch("JSON")?;
        let (id, number) = (message["id"].as_str(), message["payload"].as_u64());
        let (id, number) = id.zip(number).ok_or_else(|| Mismatch::new("an event", &*text))?;
        auditor.event(id, number)?;
        order.push((id.to_owned(), number));
    }
    auditor.finish(published)?;
    same("messages after the last event", raw.until_pong().await?, vec![])?;
    Ok(order)
}

/// The same address asked for again and again at once: one subscription, and each event once.
pub(crate) async fn duplicate_subscribe_race(mut work: Work) -> Outcome {
    let rounds = work.of(20);
    for round in 0..rounds {
        let hub = work.world.hubs()[work.random.usize(..3)];
        let (topic, id) = (App::DUPLICATE_SUBSCRIBE_RACE, format!("{round}"));
        let times = work.random.usize(2..9);
        let mut raw = Raw::connect(address(hub)).await?;
        let command = subscribe(&format!("{}:{id}", topic.name()));
        for _ in 0..times {
            raw.say(&command).await?;
        }
        let answers = raw.texts(times).await?;
        let count = |what: &str| answers.iter().filter(|text| text.contains(what)).count();
        let counts = (count("\"__subscribed\""), count("already_subscribed"));
        same("subscribed, and subscribed already", counts, (1, times - 1))?;
        // A bus asks once, however many of it subscribe at once.
        let bus = spoke(hub).await;
        let subscribing =
            (0..work.random.usize(2..20)).map(|_| async { bus.subscribe(topic.id(&*id)).await });
        let subscriptions = join_all(subscribing).await;
        same("subscriptions at the hub", routes(hub, topic.name()), 2)?;
        publish(&bus, topic, &id, 0..1).await?;
        for subscription in subscriptions {
            let mut subscription = subscription.or_mismatch("it is subscribed")?;
            account_without_gaps(&mut subscription, &Published::from([(id.clone(), 1)])).await?;
        }
        let event = raw.text().await?;
        holds(event.contains(r#""payload":0"#), "the event", || event.clone())?;
        same("messages after it", raw.until_pong().await?, vec![])?;
        drop((bus, raw));
        until("no subscription", || routes(hub, topic.name()) == 0).await?;
    }
    Ok(format!("{rounds} rounds"))
}

/// What is published after a subscription is ready is delivered to it, wherever it is published.
pub(crate) async fn subscribe_is_live_when_it_returns(work: Work) -> Outcome {
    let rounds = work.of(50);
    let [hub, one, other] = work.world.hubs();
    let redis = || async {
        pubsub::Redis::connect(work.world.redis.url())
            .await
            .map(PubSub::<App>::new)
            .or_mismatch("a connection")
    };
    let alone = PubSub::<App>::default();
    let pairs = [
        (alone.clone(), alone),
        (spoke(hub).await, spoke(hub).await),
        (PubSub::new(hub.transport()), spoke(hub).await),
        (spoke(one).await, spoke(other).await),
        (redis().await?, redis().await?),
    ];
    try_join_all(
        pairs.iter().map(|(here, there)| live(here, there, App::SUBSCRIBE_IS_LIVE_WHEN_IT_RETURNS, rounds)),
    )
    .await?;
    Ok(format!("{} subscriptions", 5 * rounds))
}

async fn live(here: &PubSub<App>, there: &PubSub<App>, topic: Numbers, rounds: u64) -> Result<(), Mismatch> {
    // Each pair of buses is alone with its ids, and so is each round.
    let name = format!("{here:p}");
    for round in 0..rounds {
        let id = format!("{name} {round}");
        let mut reader = there.subscribe(topic.id(&*id)).await.or_mismatch("it is subscribed")?;
        in_time("answer", here.publish(topic, &id, round)).await?.or_mismatch("it is accepted")?;
        same("the first event", next(&mut reader).await?.payload, round)?;
    }
    Ok(())
}
