//! The places that a process has in queue groups: what each is given goes to its pipe.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

use pubsub_transports::__private::{Control, Leave, Member, Place};
use pubsub_transports::codec::Codec;
use pubsub_transports::{Address, ErrorCode, Frame, JoinQueue, Rejection};

use super::bridge::PipeInlet;

/// By the numbers that the process gave them.
pub(super) struct Feeds<C: Codec>(Mutex<All<C>>);

struct All<C: Codec> {
    by_number: BTreeMap<u64, Arc<Feed<C>>>,
    /// The process is no more.
    is_over: bool,
}

impl<C: Codec> Default for Feeds<C> {
    fn default() -> Self {
        Self(Mutex::new(All { by_number: BTreeMap::new(), is_over: false }))
    }
}

impl<C: Codec> Feeds<C> {
    /// How many places a process can have at once.
    const PLACES: usize = 64;
    /// How many events a place can be given at once.
    const PREFETCH: u64 = 1_024;

    fn lock(&self) -> MutexGuard<'_, All<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn join(
        &self,
        (number, group, prefetch): (u64, String, u64),
        addresses: Vec<Address>,
        member: &Member,
        inlet: &Arc<PipeInlet<C>>,
    ) {
        let prefetch = usize::try_from(prefetch.min(Self::PREFETCH)).unwrap_or(1);
        let is_free = {
            let all = self.lock();
            all.by_number.len() < Self::PLACES && !all.by_number.contains_key(&number)
        };
        let place = if is_free {
            member.join(&JoinQueue { group, addresses, prefetch })
        } else {
            let reason = format!("a process can have {} places in pools", Self::PLACES);
            Err(Rejection::new(ErrorCode::Limit, reason))
        };
        let refusal =
            |rejection: &Rejection| (rejection.code().as_str().to_owned(), rejection.message().to_owned());
        inlet.say(&Control::Joined(number, place.as_ref().map(drop).map_err(refusal)));
        let Ok(place) = place else { return };
        let inlet = Arc::clone(inlet);
        let feed = Arc::new(Feed { number, place, inlet, turn: AtomicU8::new(IDLE) });
        let mut all = self.lock();
        if all.is_over {
            drop(all);
            return feed.place.leave(Leave::Unfinished);
        }
        all.by_number.insert(number, Arc::clone(&feed));
        drop(all);
        feed.pump();
    }

    fn find(&self, number: u64) -> Option<Arc<Feed<C>>> {
        self.lock().by_number.get(&number).cloned()
    }

    pub(super) fn begin(&self, number: u64) {
        if let Some(feed) = self.find(number) {
            feed.place.begin();
        }
    }

    pub(super) fn done(&self, number: u64) {
        if let Some(feed) = self.find(number) {
            feed.place.finish();
        }
    }

    pub(super) fn reject(&self, number: u64, reason: String) {
        if let Some(feed) = self.find(number) {
            feed.place.reject(reason);
        }
    }

    pub(super) fn leave(&self, number: u64, how: Leave) {
        let feed = self.lock().by_number.remove(&number);
        if let Some(feed) = feed {
            feed.place.leave(how);
        }
    }

    /// The process is no more, whatever it was at.
    pub(super) fn end(&self) {
        let all = {
            let mut all = self.lock();
            all.is_over = true;
            std::mem::take(&mut all.by_number)
        };
        for feed in all.into_values() {
            feed.place.leave(Leave::Unfinished);
        }
    }
}

/// Whoever wakes it hands on what there is, on its own thread, unless another is at it.
struct Feed<C: Codec> {
    number: u64,
    place: Place,
    inlet: Arc<PipeInlet<C>>,
    turn: AtomicU8,
}

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
/// And there was a wake meanwhile.
const AGAIN: u8 = 2;

impl<C: Codec> Wake for Feed<C> {
    fn wake(self: Arc<Self>) {
        self.pump();
    }
}

impl<C: Codec> Feed<C> {
    fn pump(self: &Arc<Self>) {
        if self.turn.swap(AGAIN, Ordering::AcqRel) != IDLE {
            return;
        }
        let waker = Waker::from(Arc::clone(self));
        loop {
            self.turn.store(RUNNING, Ordering::Release);
            // A process that does not read what it was given is given no more.
            while self.inlet.outbox.poll_control(&waker).is_ready() {
                match self.place.poll_give(&waker) {
                    Poll::Ready(Some(frame)) => self.give(frame),
                    Poll::Ready(None) => {
                        // Nobody wakes it any more.
                        self.inlet.say(&Control::Over(self.number));
                        return;
                    }
                    Poll::Pending => break,
                }
            }
            let idle = self.turn.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
            if idle.is_ok() {
                return;
            }
        }
    }

    fn give(&self, Frame { header, body }: Frame) {
        let give = Control::Give(self.number).write(&self.inlet.ends.codec);
        let Ok(give) = give else { return self.place.discard() };
        match self.inlet.ends.message(&header, body) {
            Ok(event) => self.inlet.outbox.push_both(give, event),
            Err(reason) => {
                self.place.discard();
                self.inlet.ends.not_sent(&header, reason);
            }
        }
    }
}
