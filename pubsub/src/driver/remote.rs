//! What a subscription has on the other side, and how what happens there is told among its events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use super::Driver;
use super::interest::Liveness;
use super::notices::{News, Notice, Notices};
use crate::SubscribeError;
use crate::delivery::End;
use crate::engine::{Found, Reader};
use crate::event::Stored;

/// Dropping it gives up what the subscription follows.
pub(crate) struct Remote {
    driver: Arc<Driver>,
    key: u64,
    pub(crate) notices: Arc<Notices>,
    /// Read, but something has to be told before it.
    held: Option<Came>,
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

impl Came {
    /// Its number among the events that came. One that did not come over a wire has none, and nothing stands before it.
    fn number(&self) -> u64 {
        self.stored.arrival().map_or(0, |arrival| arrival.sequence)
    }
}

impl Remote {
    pub(super) fn new(driver: Arc<Driver>, key: u64, notices: Arc<Notices>) -> Self {
        Self { driver, key, notices, held: None }
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
            Liveness::Live => Poll::Ready(Ok(())),
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
        let mut found = Found::default();
        let stored = reader.take_stored(waker, &mut found);
        match (stored, found.end) {
            (Some(stored), _) => Poll::Ready(Step::Event(Came { stored, missed: found.missed })),
            (None, Some(end)) => Poll::Ready(Step::End(end, found.missed)),
            (None, None) => Poll::Pending,
        }
    }

    /// The next event, whatever happened before it: events lost in gaps are added to its `missed`, as far as they were
    /// counted.
    pub(crate) fn poll_event<E>(&mut self, reader: &mut Reader<E>, waker: &Waker) -> Poll<Step> {
        match self.poll_reader(reader, waker) {
            Poll::Ready(Step::Event(mut came)) => {
                came.missed += self.notices.pass_over(came.number());
                Poll::Ready(Step::Event(came))
            }
            Poll::Pending if self.notices.news(false, waker) == News::Refused => {
                // What came before that is still there.
                match self.poll_reader(reader, waker) {
                    Poll::Pending => Poll::Ready(Step::End(End::Rejected, 0)),
                    Poll::Ready(Step::Event(came)) => {
                        self.held = Some(came);
                        self.poll_event(reader, waker)
                    }
                    step => step,
                }
            }
            step => step,
        }
    }

    /// What comes next: what happened on the way stands before the first event that came after it.
    pub(crate) fn poll_step<E>(&mut self, reader: &mut Reader<E>, waker: &Waker) -> Poll<Step> {
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

    /// The subscription has ended: it follows nothing any more.
    pub(crate) fn leave(&self) {
        let _wakers = self.driver.inbound.interests().leave(self.key);
        self.driver.make_calls();
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.leave();
    }
}
