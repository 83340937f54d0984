//! What the exchange's lock guards: members, routes and the line.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures_channel::oneshot;

use super::effects::Effects;
use super::interest::Watcher;
use super::line::Waiter;
use super::pump::{Hand, Pump, Run};
use super::routes::Routes;
use super::{MemberId, Shared};
use crate::{Address, Frame, Header, Inlet};

#[derive(Default)]
pub(super) struct State {
    pub(super) seats: HashMap<MemberId, Seat, foldhash::fast::RandomState>,
    pub(super) routes: Routes,
    /// Publishes that wait, the longest waiting first.
    pub(super) line: BTreeMap<u64, Waiter>,
    pub(super) watchers: Vec<Watcher>,
    last_member: u64,
    pub(super) last_waiter: u64,
    /// Of the publish at work. Kept for its memory.
    pub(super) targets: Vec<MemberId>,
}

pub(super) struct Seat {
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) hand: Arc<Hand>,
    pub(super) inbox: VecDeque<Frame>,
    bound: usize,
    pub(super) pump: Pump,
    pub(super) followed: HashSet<Address, foldhash::fast::RandomState>,
    /// Those in the line that this member makes wait, or that wait for it too: none overtakes the first of them here.
    pub(super) claims: BTreeSet<u64>,
    pub(super) is_muted: bool,
    pub(super) gets_no_more: bool,
    /// Queue groups give it nothing more.
    is_retired: bool,
    /// The inlet knows that it has all.
    pub(super) is_told: bool,
    pub(super) closings: Vec<oneshot::Sender<u64>>,
}

/// What became of a publish.
pub(super) enum Offered {
    Accepted,
    /// It was not taken.
    NoRoom(Frame),
    /// Whoever publishes is not there any more, or the one member it is for.
    Closed(Frame),
}

impl Seat {
    /// Whether a frame that has waited as `key`, or not at all, can be taken without overtaking one.
    fn has_room_for(&self, key: Option<u64>) -> bool {
        self.depth() < self.bound && (self.claims.is_empty() || self.claims.first() == key.as_ref())
    }

    /// Frames that came and that the inlet was not given.
    fn depth(&self) -> usize {
        self.inbox.len() + usize::from(self.hand.holds_frame())
    }

    /// Claims the pump, which nobody else has.
    pub(super) fn run(&mut self, frame: Option<Frame>) -> Run {
        self.pump = Pump::Running;
        self.hand.hold(frame.is_some());
        Run { inlet: Arc::clone(&self.inlet), hand: Arc::clone(&self.hand), frame }
    }

    fn push(&mut self, frame: Frame, effects: &mut Effects) {
        if self.pump == Pump::Idle {
            effects.run(self.run(Some(frame)));
        } else {
            self.inbox.push_back(frame);
        }
    }
}

impl State {
    pub(super) fn join(&mut self, shared: &Arc<Shared>, bound: usize, inlet: Arc<dyn Inlet>) -> Arc<Hand> {
        self.last_member += 1;
        let member = MemberId(self.last_member);
        let hand = Arc::new(Hand::new(shared, member));
        let seat = Seat {
            inlet,
            hand: Arc::clone(&hand),
            inbox: VecDeque::new(),
            bound,
            pump: Pump::Idle,
            followed: HashSet::default(),
            claims: BTreeSet::new(),
            is_muted: false,
            gets_no_more: false,
            is_retired: false,
            is_told: false,
            closings: Vec::new(),
        };
        self.seats.insert(member, seat);
        hand
    }

    pub(super) fn depth(&self, member: MemberId) -> usize {
        self.seats.get(&member).map_or(0, Seat::depth)
    }

    pub(super) fn followed(&self, member: MemberId) -> Vec<Address> {
        let seat = self.seats.get(&member);
        let mut followed: Vec<_> = seat.map_or_else(Vec::new, |seat| seat.followed.iter().cloned().collect());
        followed.sort_unstable();
        followed
    }

    pub(super) fn is_muted(&self, member: MemberId) -> bool {
        self.seats.get(&member).is_none_or(|seat| seat.is_muted)
    }

    pub(super) fn retire(&mut self, member: MemberId) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.is_retired = true;
        }
    }

    pub(super) fn is_retired(&self, member: MemberId) -> bool {
        self.seats.get(&member).is_none_or(|seat| seat.is_retired)
    }

    pub(super) fn entries(&self) -> (usize, usize, usize) {
        (self.seats.len(), self.routes.len(), self.line.len())
    }

    /// Who gets a frame, into `self.targets`.
    pub(super) fn find_targets(&mut self, to: Option<MemberId>, header: &Header) {
        self.targets.clear();
        match to {
            Some(to) if self.routes.follows(header, to) => self.targets.push(to),
            Some(_) => {}
            None => self.routes.matching(header, &mut self.targets),
        }
    }

    pub(super) fn targets_have_room_for(&self, key: Option<u64>) -> bool {
        self.targets.iter().all(|member| self.seats[member].has_room_for(key))
    }

    /// Gives the frame to all targets.
    pub(super) fn accept(&mut self, frame: Frame, effects: &mut Effects) {
        let Some((last, others)) = self.targets.split_last() else { return effects.discard(frame) };
        for member in others {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.push(frame.clone(), effects);
            }
        }
        if let Some(seat) = self.seats.get_mut(last) {
            seat.push(frame, effects);
        }
    }

    pub(super) fn offer(
        &mut self,
        from: MemberId,
        to: Option<MemberId>,
        frame: Frame,
        effects: &mut Effects,
    ) -> Offered {
        let is_heard = self.seats.get(&from).is_some_and(|seat| !seat.is_muted);
        if !is_heard || to.is_some_and(|to| self.seats.get(&to).is_none_or(|seat| seat.gets_no_more)) {
            return Offered::Closed(frame);
        }
        self.find_targets(to, &frame.header);
        if self.targets_have_room_for(None) {
            self.accept(frame, effects);
            Offered::Accepted
        } else {
            Offered::NoRoom(frame)
        }
    }
}
