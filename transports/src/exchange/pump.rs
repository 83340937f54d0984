//! Handing the frames of an inbox on to the member's inlet.
//!
//! A pump is a task that executes itself: whoever gives it something to do runs it, on its own thread, unless it is running.
//! It has four states, which change under the exchange's lock only, so that no two threads ever run one pump:
//!
//! * idle: the inbox is empty. A frame that comes is taken in hand at once.
//! * running: somebody hands on frames; who puts one into the inbox leaves it to them.
//! * again: the same, and there was a wake meanwhile: a "no room" that was heard before does not count.
//! * parked: the inlet had no room. Its wake goes on.
//!
//! An inlet that makes room for which nobody is in the line may do so for several frames before it wakes: a reader that would
//! hand on a frame for each that it reads takes several times as long. So whoever finds an inbox full looks whether the inlet
//! has room, and again once it is in the line: from then on the inlet wakes at once.
//!
//! A wake is answered by the thread that wakes. If that happens inside a pump, of another member, one pump runs inside the
//! other; never one inside itself, so it is nested at most as deep as there are members.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};
use std::task::{Poll, Wake, Waker};

use super::effects::Effects;
use super::state::State;
use super::sync::{AtomicBool, Ordering};
use super::{MemberId, Shared};
use crate::{Frame, Inlet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pump {
    Idle,
    Running,
    Again,
    Parked,
}

/// A pump that is claimed, and the frame in its hand; without one it only waits for the inlet to have room, as the last
/// thing before the end.
pub(super) struct Run {
    pub(super) inlet: Arc<dyn Inlet>,
    pub(super) hand: Arc<Hand>,
    pub(super) frame: Option<Frame>,
}

/// The hand of a pump, which the inlet wakes.
pub(super) struct Hand {
    pub(super) shared: Weak<Shared>,
    pub(super) member: MemberId,
    /// It counts against the bound, until just before the inlet gets it: whoever reads the event finds its place free.
    holds_frame: AtomicBool,
    /// Whether a publish in the line may wait for this member, so that its inlet has to tell of each place that there is.
    is_waited_for: AtomicBool,
}

impl Hand {
    pub(super) fn new(shared: &Arc<Shared>, member: MemberId) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            member,
            holds_frame: AtomicBool::new(false),
            is_waited_for: AtomicBool::new(false),
        }
    }

    pub(super) fn is_waited_for(&self) -> bool {
        self.is_waited_for.load(Ordering::SeqCst)
    }

    pub(super) fn set_waited_for(&self, is_waited_for: bool) {
        self.is_waited_for.store(is_waited_for, Ordering::SeqCst);
    }

    pub(super) fn holds_frame(&self) -> bool {
        self.holds_frame.load(Ordering::Acquire)
    }

    pub(super) fn hold(&self, holds_frame: bool) {
        self.holds_frame.store(holds_frame, Ordering::Release);
    }
}

impl Wake for Hand {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.change(|state, effects| state.wake(self.member, effects));
        }
    }
}

/// Runs the claimed pumps, a frame of each in turn, and those that are claimed on the way.
///
/// A panic, of a waker most likely, stops none of them; it goes on to the caller in the end.
pub(super) fn drive(shared: &Shared, mut effects: Effects) {
    let mut panic: Option<Box<dyn Any + Send>> = None;
    loop {
        effects.settle();
        let Some(run) = effects.next_run() else { break };
        if let Err(new) = step(shared, run, &mut effects) {
            panic.get_or_insert(new);
        }
    }
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

fn step(shared: &Shared, mut run: Run, effects: &mut Effects) -> Result<(), Box<dyn Any + Send>> {
    let had_frame = run.frame.is_some();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let ready = run.inlet.poll_ready(&Waker::from(Arc::clone(&run.hand)));
        if ready.is_ready()
            && let Some(frame) = run.frame.take()
        {
            run.hand.hold(false);
            run.inlet.deliver(frame);
        }
        ready
    }));
    // Destructors run outside the lock, and what a panic left in hand is not tried again.
    if result.is_err() {
        run.frame = None;
        run.hand.hold(false);
    }
    let mut state = shared.lock();
    match &result {
        Ok(Poll::Pending) => state.had_no_room(run, effects),
        Ok(Poll::Ready(())) | Err(_) => state.handed_on(run, had_frame, effects),
    }
    drop(state);
    result.map(|_| ())
}

impl State {
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

    /// The inlets of the targets may have room that they did not tell of.
    pub(super) fn look_for_room(&mut self, effects: &mut Effects) {
        for place in 0..self.targets.len() {
            self.wake(self.targets[place], effects);
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
        seat.hand.set_waited_for(!seat.claims.is_empty());
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
