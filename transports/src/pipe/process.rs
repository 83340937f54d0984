//! The end of the pipes that is in the worker process.

use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as Atomic};
use std::thread;
use std::time::Duration;

use super::ends::Ends;
use super::inbox::{Came, Inbox};
use super::queue::{Places, ProcessSeat};
use super::{Control, ControlError, FrameError, FrameReader, NAME_VARIABLE, Outbox, framing};
use crate::codec::{Codec, Json, MAX_MESSAGE};
use crate::transport::{Connection, sealed};
use crate::{
    Address, Carries, Closing, ConnectError, Delivery, Encoded, ErrorCode, Frame, Guarantees, JoinQueue,
    Link, Ordering, OwnEvents, Patience, QueueSeat, Rejection, SendError, Sending, Transport, Undecodable,
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
    inbox: usize,
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
            inbox: 256,
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

    /// How many events wait for room in its subscriptions: at least 1, 256 by default. The host sends no more: beyond it they
    /// wait there.
    #[must_use]
    pub fn inbox(mut self, events: usize) -> Self {
        self.settings.inbox = events.max(1);
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

    /// How long closing the bus waits for the next thing that the host says, until it agrees: 5 s by default. What it has not
    /// accepted by then is given up, and counted.
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
                let (ends, outbox) = (Arc::new(Ends::new(inlet)), Arc::new(Outbox::new(settings.queue)));
                let inbox = Inbox::new(&ends, &outbox, &codec, settings.inbox);
                let places = Places::default();
                let shared = Arc::new(Shared { codec, outbox, places, settings, ends, inbox });
                shared.say(&Control::connect(settings.inbox));
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
                    shared.output_ended();
                }
                Arc::new(ProcessLink(shared))
            }),
        }
    }
}

pub(super) struct Shared<C: Codec> {
    pub(super) codec: Arc<C>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) places: Places,
    settings: Settings,
    ends: Arc<Ends>,
    inbox: Inbox<C>,
}

impl<C: Codec> Shared<C> {
    /// What is longer than a codec allows has nobody to be told to.
    pub(super) fn say(&self, control: &Control) {
        if let Ok(message) = control.write(&*self.codec) {
            self.outbox.push(message);
        }
    }

    fn read(&self, mut input: FrameReader<impl Read>) {
        let error = loop {
            // A panic is that of a waker, which is code of users. It harms nobody else.
            let read = catch_unwind(AssertUnwindSafe(|| {
                let error = self.read_all(&mut input);
                self.ends.inlet().inspect(|inlet| inlet.flush());
                error
            }));
            if let Ok(error) = read {
                break error;
            }
        };
        self.places.end();
        self.output_ended();
        // What came before is there still.
        let _taken = self.inbox.push(Came::End(Some(error)));
    }

    /// Reads whatever comes at once, until nothing does. It waits for the pipe, and for nothing else.
    fn read_all(&self, input: &mut FrameReader<impl Read>) -> ConnectError {
        let protocol = |reason| ConnectError::Protocol { reason };
        // The place that the next message is for, if it is for one.
        let mut place = None;
        loop {
            let message = match input.buffered() {
                Ok(Some(message)) => message,
                // What is read at once is said at once, then it waits for more.
                Ok(None) => {
                    self.ends.inlet().inspect(|inlet| inlet.flush());
                    match input.fill() {
                        Ok(true) => self.ends.inlet().inspect(|inlet| inlet.hold()),
                        Ok(false) => return gone(io::ErrorKind::UnexpectedEof.into()),
                        Err(FrameError::Io(error)) => return gone(error),
                        Err(error) => return protocol(error.to_string()),
                    };
                    continue;
                }
                Err(error) => return protocol(error.to_string()),
            };
            let control = Control::read(&*self.codec, &message);
            let heard = match std::mem::take(&mut place) {
                Some(number) => self.given(number, control),
                None => match control {
                    Ok(Control::Give(number)) => {
                        place = Some(number);
                        Ok(())
                    }
                    control => self.hear(control),
                },
            };
            if let Err(reason) = heard {
                return protocol(reason);
            }
        }
    }

    /// What follows a `__give`.
    fn given(&self, number: u64, control: Result<Control, ControlError>) -> Result<(), String> {
        match control {
            Ok(Control::Event(event)) => self.places.give(number, Ok(event)),
            Err(error) => self.places.give(number, Err(error.to_string())),
            Ok(_) => Err("something that is no event was given to a place in a queue group".to_owned()),
        }
    }

    fn hear(&self, control: Result<Control, ControlError>) -> Result<(), String> {
        match control {
            Ok(Control::Event(event)) => return self.inbox.push(Came::Event(event)),
            Ok(Control::Gap(address, missed)) => return self.inbox.push(Came::Gap(address, missed)),
            Err(ControlError::Message(error)) => {
                return self.inbox.push(Came::Undecodable(Undecodable::new(None, error)));
            }
            // What is published after it is answered still.
            Ok(Control::Disconnect) => return self.inbox.push(Came::End(None)),
            Ok(Control::Connected(room)) => self.outbox.grant(room),
            Ok(Control::Published(result)) => {
                let refused = |message| Rejection::new(ErrorCode::BadRequest, message).into();
                self.outbox.answer(result.map_err(refused));
            }
            Ok(Control::Subscribed(request)) => {
                self.ends.inlet().inspect(|inlet| inlet.subscribed(request));
            }
            Ok(Control::Joined(number, result)) => self.places.joined(number, result),
            Ok(Control::Over(number)) => self.places.over(number),
            // A later version may have more to say.
            Ok(_) | Err(ControlError::Unknown(_) | ControlError::Address(_)) => {}
        }
        Ok(())
    }

    fn write(&self, mut output: impl Write) {
        let idle = Control::Ping.write(&*self.codec).ok().map(|ping| (self.settings.heartbeat, ping));
        let written = self.outbox.write_to(&mut output, idle);
        if written.is_ok()
            && let Ok(message) = Control::End.write(&*self.codec)
        {
            let mut end = Vec::new();
            framing::append(&message, &mut end);
            // From now on the host waits for the process to end.
            let _broken = output.write_all(&end).and_then(|()| output.flush());
        }
        self.intake_ended(None);
        self.output_ended();
    }

    fn intake_ended(&self, error: Option<ConnectError>) {
        self.ends.intake_ended(error);
        self.outbox.release();
    }

    fn output_ended(&self) {
        self.ends.output_ended(self.outbox.end());
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
        let (closing, is_first) = shared.ends.close();
        if is_first && let Ok(message) = Control::Disconnect.write(&*shared.codec) {
            shared.outbox.finish(message, shared.settings.close_timeout);
        }
        closing
    }
}

impl<C: Codec> Drop for ProcessLink<C> {
    fn drop(&mut self) {
        drop(self.close());
    }
}
