//! The places that a process has in queue groups: what each is given goes to its pipe.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Poll, Wake, Waker};

use pubsub_transports::__private::{Control, Leave, Member, Place};
use pubsub_transports::codec::Codec;
use pubsub_transports::{Address, ErrorCode, Frame, JoinQueue, Rejection};

use super::bridge::PipeInlet;

/// By the numbers that the process gave them.
pub(super) struct Feeds<C>(BTreeMap<u64, Arc<Feed<C>>>);

impl<C> Default for Feeds<C> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<C: Codec> Feeds<C> {
    /// How many places a process can have at once.
    const PLACES: usize = 64;
    /// How many events a place can be given at once.
    const PREFETCH: u64 = 1_024;

    pub(super) fn join(
        &mut self,
        (number, group, prefetch): (u64, String, u64),
        addresses: Vec<Address>,
        member: &Member,
        inlet: &Arc<PipeInlet<C>>,
    ) {
        let prefetch = usize::try_from(prefetch.min(Self::PREFETCH)).unwrap_or(1);
        let place = if self.0.len() < Self::PLACES && !self.0.contains_key(&number) {
            member.join(&JoinQueue { group, addresses, prefetch })
        } else {
            let reason = format!("a process can have {} places in pools", Self::PLACES);
            Err(Rejection::new(ErrorCode::Limit, reason))
        };
        let refusal =
            |rejection: &Rejection| (rejection.code().as_str().to_owned(), rejection.message().to_owned());
        inlet.say(&Control::Joined(number, place.as_ref().map(drop).map_err(refusal)));
        if let Ok(place) = place {
            let inlet = Arc::clone(inlet);
            let feed = Arc::new(Feed { number, place, inlet, turn: AtomicU8::new(IDLE) });
            feed.pump();
            self.0.insert(number, feed);
        }
    }

    pub(super) fn begin(&self, number: u64) {
        if let Some(feed) = self.0.get(&number) {
            feed.place.begin();
        }
    }

    pub(super) fn done(&self, number: u64) {
        if let Some(feed) = self.0.get(&number) {
            feed.place.finish();
        }
    }

    pub(super) fn leave(&mut self, number: u64, how: Leave) {
        if let Some(feed) = self.0.remove(&number) {
            feed.place.leave(how);
        }
    }

    /// The process is no more, whatever it was at.
    pub(super) fn end(self) {
        for feed in self.0.into_values() {
            feed.place.leave(Leave::Unfinished);
        }
    }
}

/// Whoever wakes it hands on what there is, on its own thread, unless another is at it.
struct Feed<C> {
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
            loop {
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
