//! One connection, as the hub sees it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use compact_str::CompactString;

use super::config::HubConfig;
use super::outbox::{Outbox, Slot};
use super::overflow::Overflow;
use super::permission::Asked;
use super::rate::Meter;
use super::window::Window;
use crate::Address;
use crate::websocket::{CloseCode, Identity};

/// A connection of a hub. The id of one that ended is never another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// Its place, which is no other's while it is there, and small.
    pub(crate) fn index(self) -> usize {
        self.index as usize
    }
}

pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) codec: usize,
    pub(super) identity: Option<Identity>,
    /// What waits for an answer about this connection; nothing more of it is taken before.
    pub(super) asked: Option<Box<Asked>>,
    /// A permission was withdrawn since: the answer may be from before.
    pub(super) outdated: bool,
    /// What it was found to be allowed to publish to.
    pub(super) granted: HashSet<Address>,
    pub(super) meter: Meter,
    pub(super) subscriptions: Subscriptions,
    pub(super) outbox: Outbox,
    /// Its writer was woken, and has not found the queue empty since.
    pub(super) awake: bool,
    pub(super) closing: Option<CloseCode>,
    /// A valid command came.
    pub(super) admitted: bool,
    pub(super) errors: u32,
    pub(super) ping: bool,
    pub(super) times: Times,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, codec: usize, config: &HubConfig, now: Duration) -> Self {
        Self {
            id,
            codec,
            identity: None,
            asked: None,
            outdated: false,
            granted: HashSet::new(),
            meter: Meter::default(),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::new(config.outbox),
            awake: false,
            closing: None,
            admitted: false,
            errors: 0,
            ping: false,
            times: Times { opened: now, heard: now, pinged: None, stalled: None, expires: None, timer: None },
        }
    }

    /// What time alone does to it.
    pub(super) fn due(&mut self, now: Duration, config: &HubConfig) -> Option<CloseCode> {
        let times = &mut self.times;
        if !self.admitted && times.opened + config.handshake_timeout <= now {
            return Some(CloseCode::Stale);
        }
        if times.stalled.is_some_and(|(since, _)| since + config.stall_timeout <= now) {
            return Some(CloseCode::SlowConsumer);
        }
        if times.expires.is_some_and(|at| at <= now) {
            return Some(CloseCode::Expired);
        }
        match times.pinged {
            Some(at) if at + config.pong_timeout <= now => return Some(CloseCode::NoPong),
            None if times.heard + config.ping_every <= now => {
                times.pinged = Some(now);
                self.ping = true;
            }
            _ => {}
        }
        None
    }

    pub(super) fn next_due(&self, config: &HubConfig) -> Duration {
        let times = &self.times;
        let mut next = match times.pinged {
            Some(at) => at + config.pong_timeout,
            None => times.heard + config.ping_every,
        };
        if !self.admitted {
            next = next.min(times.opened + config.handshake_timeout);
        }
        if let Some((since, _)) = times.stalled {
            next = next.min(since + config.stall_timeout);
        }
        if let Some(at) = times.expires {
            next = next.min(at);
        }
        next
    }

    /// Its name, if it has one.
    pub(super) fn name(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::name)
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.times.heard = now;
        self.times.pinged = None;
    }

    /// Starts, restarts or stops the clock of a queue that is too long: it restarts with every new low.
    pub(super) fn watch_progress(&mut self, now: Duration) {
        let bytes = self.outbox.bytes();
        self.times.stalled = match self.times.stalled {
            _ if !self.outbox.is_over() => None,
            Some((since, low)) if bytes >= low => Some((since, low)),
            _ => Some((now, bytes)),
        };
    }
}

pub(super) struct Times {
    pub(super) opened: Duration,
    pub(super) heard: Duration,
    pub(super) pinged: Option<Duration>,
    /// Since when the queue has been too long, and the fewest bytes it has had since.
    pub(super) stalled: Option<(Duration, usize)>,
    /// When who it is holds no longer.
    pub(super) expires: Option<Duration>,
    /// For when a timer is set.
    pub(super) timer: Option<Duration>,
}

pub(super) struct Subscription {
    /// As the client names it.
    pub(super) asked: CompactString,
    pub(super) address: Address,
    pub(super) overflow: Overflow,
    /// Everything after this was delivered, or will be.
    pub(super) start: u64,
    pub(super) state: State,
    /// What it may have under way, where it acknowledges what it gets. It is never [live](State::Live): it reads what it
    /// has room for.
    pub(super) window: Option<Window>,
    /// Its answer was taken to be written: events may follow.
    pub(super) announced: bool,
    /// It waits in `behind`.
    pub(super) queued: bool,
    /// Its place in its route, while it has one.
    pub(super) place: Option<usize>,
}

impl Subscription {
    /// Whether more may be sent to it. What gives way to a wider address is sent in any case: that one waits for it.
    pub(super) fn has_room(&self) -> bool {
        let gives_way = matches!(self.state, State::Behind { until: Some(_), .. });
        gives_way || self.window.as_ref().is_none_or(Window::is_open)
    }

    /// How it goes on once nothing is left to be replayed, up to this offset.
    pub(super) fn caught_up(&self, head: u64) -> State {
        match self.window {
            None => State::Live,
            Some(_) => State::Behind { after: head, until: None },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Events go to the queue as they are published.
    Live,
    /// Events are read from the history, after this offset, and up to another where a wider address takes over.
    Behind { after: u64, until: Option<u64> },
    /// A wider address of the connection delivers for it.
    Absorbed,
    /// It has ended, and may have events in the queue.
    Leaving,
}

#[derive(Default)]
pub(super) struct Subscriptions {
    slots: Vec<Option<Subscription>>,
    free: Vec<Slot>,
    /// Those that have not ended. In its order a type comes right before its ids.
    by_address: BTreeMap<Address, Slot>,
    /// Those to be replayed to.
    pub(super) behind: VecDeque<Slot>,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_address.len()
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.by_address.keys()
    }

    pub(super) fn find(&self, address: &Address) -> Option<Slot> {
        self.by_address.get(address).copied()
    }

    pub(super) fn whole(&self, topic: &str) -> Option<&Subscription> {
        let slot = self.find(&Address::whole(topic).ok()?)?;
        Some(self.get(slot))
    }

    /// Those of single ids of a type.
    pub(super) fn narrow(&self, topic: &str) -> Vec<Slot> {
        let Ok(whole) = Address::whole(topic) else { return Vec::new() };
        let from = self.by_address.range(whole..);
        let of_type = from.take_while(|(address, _)| address.topic() == topic);
        of_type.filter(|(address, _)| address.id().is_some()).map(|(_, slot)| *slot).collect()
    }

    pub(super) fn insert(&mut self, subscription: Subscription) -> Slot {
        let address = subscription.address.clone();
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(subscription);
                slot
            }
            None => {
                self.slots.push(Some(subscription));
                Slot::try_from(self.slots.len() - 1).expect("a connection has few subscriptions")
            }
        };
        self.by_address.insert(address, slot);
        slot
    }

    /// No new event goes to it. What is queued still does, so it keeps its slot.
    pub(super) fn end(&mut self, address: &Address) {
        if let Some(slot) = self.by_address.remove(address) {
            self.get_mut(slot).state = State::Leaving;
        }
    }

    pub(super) fn release(&mut self, slot: Slot) {
        self.slots[slot as usize] = None;
        self.free.push(slot);
    }

    pub(super) fn get(&self, slot: Slot) -> &Subscription {
        self.slots[slot as usize].as_ref().expect("a slot that is named is taken")
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Subscription {
        self.slots[slot as usize].as_mut().expect("a slot that is named is taken")
    }

    /// Lets a subscription be replayed to, if it is behind and may.
    pub(super) fn queue_behind(&mut self, slot: Slot) {
        let subscription = self.get_mut(slot);
        let behind = matches!(subscription.state, State::Behind { .. }) && subscription.has_room();
        if behind && subscription.announced && !subscription.queued {
            subscription.queued = true;
            self.behind.push_back(slot);
        }
    }

    pub(super) fn unacknowledged(&self) -> usize {
        let windows = self.slots.iter().flatten().filter_map(|subscription| subscription.window.as_ref());
        windows.map(Window::under_way).sum()
    }

    /// What each that still has a route is, and its place there.
    pub(super) fn routed(&self) -> Vec<(Slot, Address)> {
        let all = self.by_address.iter().map(|(address, slot)| (*slot, address.clone()));
        all.filter(|(slot, _)| self.get(*slot).place.is_some()).collect()
    }
}
