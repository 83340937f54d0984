//! A redis-server of one's own.
// A part of the library of the workspace's tests too, for which it is public.
#![allow(unreachable_pub)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// One that runs, until it is dropped.
pub struct Server {
    child: Mutex<Child>,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    arguments: Vec<String>,
    directory: PathBuf,
}

impl Server {
    /// A server on a free port, which keeps nothing.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same, with more arguments.
    pub fn with(arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("pubsub-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        for _ in 0..20 {
            let port = free_port();
            let mut child = spawn(port, &arguments, &directory);
            // It ends at once if somebody else took the port meanwhile.
            if is_ready(&directory, &mut child) {
                return Self { child: Mutex::new(child), port, arguments, directory };
            }
        }
        panic!("no redis-server came up: {}", Self::log(&directory));
    }

    fn log(directory: &std::path::Path) -> String {
        std::fs::read_to_string(directory.join("log")).unwrap_or_default()
    }

    /// For clients.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it keeps its files.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// SIGKILL.
    pub fn kill(&self) {
        let mut child = self.child.lock().expect("the child");
        child.kill().expect("killed");
        child.wait().expect("it has ended");
    }

    /// Again, on the same port.
    pub fn restart(&self) {
        let mut child = self.child.lock().expect("the child");
        let _ = child.kill();
        let _ = child.wait();
        for _ in 0..20 {
            *child = spawn(self.port, &self.arguments, &self.directory);
            if is_ready(&self.directory, &mut child) {
                return;
            }
        }
        panic!("redis-server did not come back: {}", Self::log(&self.directory));
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.lock().expect("the child").id().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill");
        assert!(status.success());
    }

    /// What `redis-cli` prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| missing("redis-cli", "redis-tools", &error));
        let text = String::from_utf8_lossy(&stdout).trim_end().to_owned();
        assert!(status.success(), "redis-cli {arguments:?}: {text} {}", String::from_utf8_lossy(&stderr));
        text
    }

    /// Waits until it has all that its master has. Asked again and again, since nobody tells.
    pub fn until_it_replicates(&self) {
        let deadline = Instant::now() + super::DEADLINE;
        while !self.cli(&["INFO", "replication"]).contains("master_link_status:up") {
            assert!(Instant::now() < deadline, "it does not replicate");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A connection without any client between.
    pub fn raw(&self) -> Raw {
        Raw(TcpStream::connect(("127.0.0.1", self.port)).expect("a connection"))
    }

    /// How many connections follow something, and what: `PUBSUB CHANNELS` and `NUMPAT`.
    pub fn followed(&self) -> (Vec<String>, u64) {
        let channels = self.cli(&["PUBSUB", "CHANNELS"]);
        let mut channels: Vec<_> =
            channels.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        channels.sort();
        (channels, self.cli(&["PUBSUB", "NUMPAT"]).parse().expect("a number"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Bytes to and from a server.
pub struct Raw(TcpStream);

impl Raw {
    /// A command, whose answer is not read.
    pub fn send(&mut self, words: &[&[u8]]) {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend(format!("${}\r\n", word.len()).into_bytes());
            bytes.extend_from_slice(word);
            bytes.extend(b"\r\n");
        }
        self.0.write_all(&bytes).expect("written");
    }

    /// Exactly these bytes come next.
    pub fn expect(&mut self, bytes: &[u8]) {
        self.0.set_read_timeout(Some(super::DEADLINE)).expect("a timeout");
        let mut seen = vec![0; bytes.len()];
        self.0.read_exact(&mut seen).expect("bytes");
        assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(bytes));
    }

    /// PUBLISH, and how many it reached.
    pub fn publish(&mut self, channel: &[u8], message: &[u8]) -> u32 {
        self.send(&[b"PUBLISH", channel, message]);
        let line = self.line();
        line.strip_prefix(':').and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    }

    /// The next line.
    pub fn line(&mut self) -> String {
        self.0.set_read_timeout(Some(super::DEADLINE)).expect("a timeout");
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("a byte");
            line.push(byte[0]);
        }
        String::from_utf8_lossy(&line[..line.len() - 2]).into_owned()
    }
}

/// A port that nobody had a moment ago, and that the system gives to nobody who asks for any: a server can come back to it.
pub fn free_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Below the range of Linux that others are given a port of. Programs that run side by side begin at different places.
    let ports = 12_000..32_000;
    let mut place = std::process::id().wrapping_mul(101);
    loop {
        place = place.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = ports.start + (place % u32::from(ports.end - ports.start)) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn spawn(port: u16, arguments: &[String], directory: &std::path::Path) -> Child {
    let log = std::fs::File::create(directory.join("log")).expect("a log");
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--enable-debug-command", "yes"])
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| missing("redis-server", "redis-server", &error))
}

fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    match error.kind() {
        ErrorKind::NotFound => {
            panic!("these tests need `{program}`, which is not here; on Debian: apt-get install {package}")
        }
        _ => panic!("`{program}` does not start: {error}"),
    }
}

/// Whether it comes up. Asked of its log: at its port another may answer, or it may be still reading what it had.
fn is_ready(directory: &std::path::Path, child: &mut Child) -> bool {
    let until = Instant::now() + super::DEADLINE;
    while Instant::now() < until {
        if Server::log(directory).contains("Ready to accept connections") {
            return true;
        }
        if child.try_wait().expect("the child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}
