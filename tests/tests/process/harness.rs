//! Hosts, the program that the processes run, and waiting with a deadline.

use std::fmt::Debug;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use futures::executor::block_on;
use pubsub::{Backoff, ProcessBuilder, ProcessFailure, Worker, WorkerError, WorkerHost};
use pubsub_tests::processes::App;

/// How long a test waits for what must happen.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a test that would wait forever if it failed.
pub(crate) fn within_deadline<F: Future + Send + 'static>(test: F) -> F::Output
where
    F::Output: Send + Debug,
{
    let (sender, receiver) = channel();
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

pub(crate) fn build<'a>(host: &'a Host, task: &str) -> ProcessBuilder<'a, App> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker-process"));
    command.arg(task);
    host.command(task, command)
}

/// One that follows jobs.
pub(crate) async fn started(host: &Host, task: &str) -> Worker<App> {
    let worker = build(host, task).start().expect("it starts");
    worker.follows(App::JOB).await.expect("it follows jobs");
    worker
}

pub(crate) fn at_once() -> Backoff {
    Backoff::new(Duration::ZERO, Duration::ZERO)
}

/// How the worker failed.
pub(crate) async fn failure(worker: &Worker<App>) -> ProcessFailure {
    match worker.finished().await {
        Err(WorkerError::Failed { failure, .. }) => failure,
        other => panic!("it did not fail: {other:?}"),
    }
}

pub(crate) async fn close(host: &Host) {
    let report = host.close().until(std::future::pending::<()>()).await;
    assert!(report.is_clean(), "{report}: {report:?}");
}
