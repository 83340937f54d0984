//! Handlers over a hub.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use futures::future::try_join_all;
use pubsub::prelude::*;
use pubsub::{BusError, Hub};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::yield_now;

use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, publish};
use crate::world::{Work, routes, spoke};

/// What a handler begins with is a panic, a failure or nothing of the kind; the next event is handled all the same, and each failure told.
pub(crate) async fn handler_panic_loses_no_later_event(mut work: Work) -> Outcome {
    let events = work.of(300);
    let randoms = [work.random.fork(), work.random.fork()];
    let [hub, one, other] = work.world.hubs();
    let [first, second] = randoms;
    let (at_hub, at_pair) = futures::try_join!(
        panics([hub, hub], "hub", events, first),
        panics([one, other], "pair", events, second)
    )?;
    Ok(format!("{} failures among {} events", at_hub + at_pair, 2 * events))
}

async fn panics(hubs: [&Hub; 2], id: &str, events: u64, mut random: Rng) -> Result<usize, Mismatch> {
    let topic = App::HANDLER_PANIC_LOSES_NO_LATER_EVENT;
    let mut some = || (0..events).filter(|_| random.u8(..4) == 0).collect::<BTreeSet<_>>();
    let (panics, fails) = (some(), some());
    let failures = panics.union(&fails).count();
    let (here, there) = (spoke(hubs[0]).await, spoke(hubs[1]).await);
    let mut errors = there.errors();
    let (begun, mut seen) = unbounded_channel();
    let handler = there.subscribe(topic.id(id)).bound(1 << 16).on(async move |event: Event<u64>| {
        let number = event.payload;
        begun.send(number).map_err(|_| "nobody listens")?;
        yield_now().await;
        assert!(!panics.contains(&number), "event {number} panics {}", crate::ON_PURPOSE);
        if fails.contains(&number) { Err("on purpose") } else { Ok(()) }
    });
    let _handler = handler.spawn();
    until("a subscription", || routes(hubs[1], topic.name()) > 0).await?;
    publish(&here, topic, id, 0..events).await?;
    in_order(&mut seen, events).await?;
    until("as many errors as failures", || there.error_count() == failures as u64).await?;
    for _ in 0..failures.min(16) {
        let error = in_time("an error", errors.next()).await?.or_mismatch("an error")?;
        let is_of_handler =
            matches!(&error, BusError::HandlerFailed { .. } | BusError::HandlerPanicked { .. });
        holds(is_of_handler, "that a handler failed", || error.to_string())?;
    }
    Ok(failures)
}

async fn in_order(seen: &mut UnboundedReceiver<u64>, events: u64) -> Result<(), Mismatch> {
    for number in 0..events {
        let next = in_time("a handled event", seen.recv()).await?;
        same("the next that is handled", next, Some(number))?;
    }
    Ok(())
}

/// Each handler handles one event at a time, in order, however long each takes.
pub(crate) async fn handlers_in_order(mut work: Work) -> Outcome {
    let (events, handlers) = (work.of(300), work.of(6).max(2));
    let topic = App::HANDLERS_IN_ORDER;
    for hub in work.world.hubs() {
        let (here, there) = (spoke(hub).await, spoke(hub).await);
        let mut all = Vec::new();
        let mut running = Vec::new();
        for _ in 0..handlers {
            let (done, seen) = unbounded_channel();
            let is_busy = Arc::new(AtomicBool::new(false));
            let mut random = work.random.fork();
            let handler = there.subscribe(topic.id("a")).bound(1 << 16).on(async move |event: Event<u64>| {
                let one_at_a_time = !is_busy.swap(true, Ordering::SeqCst);
                for _ in 0..random.u8(..4) {
                    yield_now().await;
                }
                is_busy.store(false, Ordering::SeqCst);
                let number = if one_at_a_time { event.payload } else { u64::MAX };
                done.send(number).map_err(|_| "nobody listens")
            });
            running.push(handler.spawn());
            all.push(seen);
        }
        until("a subscription", || routes(hub, topic.name()) > 0).await?;
        publish(&here, topic, "a", 0..events).await?;
        try_join_all(all.iter_mut().map(|seen| in_order(seen, events))).await?;
        drop(running);
    }
    Ok(format!("{events} events, each to {handlers} handlers at each hub"))
}
