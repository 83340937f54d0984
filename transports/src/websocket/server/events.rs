//! Who comes and who goes, as a stream.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::handle::HubConnection;
use crate::websocket::CloseCode;

/// How many events wait for a reader; beyond them the oldest go, counted.
pub(super) const WAITING: usize = 1024;

/// What happens to the connections of a hub.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HubEvent {
    /// A spoke, or another client, has come.
    Connected(HubConnection),
    /// It has gone, and nothing is left of it.
    Disconnected {
        /// Which one.
        connection: HubConnection,
        /// Why: [`Abnormal`](CloseCode::Abnormal) if the connection broke.
        code: CloseCode,
    },
    /// The reader was too slow: so many events before the next were dropped.
    Missed(u64),
}

/// The events of a hub from when it was made, given by [`Hub::events`](super::Hub::events).
///
/// A reader has room for 1,024 of them. Beyond that the oldest are dropped, and
/// [`Missed`](HubEvent::Missed) says how many. It ends when the hub is closed.
pub struct HubEvents {
    source: EventSource,
    key: u64,
}

impl HubEvents {
    /// The next event; `None` once the hub is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<HubEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for HubEvents {
    type Item = HubEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<HubEvent>> {
        let waker = cx.waker().clone();
        let mut readers = self.source.lock();
        let ended = readers.ended;
        let Some(reader) = readers.all.get_mut(&self.key) else { return Poll::Ready(None) };
        if reader.missed > 0 {
            return Poll::Ready(Some(HubEvent::Missed(std::mem::take(&mut reader.missed))));
        }
        if let Some(event) = reader.waiting.pop_front() {
            return Poll::Ready(Some(event));
        }
        if ended {
            return Poll::Ready(None);
        }
        let before = reader.waker.replace(waker);
        drop(readers);
        drop(before);
        Poll::Pending
    }
}

impl Drop for HubEvents {
    fn drop(&mut self) {
        let _reader = self.source.lock().all.remove(&self.key);
    }
}

impl fmt::Debug for HubEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubEvents").finish_non_exhaustive()
    }
}

/// Where the events come from.
#[derive(Clone, Default)]
pub(super) struct EventSource(Arc<Mutex<Readers>>);

#[derive(Default)]
struct Readers {
    all: BTreeMap<u64, Reader>,
    last_key: u64,
    ended: bool,
}

#[derive(Default)]
struct Reader {
    waiting: VecDeque<HubEvent>,
    missed: u64,
    waker: Option<Waker>,
}

impl EventSource {
    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> HubEvents {
        let mut readers = self.lock();
        readers.last_key += 1;
        let key = readers.last_key;
        readers.all.insert(key, Reader::default());
        HubEvents { source: self.clone(), key }
    }

    pub(super) fn tell(&self, event: &HubEvent) {
        let mut dropped = Vec::new();
        let mut wakers = Vec::new();
        for reader in self.lock().all.values_mut() {
            if reader.waiting.len() == WAITING {
                dropped.extend(reader.waiting.pop_front());
                reader.missed += 1;
            }
            reader.waiting.push_back(event.clone());
            wakers.extend(reader.waker.take());
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// So many could not be told.
    pub(super) fn miss(&self, events: u64) {
        let mut dropped = Vec::new();
        let mut wakers = Vec::new();
        for reader in self.lock().all.values_mut() {
            // Those that wait came before these, and what is missed is told before what waits.
            reader.missed += events + reader.waiting.len() as u64;
            dropped.push(std::mem::take(&mut reader.waiting));
            wakers.extend(reader.waker.take());
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn end(&self) {
        let mut readers = self.lock();
        readers.ended = true;
        let wakers: Vec<Waker> = readers.all.values_mut().filter_map(|reader| reader.waker.take()).collect();
        drop(readers);
        wakers.into_iter().for_each(Waker::wake);
    }
}
