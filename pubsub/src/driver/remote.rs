//! What a subscription has on the other side, and how what happens there is told among its events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::Driver;
use super::interest::Liveness;
use super::notices::{News, Notice, Notices};
use super::replay::{Next, Replay};
use crate::SubscribeError;
use crate::delivery::End;
use crate::engine::{Found, Reader};
use crate::event::Stored;
use crate::guarantees::Carries;
use crate::interest::Interest;
use crate::{Position, Positions};

/// Dropping it gives up what the subscription follows.
pub(crate) struct Remote {
    driver: Arc<Driver>,
    key: u64,
    pub(crate) notices: Arc<Notices>,
    /// Read, but something has to be told before it.
    held: Option<Came>,
    /// What is read before the seat in the engine.
    replay: Option<Arc<Replay>>,
    /// Lost in gaps of the past that were passed over, and not told yet.
    passed_over: u64,
    /// The last event that was given of each topic, where there is a history.
    given: Vec<(&'static str, Position)>,
    /// Where it acknowledges: what was given, and is handled when more is asked for.
    unhandled: Option<Vec<(usize, Position)>>,
    /// It found nothing when it last looked.
    is_idle: bool,
}

/// An event, and how many were lost just before it.
pub(crate) struct Came {
    pub(crate) stored: Stored,
    pub(crate) missed: u64,
}

/// What comes next.
pub(crate) enum Step {
    Event(Came),
    Notice(Notice),
    /// And how many were lost after the last event.
    End(End, u64),
}

/// How long a reader that found nothing waits, each time, before it looks again; then it lets itself be woken, which takes
/// longer, and whoever publishes as long again. In turns of a processor's wait, a hundredth of a microsecond or a few.
const WAITS: [u32; 2] = [32, 64];

impl Came {
    /// Its number among the events that came. One that did not come over a wire has none, and nothing stands before it.
    fn number(&self) -> u64 {
        self.stored.arrival().map_or(0, |arrival| arrival.sequence)
    }
}

impl Remote {
    pub(super) fn new(
        driver: Arc<Driver>,
        key: u64,
        notices: Arc<Notices>,
        replay: Option<Arc<Replay>>,
    ) -> Self {
        Self {
            driver,
            key,
            notices,
            held: None,
            replay,
            passed_over: 0,
            given: Vec::new(),
            unhandled: None,
            is_idle: false,
        }
    }

    /// The other side is told what was handled.
    pub(super) fn acknowledging(mut self, interest: Interest, window: u32) -> Self {
        self.driver.acknowledge(self.key, interest, window);
        self.unhandled = Some(Vec::new());
        self
    }

    /// More is asked for: what was given is handled.
    fn settle(&mut self) {
        for (topic, position) in self.unhandled.iter_mut().flat_map(|unhandled| unhandled.drain(..)) {
            self.driver.handled(self.key, topic, &position);
        }
    }

    /// Events of the past that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.replay.as_ref().map_or(0, |replay| replay.len())
    }

    /// An event is given to the subscriber.
    #[inline]
    pub(crate) fn give(&mut self, stored: &Stored) {
        if self.driver.guarantees.history {
            self.note(stored);
        }
        if let Some(unhandled) = &mut self.unhandled
            && let Some(position) = stored.arrival().and_then(|arrival| arrival.position.clone())
        {
            unhandled.push((stored.topic(), position));
        }
    }

    fn note(&mut self, stored: &Stored) {
        let Some(position) = stored.arrival().and_then(|arrival| arrival.position.as_ref()) else { return };
        let topic = stored.name();
        match self.given.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, known)) => known.clone_from(position),
            None => self.given.push((topic, position.clone())),
        }
    }

    /// An event that was read is given later, after its loss was told.
    pub(crate) fn hold(&mut self, stored: Stored) {
        self.held = Some(Came { stored, missed: 0 });
    }

    /// How far the subscriber is.
    pub(crate) fn positions(&self) -> Positions {
        let mut positions = Positions::new();
        for (topic, position) in self.notices.begins() {
            positions.insert(&topic, position);
        }
        for (topic, position) in &self.given {
            positions.insert(topic, position.clone());
        }
        positions
    }

    pub(crate) fn has_held(&self) -> bool {
        self.held.is_some()
    }

    /// Ready when the other side has acknowledged all that the subscription follows.
    pub(crate) fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Result<(), SubscribeError>> {
        let inbound = &self.driver.inbound;
        let waker = cx.waker().clone();
        let (liveness, _before) = inbound.interests().liveness(self.key, waker);
        if let Some(rejection) = self.notices.refused() {
            return Poll::Ready(Err(SubscribeError::Rejected(rejection)));
        }
        match liveness {
            Liveness::Live => match &self.replay {
                Some(replay) => replay.poll_settled(cx.waker()).map(Ok),
                None => Poll::Ready(Ok(())),
            },
            // Asked after the waker is there: whoever closes wakes it, or is seen here.
            _ if inbound.closed.load(Ordering::Acquire) => Poll::Ready(Err(SubscribeError::Closed)),
            Liveness::NotYet => Poll::Pending,
            Liveness::Refused(rejection) => Poll::Ready(Err(SubscribeError::Rejected(rejection))),
            Liveness::Ended => Poll::Ready(Err(SubscribeError::Closed)),
        }
    }

    fn poll_reader<E>(&mut self, reader: &mut Reader<E>, waker: &Waker) -> Poll<Step> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Step::Event(held));
        }
        while let Some(replay) = &self.replay {
            match replay.poll_next(waker) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Next::Event(stored)) => {
                    let missed = std::mem::take(&mut self.passed_over);
                    return Poll::Ready(Step::Event(Came { stored, missed }));
                }
                Poll::Ready(Next::Notice(notice)) => return Poll::Ready(Step::Notice(notice)),
                Poll::Ready(Next::Closed) => return Poll::Ready(Step::End(End::Closed, self.passed_over)),
                Poll::Ready(Next::Joined(seat)) => {
                    reader.sit(seat);
                    self.leave_past();
                }
            }
        }
        let mut found = Found::default();
        let arrived = self.driver.inbound.arrived();
        let may_wait = || self.driver.room_may_wait();
        let mut stored = reader.take_stored(waker, may_wait, &mut found);
        if stored.is_none() && found.end.is_none() && self.sees_more(arrived, waker) {
            stored = reader.take_stored(waker, || false, &mut found);
        }
        let was_idle = self.is_idle;
        self.set_idle(stored.is_none() && found.end.is_none());
        // Asked after it is known to be idle: from then on whoever makes room tells so at once.
        if self.is_idle && !was_idle && self.driver.inbound.is_full.load(Ordering::SeqCst) {
            self.driver.link.look_for_room();
            stored = reader.take_stored(waker, || false, &mut found);
        }
        match (stored, found.end) {
            (Some(stored), _) => {
                let missed = found.missed + std::mem::take(&mut self.passed_over);
                Poll::Ready(Step::Event(Came { stored, missed }))
            }
            (None, Some(end)) => Poll::Ready(Step::End(end, found.missed + self.passed_over)),
            (None, None) => Poll::Pending,
        }
    }

    /// Whether more than `arrived` events came, by now or within a moment. Only from other threads they come that quickly.
    fn sees_more(&self, arrived: u64, waker: &Waker) -> bool {
        let driver = &*self.driver;
        if self.is_idle || driver.guarantees.carries != Carries::Shared || waker.will_wake(Waker::noop()) {
            return false;
        }
        // Not all the time: each look takes the counter from who writes it.
        WAITS.into_iter().any(|turns| {
            (0..turns).for_each(|_| std::hint::spin_loop());
            driver.inbound.arrived() != arrived
        })
    }

    fn set_idle(&mut self, is_idle: bool) {
        let idle = &self.driver.inbound.idle;
        match (std::mem::replace(&mut self.is_idle, is_idle), is_idle) {
            (false, true) => _ = idle.fetch_add(1, Ordering::SeqCst),
            (true, false) => _ = idle.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
    }

    /// The next event, whatever happened before it: events lost in gaps are added to its `missed`, as far as they were
    /// counted.
    pub(crate) fn poll_event<E>(&mut self, reader: &mut Reader<E>, waker: &Waker) -> Poll<Step> {
        self.settle();
        let mut is_refused = false;
        loop {
            match self.poll_reader(reader, waker) {
                Poll::Ready(Step::Event(mut came)) => {
                    came.missed += self.notices.pass_over(came.number());
                    return Poll::Ready(Step::Event(came));
                }
                Poll::Ready(Step::Notice(notice)) => {
                    if let Notice::Gap(gap) = notice {
                        self.passed_over += gap.missed.unwrap_or(0);
                    }
                }
                Poll::Ready(step) => return Poll::Ready(step),
                Poll::Pending if is_refused => {
                    return Poll::Ready(Step::End(End::Rejected, self.passed_over));
                }
                // What came before that is still there.
                Poll::Pending if self.notices.news(false, waker) == News::Refused => is_refused = true,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What comes next: what happened on the way stands before the first event that came after it.
    pub(crate) fn poll_step<E>(&mut self, reader: &mut Reader<E>, waker: &Waker) -> Poll<Step> {
        self.settle();
        loop {
            match self.poll_reader(reader, waker) {
                Poll::Ready(Step::Event(came)) => {
                    let Some(notice) = self.notices.next_before(came.number()) else {
                        return Poll::Ready(Step::Event(came));
                    };
                    self.held = Some(came);
                    return Poll::Ready(Step::Notice(notice));
                }
                Poll::Ready(step) => return Poll::Ready(step),
                Poll::Pending => {}
            }
            let news = self.notices.news(true, waker);
            if news == News::None {
                return Poll::Pending;
            }
            // What came before the news is in the engine by now, if it was not a moment ago.
            match (self.poll_reader(reader, waker), news) {
                (Poll::Ready(Step::Event(came)), _) => self.held = Some(came),
                (Poll::Ready(step), _) => return Poll::Ready(step),
                (Poll::Pending, News::After(event)) => {
                    if let Some(notice) = self.notices.next_before(event + 1) {
                        return Poll::Ready(Step::Notice(notice));
                    }
                }
                (Poll::Pending, _) => return Poll::Ready(Step::End(End::Rejected, 0)),
            }
        }
    }

    /// All of the past was read, or nobody reads it any more.
    fn leave_past(&mut self) {
        if let Some(replay) = self.replay.take() {
            self.driver.inbound.replays().remove(&self.key);
            replay.leave();
        }
    }

    /// The subscription has ended: it follows nothing any more.
    pub(crate) fn leave(&mut self) {
        self.leave_past();
        self.set_idle(false);
        let _wakers = self.driver.inbound.interests().leave(self.key);
        self.driver.make_calls();
        // After it is followed no more: else the hub would send all that waits.
        if self.unhandled.take().is_some() {
            self.driver.acknowledge_no_more(self.key);
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.leave();
    }
}
