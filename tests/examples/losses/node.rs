//! Servers and clients in Node, as processes that are asked by lines: `node/server.mjs` and `node/client.mjs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use pubsub_tests::proxy::Proxy;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::story::{Story, Told};
use crate::{EACH, PADDING, Result, UNREAD, until};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/losses/node")
}

/// Installs what the scripts need. Whether it is there.
pub(crate) fn install() -> bool {
    let npm = std::process::Command::new("npm").args(["ci", "--silent"]).current_dir(folder()).status();
    npm.is_ok_and(|status| status.success())
}

/// Runs a script to its end.
pub(crate) async fn run(script: &str, arguments: &[String]) -> Result<Output> {
    Ok(Command::new("node").arg(folder().join(script)).args(arguments).output().await?)
}

struct Process {
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Process {
    fn start(script: &str, arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new("node")
            .arg(folder().join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let input = process.stdin.take().ok_or("no pipe")?;
        let lines = BufReader::new(process.stdout.take().ok_or("no pipe")?).lines();
        Ok(Self { input, lines, _process: process })
    }

    async fn line(&mut self) -> Result<String> {
        self.lines.next_line().await?.ok_or_else(|| "the process has ended".into())
    }

    async fn ask(&mut self, question: &str) -> Result<String> {
        self.input.write_all(format!("{question}\n").as_bytes()).await?;
        self.line().await
    }
}

pub(crate) struct Server(Process, SocketAddr);

impl Server {
    pub(crate) async fn start(kind: &str) -> Result<Self> {
        let mut process = Process::start("server.mjs", &[kind])?;
        let port: u16 = process.line().await?.parse()?;
        Ok(Self(process, ([127, 0, 0, 1], port).into()))
    }

    async fn publish(&mut self, from: u64, count: u64) -> Result<()> {
        self.0.ask(&format!("publish {from} {count} {PADDING}")).await.map(drop)
    }

    async fn subscribers(&mut self) -> Result<u64> {
        Ok(self.0.ask("subscribers").await?.parse()?)
    }
}

pub(crate) struct Client(Process);

/// What a client has counted.
#[derive(serde::Deserialize)]
pub(crate) struct Counted {
    delivered: u64,
    twice: u64,
    /// Before the first it is -1.
    pub(crate) last: i64,
    told: std::collections::BTreeMap<String, u64>,
}

impl Client {
    pub(crate) fn start(kind: &str, port: u16) -> Result<Self> {
        Process::start("client.mjs", &[kind, &port.to_string()]).map(Self)
    }

    pub(crate) async fn count(&mut self) -> Result<Counted> {
        Ok(serde_json::from_str(&self.0.ask("count").await?)?)
    }

    /// Until this event has come, which is the last.
    pub(crate) async fn has_last(&mut self, last: u64) -> Result<()> {
        until("last event", async || Ok(self.count().await?.last == last as i64)).await
    }

    pub(crate) async fn story(mut self, published: u64, refused: u64) -> Result<Story> {
        let Counted { delivered, twice, told, .. } = self.count().await?;
        let told: Vec<String> =
            told.into_iter().map(|(what, times)| format!("`{what}` {times} times")).collect();
        let twice = (twice > 0).then(|| format!("{twice} came twice"));
        let kind = if told.is_empty() { Told::Nothing } else { Told::Away };
        let note = told.into_iter().chain(twice).collect::<Vec<_>>().join(", ");
        Ok(Story { published, refused, delivered, told: kind, note })
    }
}

pub(crate) async fn unread(kind: &str) -> Result<Story> {
    let mut server = Server::start(kind).await?;
    let proxy = Proxy::to(server.1).await;
    let mut client = Client::start(kind, proxy.address.port())?;
    until("subscriber", async || Ok(server.subscribers().await? == 1)).await?;
    proxy.change(|weather| weather.stalled = true);
    if let Err(error) = server.publish(0, UNREAD).await {
        let told = Told::Ended;
        return Ok(Story { published: UNREAD, refused: 0, delivered: 0, told, note: error.to_string() });
    }
    proxy.change(|weather| weather.stalled = false);
    until("subscriber", async || Ok(server.subscribers().await? == 1)).await?;
    server.publish(UNREAD, 1).await?;
    client.has_last(UNREAD).await?;
    client.story(UNREAD + 1, 0).await
}

pub(crate) async fn cut(kind: &str) -> Result<Story> {
    let mut server = Server::start(kind).await?;
    let proxy = Proxy::to(server.1).await;
    let mut client = Client::start(kind, proxy.address.port())?;
    until("subscriber", async || Ok(server.subscribers().await? == 1)).await?;
    server.publish(0, EACH).await?;
    client.has_last(EACH - 1).await?;
    proxy.change(|weather| weather.refuses = true);
    proxy.cut();
    until("loss", async || Ok(server.subscribers().await? == 0)).await?;
    server.publish(EACH, EACH).await?;
    proxy.change(|weather| weather.refuses = false);
    until("subscriber", async || Ok(server.subscribers().await? == 1)).await?;
    server.publish(2 * EACH, EACH).await?;
    client.has_last(3 * EACH - 1).await?;
    client.story(3 * EACH, 0).await
}
