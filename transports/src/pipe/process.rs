//! The end of the pipes that is in the worker process.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_channel::oneshot;

use super::queue::{Places, ProcessSeat};
use super::{Control, ControlError, FrameError, FrameReader, NAME_VARIABLE, Outbox, block_on};
use crate::codec::{Codec, Json, MAX_MESSAGE};
use crate::transport::{Connection, sealed};
use crate::{
    Address, Carries, Closing, ConnectError, ConnectionState, Delivery, Encoded, ErrorCode, Frame, Gap,
    GapReason, Guarantees, Inlet, JoinQueue, Link, Ordering, OwnEvents, Patience, QueueSeat, Rejection,
    SendError, Sending, Transport, Undecodable,
};

/// The transport of a bus in a process that a `WorkerHost` has started by a command.
///
/// It reads from standard input and writes to standard output, so nothing else may be written there: print to standard error,
/// which the host passes on with the name of the worker. The bus is closed when the host has nothing more for it, or is gone.
///
/// A publish is ready when the host has it, and so the inbox of every bus that follows it. Close the bus before the process ends:
/// what was published by `.now()` may not have been written before.
///
/// ```no_run
/// use pubsub_transports::WorkerProcess;
///
/// let worker = WorkerProcess::from_stdio()?; // `PubSub::new(worker)` makes a bus of it
/// eprintln!("{} is there", worker.name());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct WorkerProcess<C = Json> {
    name: String,
    codec: Arc<C>,
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    settings: Settings,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    max_message: usize,
    queue: usize,
    heartbeat: Duration,
    close_timeout: Duration,
}

impl WorkerProcess {
    /// The worker that this process is.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound) if no `WorkerHost` has started the process, and
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if this was called before: there is one standard input.
    pub fn from_stdio() -> io::Result<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let name = std::env::var(NAME_VARIABLE).map_err(|_| {
            let text =
                "this process was not started by `WorkerHost::command`, so there is no host to talk to";
            io::Error::new(io::ErrorKind::NotFound, text)
        })?;
        if TAKEN.swap(true, Atomic::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "standard input is taken already"));
        }
        Ok(Self::over(name, io::stdin(), output()?))
    }

    /// A worker at the end of other pipes, of a host that has the other ends.
    pub fn over(
        name: impl Into<String>,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Self {
        let settings = Settings {
            max_message: MAX_MESSAGE,
            queue: 1 << 20,
            heartbeat: Duration::from_secs(5),
            close_timeout: Duration::from_secs(5),
        };
        Self {
            name: name.into(),
            codec: Arc::default(),
            input: Box::new(input),
            output: Box::new(output),
            settings,
        }
    }
}

impl<C: Codec> WorkerProcess<C> {
    /// What it promises: as worker threads do, but that events are bytes.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Bytes,
        backpressure: true,
        history: false,
        acknowledgement: false,
    };

    /// The name that the host gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The codec, which has to be that of the host: JSON by default.
    #[must_use]
    pub fn codec<D: Codec>(self, codec: D) -> WorkerProcess<D> {
        let Self { name, input, output, settings, .. } = self;
        WorkerProcess { name, codec: Arc::new(codec), input, output, settings }
    }

    /// How many bytes a message may have that comes: [`MAX_MESSAGE`], 64 KiB, by default. Beyond it the host is taken for
    /// something else, and the bus is closed. What goes out is bounded by the codec.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.settings.max_message = bytes;
        self
    }

    /// How many bytes of events wait to be written, and one event more: 1 MiB by default. Beyond it publishers wait.
    #[must_use]
    pub fn queue(mut self, bytes: usize) -> Self {
        self.settings.queue = bytes;
        self
    }

    /// After how long without anything to say it gives a sign of life: 5 s by default. Keep it below what the host waits for.
    #[must_use]
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.settings.heartbeat = every;
        self
    }

    /// How long closing the bus waits for the host to agree: 5 s by default.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.settings.close_timeout = timeout;
        self
    }
}

/// Standard output, past the buffer of the standard library, which looks for lines.
#[cfg(unix)]
fn output() -> io::Result<impl Write + Send + 'static> {
    use std::os::fd::AsFd as _;
    Ok(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn output() -> io::Result<impl Write + Send + 'static> {
    Ok(io::stdout())
}

impl<C> fmt::Debug for WorkerProcess<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerProcess").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<C: Codec> Transport for WorkerProcess<C> {
    type Body = Encoded<C>;
}

impl<C: Codec> sealed::Connect for WorkerProcess<C> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { codec, input, output, settings, .. } = self;
        Connection::Link {
            name: "process",
            body: Encoded::new(Arc::clone(&codec)),
            guarantees: Self::GUARANTEES,
            attach: Box::new(move |inlet| {
                let ends = Ends { inlet: Some(inlet), ..Ends::default() };
                let shared = Arc::new(Shared {
                    codec,
                    outbox: Outbox::new(settings.queue),
                    places: Places::default(),
                    settings,
                    ends: Mutex::new(ends),
                    ended: Condvar::new(),
                });
                shared.say(&Control::connect());
                let (reader, writer) = (Arc::clone(&shared), Arc::clone(&shared));
                let read = move || reader.read(FrameReader::new(input, settings.max_message));
                let write = move || writer.write(output);
                let started = thread::Builder::new()
                    .name("pubsub-read".to_owned())
                    .spawn(read)
                    .and_then(|_| thread::Builder::new().name("pubsub-write".to_owned()).spawn(write));
                if let Err(error) = started {
                    let reason = format!("there is no thread for it: {error}");
                    shared.intake_ended(Some(ConnectError::Protocol { reason }));
                    shared.output_ended(shared.outbox.end());
                }
                Arc::new(ProcessLink(shared))
            }),
        }
    }
}

pub(super) struct Shared<C> {
    pub(super) codec: Arc<C>,
    pub(super) outbox: Outbox,
    pub(super) places: Places,
    settings: Settings,
    ends: Mutex<Ends>,
    ended: Condvar,
}

/// How far the end is: nothing comes any more, nothing goes any more.
#[derive(Default)]
struct Ends {
    inlet: Option<Arc<dyn Inlet>>,
    output: Option<u64>,
    is_closing: bool,
    closings: Vec<oneshot::Sender<u64>>,
}

impl<C: Codec> Shared<C> {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inlet(&self) -> Option<Arc<dyn Inlet>> {
        self.ends().inlet.clone()
    }

    /// What is longer than a codec allows has nobody to be told to.
    pub(super) fn say(&self, control: &Control) {
        if let Ok(message) = control.write(&*self.codec) {
            self.outbox.push(message);
        }
    }

    fn read(&self, mut input: FrameReader<impl Read>) {
        // The place that the next message is for, if it is for one.
        let mut place = None;
        let error = loop {
            let message = match input.buffered() {
                Ok(Some(message)) => message,
                // What is read at once is said at once, then it waits for more.
                Ok(None) => {
                    self.inlet().inspect(|inlet| inlet.flush());
                    match input.fill() {
                        Ok(true) => self.inlet().inspect(|inlet| inlet.hold()),
                        Ok(false) => break gone(io::ErrorKind::UnexpectedEof.into()),
                        Err(FrameError::Io(error)) => break gone(error),
                        Err(error) => break ConnectError::Protocol { reason: error.to_string() },
                    };
                    continue;
                }
                Err(error) => break ConnectError::Protocol { reason: error.to_string() },
            };
            let to = std::mem::take(&mut place);
            match Control::read(&*self.codec, &message) {
                Ok(Control::Published(result)) => {
                    let refused = |message| Rejection::new(ErrorCode::BadRequest, message).into();
                    self.outbox.answer(result.map_err(refused));
                }
                Ok(Control::Joined(number, result)) => self.places.joined(number, result),
                Ok(Control::Give(number)) => place = Some(number),
                Ok(Control::Event(event)) if to.is_some() => {
                    if let Some(Err(reason)) = to.map(|number| self.places.give(number, event)) {
                        break ConnectError::Protocol { reason };
                    }
                }
                Ok(Control::Over(number)) => self.places.over(number),
                // What is published after it is answered still.
                Ok(Control::Disconnect) => self.intake_ended(None),
                control => {
                    if let Some(inlet) = self.inlet() {
                        hear(&*inlet, control);
                    }
                }
            }
        };
        self.inlet().inspect(|inlet| inlet.flush());
        self.places.end();
        self.intake_ended(Some(error));
        self.output_ended(self.outbox.end());
    }

    fn write(&self, mut output: impl Write) {
        let idle = Control::Ping.write(&*self.codec).ok().map(|ping| (self.settings.heartbeat, ping));
        let _broken = self.outbox.write_to(&mut output, idle);
        // The host answers what it was sent, and says that nothing more comes. One that does not is not waited for.
        let until = Instant::now() + self.settings.close_timeout;
        self.outbox.until_answered(until);
        let mut ends = self.ends();
        while ends.inlet.is_some() {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            ends = self.ended.wait_timeout(ends, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(ends);
        self.intake_ended(None);
        self.output_ended(self.outbox.end());
    }

    /// Nothing comes any more.
    fn intake_ended(&self, error: Option<ConnectError>) {
        let inlet = self.ends().inlet.take();
        if let Some(inlet) = inlet {
            inlet.state(ConnectionState::Closed { error });
            inlet.flush();
        }
        self.answer_closings();
    }

    /// Nothing goes any more, and so much was given up.
    fn output_ended(&self, given_up: u64) {
        self.ends().output.get_or_insert(given_up);
        self.answer_closings();
    }

    fn answer_closings(&self) {
        let mut ends = self.ends();
        self.ended.notify_all();
        let (None, Some(given_up)) = (&ends.inlet, ends.output) else { return };
        let closings = std::mem::take(&mut ends.closings);
        drop(ends);
        for closing in closings {
            let _gone = closing.send(given_up);
        }
    }
}

fn hear(inlet: &dyn Inlet, control: Result<Control, ControlError>) {
    match control {
        Ok(Control::Event(frame)) => {
            // Those who are to make room have to know that there is something.
            block_on(std::future::poll_fn(|cx| {
                let ready = inlet.poll_ready(cx.waker());
                if ready.is_pending() {
                    inlet.flush();
                }
                ready
            }));
            inlet.deliver(frame);
        }
        Ok(Control::Subscribed(request)) => inlet.subscribed(request),
        Ok(Control::Gap(address, missed)) => {
            inlet.gap(Some(address), Gap::new(GapReason::Disconnected, missed));
        }
        Err(ControlError::Message(error)) => inlet.undecodable(Undecodable::new(None, error)),
        // A later version may have more to say.
        Ok(_) | Err(ControlError::Unknown(_) | ControlError::Address(_)) => {}
    }
}

/// The host is gone.
fn gone(error: io::Error) -> ConnectError {
    ConnectError::Unreachable { address: "the host of the workers".to_owned(), source: Arc::new(error) }
}

struct ProcessLink<C: Codec>(Arc<Shared<C>>);

impl<C: Codec> Link for ProcessLink<C> {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        match Control::Event(frame).write(&*self.0.codec) {
            Ok(message) => self.0.outbox.send(message, patience),
            Err(error) => {
                let rejection = Rejection::new(ErrorCode::TooLarge, error.to_string());
                Sending::Done(Err(SendError::Rejected(rejection)))
            }
        }
    }

    fn in_flight(&self) -> u64 {
        self.0.outbox.in_flight()
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        self.0.say(&Control::Subscribe(request, addresses));
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.0.say(&Control::Unsubscribe(addresses));
    }

    fn join_queue(&self, join: JoinQueue) -> Option<Box<dyn QueueSeat>> {
        Some(Box::new(ProcessSeat::join(&self.0, join)))
    }

    fn close(&self) -> Closing {
        let shared = &self.0;
        for (number, how) in shared.places.leave_all() {
            shared.say(&Control::Leave(number, how));
        }
        let mut ends = shared.ends();
        if let (None, Some(given_up)) = (&ends.inlet, ends.output) {
            let given_up = if ends.is_closing { 0 } else { given_up };
            ends.is_closing = true;
            return Closing::Done(given_up);
        }
        let (answer, closing) = oneshot::channel();
        ends.closings.push(answer);
        let is_first = !std::mem::replace(&mut ends.is_closing, true);
        drop(ends);
        if is_first && let Ok(message) = Control::Disconnect.write(&*shared.codec) {
            shared.outbox.finish(message);
        }
        Closing::Pending(closing)
    }
}

impl<C: Codec> Drop for ProcessLink<C> {
    fn drop(&mut self) {
        drop(self.close());
    }
}
