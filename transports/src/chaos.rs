//! A transport that misbehaves, by a seed, and says what it did.

mod link;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use self::link::{ChaosInlet, ChaosLink};
use crate::transport::{Connection, sealed};
use crate::{
    Address, ConnectError, ConnectionState, DecodeError, Delivery, Frame, Gap, GapReason, Guarantees, Header,
    Inlet, SendError, Transport, Undecodable,
};

/// A transport around another that does what networks do: it delays, drops, cuts the connection, and lets garbage through.
///
/// It uses no clock and no thread: a delay lasts a number of events, a cut a number of events and publishes. What is lost is
/// told as a gap, exactly, and everything is recorded: see [`ChaosHandle`]. The same seed does the same to the same events.
/// Needs the feature `test-util`.
///
/// It promises less than the transport inside: an event comes at most once, and publishers do not wait for subscriptions.
/// Around [`InProcess`](crate::InProcess), which has no way to spoil, it does nothing.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use pubsub_transports::{Chaos, Loopback};
/// use pubsub_transports::codec::Json;
///
/// let chaos = Chaos::new(Loopback::new(Json::default()), 42);
/// let handle = chaos.handle(); // give `chaos` to a bus
/// handle.calm();
/// assert!(handle.did().is_empty());
/// # }
/// ```
pub struct Chaos<T> {
    inside: T,
    shared: Arc<Shared>,
}

impl<T> Chaos<T> {
    /// Around `inside`, with the misfortunes of this seed.
    #[must_use]
    pub fn new(inside: T, seed: u64) -> Self {
        let plan = Plan { random: Rng::with_seed(seed), ..Plan::default() };
        Self { inside, shared: Arc::new(Shared { plan: Mutex::new(plan) }) }
    }

    /// To look at what it does, and to end it.
    #[must_use]
    pub fn handle(&self) -> ChaosHandle {
        ChaosHandle { shared: Arc::clone(&self.shared) }
    }

    fn guarantees(inside: Guarantees) -> Guarantees {
        Guarantees {
            delivery: Delivery::AtMostOnce,
            backpressure: false,
            history: false,
            acknowledgement: false,
            ..inside
        }
    }
}

impl<T> fmt::Debug for Chaos<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").finish_non_exhaustive()
    }
}

impl<T: Transport> Transport for Chaos<T> {
    type Body = T::Body;
}

impl<T: Transport> sealed::Connect for Chaos<T> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { inside, shared } = self;
        match inside.connect() {
            Connection::InProcess => Connection::InProcess,
            Connection::Link { name, body, guarantees, attach } => Connection::Link {
                name,
                body,
                guarantees: Self::guarantees(guarantees),
                attach: Box::new(move |inlet| {
                    shared.lock().inlet = Some(Arc::clone(&inlet));
                    let link = attach(Arc::new(ChaosInlet { shared: Arc::clone(&shared), inlet }));
                    Arc::new(ChaosLink { shared, link })
                }),
            },
        }
    }
}

/// What a [`Chaos`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mischief {
    /// It held back this event and what came after it, for so many events.
    Delayed(Header, u32),
    /// It dropped this event, and told a gap of one.
    Dropped(Header),
    /// It cut the connection.
    Cut,
    /// This event came while the connection was cut. A gap is told for it when the connection is there again.
    Lost(Header),
    /// The connection is there again.
    Reconnected,
    /// It let something undecodable through before this event.
    Garbage(Header),
    /// This was published while the connection was cut, and not sent.
    NotSent(Header),
    /// This was published while the connection was cut, and not answered.
    Ambiguous {
        /// Of the event.
        header: Header,
        /// Whether it was sent nevertheless.
        sent: bool,
    },
}

/// A handle on a [`Chaos`] that was given to a bus.
#[derive(Clone)]
pub struct ChaosHandle {
    shared: Arc<Shared>,
}

impl ChaosHandle {
    /// What it did so far, in order.
    #[must_use]
    pub fn did(&self) -> Vec<Mischief> {
        self.shared.lock().did.clone()
    }

    /// Ends it: what was held back is delivered, a cut connection is there again, and everything goes through from now on.
    pub fn calm(&self) {
        self.shared.change(|plan| {
            plan.is_calm = true;
            plan.settle();
        });
    }
}

impl fmt::Debug for ChaosHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosHandle").field("did", &self.shared.lock().did.len()).finish_non_exhaustive()
    }
}

struct Shared {
    plan: Mutex<Plan>,
}

/// What the bus is to be told, in this order.
enum Word {
    Deliver(Frame),
    Gap(Address, Gap),
    Undecodable(Undecodable),
    State(ConnectionState),
    NotSent(Header, SendError),
}

#[derive(Default)]
struct Plan {
    random: Rng,
    is_calm: bool,
    did: Vec<Mischief>,
    /// Held back until so many more events have come.
    held: VecDeque<Word>,
    delay: u32,
    cut: Option<CutOff>,
    /// To be told, by whoever is telling.
    due: VecDeque<Word>,
    is_telling: bool,
    inlet: Option<Arc<dyn Inlet>>,
    followed: BTreeSet<Address>,
}

/// A connection that is cut: for how many events and publishes yet, and what was lost.
struct CutOff {
    left: u32,
    /// By followed address.
    lost: BTreeMap<Address, u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the plan, and tells what is due, unless another thread is at it: then that one tells it too.
    fn change<R>(&self, change: impl FnOnce(&mut Plan) -> R) -> R {
        let mut plan = self.lock();
        let result = change(&mut plan);
        if std::mem::replace(&mut plan.is_telling, true) {
            return result;
        }
        while let Some((word, inlet)) = plan.due.pop_front().zip(plan.inlet.clone()) {
            drop(plan);
            tell(&*inlet, word);
            drop(inlet);
            plan = self.lock();
        }
        plan.is_telling = false;
        result
    }
}

fn tell(inlet: &dyn Inlet, word: Word) {
    match word {
        Word::Deliver(frame) => inlet.deliver(frame),
        Word::Gap(address, gap) => inlet.gap(Some(address), gap),
        Word::Undecodable(undecodable) => inlet.undecodable(undecodable),
        Word::State(state) => inlet.state(state),
        Word::NotSent(header, error) => inlet.not_sent(header, error),
    }
}

impl Plan {
    /// Says it, after what is held back.
    fn say(&mut self, word: Word) {
        if self.delay > 0 { self.held.push_back(word) } else { self.due.push_back(word) }
    }

    /// An event came.
    fn arrived(&mut self, frame: Frame) {
        let header = frame.header.clone();
        if self.delay > 0 {
            self.delay -= 1;
            if self.delay == 0 {
                self.due.append(&mut self.held);
            }
        }
        if self.cut.is_some() {
            return self.lose(header);
        }
        if self.is_calm {
            return self.say(Word::Deliver(frame));
        }
        match self.random.u8(..100) {
            0..6 => {
                self.gap(&header, GapReason::Overflow, 1);
                self.did.push(Mischief::Dropped(header));
            }
            6..9 => self.cut(header),
            9..15 => {
                self.garbage(&header);
                self.did.push(Mischief::Garbage(header));
                self.say(Word::Deliver(frame));
            }
            15..20 if self.delay == 0 => {
                self.delay = self.random.u32(1..5);
                self.did.push(Mischief::Delayed(header, self.delay));
                self.say(Word::Deliver(frame));
            }
            _ => self.say(Word::Deliver(frame)),
        }
    }

    /// The followed addresses that an event matches.
    fn matching(&self, header: &Header) -> impl Iterator<Item = Address> + use<> {
        let both = [header.address(), Address::whole(header.topic())];
        let followed = both.map(|address| address.ok().filter(|address| self.followed.contains(address)));
        followed.into_iter().flatten()
    }

    fn gap(&mut self, header: &Header, reason: GapReason, missed: u64) {
        for address in self.matching(header) {
            self.say(Word::Gap(address, Gap::new(reason, Some(missed))));
        }
    }

    /// What the codec cannot read, or what the map does not have.
    fn garbage(&mut self, header: &Header) {
        let error = if self.random.bool() {
            DecodeError::Syntax { at: 0 }
        } else {
            DecodeError::UnknownType { topic: "chaos".to_owned() }
        };
        self.say(Word::Undecodable(Undecodable::new(header.address().ok(), error)));
    }

    fn cut(&mut self, header: Header) {
        let error = ConnectError::TimedOut { during: "chaos" };
        self.say(Word::State(ConnectionState::Reconnecting { attempt: 1, error }));
        self.did.push(Mischief::Cut);
        self.cut = Some(CutOff { left: self.random.u32(1..8), lost: BTreeMap::new() });
        self.lose(header);
    }

    fn lose(&mut self, header: Header) {
        let matching = self.matching(&header);
        if let Some(cut) = &mut self.cut {
            matching.for_each(|address| *cut.lost.entry(address).or_default() += 1);
        }
        self.did.push(Mischief::Lost(header));
        self.pass_time();
    }

    fn pass_time(&mut self) {
        let Some(cut) = &mut self.cut else { return };
        cut.left -= 1;
        if cut.left == 0 {
            self.reconnect();
        }
    }

    fn reconnect(&mut self) {
        let Some(CutOff { lost, .. }) = self.cut.take() else { return };
        self.say(Word::State(ConnectionState::Connected));
        for (address, missed) in lost {
            self.say(Word::Gap(address, Gap::new(GapReason::Disconnected, Some(missed))));
        }
        self.did.push(Mischief::Reconnected);
    }

    /// Nothing is held back or cut any more.
    fn settle(&mut self) {
        self.reconnect();
        self.delay = 0;
        self.due.append(&mut self.held);
    }
}
