//! A redis-server of one's own, on a free port, which keeps nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    pub fn start() -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { child: spawn(port)?, port })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As a crash does it: nothing is said to anybody.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    pub fn restart(&mut self) -> io::Result<()> {
        self.child = spawn(self.port)?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

/// Starts a server and waits until it answers.
fn spawn(port: u16) -> io::Result<Child> {
    let mut child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        // Subscribers that are far behind are not disconnected: the benchmarks let some be.
        .args(["--client-output-buffer-limit", "pubsub 0 0 0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => io::Error::new(
                ErrorKind::NotFound,
                "`redis-server` is not installed; on Debian: apt-get install redis-server",
            ),
            _ => error,
        })?;
    let began = Instant::now();
    while !answers(port) {
        if child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(10) {
            return Err(io::Error::other("redis-server does not come up"));
        }
        sleep(Duration::from_millis(2));
    }
    Ok(child)
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut [0; 7]).is_ok()
}
