//! The seam between a bus and a transport, on one screen.
//!
//! A [`Link`] is what a bus asks of a transport, an [`Inlet`] what a transport tells the bus. Neither names a payload
//! type or a subscriber. Both are called from any thread, and neither waits: what takes time is answered later, a
//! publish by its [`Sending`], a subscription by [`Inlet::subscribed`] or [`Inlet::refused`].

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_channel::oneshot;

use crate::{
    Address, ConnectionState, ErrorCode, Frame, Gap, Header, Past, Position, Rejection, SendError, Start,
    Undecodable,
};

/// What a bus asks of a transport. Dropping it is no more than [closing](Self::close) it and not waiting. After it was closed
/// a publish is [`Closed`](SendError::Closed), and everything else does nothing.
pub trait Link: Send + Sync {
    /// Sends a frame. Frames of one caller to one address go in the order of the calls.
    fn publish(&self, frame: Frame, patience: Patience) -> Sending;

    /// Sends a frame to a transport that keeps what is published. `placed` is told, from anywhere, what position it has. One with
    /// an event id is accepted once, however often it is sent and by whom, as long as that is remembered: the second time it has
    /// the position of the first.
    ///
    /// # Errors
    /// That it is not taken; then `placed` is not called. A rejection where nothing is kept.
    fn place(
        &self,
        frame: Frame,
        memory: Memory,
        patience: Patience,
        placed: Placed,
    ) -> Result<(), SendError> {
        let _ = (frame, memory, patience, placed);
        Err(Rejection::new(ErrorCode::BadRequest, "a transport that keeps nothing").into())
    }

    /// Frames that were taken, and are not sent or not answered yet.
    fn in_flight(&self) -> u64;

    /// Whether somebody waits until what came has room in the inlet. Then the inlet tells of each place that there is; else it may
    /// have several first. Whoever comes to wait after that, [looks](Inlet::poll_ready).
    fn is_waited_for(&self) -> bool {
        true
    }

    /// Goes on with what had no room in the inlet: there may be some by now, of which it did not tell.
    fn look_for_room(&self) {}

    /// Who the other side says that we are; `None` where it says nothing, or that we are nobody.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Follows these addresses too, none of which is followed now. `request` is a number that was not used before: it
    /// stands for all of them in the answer.
    ///
    /// They stay followed, through every reconnection, until [`unsubscribe`](Self::unsubscribe) or a refusal.
    fn subscribe(&self, request: u64, addresses: Vec<Address>);

    /// Follows these addresses no more.
    fn unsubscribe(&self, addresses: Vec<Address>);

    /// Sends what is kept of these addresses, all of which are followed, from these places on: to the one subscription
    /// that `replay` stands for, a number that was not used before. When it has all that was delivered, it is
    /// [told](Inlet::replayed) so.
    ///
    /// Asked for only where the transport's [guarantees](crate::Guarantees::history) say that there is a history.
    fn replay(&self, replay: u64, addresses: Vec<(Address, Start)>) {
        let _ = (replay, addresses);
    }

    /// Takes a place in a queue group. `None`: there are none on the other side.
    #[cfg(feature = "worker")]
    fn join_queue(&self, join: JoinQueue) -> Option<Box<dyn QueueSeat>> {
        let _ = join;
        None
    }

    /// So many events of this type may be on their way that were not [acknowledged](Self::acknowledge), by each address that
    /// is followed: no more are sent before. `None`: as many as there are.
    ///
    /// Asked for only where the transport's [guarantees](crate::Guarantees::acknowledgement) say so.
    fn set_window(&self, topic: &str, window: Option<u32>) {
        let _ = (topic, window);
    }

    /// Everything that was delivered of this type up to this position was handled.
    fn acknowledge(&self, topic: &str, position: &Position) {
        let _ = (topic, position);
    }

    /// Takes nothing more, and sends what was taken, within a time that the transport bounds. Then every task, socket and
    /// remote subscription of it is gone, and so is its inlet. Whether the answer is awaited changes nothing, and every call is answered.
    fn close(&self) -> Closing;
}

/// What a transport tells the bus, one thing after the other: what it says has an order. It holds no lock meanwhile that a
/// method of its [`Link`] takes: the bus may call that from inside any of these.
///
/// An event comes once, however many of the followed addresses it matches. After a reconnection, and after all that was
/// followed is followed again, `state` comes first (whether or not events can go out too), then `gap` for what was lost, then the next event. The last word is
/// [`Closed`](ConnectionState::Closed), and then the inlet is dropped.
///
/// Where values are shared and not encoded nothing is lost on the way, and there is no gap.
pub trait Inlet: Send + Sync {
    /// Whether there is room for one more event. Pending only where the transport's
    /// [guarantees](crate::Guarantees::backpressure) say that publishers wait; then `waker` is woken when there is: for one event,
    /// or for several where the link [is not waited for](Link::is_waited_for).
    fn poll_ready(&self, waker: &Waker) -> Poll<()>;

    /// An event, when [`poll_ready`](Self::poll_ready) said so.
    fn deliver(&self, frame: Frame);

    /// This thread is about to say several things at once: until it [flushes](Self::flush), which it does before it waits for
    /// anything, who reads need not be woken.
    fn hold(&self) {}

    /// What was said so far has to reach who reads.
    fn flush(&self) {}

    /// Every address of this request is followed, but those that were refused or left: what is published from now on
    /// arrives.
    fn subscribed(&self, request: u64);

    /// What comes of the type `topic` comes after this position of its history. Said before the request that asked for
    /// it is answered, and when the history begins anew; not where there is none.
    fn position(&self, topic: &str, position: Position) {
        let _ = (topic, position);
    }

    /// What this replay brings of a type comes after this: of one that begins with the oldest that is kept, where that is. Said
    /// before [`replaying`](Self::replaying).
    fn replay_begins(&self, replay: u64, topic: &str, position: Position) {
        let _ = (replay, topic, position);
    }

    /// Where the replay begins is settled, and it brings all from there on: what is published from now on too. Said once,
    /// also of one that begins with what comes.
    fn replaying(&self, replay: u64) {
        let _ = replay;
    }

    /// Whether the subscription that this replay is for has room for one more event. `false`: it is gone, and nothing
    /// more is to be sent to it. Pending while it has no room; then `waker` is woken when that changes.
    fn poll_replay(&self, replay: u64, waker: &Waker) -> Poll<bool> {
        let _ = (replay, waker);
        Poll::Ready(false)
    }

    /// What a replay brings next, when [`poll_replay`](Self::poll_replay) said that there is room.
    fn replay(&self, replay: u64, past: Past) {
        let _ = (replay, past);
    }

    /// The replay has brought all that was delivered up to now: what is delivered from now on is for that subscription
    /// too.
    fn replayed(&self, replay: u64) {
        let _ = replay;
    }

    /// This address is followed no more, or never was: the other side does not allow it.
    /// `request` is the last that named it.
    fn refused(&self, request: u64, address: Address, rejection: Rejection);

    /// Events to `address`, which is one that is followed, were lost before the next that is delivered: a transport that
    /// knows of several says each. Without an address: to all, and how many to each is not known.
    fn gap(&self, address: Option<Address>, gap: Gap);

    /// One loss that several addresses have had a part in: what it is to each.
    fn gaps(&self, lost: Vec<(Address, Gap)>) {
        lost.into_iter().for_each(|(address, gap)| self.gap(Some(address), gap));
    }

    /// Something came that is no event.
    fn undecodable(&self, undecodable: Undecodable);

    /// A frame that was taken with [`Patience::Now`] could not be sent after all.
    fn not_sent(&self, header: Header, error: SendError);

    /// The connection changed.
    fn state(&self, state: ConnectionState);
}

/// What to do with a frame for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Refuse it, as [`SendError::Full`]. Taking it is the answer, given at once: what fails later is told by
    /// [`Inlet::not_sent`].
    Now,
    /// Wait in line, then wait for the other side's answer.
    Wait,
}

/// Who is told where a frame was placed.
pub type Placed = Box<dyn FnOnce(Result<Position, SendError>) + Send>;

/// How long event ids are remembered, to know an event that is published again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// How many of a type.
    pub ids: usize,
    /// How long after the last of a type.
    pub ids_for: Duration,
}

/// The answer to a publish.
///
/// # Cancel safety
/// Dropped before the frame was written, the frame is not sent. Afterwards it may have been.
#[derive(Debug)]
pub enum Sending {
    /// Known at once.
    Done(Result<(), SendError>),
    /// To come.
    Pending(oneshot::Receiver<Result<(), SendError>>),
}

impl Future for Sending {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done(result) => Poll::Ready(result.clone()),
            // Whoever was to answer is gone without a word.
            Self::Pending(answer) => {
                Pin::new(answer).poll(cx).map(|answer| answer.unwrap_or(Err(SendError::Ambiguous)))
            }
        }
    }
}

/// The end of a link. Ready with how many frames were given up: taken, and not sent or not answered; `None` if the transport
/// ended without saying.
#[derive(Debug)]
pub enum Closing {
    /// Over.
    Done(u64),
    /// To come.
    Pending(oneshot::Receiver<u64>),
}

impl Future for Closing {
    type Output = Option<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        match self.get_mut() {
            Self::Done(unsent) => Poll::Ready(Some(*unsent)),
            Self::Pending(unsent) => Pin::new(unsent).poll(cx).map(Result::ok),
        }
    }
}

/// A place in a queue group that is asked for.
#[cfg(feature = "worker")]
#[derive(Debug)]
pub struct JoinQueue {
    /// The name of the group.
    pub group: String,
    /// What it follows.
    pub addresses: Vec<Address>,
    /// How many events it may have on the way to the place and at it.
    pub prefetch: usize,
}

/// A place in a queue group. Dropping it leaves the group.
#[cfg(feature = "worker")]
pub trait QueueSeat: Send {
    /// Ready when the other side has said whether there is a place.
    fn poll_joined(&mut self, waker: &Waker) -> Poll<Result<(), JoinError>>;

    /// The next event, which nobody else gets; `None` when there will be none. What it gave before is done.
    fn poll_next(&mut self, waker: &Waker) -> Poll<Option<Frame>>;

    /// What it gave last is no event here. Nobody gets it again, and the group is told why.
    fn reject(&mut self, reason: String);
}

/// Why there is no place in a queue group.
#[cfg(feature = "worker")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinError {
    /// The transport is closed.
    Closed,
    /// The other side refuses.
    Rejected(Rejection),
}
