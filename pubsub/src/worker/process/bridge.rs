//! Between the exchange and the pipes of one run of a process.

use std::collections::BTreeSet;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use pubsub_transports::__private::{
    Control, ControlError, Exchange, FrameError, FrameReader, Member, Outbox, PROTOCOL, block_on,
};
use pubsub_transports::codec::Codec;
use pubsub_transports::{
    Address, Body, ConnectionState, DecodeError, EncodeError, ErrorCode, Frame, Gap, Header, Inlet, Link,
    Patience, Rejection, SendError, Undecodable,
};

use super::ProcessFailure;
use super::feed::Feeds;
use crate::BusError;
use crate::driver::Edge;
use crate::engine::wakes;
use crate::errors::ErrorSource;
use crate::event::Arrival;

/// What stays the same in all runs of a process.
pub(super) struct Ends<C> {
    pub(super) exchange: Exchange,
    pub(super) errors: ErrorSource,
    pub(super) codec: C,
    /// Between events and what the exchange carries.
    pub(super) shared: Arc<dyn Edge>,
    /// Between events and bytes.
    pub(super) encoded: Arc<dyn Edge>,
    pub(super) topic_index: fn(&str) -> Option<usize>,
    pub(super) max_message: usize,
}

impl<C: Codec> Ends<C> {
    pub(super) fn not_sent(&self, header: &Header, (code, reason): (ErrorCode, String)) {
        let (topic, id) = (header.topic().to_owned(), header.id().into());
        let error = SendError::Rejected(Rejection::new(code, reason));
        self.errors.report(BusError::NotSent { topic, id, error });
    }

    /// The message of a frame of the exchange.
    pub(super) fn message(&self, header: &Header, body: Body) -> Result<bytes::Bytes, (ErrorCode, String)> {
        let topic = (self.topic_index)(header.topic()).unwrap_or_default();
        // A `Serialize` is code of users, and runs on the thread of whoever publishes.
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            let internal = |error: DecodeError| (ErrorCode::Internal, error.to_string());
            let stored = self.shared.decode(topic, header, body).map_err(internal)?;
            let body = self.encoded.encode(&stored).map_err(|error| refusal(&error))?;
            Ok((body, stored.event_id()))
        }));
        let (body, event_id) = encoded
            .unwrap_or_else(|_| Err((ErrorCode::BadRequest, "its `Serialize` panicked".to_owned())))?;
        let mut header = header.clone();
        if let Some(event_id) = event_id {
            header = header.with_event_id(event_id);
        }
        Control::Event(Frame { header, body }).write(&self.codec).map_err(|error| refusal(&error))
    }

    /// The frame of the exchange that is this event.
    fn frame(&self, frame: Frame) -> Result<Frame, Undecodable> {
        let Frame { header, body } = frame;
        let address = || header.address().ok();
        let Some(topic) = (self.topic_index)(header.topic()) else {
            return Err(Undecodable::new(address(), DecodeError::unknown_type(header.topic())));
        };
        let decoded = catch_unwind(AssertUnwindSafe(|| self.encoded.decode(topic, &header, body)));
        let panicked = |_| Err(DecodeError::payload(header.topic(), "its `Deserialize` panicked"));
        let stored = decoded.unwrap_or_else(panicked).map_err(|error| Undecodable::new(address(), error))?;
        let stored = stored.arrived(
            header.event_id(),
            Arrival { sequence: 0, position: None },
            header.carried().clone(),
        );
        match self.shared.encode(&stored) {
            Ok(body) => Ok(Frame { header, body }),
            Err(error) => {
                Err(Undecodable::new(address(), DecodeError::payload(header.topic(), error.to_string())))
            }
        }
    }
}

/// What the exchange tells a process.
pub(super) struct PipeInlet<C> {
    pub(super) ends: Arc<Ends<C>>,
    pub(super) outbox: Arc<Outbox>,
}

impl<C: Codec> PipeInlet<C> {
    pub(super) fn say(&self, control: &Control) {
        if let Ok(message) = control.write(&self.ends.codec) {
            self.outbox.push(message);
        }
    }
}

impl<C: Codec> Inlet for PipeInlet<C> {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        self.outbox.poll_room(waker)
    }

    fn deliver(&self, frame: Frame) {
        let Frame { header, body } = frame;
        match self.ends.message(&header, body) {
            Ok(message) => self.outbox.push(message),
            Err(reason) => {
                // The process is told too. It may follow the one, the other, or both.
                let addresses = [header.address(), Address::whole(header.topic())];
                for address in addresses.into_iter().flatten() {
                    self.say(&Control::Gap(address, Some(1)));
                }
                self.ends.not_sent(&header, reason);
            }
        }
    }

    fn subscribed(&self, request: u64) {
        self.say(&Control::Subscribed(request));
    }

    /// An exchange refuses nobody, loses nothing, and sends what it took.
    fn refused(&self, _: u64, _: Address, _: Rejection) {}

    fn gap(&self, _: Option<Address>, _: Gap) {}

    fn undecodable(&self, _: Undecodable) {}

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, state: ConnectionState) {
        // What it publishes until it ends is answered still.
        if let ConnectionState::Closed { .. } = state {
            self.say(&Control::Disconnect);
        }
    }
}

/// Whether a process is there, and since when it is listened to in vain.
#[derive(Default)]
pub(super) struct Progress(Mutex<(bool, Option<Instant>)>);

impl Progress {
    fn set(&self, change: impl FnOnce(&mut (bool, Option<Instant>))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn is_connected(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// For how long nothing has come, while it was listened to.
    pub(super) fn silent_for(&self) -> Duration {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner).1;
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// What comes from a process.
pub(super) struct PipeReader<'a, C> {
    pub(super) ends: &'a Ends<C>,
    pub(super) inlet: &'a Arc<PipeInlet<C>>,
    pub(super) member: &'a Member,
    pub(super) progress: &'a Progress,
    /// Whoever sees to the process waits for something else from then on.
    pub(super) connected: &'a (dyn Fn() + Sync),
    /// Of the run before: what was published to it since is lost to this one.
    pub(super) before: Followed,
    pub(super) now: &'a mut Followed,
    /// Its places in queue groups, which it has until it is no more.
    pub(super) feeds: &'a mut Feeds<C>,
}

/// What a run followed at some time: one that panics gives up all of it on its way.
#[derive(Default)]
pub(super) struct Followed {
    addresses: BTreeSet<Address>,
    /// There were more than are kept.
    is_all: bool,
}

impl Followed {
    /// How many are kept. Beyond it all count as followed.
    const KEPT: usize = 4096;

    fn add(&mut self, addresses: &[Address]) {
        self.is_all |= self.addresses.len() + addresses.len() > Self::KEPT;
        if !self.is_all {
            self.addresses.extend(addresses.iter().cloned());
        }
    }

    /// Whether it was, asked for the first time.
    fn take(&mut self, address: &Address) -> bool {
        self.is_all || self.addresses.remove(address)
    }
}

impl<C: Codec> PipeReader<'_, C> {
    /// Reads until the pipe ends. What is read at once is said at once: only then those who read it are woken.
    pub(super) fn read(self, pipe: FrameReader<impl Read>) -> Result<(), ProcessFailure> {
        let result = self.read_all(pipe);
        wakes::flush();
        result
    }

    fn read_all(mut self, mut pipe: FrameReader<impl Read>) -> Result<(), ProcessFailure> {
        loop {
            let Some(message) = pipe.buffered().map_err(|error| garbage(&error))? else {
                wakes::flush();
                self.progress.set(|it| it.1 = Some(Instant::now()));
                let filled = pipe.fill();
                self.progress.set(|it| it.1 = None);
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
            let control = Control::read(&self.ends.codec, &message);
            if !self.progress.is_connected() {
                match control {
                    Ok(Control::Connect(PROTOCOL)) => {
                        self.progress.set(|it| it.0 = true);
                        (self.connected)();
                        self.inlet.say(&Control::Connected);
                    }
                    Ok(Control::Connect(version)) => {
                        return Err(garbage(&format!(
                            "version {version} of the protocol, and not {PROTOCOL}"
                        )));
                    }
                    Ok(_) => return Err(garbage(&"something before `__connect`")),
                    Err(error) => return Err(garbage(&error)),
                }
                continue;
            }
            self.hear(control);
        }
    }

    fn hear(&mut self, control: Result<Control, ControlError>) {
        match control {
            Ok(Control::Event(frame)) => self.event(frame),
            Ok(Control::Subscribe(request, addresses)) => {
                self.now.add(&addresses);
                for address in &addresses {
                    if self.before.take(address) {
                        self.inlet.say(&Control::Gap(address.clone(), None));
                    }
                }
                self.member.subscribe(request, addresses);
            }
            Ok(Control::Join(number, group, prefetch, addresses)) => {
                self.feeds.join((number, group, prefetch), addresses, self.member, self.inlet);
            }
            Ok(Control::Begin(number)) => self.feeds.begin(number),
            Ok(Control::Done(number)) => self.feeds.done(number),
            Ok(Control::Leave(number, how)) => self.feeds.leave(number, how),
            Ok(Control::Unsubscribe(addresses)) => self.member.unsubscribe(addresses),
            // It says nothing more, and wants nothing more than what is on its way.
            Ok(Control::Disconnect) => {
                self.ends.exchange.mute(self.member.id());
                self.ends.exchange.end_intake(self.member.id());
            }
            Err(ControlError::Message(error)) => self.report(Undecodable::new(None, error)),
            // Signs of life, and what a later version may say.
            Ok(_) | Err(_) => {}
        }
    }

    fn event(&self, frame: Frame) {
        match self.ends.frame(frame) {
            Ok(frame) => {
                // It waits here, so that the process does: its pipe fills up.
                let mut sending = self.member.publish(frame, Patience::Wait);
                let result = block_on(std::future::poll_fn(|cx| {
                    let result = Pin::new(&mut sending).poll(cx);
                    if result.is_pending() {
                        wakes::flush();
                    }
                    result
                }));
                self.inlet.say(&Control::Published(result.map_err(|error| error.to_string())));
            }
            Err(undecodable) => {
                self.inlet.say(&Control::Published(Err(undecodable.to_string())));
                self.report(undecodable);
            }
        }
    }

    fn report(&self, undecodable: Undecodable) {
        self.ends.errors.report(BusError::Undecodable(undecodable));
    }
}

fn refusal(error: &EncodeError) -> (ErrorCode, String) {
    let is_too_large = matches!(error, EncodeError::TooLarge { .. });
    (if is_too_large { ErrorCode::TooLarge } else { ErrorCode::BadRequest }, error.to_string())
}

fn garbage(reason: &impl ToString) -> ProcessFailure {
    ProcessFailure::Garbage { reason: reason.to_string() }
}
