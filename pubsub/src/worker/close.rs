//! Closing a host, and what was left.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::slot::Stop;
use super::{WorkerError, WorkerHost, WorkerReport};
use crate::{CloseReport, EventMap, QueueStats};

/// Closing a host; made by [`WorkerHost::close`].
///
/// Nothing happens until it is awaited, or completed by [`now`](Self::now) from code that is not async.
///
/// # Cancel safety
/// Once polled, the host is closed and stays so; dropping this then only means not to wait.
#[must_use = "nothing is closed until this is awaited or `.now()` is called"]
pub struct CloseHost<'a, M: EventMap> {
    host: &'a WorkerHost<M>,
}

impl<'a, M: EventMap> CloseHost<'a, M> {
    pub(super) fn new(host: &'a WorkerHost<M>) -> Self {
        Self { host }
    }

    /// Waits until every worker has ended and the host's own subscriptions have read what came, but no longer than until
    /// `deadline` is ready. Workers that still run then lose what their inbox holds, are counted in the report, and end by
    /// themselves: a thread cannot be stopped from outside. A process can, and is killed. One of a pool that fails meanwhile, or
    /// waits to be restarted, is restarted as long as the pool has something to do and its policy allows.
    ///
    /// The deadline is any future, as that of [`Close::until`](crate::Close::until).
    ///
    /// ```
    /// # use futures::executor::block_on;
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # block_on(async {
    /// let host = pubsub::WorkerHost::<App>::new();
    /// let (end, wait) = std::sync::mpsc::channel::<()>();
    /// host.spawn("busy", move |_| drop(wait.recv()))?;
    /// let report = host.close().until(std::future::ready(())).await; // a deadline that is over
    /// assert_eq!(report.running.keys().collect::<Vec<_>>(), ["busy"]);
    /// drop(end);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Cancel safety
    /// Once polled, the host takes no worker and no worker is sent anything more; dropping this then only means not to wait, and no
    /// process that is late is killed.
    pub async fn until<D: Future>(self, deadline: D) -> HostReport {
        let core = &self.host.core;
        core.exchange.mute(core.host);
        let mut deadline = pin!(deadline);
        let mut deadline = Deadline(Some(deadline.as_mut()));
        let mut report = HostReport::default();
        let pools = core.pools();
        for slot in core.stop() {
            let name = slot.name.clone();
            let outcome = {
                let mut finished = pin!(slot.finished());
                std::future::poll_fn(|cx| match finished.as_mut().poll(cx) {
                    Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                    Poll::Pending => Pin::new(&mut deadline).poll(cx).map(|()| None),
                })
                .await
            };
            match (outcome, slot.member()) {
                (Some(outcome), _) => drop(report.ended.insert(name, outcome)),
                (None, member) => {
                    // It does not run again, whatever its pool has.
                    slot.stop(Stop::Dies);
                    report.running.insert(name, member.map_or(0, |member| core.exchange.expel(member)));
                    slot.kill();
                }
            }
        }
        // Their workers are gone, or too late.
        for pool in &pools {
            pool.abandon();
        }
        report.pools = pools.iter().map(|pool| (pool.name().to_owned(), pool.stats())).collect();
        report.bus = self.host.bus.close().until(deadline).await;
        report
    }

    /// Closes without waiting, from code that is not async: the workers go on with what they were sent, and count as running.
    pub fn now(self) -> HostReport {
        let core = &self.host.core;
        core.exchange.mute(core.host);
        let mut report = HostReport::default();
        let pools = core.pools();
        report.pools = pools.iter().map(|pool| (pool.name().to_owned(), pool.stats())).collect();
        for slot in core.stop() {
            let inbox = slot.member().map_or(0, |member| core.exchange.depth(member));
            report.running.insert(slot.name.clone(), inbox as u64);
        }
        report.bus = self.host.bus.close().now();
        report
    }
}

impl<M: EventMap> IntoFuture for CloseHost<'_, M> {
    type Output = HostReport;
    type IntoFuture = Ready<HostReport>;

    /// The same as [`now`](Self::now).
    fn into_future(self) -> Ready<HostReport> {
        ready(self.now())
    }
}

impl<M: EventMap> fmt::Debug for CloseHost<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseHost").field("host", self.host).finish()
    }
}

/// A deadline that stays over.
struct Deadline<'a, D>(Option<Pin<&'a mut D>>);

impl<D: Future> Future for Deadline<'_, D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(deadline) = &mut self.0 {
            if deadline.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.0 = None;
        }
        Poll::Ready(())
    }
}

/// What was left when a host was closed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HostReport {
    /// Workers that ended while it was being closed, by name, and how.
    pub ended: BTreeMap<String, Result<WorkerReport, WorkerError>>,
    /// Workers that still run, by name, and how many events their inboxes held.
    pub running: BTreeMap<String, u64>,
    /// The pools that had not ended before, by name, and what became of their events.
    pub pools: BTreeMap<String, QueueStats>,
    /// What was left on the host's own bus.
    pub bus: CloseReport,
}

impl HostReport {
    /// Whether nothing was left: every worker ended without a panic and without anything unread, no pool lost an event at its end,
    /// and the host's bus had nothing unread.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let ended_well =
            |outcome: &Result<WorkerReport, _>| outcome.as_ref().is_ok_and(|report| report.left.is_clean());
        let has_left = |pool: &QueueStats| pool.lost + pool.undecodable + pool.waiting > 0;
        self.running.is_empty()
            && !self.pools.values().any(has_left)
            && self.ended.values().all(ended_well)
            && self.bus.is_clean()
    }
}

impl fmt::Display for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let panicked = self.ended.values().filter(|outcome| outcome.is_err()).count();
        write!(
            f,
            "workers ended: {}, of them by a panic: {panicked}, workers still running: {}; host: {}",
            self.ended.len(),
            self.running.len(),
            self.bus
        )
    }
}
