//! What came to a worker process and waits for room in its subscriptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker, ready};

use super::ends::Ends;
use super::serial::{Serial, Work};
use super::{Control, Outbox};
use crate::codec::Codec;
use crate::{Address, ConnectError, Frame, Gap, GapReason, Undecodable};

/// What keeps its place among events.
pub(super) enum Came {
    Event(Frame),
    Gap(Address, Option<u64>),
    Undecodable(Undecodable),
    /// Nothing more.
    End(Option<ConnectError>),
}

/// As much of it as the host was told that there is room for. Whoever makes room in a subscription takes in what waits.
pub(super) struct Inbox<C: Codec> {
    serial: Arc<Serial<TakeIn<C>>>,
    room: usize,
}

struct TakeIn<C> {
    ends: Arc<Ends>,
    outbox: Arc<Outbox>,
    codec: Arc<C>,
    /// How many are taken in before the host is told.
    at_once: usize,
    taken_in: AtomicUsize,
}

impl<C: Codec> Inbox<C> {
    pub(super) fn new(ends: &Arc<Ends>, outbox: &Arc<Outbox>, codec: &Arc<C>, room: usize) -> Self {
        let (ends, outbox, codec) = (Arc::clone(ends), Arc::clone(outbox), Arc::clone(codec));
        // The host still has room for the other half meanwhile.
        let at_once = (room / 2).max(1);
        let take_in = TakeIn { ends, outbox, codec, at_once, taken_in: AtomicUsize::new(0) };
        Self { serial: Serial::new(take_in), room }
    }

    /// # Errors
    /// There is more than the host may send.
    pub(super) fn push(&self, came: Came) -> Result<(), String> {
        // The end needs no room.
        let bound = if matches!(came, Came::End(_)) { usize::MAX } else { self.room };
        if self.serial.push(came, bound) {
            Ok(())
        } else {
            Err(format!("more events than there is room for, which is {}", self.room))
        }
    }
}

impl<C: Codec> Work for TakeIn<C> {
    type Item = Came;

    fn poll(&self, came: &mut Came, waker: &Waker) -> Poll<()> {
        let Some(inlet) = self.ends.inlet() else { return Poll::Ready(()) };
        if matches!(came, Came::Event(_)) {
            ready!(inlet.poll_ready(waker));
        }
        match std::mem::replace(came, Came::End(None)) {
            Came::Event(frame) => inlet.deliver(frame),
            Came::Gap(address, missed) => {
                inlet.gap(Some(address), Gap::new(GapReason::Disconnected, missed));
            }
            Came::Undecodable(undecodable) => inlet.undecodable(undecodable),
            Came::End(error) => {
                drop(inlet);
                self.ends.intake_ended(error);
                self.outbox.release();
                return Poll::Ready(());
            }
        }
        self.tell_room();
        Poll::Ready(())
    }
}

impl<C: Codec> TakeIn<C> {
    /// One at a time.
    fn tell_room(&self) {
        let taken_in = self.taken_in.load(Ordering::Relaxed) + 1;
        let is_due = taken_in >= self.at_once;
        self.taken_in.store(if is_due { 0 } else { taken_in }, Ordering::Relaxed);
        if is_due && let Ok(message) = Control::Room(taken_in).write(&*self.codec) {
            self.outbox.push(message);
        }
    }
}
