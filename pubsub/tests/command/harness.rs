//! Processes of the command, whose lines are awaited with a deadline, and a Redis.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

#[path = "../../../transports/tests/redis/harness/server.rs"]
// The suite of the transport needs more of it.
#[allow(dead_code)]
mod server;

pub(crate) use self::server::Server;

/// How long anything that is awaited may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The command with these arguments, and nothing of it in the environment.
pub(crate) fn pubsub(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pubsub"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["PUBSUB_TOKEN", "PUBSUB_TOKENS", "PUBSUB_REDIS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let running = Running::start(pubsub(arguments));
    running.end()
}

/// What it has said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One that is running; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

/// The lines of a pipe, as they come.
pub(crate) struct Lines {
    coming: Receiver<String>,
    come: Vec<String>,
}

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (line, coming) = channel();
        std::thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                if line.send(text).is_err() {
                    return;
                }
            }
        });
        Self { coming, come: Vec::new() }
    }

    /// The next.
    pub(crate) fn next(&mut self) -> String {
        let line = self.coming.recv_timeout(DEADLINE);
        let line = line.unwrap_or_else(|error| panic!("no line after {:?}: {error}", self.come));
        self.come.push(line.clone());
        line
    }

    /// The next that contains this.
    pub(crate) fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All that came and comes until the pipe is closed.
    fn all(mut self) -> String {
        while let Ok(line) = self.coming.recv_timeout(DEADLINE) {
            self.come.push(line);
        }
        self.come.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stdout = Lines::of(child.stdout.take().expect("its output"));
        let stderr = Lines::of(child.stderr.take().expect("its errors"));
        Self { child, stdout, stderr }
    }

    /// `pubsub tail`, when it follows.
    pub(crate) fn tail(arguments: &[&str]) -> Self {
        let mut tail = Self::start(pubsub(&[&["tail"], arguments].concat()));
        tail.stderr.until("following");
        tail
    }

    pub(crate) fn line(&mut self) -> String {
        self.stdout.next()
    }

    pub(crate) fn says(&mut self, part: &str) -> String {
        self.stderr.until(part)
    }

    /// `KILL`, `TERM` and so on.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill").success());
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Ended {
        let status = wait(&mut self.child);
        let taken = |lines: &mut Lines| std::mem::replace(lines, Lines::of(std::io::empty())).all();
        let (stdout, stderr) = (taken(&mut self.stdout), taken(&mut self.stderr));
        Ended { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().expect("the child") {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A hub as a process, which can be killed and started again where it was.
pub(crate) struct Hub {
    arguments: Vec<String>,
    address: String,
    running: Option<Running>,
}

impl Hub {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut hub = Self { arguments, address: "127.0.0.1:0".to_owned(), running: None };
        hub.restart();
        hub
    }

    /// Again, on the same port.
    pub(crate) fn restart(&mut self) {
        let arguments = self.arguments.iter().map(String::as_str);
        let arguments: Vec<&str> = ["hub", "--listen", &self.address].into_iter().chain(arguments).collect();
        let mut running = Running::start(pubsub(&arguments));
        let line = running.line();
        let address = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
        self.address = address.to_owned();
        self.running = Some(running);
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) -> Ended {
        let running = self.running.take().expect("it runs");
        running.signal("TERM");
        running.end()
    }
}

/// Publishes by the command, which has to succeed.
pub(crate) fn publish(arguments: &[&str]) {
    let ended = run(&[&["publish"], arguments].concat());
    assert_eq!((ended.code, &*ended.stdout, &*ended.stderr), (0, "", ""), "{arguments:?}");
}

/// What one line of `tail` says: type, id and payload.
pub(crate) fn event(line: &str) -> (String, String, serde_json::Value) {
    let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    let text = |member: &str| event[member].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
    (text("type"), text("id"), event["payload"].clone())
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
