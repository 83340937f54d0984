//! The clients, in a process of their own: they read and count, and say when all of them have all of a round.

use std::cell::Cell;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::rc::Rc;

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use crate::app::{connect_as, subscribe, subscribe_own};
use crate::{Result, on_one_thread};

/// What a client does before it listens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It waits for a byte, which says that it is accepted.
    Bare,
    /// It becomes a WebSocket.
    WebSocket,
    /// It becomes a WebSocket and subscribes.
    Subscriber,
    /// The same, but for the last of them, which reads no event.
    Stalled,
    /// It says who it is, and has a subscription that others have and one of its own.
    Member,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::WebSocket => "websocket",
            Self::Subscriber => "subscriber",
            Self::Stalled => "stalled",
            Self::Member => "member",
        }
    }

    fn named(name: &str) -> Result<Self> {
        [Self::Bare, Self::WebSocket, Self::Subscriber, Self::Stalled, Self::Member]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| "no such kind".into())
    }
}

/// The process, as the one that measures sees it.
pub(crate) struct Crowd {
    rounds: ChildStdout,
    _process: Child,
}

impl Crowd {
    /// Ready when all are connected.
    pub(crate) async fn start(
        address: SocketAddr,
        kind: Kind,
        connections: usize,
        frames: usize,
    ) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["crowd", &address.to_string(), kind.name(), &connections.to_string(), &frames.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let rounds = process.stdout.take().ok_or("no pipe")?;
        let mut crowd = Self { rounds, _process: process };
        crowd.round().await?;
        Ok(crowd)
    }

    /// Ready when every client has all frames of the round.
    pub(crate) async fn round(&mut self) -> Result<()> {
        Ok(self.rounds.read_u8().await.map(drop)?)
    }
}

pub(crate) fn run(address: &str, kind: &str, connections: usize, frames: usize) -> Result<()> {
    let (address, kind): (SocketAddr, _) = (address.parse()?, Kind::named(kind)?);
    let local = tokio::task::LocalSet::new();
    on_one_thread(local.run_until(async move {
        let mut streams: Vec<TcpStream> = futures::stream::iter(0..connections)
            .map(|_| async move { connect(address, kind).await.expect("a connection") })
            .buffer_unordered(64)
            .collect()
            .await;
        say_round();
        let _stalled = if kind == Kind::Stalled { streams.pop() } else { None };
        let expected = streams.len() * frames;
        let left = Rc::new(Cell::new(expected));
        for stream in streams {
            let left = Rc::clone(&left);
            tokio::task::spawn_local(async move {
                count(stream, || {
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        left.set(expected);
                        say_round();
                    }
                })
                .await;
            });
        }
        std::future::pending::<()>().await;
    }));
    Ok(())
}

fn say_round() {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(b"\n").and_then(|()| out.flush());
}

async fn connect(address: SocketAddr, kind: Kind) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    if kind == Kind::Bare {
        stream.read_u8().await?;
        return Ok(stream);
    }
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let says = match kind {
        Kind::Bare | Kind::WebSocket => Vec::new(),
        Kind::Subscriber | Kind::Stalled => vec![subscribe()],
        // A name that no other of them has.
        Kind::Member => {
            vec![connect_as(&stream.local_addr()?.port().to_string()), subscribe(), subscribe_own()]
        }
    };
    for text in says {
        // A length that is not the shortest is refused.
        let mut frame = match u8::try_from(text.len()).ok().filter(|length| *length < 126) {
            Some(length) => vec![0x81, 0x80 | length],
            None => {
                let [high, low] = u16::try_from(text.len())?.to_be_bytes();
                vec![0x81, 0x80 | 126, high, low]
            }
        };
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        stream.write_all(&frame).await?;
        let (_, length) = (stream.read_u8().await?, stream.read_u8().await?);
        let length = if length == 126 { stream.read_u16().await?.into() } else { usize::from(length) };
        stream.read_exact(&mut vec![0; length]).await?;
    }
    Ok(stream)
}

/// Says each data frame, whatever the pieces in which the bytes come.
async fn count(mut stream: TcpStream, mut frame: impl FnMut()) {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    loop {
        match stream.read(&mut buffer[filled..]).await {
            Ok(read) if read > 0 => filled += read,
            _ => return,
        }
        let mut at = 0;
        while let Some(length) = whole(&buffer[at..filled]) {
            if matches!(buffer[at] & 0x0f, 1 | 2) {
                frame();
            }
            at += length;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

/// The length of the frame at the beginning, if all of it is there. None is longer than the buffer.
fn whole(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.get(1)? {
        126 => 4 + usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        length => 2 + usize::from(length),
    };
    (bytes.len() >= length).then_some(length)
}
