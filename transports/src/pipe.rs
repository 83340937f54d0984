//! Worker processes: the envelopes and control messages of a hub, each after its length, over the pipes of a child.
//!
//! A message is its length, four bytes in big endian, and then so many bytes of the codec. A process that is started begins with
//! `__connect`, which is answered by `__connected`. It asks for addresses by `__subscribe`, answered by `__subscribed` with the
//! same `id`, and gives them up by `__unsubscribe`. Everything else that is no control message is an event; each of
//! the process is answered in its turn, by `__published` once all who follow it have it, or by `__error`. `__ping` is a sign of
//! life, which the process gives while it has nothing to say. Who says `__disconnect` sends nothing after it, and both sides
//! do: the process when its bus is closed, the host when it has nothing more for it.
//!
//! A place in a queue group is asked for by `__join`, and answered by `__joined` or `__refused`. Each of its events follows a
//! `__give`, and is the process's when that says `__begin`, which it does before its program sees the event: so the host knows which
//! events nobody has begun, whatever becomes of the process. `__done` and `__leave` say what became of the one that was begun;
//! `__over` says that none will come.
//!
//! Nothing in here asks for a runtime: each direction has a thread.

mod control;
mod framing;
mod outbox;
mod park;
mod process;
mod queue;

pub use self::control::{Control, ControlError};
pub use self::framing::{FrameError, FrameReader};
pub use self::outbox::Outbox;
pub use self::park::block_on;
pub use self::process::WorkerProcess;

/// The environment variable that tells a process that it is a worker, and its name.
pub const NAME_VARIABLE: &str = "PUBSUB_WORKER";

/// The version of what is said over the pipes.
pub const PROTOCOL: u32 = 1;
