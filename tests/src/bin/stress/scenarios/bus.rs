//! The bus itself: who waits for room and gives up, and what closing leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::{FutureExt as _, poll};
use pubsub::prelude::*;
use pubsub::{CloseReport, PublishError, Redis};
use pubsub_tests::hub::{address, hub_with, lost};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::server::Server;
use tokio::task::{JoinSet, block_in_place};

use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same};
use crate::events::{App, publish};
use crate::reading::{Reader, next};
use crate::world::{Work, patient, spoke, spoke_at, steady_spoke};

/// Who publishes to who has no room waits for it; who gives up has published nothing, to nobody, and who does not has to all.
pub(crate) async fn publish_to_full_backpressured_subscription_waits_and_cancels_cleanly(
    mut work: Work,
) -> Outcome {
    const PUBLISHERS: u64 = 16;
    let rounds = work.of(100);
    let (mut cancelled, mut waited) = (0, 0);
    let bus = PubSub::<App>::default();
    let bound = work.random.usize(1..8);
    let mut narrow = bus.subscribe(App::NUMBER).bound(bound).await.or_mismatch("it is subscribed")?;
    let mut wide = bus.subscribe(App::NUMBER).bound(1 << 20).await.or_mismatch("it is subscribed")?;
    let mut published = BTreeSet::new();
    // How often it reads is up to the threads, and nobody's patience depends on it.
    let mut reading = work.random.fork();
    // Held by whoever reads, and by whoever gives up from the last look to the end: between the two nobody makes room.
    let reads = Arc::new(Mutex::new(()));
    for round in 0..rounds {
        let mut running = JoinSet::new();
        for publisher in 0..PUBLISHERS {
            let (bus, mut random, reads) = (bus.clone(), work.random.fork(), Arc::clone(&reads));
            running.spawn(async move {
                let id = publisher.to_string();
                let mut publishing = Box::pin(async {
                    let result = bus.publish(App::NUMBER, &id, round).await;
                    result.map_err(|error| Mismatch::new("it is accepted", format!("{error:?}")))
                });
                let mut polls = 0_u64;
                // Tries for a while, or for as long as it takes.
                let patience = if random.bool() { u64::from(random.u8(1..20)) } else { u64::MAX };
                let result = loop {
                    if let Poll::Ready(result) = poll!(&mut publishing) {
                        break Some(result);
                    }
                    if polls >= patience {
                        let _nobody_reads = reads.lock();
                        let result = publishing.as_mut().now_or_never();
                        drop(publishing);
                        break result;
                    }
                    polls += 1;
                    tokio::task::yield_now().await;
                };
                let is_published = result.transpose()?.is_some();
                Ok::<_, Mismatch>((publisher, polls > 0 || !is_published, is_published))
            });
        }
        // Reads now and then until all have published, or given up.
        let mut came = Vec::new();
        while !running.is_empty() {
            tokio::task::yield_now().await;
            while let Some(ended) = running.try_join_next() {
                let (publisher, has_waited, is_published) = ended.or_mismatch("a publisher that ends")??;
                waited += u64::from(has_waited);
                if is_published {
                    published.insert((round, publisher));
                } else {
                    cancelled += 1;
                }
            }
            holds(narrow.len() <= bound, "no more than the bound", || {
                format!("{} of {bound}", narrow.len())
            })?;
            if reading.bool() {
                let _nobody_gives_up = reads.lock();
                if let Ok(event) = narrow.try_next() {
                    came.push((event.payload, event.id.clone()));
                }
            }
        }
        while let Ok(event) = narrow.try_next() {
            came.push((event.payload, event.id.clone()));
        }
        let mut both = Vec::new();
        while let Ok(event) = wide.try_next() {
            both.push((event.payload, event.id.clone()));
        }
        same("what the other subscription has", &both, &came)?;
        let mut own: Vec<(u64, u64)> = Vec::new();
        for (number, id) in &came {
            own.push((*number, id.parse().or_mismatch("a publisher")?));
        }
        own.sort_unstable();
        let expected: Vec<(u64, u64)> = published.iter().copied().filter(|(of, _)| *of == round).collect();
        same("what was published", own, expected)?;
    }
    same("events missed", narrow.missed() + wide.missed(), 0)?;
    // At once, or not at all.
    for _ in 0..bound {
        bus.publish(App::NUMBER, "a", 0).now().or_mismatch("there is room")?;
    }
    let refused = bus.publish(App::NUMBER, "a", 1).now();
    let is_full = matches!(&refused, Err(PublishError::Full(event)) if event.payload == 1);
    holds(is_full, "the event back, as there is no room", || format!("{refused:?}"))?;
    same("events of the other subscription", wide.len(), bound)?;
    holds(cancelled > 0 && waited > 0, "some that wait and some that give up", || {
        format!("{waited}, {cancelled}")
    })?;
    Ok(format!("{waited} waited, {cancelled} gave up, {} published", published.len()))
}

/// The report of a close counts what nobody has read, and what could not be sent.
pub(crate) async fn close_reports_what_was_left(mut work: Work) -> Outcome {
    let rounds = work.of(20);
    let (mut unread, mut unsent) = (0, 0);
    for _ in 0..rounds {
        unread += left_in_process(&mut work).await?;
    }
    let hub = hub_with(patient()).await;
    for _ in 0..rounds {
        unread += left_at_a_spoke(&hub, &mut work).await?;
    }
    for _ in 0..work.of(5) {
        unsent += left_unsent(&hub, &mut work).await?;
    }
    unsent += left_without_redis(&mut work).await?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{unread} unread, {unsent} unsent"))
}

async fn left_in_process(work: &mut Work) -> Result<u64, Mismatch> {
    let bus = PubSub::<App>::default();
    let mut numbers = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    let mut others = bus.subscribe(App::OTHER).await.or_mismatch("it is subscribed")?;
    let left = [
        some(&bus, &mut numbers, App::NUMBER, work).await?,
        some(&bus, &mut others, App::OTHER, work).await?,
    ];
    // Reading goes on while the bus waits for it, and no longer.
    let is_patient = work.random.bool();
    let report = if is_patient {
        let closing = bus.close().until(tokio::time::sleep(Duration::from_secs(20)));
        let reading = async {
            for (reader, left) in [(&mut numbers, left[0]), (&mut others, left[1])] {
                for _ in 0..left {
                    next(reader).await?;
                }
                holds(reader.next().await.is_none(), "an end", || "an event".to_owned())?;
            }
            Ok::<_, Mismatch>(())
        };
        let (report, read) = in_time("the end of a bus", async { tokio::join!(closing, reading) }).await?;
        read?;
        report
    } else {
        bus.close().now()
    };
    let left = if is_patient { [0, 0] } else { left };
    let names = [App::NUMBER.name(), App::OTHER.name()];
    let by_topic: BTreeMap<_, _> = names.into_iter().zip(left).filter(|(_, left)| *left > 0).collect();
    let expected = (left[0] + left[1], by_topic, left.iter().filter(|left| **left > 0).count(), 0);
    let observed = (report.unread, report.unread_by_topic, report.subscriptions, report.unsent);
    same("unread, by topic, subscriptions behind, unsent", observed, expected)?;
    let refused = bus.publish(App::NUMBER, "a", 1).await;
    holds(matches!(&refused, Err(PublishError::Closed(_))), "a closed bus", || format!("{refused:?}"))?;
    Ok(left[0] + left[1])
}

/// Publishes some, reads some of them, and says how many are left.
async fn some(
    bus: &PubSub<App>,
    reader: &mut Reader,
    topic: crate::events::Numbers,
    work: &mut Work,
) -> Result<u64, Mismatch> {
    let count = work.random.u64(..50);
    let read = work.random.u64(..=count);
    publish(bus, topic, "a", 0..count).await?;
    for number in 0..read {
        same("the next event", next(reader).await?.payload, number)?;
    }
    Ok(count - read)
}

async fn left_at_a_spoke(hub: &pubsub::Hub, work: &mut Work) -> Result<u64, Mismatch> {
    let bus = spoke(hub).await;
    let mut reader = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    let left = some(&bus, &mut reader, App::NUMBER, work).await?;
    // The answer to a publish may be here before the event is.
    crate::check::until("all events", || reader.len() as u64 == left).await?;
    let report = in_time("the end of a bus", bus.close()).await?;
    same("unread, unsent", (report.unread, report.unsent), (left, 0))?;
    for _ in 0..left {
        next(&mut reader).await?;
    }
    let end = in_time("an end", reader.next()).await?;
    holds(end.is_none(), "an end after what was left", || format!("{end:?}"))?;
    Ok(left)
}

async fn left_unsent(hub: &pubsub::Hub, work: &mut Work) -> Result<u64, Mismatch> {
    let proxy = Proxy::to(address(hub)).await;
    let bus = spoke_at(proxy.address, steady_spoke()).await;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    lost(&bus).await;
    let (count, report) = unsent(&bus, work).await?;
    same("unsent", report.unsent, count)?;
    Ok(count)
}

async fn left_without_redis(work: &mut Work) -> Result<u64, Mismatch> {
    let server = block_in_place(Server::start);
    let quick = Redis::builder().close_timeout(Duration::from_millis(500));
    let connecting = quick.connect(server.url());
    let bus = PubSub::new(in_time("a connection", connecting).await?.or_mismatch("a connection")?);
    block_in_place(|| server.kill());
    lost(&bus).await;
    let (count, report) = unsent(&bus, work).await?;
    // That each was told is checked above. Those are not unsent that were told before the close.
    holds(report.unsent <= count, "no more than there were", || format!("{report} of {count}"))?;
    Ok(report.unsent)
}

/// What is taken while there is no connection is given up when the bus is closed, if not before, and each is told.
async fn unsent(bus: &PubSub<App>, work: &mut Work) -> Result<(u64, CloseReport), Mismatch> {
    let count = work.random.u64(1..50);
    for number in 0..count {
        bus.publish(App::NUMBER, "a", number).now().or_mismatch("it is taken")?;
    }
    let report = in_time("the end of a bus", bus.close()).await?;
    same("errors told", bus.error_count(), count)?;
    same("whether that is clean", report.is_clean(), report.unsent == 0)?;
    Ok((count, report))
}
