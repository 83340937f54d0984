//! The package `ws` in Node: `node/hub.mjs`, which serves, publishes and says what it cost.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::Result;
use crate::app::message;

pub(crate) const NAME: &str = "ws in Node";

pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/hub/node")
}

/// Installs `ws`. Whether it is there.
pub(crate) fn is_there() -> bool {
    let npm = std::process::Command::new("npm").args(["ci", "--silent"]).current_dir(folder()).status();
    npm.is_ok_and(|status| status.success())
}

impl Node {
    pub(crate) async fn start() -> Result<Self> {
        let mut process = Command::new("node")
            .arg(folder().join("hub.mjs"))
            .arg(message())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().ok_or("no pipe")?;
        let mut lines = BufReader::new(process.stdout.take().ok_or("no pipe")?).lines();
        let port: u16 = lines.next_line().await?.ok_or("no port")?.parse()?;
        Ok(Self { address: ([127, 0, 0, 1], port).into(), input, lines, _process: process })
    }

    pub(crate) async fn publish(&mut self, burst: usize) -> Result<()> {
        self.input.write_all(format!("{burst}\n").as_bytes()).await?;
        Ok(self.lines.next_line().await.map(drop)?)
    }

    pub(crate) async fn cpu(&mut self) -> Result<Duration> {
        self.input.write_all(b"0\n").await?;
        let line = self.lines.next_line().await?.ok_or("it has ended")?;
        Ok(Duration::from_micros(line.parse()?))
    }
}
