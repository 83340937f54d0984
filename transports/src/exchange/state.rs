//! What the exchange's lock guards: members, routes and the line.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::task::{Context, Wake, Waker};

use futures_channel::oneshot;

use super::effects::Effects;
use super::pump::{Hand, Pump, Run};
use super::routes::Routes;
use super::{MemberId, Shared};
use crate::{Address, Frame, Header, Inlet, SendError};

#[derive(Default)]
pub(super) struct State {
    seats: HashMap<MemberId, Seat, foldhash::fast::RandomState>,
    routes: Routes,
    /// Publishes that wait, the longest waiting first.
    line: BTreeMap<u64, Waiter>,
    watchers: Vec<Watcher>,
    last_member: u64,
    last_waiter: u64,
    /// Of the publish at work. Kept for its memory.
    targets: Vec<MemberId>,
}

struct Seat {
    inlet: Arc<dyn Inlet>,
    hand: Arc<Hand>,
    inbox: VecDeque<Frame>,
    bound: usize,
    pump: Pump,
    followed: HashSet<Address, foldhash::fast::RandomState>,
    /// Those in the line that this member makes wait, or that wait for it too: none overtakes the first of them here.
    claims: BTreeSet<u64>,
    is_muted: bool,
    gets_no_more: bool,
    /// The inlet knows that it has all.
    is_told: bool,
    closings: Vec<oneshot::Sender<u64>>,
}

struct Waiter {
    from: MemberId,
    to: Option<MemberId>,
    frame: Frame,
    answer: oneshot::Sender<Result<(), SendError>>,
}

/// Woken when the answer of a publish in the line is not waited for any more.
struct Cancel {
    shared: Weak<Shared>,
    key: u64,
}

impl Wake for Cancel {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.change(|state, effects| state.cancel(self.key, effects));
        }
    }
}

/// Who waits for a member to follow something.
struct Watcher {
    member: MemberId,
    addresses: Vec<Address>,
    answer: oneshot::Sender<()>,
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
    fn run(&mut self, frame: Option<Frame>) -> Run {
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
    pub(super) fn join(&mut self, shared: &Arc<Shared>, bound: usize, inlet: Arc<dyn Inlet>) -> MemberId {
        self.last_member += 1;
        let member = MemberId(self.last_member);
        let seat = Seat {
            inlet,
            hand: Arc::new(Hand::new(shared, member)),
            inbox: VecDeque::new(),
            bound,
            pump: Pump::Idle,
            followed: HashSet::default(),
            claims: BTreeSet::new(),
            is_muted: false,
            gets_no_more: false,
            is_told: false,
            closings: Vec::new(),
        };
        self.seats.insert(member, seat);
        member
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

    pub(super) fn entries(&self) -> (usize, usize, usize) {
        (self.seats.len(), self.routes.len(), self.line.len())
    }

    /// Who gets a frame, into `self.targets`.
    fn find_targets(&mut self, to: Option<MemberId>, header: &Header) {
        self.targets.clear();
        match to {
            Some(to) if self.routes.follows(header, to) => self.targets.push(to),
            Some(_) => {}
            None => self.routes.matching(header, &mut self.targets),
        }
    }

    fn targets_have_room_for(&self, key: Option<u64>) -> bool {
        self.targets.iter().all(|member| self.seats[member].has_room_for(key))
    }

    /// Gives the frame to all targets.
    fn accept(&mut self, frame: Frame, effects: &mut Effects) {
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

    /// The frame that was just offered in vain waits, until the answer is not waited for any more.
    pub(super) fn join_line(
        &mut self,
        shared: &Arc<Shared>,
        from: MemberId,
        to: Option<MemberId>,
        frame: Frame,
    ) -> oneshot::Receiver<Result<(), SendError>> {
        self.last_waiter += 1;
        let key = self.last_waiter;
        let (mut answer, receiver) = oneshot::channel();
        let cancel = Waker::from(Arc::new(Cancel { shared: Arc::downgrade(shared), key }));
        let _pending = answer.poll_canceled(&mut Context::from_waker(&cancel));
        for member in &self.targets {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.claims.insert(key);
            }
        }
        self.line.insert(key, Waiter { from, to, frame, answer });
        receiver
    }

    /// Accepts those of `next` who have their turn and room, and then those who had waited for nothing but these.
    pub(super) fn admit(&mut self, mut next: BTreeSet<u64>, effects: &mut Effects) {
        while let Some(key) = next.pop_first() {
            let Some(waiter) = self.line.remove(&key) else { continue };
            self.find_targets(waiter.to, &waiter.frame.header);
            if !self.targets_have_room_for(Some(key)) {
                self.line.insert(key, waiter);
                continue;
            }
            self.accept(waiter.frame, effects);
            effects.answer(waiter.answer, Ok(()));
            self.give_up_turn(key, &mut next);
        }
    }

    /// The targets wait for `key` no more. Whose turn it is now is added to `next`.
    fn give_up_turn(&mut self, key: u64, next: &mut BTreeSet<u64>) {
        for member in &self.targets {
            if let Some(seat) = self.seats.get_mut(member) {
                seat.claims.remove(&key);
                next.extend(seat.claims.first());
            }
        }
    }

    /// The publish does not wait any more.
    pub(super) fn cancel(&mut self, key: u64, effects: &mut Effects) {
        let Some(waiter) = self.line.remove(&key) else { return };
        self.find_targets(waiter.to, &waiter.frame.header);
        effects.discard(waiter.frame);
        let mut next = BTreeSet::new();
        self.give_up_turn(key, &mut next);
        self.admit(next, effects);
    }

    /// Gives the inlet that is to hear of it, unless the member gets nothing more.
    pub(super) fn follow(
        &mut self,
        member: MemberId,
        addresses: Vec<Address>,
        effects: &mut Effects,
    ) -> Option<Arc<dyn Inlet>> {
        let seat = self.seats.get_mut(&member).filter(|seat| !seat.gets_no_more)?;
        for address in addresses {
            // They will be accepted after this, so by this member too.
            let matches = |waiter: &Waiter| {
                let header = &waiter.frame.header;
                waiter.to.is_none_or(|to| to == member) && address.matches(header.topic(), header.id())
            };
            let waiting = self.line.iter().filter(|(_, waiter)| matches(waiter));
            seat.claims.extend(waiting.map(|(key, _)| *key));
            self.routes.add(&address, member);
            seat.followed.insert(address);
        }
        let is_covered = |address: &Address| {
            let whole = |address: &Address| Address::whole(address.topic()).ok();
            seat.followed.contains(address) || whole(address).is_some_and(|it| seat.followed.contains(&it))
        };
        let due = |watcher: &mut Watcher| {
            watcher.answer.is_canceled()
                || (watcher.member == member && watcher.addresses.iter().all(is_covered))
        };
        for watcher in self.watchers.extract_if(.., due) {
            effects.follows(watcher.answer);
        }
        Some(Arc::clone(&seat.inlet))
    }

    pub(super) fn unfollow(&mut self, member: MemberId, addresses: &[Address], effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_following(member, addresses, &mut next);
        self.admit(next, effects);
    }

    /// Those who wait for the member no more, and whose turn it is there now, are added to `next`.
    fn stop_following(&mut self, member: MemberId, addresses: &[Address], next: &mut BTreeSet<u64>) {
        let Some(seat) = self.seats.get_mut(&member) else { return };
        for address in addresses {
            if seat.followed.remove(address) {
                self.routes.remove(address, member);
            }
        }
        seat.claims.retain(|key| {
            let waiter = self.line.get(key);
            let stays = waiter.is_some_and(|waiter| self.routes.follows(&waiter.frame.header, member));
            if !stays {
                next.insert(*key);
            }
            stays
        });
        next.extend(seat.claims.first());
    }

    pub(super) fn until_follows(
        &mut self,
        member: MemberId,
        addresses: Vec<Address>,
        effects: &mut Effects,
    ) -> oneshot::Receiver<()> {
        let (answer, receiver) = oneshot::channel();
        self.watchers.push(Watcher { member, addresses, answer });
        if self.follow(member, Vec::new(), effects).is_none() {
            // Dropped outside the lock, as every sender is.
            let gone = self.watchers.pop();
            gone.into_iter().for_each(|watcher| effects.forget(watcher.answer));
        }
        receiver
    }

    pub(super) fn end_intake(&mut self, member: MemberId, effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_intake(member, &mut next, effects);
        self.admit(next, effects);
    }

    fn stop_intake(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&member).filter(|seat| !seat.gets_no_more) else { return };
        seat.gets_no_more = true;
        if seat.pump == Pump::Idle {
            effects.run(seat.run(None));
        }
        let followed: Vec<_> = seat.followed.iter().cloned().collect();
        self.refuse(|waiter| waiter.to == Some(member), next, effects);
        self.stop_following(member, &followed, next);
        for watcher in self.watchers.extract_if(.., |watcher| watcher.member == member) {
            effects.forget(watcher.answer);
        }
    }

    pub(super) fn mute(&mut self, member: MemberId, effects: &mut Effects) {
        let mut next = BTreeSet::new();
        self.stop_hearing(member, &mut next, effects);
        self.admit(next, effects);
    }

    /// Nothing more is taken from the member, and what it has in the line is refused.
    fn stop_hearing(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&member) else { return };
        seat.is_muted = true;
        self.refuse(|waiter| waiter.from == member, next, effects);
    }

    fn refuse(&mut self, which: impl Fn(&Waiter) -> bool, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        let refused = self.line.iter().filter(|(_, waiter)| which(waiter)).map(|(key, _)| *key);
        for key in refused.collect::<Vec<_>>() {
            let Some(waiter) = self.line.remove(&key) else { continue };
            self.find_targets(waiter.to, &waiter.frame.header);
            self.give_up_turn(key, next);
            effects.discard(waiter.frame);
            effects.answer(waiter.answer, Err(SendError::Closed));
        }
    }

    /// Both ends. Gives the end of it, unless it has ended.
    pub(super) fn close(
        &mut self,
        member: MemberId,
        effects: &mut Effects,
    ) -> Option<oneshot::Receiver<u64>> {
        let mut next = BTreeSet::new();
        self.stop(member, &mut next, effects);
        self.admit(next, effects);
        let seat = self.seats.get_mut(&member)?;
        if seat.is_told {
            self.leave(member, effects);
            return None;
        }
        let (answer, receiver) = oneshot::channel();
        seat.closings.push(answer);
        Some(receiver)
    }

    /// Nothing comes from the member or goes to it any more, before those who waited for it are admitted.
    fn stop(&mut self, member: MemberId, next: &mut BTreeSet<u64>, effects: &mut Effects) {
        self.stop_hearing(member, next, effects);
        self.stop_intake(member, next, effects);
    }

    /// The member is not there any more. Gives how many frames its inbox held.
    pub(super) fn leave(&mut self, member: MemberId, effects: &mut Effects) -> u64 {
        let mut next = BTreeSet::new();
        self.stop(member, &mut next, effects);
        let Some(seat) = self.seats.remove(&member) else { return 0 };
        let given_up = seat.inbox.len() as u64;
        effects.discard_all(seat.inbox);
        for closing in seat.closings {
            effects.closing(closing, given_up);
        }
        if seat.is_told {
            effects.release(seat.inlet);
        } else {
            effects.closed(seat.inlet);
        }
        self.admit(next, effects);
        given_up
    }

    /// The inlet of a member has room.
    pub(super) fn wake(&mut self, member: MemberId, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&member) else { return };
        match seat.pump {
            Pump::Parked => {
                let frame = seat.inbox.pop_front();
                effects.run(seat.run(frame));
            }
            Pump::Running => seat.pump = Pump::Again,
            // Idle: there is nothing that waits for room.
            Pump::Again | Pump::Idle => {}
        }
    }

    /// The inlet had no room for what this run has in hand.
    pub(super) fn had_no_room(&mut self, mut run: Run, effects: &mut Effects) {
        let Some(seat) = self.seats.get_mut(&run.hand.member) else {
            effects.discard_all(run.frame);
            return effects.release(run.inlet);
        };
        if seat.pump == Pump::Again {
            seat.pump = Pump::Running;
            return effects.run(run);
        }
        seat.pump = Pump::Parked;
        seat.hand.hold(false);
        if let Some(frame) = run.frame.take() {
            seat.inbox.push_front(frame);
        }
    }

    /// The inlet has what this run had in hand, if anything. Goes on with the next frame; the last thing before the end is
    /// to wait until the inlet has room, as then it has put everything where it belongs.
    pub(super) fn handed_on(&mut self, run: Run, had_frame: bool, effects: &mut Effects) {
        let member = run.hand.member;
        if let Some(first) = self.seats.get(&member).and_then(|seat| seat.claims.first()) {
            self.admit(BTreeSet::from([*first]), effects);
        }
        let Some(seat) = self.seats.get_mut(&member) else { return effects.release(run.inlet) };
        if let Some(frame) = seat.inbox.pop_front() {
            seat.pump = Pump::Running;
            seat.hand.hold(true);
            return effects.run(Run { frame: Some(frame), ..run });
        }
        if seat.gets_no_more && had_frame {
            seat.pump = Pump::Running;
            return effects.run(Run { frame: None, ..run });
        }
        seat.pump = Pump::Idle;
        if seat.gets_no_more && !seat.is_told {
            seat.is_told = true;
            effects.closed(run.inlet);
            if !seat.closings.is_empty() {
                self.leave(member, effects);
            }
        }
    }
}
