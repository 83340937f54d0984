//! What joins the engine to a transport that leaves the bus: published value to frame to link, and frame to event to
//! subscriptions.
//!
//! A bus on such a transport delivers nothing by itself. Its own events come back from the other side, in the other side's
//! order, and reach the engine by the [`Inbound`] as those of everybody else do.

mod acknowledge;
mod edge;
mod inbound;
mod interest;
mod notices;
mod outbound;
#[cfg(feature = "worker")]
mod queue;
mod remote;
mod replay;
#[cfg(all(test, feature = "json"))]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use pubsub_transports::{Address, Closing, ConnectionState, Guarantees, Inlet, Link, Position, Start};

pub use self::edge::Carries;
pub(crate) use self::edge::Edge;
use self::inbound::{BusInlet, Inbound};
use self::interest::Call;
pub(crate) use self::notices::Notice;
pub(crate) use self::outbound::Outgoing;
#[cfg(feature = "worker")]
pub(crate) use self::queue::Queued;
pub(crate) use self::remote::{Came, Remote, Step};
use self::replay::Replay;
use crate::connection::Gauge;
use crate::engine::{Engine, Seat, Terms};
use crate::errors::Reporter;
use crate::interest::Interest;
use crate::{EventMap, Since, SubscribeError};

/// A bus's end of the seam.
pub(crate) struct Driver {
    link: Arc<dyn Link>,
    guarantees: Guarantees,
    edge: Arc<dyn Edge>,
    inbound: Arc<Inbound>,
}

/// What the bus has already when it is given a transport.
pub(crate) struct Parts {
    pub(crate) engine: Arc<Engine>,
    pub(crate) errors: Reporter,
    pub(crate) gauge: Arc<Gauge>,
    /// What the transport is called in spans.
    pub(crate) transport: &'static str,
}

impl Driver {
    pub(crate) fn new<M: EventMap>(
        parts: Parts,
        edge: Arc<dyn Edge>,
        guarantees: Guarantees,
        attach: impl FnOnce(Arc<dyn Inlet>) -> Arc<dyn Link>,
    ) -> Self {
        let inbound = Arc::new(Inbound::new::<M>(parts, Arc::clone(&edge), guarantees.history));
        let link = attach(Arc::new(BusInlet(Arc::clone(&inbound))) as Arc<dyn Inlet>);
        inbound.set_link(&link);
        Self { link, guarantees, edge, inbound }
    }

    pub(crate) fn guarantees(&self) -> &Guarantees {
        &self.guarantees
    }

    /// Who the other side says that this is.
    pub(crate) fn identity(&self) -> Option<String> {
        self.link.identity()
    }

    /// What the link has yet to send, and what came and has no room yet.
    pub(crate) fn in_flight(&self) -> u64 {
        self.link.in_flight() + u64::from(self.inbound.has_waiting())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inbound.closed.load(Ordering::Acquire)
    }

    /// Whether events that were accepted still come, although nothing more is: a link that makes publishers wait says when
    /// that is over, and until then the engine stays open for them.
    pub(crate) fn is_draining(&self) -> bool {
        self.guarantees.backpressure && !self.inbound.engine_is_closed()
    }

    /// Whether the link may learn later that a reader has made room, once it has given all that it took at once: neither a
    /// publisher waits for that, nor another subscription, which may be stuck behind this one. Whoever comes to wait
    /// [looks](Link::look_for_room) by itself, and first says that it waits. It then marks the reader's count of what it holds,
    /// by which one of the two sees the other.
    fn room_may_wait(&self) -> bool {
        self.inbound.idle.load(Ordering::SeqCst) == 0 && !self.link.is_waited_for()
    }

    /// What a subscription follows, as addresses.
    #[cfg(feature = "worker")]
    pub(crate) fn addresses(&self, interest: &Interest) -> Result<Vec<Address>, SubscribeError> {
        self.inbound.addresses(interest)
    }

    /// Nothing more is accepted; what was is sent.
    pub(crate) fn close(&self) -> Closing {
        self.inbound.closed.store(true, Ordering::Release);
        let waiting = self.inbound.interests().take_wakers();
        waiting.into_iter().for_each(Waker::wake);
        let closing = self.link.close();
        self.inbound.show(ConnectionState::Closed { error: None });
        closing
    }

    /// How far the topics of this are that are followed already; asked for before a seat is taken in the engine, so that
    /// whatever the seat gets comes after that.
    pub(crate) fn positions(&self, interest: &Interest) -> Vec<(Box<str>, Position)> {
        if !self.guarantees.history {
            return Vec::new();
        }
        self.inbound.addresses(interest).map(|all| self.inbound.positions(&all)).unwrap_or_default()
    }

    /// A subscription follows this, which was subscribed in the engine before. It begins there in histories.
    ///
    /// # Errors
    /// If the address of some topic and id is none on a wire.
    pub(crate) fn join(
        self: &Arc<Self>,
        interest: &Interest,
        begins: Vec<(Box<str>, Position)>,
        window: Option<u32>,
    ) -> Result<Remote, SubscribeError> {
        let addresses: Arc<[Address]> = self.inbound.addresses(interest)?.into();
        if self.inbound.closed.load(Ordering::Acquire) {
            return Err(SubscribeError::Closed);
        }
        let (key, notices) = self.inbound.interests().join(addresses);
        begins.into_iter().for_each(|(topic, position)| notices.begin(&topic, position));
        let remote = Remote::new(Arc::clone(self), key, notices, None);
        let remote = match window {
            Some(window) => remote.acknowledging(interest.clone(), window),
            None => remote,
        };
        self.make_calls();
        Ok(remote)
    }

    /// A subscription begins in the past. It takes its seat in the engine when it has all of that.
    ///
    /// # Errors
    /// As [`join`](Self::join), and if there is no history.
    pub(crate) fn join_past(
        self: &Arc<Self>,
        interest: Interest,
        terms: Terms,
        since: &Since,
    ) -> Result<(Seat, Remote), SubscribeError> {
        let inbound = &self.inbound;
        let addresses: Arc<[Address]> = inbound.addresses(&interest)?.into();
        let starts: Vec<(Address, Start)> =
            addresses.iter().map(|address| (address.clone(), since.start(address.topic()))).collect();
        let live = inbound.positions(&addresses);
        let (key, replay, notices) = {
            let mut interests = inbound.interests();
            let (key, notices) = interests.join(addresses);
            Since::begins(&starts, live).for_each(|(topic, position)| notices.begin(&topic, position));
            let replay = Arc::new(Replay::new(interest, terms, Arc::clone(&notices)));
            inbound.replays().insert(key, Arc::clone(&replay));
            interests.replay(key, starts);
            (key, replay, notices)
        };
        let remote = Remote::new(Arc::clone(self), key, notices, Some(replay));
        // Asked after the replay can be found: whoever closes finds it, or is seen here.
        if inbound.closed.load(Ordering::Acquire) {
            return Err(SubscribeError::Closed);
        }
        self.make_calls();
        Ok((Seat::nowhere(inbound.engine()), remote))
    }

    /// Makes the calls that are due, unless another thread is at it: then that one makes them.
    fn make_calls(&self) {
        let mut is_caller = false;
        loop {
            let call = self.inbound.interests().next_call(is_caller);
            is_caller = true;
            match call {
                Some(Call::Subscribe(request, addresses)) => self.link.subscribe(request, addresses),
                Some(Call::Unsubscribe(addresses)) => self.link.unsubscribe(addresses),
                Some(Call::Replay(replay, from)) => self.link.replay(replay, from),
                None => return,
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Closing does not depend on being awaited.
        drop(self.close());
    }
}
