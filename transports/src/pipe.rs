//! Worker processes: the envelopes and control messages of a hub, each after its length, over the pipes of a child.
//!
//! A message is its length, four bytes in big endian, and then so many bytes of the codec. A process that is started begins with
//! `__connect`, which is answered by `__connected`. It asks for addresses by `__subscribe`, answered by `__subscribed` with the
//! same `id`, and gives them up by `__unsubscribe`. Everything else that is no control message is an event; each of
//! the process is answered in its turn, by `__published` once all who follow it have it, or by `__error`. `__ping` is a sign of
//! life, which the process gives while it has nothing to say. Who says `__disconnect` sends no event after it, and both sides
//! do: the process when its bus is closed, the host when it has nothing more for it. Then the process says `__end`, and ends.
//!
//! # Room
//! Neither side sends an event for which the other has no room: each says at first for how many it has, the host by each answer that
//! it has room for one more, and the process by `__room` for how many more. A `__gap` counts as an event. All else needs no room, and
//! passes events that wait for it. So both sides read what comes at once, whatever their events wait for: an
//! answer never waits behind an event.
//!
//! # Pools
//! A place in a queue group is asked for by `__join`, and answered by `__joined` or `__refused`. Each of its events follows a
//! `__give`, needs no room, since the place has asked for no more than it has, and is the process's when that says `__begin`, which
//! it does before its program sees the event: so the host knows which events nobody has begun, whatever becomes of the process.
//! `__done`, `__reject` and `__leave` say what became of the one that was begun; `__over` says that none will come.
//!
//! Nothing in here asks for a runtime: each direction has a thread.

mod control;
mod ends;
mod framing;
mod inbox;
mod outbox;
mod process;
mod queue;
mod serial;

pub use self::control::{Control, ControlError};
pub use self::framing::{FrameError, FrameReader};
pub use self::outbox::Outbox;
pub use self::process::WorkerProcess;
pub use self::serial::{Serial, Work};

/// The environment variable that tells a process that it is a worker, and its name.
pub const NAME_VARIABLE: &str = "PUBSUB_WORKER";

/// The version of what is said over the pipes.
pub const PROTOCOL: u32 = 1;
