//! An event map that no wire could carry, and waiting with a deadline.

use std::cell::Cell;
use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use futures::executor::block_on;
use pubsub::WorkerHost;
use pubsub::prelude::*;

#[derive(EventMap)]
pub(crate) enum App {
    Job(u64),
    Done(u64),
    #[event(id = u32)]
    Text(String),
    /// Neither `Clone` nor serialisable, and it has interior mutability.
    Opaque(Opaque),
}

pub(crate) struct Opaque(pub(crate) Mutex<Cell<u64>>);

/// How long a test waits for what must happen.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a test that would wait forever if it failed.
pub(crate) fn within_deadline<F: Future + Send + 'static>(test: F) -> F::Output
where
    F::Output: Send + Debug,
{
    let (sender, receiver): (Sender<F::Output>, Receiver<F::Output>) = channel();
    let thread = std::thread::spawn(move || sender.send(block_on(test)).unwrap());
    match receiver.recv_timeout(DEADLINE) {
        Ok(output) => output,
        Err(RecvTimeoutError::Timeout) => panic!("no end after {DEADLINE:?}"),
        Err(RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

pub(crate) type Host = WorkerHost<App>;

pub(crate) fn host() -> Host {
    WorkerHost::new()
}

/// Answers every job until its subscription ends.
pub(crate) fn echo(bus: PubSub<App>) {
    let mut jobs = bus.subscribe(App::JOB).now().expect("the bus is open");
    while let Some(job) = block_on(jobs.next()) {
        block_on(bus.publish(App::DONE, &job.id, job.payload)).expect("the host listens");
    }
}
