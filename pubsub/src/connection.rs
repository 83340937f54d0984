//! How a bus stands with the other side, as a stream.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pubsub_transports::ConnectionState;

use crate::next::Next;

/// The state of a bus's connection, as a stream: [`PubSub::connection`](crate::PubSub::connection).
///
/// It begins with the state that there is, and goes on with each change. It is a gauge and no log: of changes between two
/// reads only the last is given. It ends after [`Closed`](ConnectionState::Closed).
pub struct ConnectionStates {
    gauge: Arc<Gauge>,
    key: u64,
    seen: u64,
    ended: bool,
}

impl ConnectionStates {
    /// The next state; `None` once the bus is closed and that was told.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a state is taken only when it is returned.
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }
}

impl Stream for ConnectionStates {
    type Item = ConnectionState;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ConnectionState>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        // Wakers are cloned and dropped outside the lock: both may run any code.
        let waker = cx.waker().clone();
        let mut shown = this.gauge.lock();
        if shown.changes != this.seen {
            this.seen = shown.changes;
            this.ended = matches!(shown.state, ConnectionState::Closed { .. });
            return Poll::Ready(Some(shown.state.clone()));
        }
        let before = shown.readers.insert(this.key, waker);
        drop(shown);
        drop(before);
        Poll::Pending
    }
}

impl FusedStream for ConnectionStates {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for ConnectionStates {
    fn drop(&mut self) {
        let _waker = self.gauge.lock().readers.remove(&self.key);
    }
}

impl fmt::Debug for ConnectionStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionStates").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The state, shared by all who watch it.
pub(crate) struct Gauge(Mutex<Shown>);

struct Shown {
    state: ConnectionState,
    /// Counted from 1: whoever begins to watch has seen none.
    changes: u64,
    /// At most one waker for each stream.
    readers: BTreeMap<u64, Waker>,
    last_key: u64,
}

impl Gauge {
    pub(crate) fn new() -> Arc<Self> {
        let state = ConnectionState::Connected;
        Arc::new(Self(Mutex::new(Shown { state, changes: 1, readers: BTreeMap::new(), last_key: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a state, and gives the one before. What is closed stays closed, for its first reason.
    pub(crate) fn show(&self, state: ConnectionState) -> ConnectionState {
        let mut shown = self.lock();
        if matches!(shown.state, ConnectionState::Closed { .. }) {
            return shown.state.clone();
        }
        let before = std::mem::replace(&mut shown.state, state);
        shown.changes += 1;
        let readers = std::mem::take(&mut shown.readers);
        drop(shown);
        readers.into_values().for_each(Waker::wake);
        before
    }

    pub(crate) fn state(&self) -> ConnectionState {
        self.lock().state.clone()
    }

    pub(crate) fn watch(self: &Arc<Self>) -> ConnectionStates {
        let mut shown = self.lock();
        shown.last_key += 1;
        ConnectionStates { gauge: Arc::clone(self), key: shown.last_key, seen: 0, ended: false }
    }
}
