//! Hosts, the program that the processes run, and waiting with a deadline.

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use futures::executor::block_on;
use pubsub::{Backoff, ProcessBuilder, ProcessFailure, Worker, WorkerError, WorkerHost};
use pubsub_tests::processes::App;

/// How long a test waits for what must happen, on a machine that others keep busy too.
const DEADLINE: Duration = Duration::from_secs(180);

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

/// The program of the processes, with what it is to do.
pub(crate) fn program(task: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worker-process"));
    command.arg(task);
    command
}

pub(crate) fn build<'a>(host: &'a Host, task: &str) -> ProcessBuilder<'a, App> {
    host.command(task, program(task))
}

/// Who did which job.
pub(crate) type Answer = (String, u64);

/// What was done, read by a thread of its own until the host is closed: no worker waits for this test.
pub(crate) async fn answers(host: &Host) -> Receiver<Answer> {
    let mut done = host.bus().subscribe(App::DONE).await.unwrap();
    let (give, take) = channel();
    std::thread::spawn(move || {
        while let Some(event) = block_on(done.next()) {
            give.send((event.id.to_string(), event.payload)).unwrap();
        }
    });
    take
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

/// To the process with this task, which runs in no other test.
pub(crate) fn signal(signal: &str, task: &str) {
    for (pid, _) in of_task(task) {
        send(signal, &pid);
    }
}

/// The processes with this task.
pub(crate) fn of_task(task: &str) -> Vec<(String, String)> {
    let mut children = children();
    children.retain(|(_, command)| command.split('\0').any(|word| word == task));
    children
}

pub(crate) fn send(signal: &str, pid: &str) {
    let status = Command::new("kill").args([signal, pid]).status().unwrap();
    assert!(status.success());
}

/// The processes that this one has started, with their command lines; the dead ones that nobody has reaped too.
pub(crate) fn children() -> Vec<(String, String)> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        let is_own = |status: &str| field(status, "PPid:") == Some(&own);
        if std::fs::read_to_string(entry.path().join("status")).is_ok_and(|status| is_own(&status)) {
            found.push((pid, command_line(&entry.path())));
        }
    }
    found
}

/// Nothing if it is dead. One that was started a moment ago has no arguments yet: the system lets its parent go on first.
fn command_line(process: &Path) -> String {
    loop {
        let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        let is_alive = field(&status, "State:").is_some_and(|state| !state.starts_with(['Z', 'X']));
        if !command.is_empty() || !is_alive {
            return String::from_utf8_lossy(&command).into_owned();
        }
        std::thread::yield_now();
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}
