//! What is heard from a process.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pubsub_transports::__private::{
    Control, ControlError, FrameError, FrameReader, Member, PROTOCOL, Serial,
};
use pubsub_transports::codec::Codec;
use pubsub_transports::{Frame, Link, Undecodable};

use super::ProcessFailure;
use super::bridge::PipeInlet;
use super::feed::Feeds;
use super::followed::Followed;
use super::intake::{Publish, Said};
use super::watch::Told;
use crate::BusError;
use crate::engine::wakes;

/// What reads the output of one run of a process. Whoever sees to that run may give it up before the pipe ends, which a process that
/// was started by this one may hold.
pub(super) struct PipeReader<C: Codec> {
    inlet: Arc<PipeInlet<C>>,
    member: Arc<Member>,
    intake: Arc<Serial<Publish<C>>>,
    tell: Sender<Told>,
    pub(super) feeds: Feeds<C>,
    state: Mutex<State>,
    /// What comes now comes from somebody else.
    is_given_up: AtomicBool,
}

struct State {
    is_connected: bool,
    /// Since when it is listened to in vain.
    waits_since: Option<Instant>,
    /// Of the runs before: what was published to it since is lost to this one.
    before: Followed,
    now: Followed,
}

impl<C: Codec> PipeReader<C> {
    pub(super) fn new(
        inlet: Arc<PipeInlet<C>>,
        member: Arc<Member>,
        before: Followed,
        tell: Sender<Told>,
    ) -> Self {
        let publish = Publish { member: Arc::clone(&member), inlet: Arc::clone(&inlet), tell: tell.clone() };
        let intake = Serial::new(publish);
        let state = State { is_connected: false, waits_since: None, before, now: Followed::default() };
        let (feeds, state) = (Feeds::default(), Mutex::new(state));
        Self { inlet, member, intake, tell, feeds, state, is_given_up: AtomicBool::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state().is_connected
    }

    /// For how long nothing has come, while it was listened to.
    pub(super) fn silent_for(&self) -> Duration {
        self.state().waits_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// What this run has followed, and what those before did and this has not asked for again.
    pub(super) fn followed(&self) -> Followed {
        let mut state = self.state();
        let mut followed = std::mem::take(&mut state.now);
        followed.merge(std::mem::take(&mut state.before));
        followed
    }

    /// Nothing more is heard. What was is published still.
    pub(super) fn give_up(&self) {
        if !self.is_given_up.swap(true, Ordering::AcqRel) {
            self.intake.push(Said::End, usize::MAX);
        }
    }

    /// Reads until the pipe ends, waiting for nothing else. What is read at once is said at once: only then those who read it
    /// are woken.
    pub(super) fn read(&self, mut pipe: FrameReader<impl Read>) {
        let result = loop {
            // A panic is that of a waker, which is code of users. It harms nobody else.
            let read = catch_unwind(AssertUnwindSafe(|| {
                let result = self.read_all(&mut pipe);
                wakes::flush();
                result
            }));
            if let Ok(result) = read {
                break result;
            }
        };
        self.give_up();
        let _gone = self.tell.send(Told::Output(result));
    }

    fn read_all(&self, pipe: &mut FrameReader<impl Read>) -> Result<(), ProcessFailure> {
        let mut is_connected = self.is_connected();
        loop {
            let Some(message) = pipe.buffered().map_err(|error| garbage(&error))? else {
                wakes::flush();
                // One that does not read its answers gets no more of them, and is found out by that.
                self.inlet.outbox.until_control();
                self.state().waits_since = Some(Instant::now());
                let filled = pipe.fill();
                self.state().waits_since = None;
                if self.is_given_up.load(Ordering::Acquire) {
                    return Ok(());
                }
                match filled {
                    Ok(true) => {
                        wakes::hold();
                        continue;
                    }
                    // How it ended is for its status to say.
                    Ok(false) | Err(FrameError::Io(_)) => return Ok(()),
                    Err(error) => return Err(garbage(&error)),
                }
            };
            let control = Control::read(&self.inlet.ends.codec, &message);
            match control {
                Ok(Control::Event(frame)) if is_connected => self.event(frame)?,
                control if is_connected => self.hear(control),
                Ok(Control::Connect(PROTOCOL, room)) => {
                    is_connected = true;
                    self.connect(room);
                }
                Ok(Control::Connect(version, _)) => {
                    return Err(garbage(&format!("version {version} of the protocol, and not {PROTOCOL}")));
                }
                Ok(_) => return Err(garbage(&"something before `__connect`")),
                Err(error) => return Err(garbage(&error)),
            }
        }
    }

    fn connect(&self, room: usize) {
        self.state().is_connected = true;
        let _gone = self.tell.send(Told::Connected);
        self.inlet.say(&Control::Connected(self.inlet.ends.max_in_flight));
        self.inlet.outbox.grant(room);
    }

    fn hear(&self, control: Result<Control, ControlError>) {
        match control {
            Ok(Control::Room(events)) => self.inlet.outbox.grant(events),
            Ok(Control::Subscribe(request, addresses)) => {
                let mut state = self.state();
                state.now.add(&addresses);
                let lost: Vec<_> =
                    addresses.iter().filter(|address| state.before.take(address)).cloned().collect();
                drop(state);
                lost.into_iter().for_each(|address| self.inlet.tell_gap(address, None));
                self.member.subscribe(request, addresses);
            }
            Ok(Control::Join(number, group, prefetch, addresses)) => {
                self.feeds.join((number, group, prefetch), addresses, &self.member, &self.inlet);
            }
            Ok(Control::Begin(number)) => self.feeds.begin(number),
            Ok(Control::Done(number)) => self.feeds.done(number),
            Ok(Control::Reject(number, reason)) => self.feeds.reject(number, reason),
            Ok(Control::Leave(number, how)) => self.feeds.leave(number, how),
            Ok(Control::Unsubscribe(addresses)) => self.member.unsubscribe(addresses),
            Ok(Control::Disconnect) => {
                self.intake.push(Said::Disconnect, usize::MAX);
            }
            Ok(Control::End) => {
                let _gone = self.tell.send(Told::Closed);
            }
            Err(ControlError::Message(error)) => self.report(Undecodable::new(None, error)),
            // Signs of life, and what a later version may say.
            Ok(_) | Err(_) => {}
        }
    }

    fn event(&self, frame: Frame) -> Result<(), ProcessFailure> {
        let said = match self.inlet.ends.frame(frame) {
            Ok(frame) => Said::Publish(frame),
            Err(undecodable) => {
                let reason = undecodable.to_string();
                self.report(undecodable);
                Said::Refused(reason)
            }
        };
        let bound = self.inlet.ends.max_in_flight;
        if self.intake.push(said, bound) {
            return Ok(());
        }
        Err(garbage(&format!("more events than there is room for, which is {bound}")))
    }

    fn report(&self, undecodable: Undecodable) {
        self.inlet.ends.errors.report(BusError::Undecodable(undecodable));
    }
}

fn garbage(reason: &impl ToString) -> ProcessFailure {
    ProcessFailure::Garbage { reason: reason.to_string() }
}
