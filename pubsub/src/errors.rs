//! What goes wrong where no caller waits for an answer.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::next::Next;
use crate::{Address, BlockingSubscription, IdString, Rejection, SendError, SubscribeError, Undecodable};

/// Something that went wrong on a bus where no caller waits for an answer: in a [handler](crate::Handler), or on a network.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum BusError {
    /// A handler returned an error.
    HandlerFailed {
        /// The topic of the event.
        topic: &'static str,
        /// Its id, as text.
        id: IdString,
        /// What the handler returned; also the [`source`](Error::source).
        error: Arc<dyn Error + Send + Sync>,
    },
    /// A handler panicked.
    HandlerPanicked {
        /// The topic of the event.
        topic: &'static str,
        /// Its id, as text.
        id: IdString,
        /// What it panicked with.
        message: String,
    },
    /// A handler could not subscribe: it handles nothing.
    HandlerNotSubscribed {
        /// What it was to follow, as [`Handler::topics`](crate::Handler::topics).
        topics: Vec<String>,
        /// Why; also the [`source`](Error::source).
        error: SubscribeError,
    },
    /// A publish has waited for [long](crate::PubSub::warn_blocked_after), since a subscription with
    /// [backpressure](crate::Overflow::Backpressure) is full. Told once, as long as some publish to the topic waits.
    Blocked {
        /// The topic that is published to.
        topic: &'static str,
        /// How long the first of those that wait for it has waited.
        waited: Duration,
        /// The full subscriptions that they wait for.
        by: Vec<BlockingSubscription>,
    },
    /// Something came over a network and is no event of this map. It was passed over.
    Undecodable(Undecodable),
    /// An event that was published by `.now()` could not be sent after all, and is lost.
    NotSent {
        /// Its topic.
        topic: String,
        /// Its id, as text.
        id: IdString,
        /// Why; also the [`source`](Error::source).
        error: SendError,
    },
    /// A worker thread panicked. It harms no other.
    #[cfg(feature = "worker")]
    WorkerPanicked {
        /// The name of the worker.
        worker: String,
        /// What it panicked with.
        message: String,
        /// Whether it is restarted.
        restarts: bool,
    },
    /// A worker process failed. It harms no other.
    #[cfg(all(feature = "worker", feature = "json"))]
    WorkerFailed {
        /// The name of the worker.
        worker: String,
        /// How it failed.
        failure: crate::ProcessFailure,
        /// Whether it is restarted.
        restarts: bool,
    },
    /// A worker of a pool panicked, failed or ended while it was at an event: whether it did all of it is not known, and no other
    /// worker is given it.
    #[cfg(feature = "worker")]
    Unfinished {
        /// The name of the pool.
        pool: String,
        /// The name of the worker.
        worker: String,
        /// The topic of the event.
        topic: String,
        /// Its id, as text.
        id: IdString,
    },
    /// A worker of a pool could not read an event that it was given, of a topic whose payload it knows otherwise for instance. No other
    /// worker is given it.
    #[cfg(feature = "worker")]
    UndecodableInPool {
        /// The name of the pool.
        pool: String,
        /// The name of the worker.
        worker: String,
        /// The topic of the event.
        topic: String,
        /// Its id, as text.
        id: IdString,
        /// What the worker says.
        reason: String,
    },
    /// A pool has ended before its workers had begun all its events, which are lost.
    #[cfg(feature = "worker")]
    PoolLost {
        /// The name of the pool.
        pool: String,
        /// How many.
        events: u64,
    },
    /// The other side does not allow to follow this. Subscriptions to it have ended.
    SubscriptionRejected {
        /// What was followed.
        address: Address,
        /// Why; also the [`source`](Error::source).
        rejection: Rejection,
    },
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandlerFailed { topic, id, .. } => {
                write!(f, "a handler of `{topic}` failed for the id {id:?}")
            }
            Self::HandlerPanicked { topic, id, message } => {
                write!(f, "a handler of `{topic}` panicked for the id {id:?}: {message}")
            }
            Self::HandlerNotSubscribed { topics, .. } => {
                write!(f, "a handler of `{}` could not subscribe", topics.join("`, `"))
            }
            Self::Blocked { topic, by, .. } => {
                let name = |by: &BlockingSubscription| {
                    by.name.clone().unwrap_or_else(|| "without a name".to_owned())
                };
                let names: Vec<String> = by.iter().map(name).collect();
                write!(f, "a publish to `{topic}` waits for full subscriptions: {}", names.join(", "))
            }
            Self::Undecodable(undecodable) => undecodable.fmt(f),
            Self::NotSent { topic, id, .. } => write!(f, "`{topic}` for the id {id:?} was not sent"),
            #[cfg(feature = "worker")]
            Self::WorkerPanicked { worker, message, restarts } => {
                let then = if *restarts { ", and is restarted" } else { "" };
                write!(f, "the worker `{worker}` panicked{then}: {message}")
            }
            #[cfg(all(feature = "worker", feature = "json"))]
            Self::WorkerFailed { worker, failure, restarts } => {
                let then = if *restarts { ", and is restarted" } else { "" };
                write!(f, "the worker `{worker}` failed{then}: {failure}")
            }
            #[cfg(feature = "worker")]
            Self::Unfinished { pool, worker, topic, id } => {
                write!(
                    f,
                    "the worker `{worker}` of the pool `{pool}` did not finish `{topic}` for the id {id:?}"
                )
            }
            #[cfg(feature = "worker")]
            Self::UndecodableInPool { pool, worker, topic, id, reason } => {
                write!(
                    f,
                    "the worker `{worker}` of the pool `{pool}` cannot read `{topic}` for the id {id:?}: {reason}"
                )
            }
            #[cfg(feature = "worker")]
            Self::PoolLost { pool, events } => {
                write!(f, "the pool `{pool}` ended with events that no worker had begun: {events}")
            }
            Self::SubscriptionRejected { address, .. } => {
                write!(f, "subscriptions to `{address}` are not allowed")
            }
        }
    }
}

impl Error for BusError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::HandlerFailed { error, .. } => Some(&**error),
            Self::HandlerPanicked { .. } | Self::Blocked { .. } => None,
            #[cfg(feature = "worker")]
            Self::WorkerPanicked { .. }
            | Self::Unfinished { .. }
            | Self::UndecodableInPool { .. }
            | Self::PoolLost { .. } => None,
            #[cfg(all(feature = "worker", feature = "json"))]
            Self::WorkerFailed { .. } => None,
            Self::HandlerNotSubscribed { error, .. } => Some(error),
            Self::Undecodable(undecodable) => undecodable.source(),
            Self::NotSent { error, .. } => Some(error),
            Self::SubscriptionRejected { rejection, .. } => Some(rejection),
        }
    }
}

/// The errors of a bus, as a stream: [`PubSub::errors`](crate::PubSub::errors).
///
/// It begins with the latest errors of the past, up to [`KEPT`](Self::KEPT), and goes on with those to come. A bus
/// keeps no more than that: a stream that is read too seldom loses the oldest, and [counts](Self::missed) them.
///
/// It ends when the last handle of the bus and the last handler are gone. A bus that is merely closed may still have
/// handlers at work, so closing does not end it.
pub struct Errors {
    log: Arc<ErrorLog>,
    key: u64,
    next: u64,
    missed: u64,
    ended: bool,
}

impl Errors {
    /// How many errors a bus keeps.
    pub const KEPT: usize = 128;

    /// The next error; `None` when none will come.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: an error is taken only when it is returned.
    pub fn next(&mut self) -> Next<'_, Self> {
        Next::new(self)
    }

    /// How many errors were lost to this stream, because it was read too seldom or made too late.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl Stream for Errors {
    type Item = BusError;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<BusError>> {
        let this = &mut *self;
        // Wakers are cloned and dropped outside the lock: both may run any code.
        let waker = cx.waker().clone();
        let mut kept = this.log.lock();
        this.missed += kept.first().saturating_sub(this.next);
        this.next = this.next.max(kept.first());
        let place = usize::try_from(this.next - kept.first()).unwrap_or(usize::MAX);
        if let Some(error) = kept.errors.get(place) {
            this.next += 1;
            return Poll::Ready(Some(error.clone()));
        }
        if kept.sources == 0 {
            this.ended = true;
            return Poll::Ready(None);
        }
        let before = kept.readers.insert(this.key, waker);
        drop(kept);
        drop(before);
        Poll::Pending
    }
}

impl FusedStream for Errors {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        let _waker = self.log.lock().readers.remove(&self.key);
    }
}

impl fmt::Debug for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errors").field("missed", &self.missed).finish_non_exhaustive()
    }
}

/// The latest errors, shared by all who read them.
#[derive(Default)]
struct ErrorLog {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    errors: VecDeque<BusError>,
    /// Errors in all.
    total: u64,
    /// Who waits for the next one: at most one waker for each stream.
    readers: BTreeMap<u64, Waker>,
    last_key: u64,
    /// Who can still report.
    sources: usize,
}

impl Kept {
    /// The number of the oldest error that is kept.
    fn first(&self) -> u64 {
        self.total - self.errors.len() as u64
    }
}

impl ErrorLog {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, error: BusError) {
        crate::trace::error(&error);
        crate::metrics::error(&error);
        // The destructor of an error is code of users: it runs outside the lock.
        let _oldest = self.update(|kept| {
            kept.errors.push_back(error);
            kept.total += 1;
            (kept.errors.len() > Errors::KEPT).then(|| kept.errors.pop_front())
        });
    }

    /// Changes what is kept, and wakes the readers outside the lock.
    fn update<R>(&self, change: impl FnOnce(&mut Kept) -> R) -> R {
        let mut kept = self.lock();
        let result = change(&mut kept);
        let readers = std::mem::take(&mut kept.readers);
        drop(kept);
        readers.into_values().for_each(Waker::wake);
        result
    }
}

pub(crate) struct Reporter(Arc<ErrorLog>);

impl Reporter {
    pub(crate) fn report(&self, error: BusError) {
        self.0.report(error);
    }
}

/// The right to report errors. While one exists, [`Errors`] does not end.
pub(crate) struct ErrorSource(Arc<ErrorLog>);

impl ErrorSource {
    pub(crate) fn new() -> Self {
        let log = Arc::<ErrorLog>::default();
        log.lock().sources = 1;
        Self(log)
    }

    pub(crate) fn report(&self, error: BusError) {
        self.0.report(error);
    }

    /// Reports too, and keeps no stream from ending.
    pub(crate) fn reporter(&self) -> Reporter {
        Reporter(Arc::clone(&self.0))
    }

    pub(crate) fn errors(&self) -> Errors {
        let mut kept = self.0.lock();
        kept.last_key += 1;
        Errors { log: Arc::clone(&self.0), key: kept.last_key, next: 0, missed: 0, ended: false }
    }

    /// Errors in all.
    pub(crate) fn total(&self) -> u64 {
        self.0.lock().total
    }
}

impl Clone for ErrorSource {
    fn clone(&self) -> Self {
        self.0.lock().sources += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for ErrorSource {
    fn drop(&mut self) {
        self.0.update(|kept| kept.sources -= 1);
    }
}
