//! A network between a client and a server, which fails on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything passes.
    Pass,
    /// Nothing is read from either side; it passes later.
    Stall,
    /// What is sent vanishes, and nobody hears of it: half-open connections.
    BlackHole,
    /// Who connects is disconnected at once.
    Refuse,
}

/// How much of what servers answer passes.
struct Answers {
    /// By connections that are made from now on, in bytes.
    most: AtomicUsize,
    /// How many connections were cut because of that.
    cut: AtomicUsize,
}

pub(crate) struct Proxy {
    pub port: u16,
    mode: watch::Sender<Mode>,
    /// Connections made before this number are cut.
    cuts: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
    answers: Arc<Answers>,
    /// The port of the server.
    server: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Before the server on `port`. Pieces of at most `slice` bytes pass one by one.
    pub(crate) async fn new(port: u16, slice: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let (cuts, cut) = watch::channel(0);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = accepted.clone();
        let server = Arc::new(AtomicU16::new(port));
        let leads_to = server.clone();
        let answers = Arc::new(Answers { most: usize::MAX.into(), cut: 0.into() });
        let bounded = answers.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                if *modes.borrow() == Mode::Refuse {
                    continue;
                }
                let port = leads_to.load(Ordering::Relaxed);
                let network = Network { slice, modes: modes.clone(), answers: bounded.clone() };
                tokio::spawn(between(client, port, network, number, cut.clone()));
            }
        });
        Self { port: own, mode, cuts, accepted, answers, server, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Who connects from now on meets another server.
    pub(crate) fn lead_to(&self, port: u16) {
        self.server.store(port, Ordering::Relaxed);
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(self.accepted());
    }

    /// Connections that are made from now on are cut when so many bytes were answered.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.answers.most.store(bytes, Ordering::Relaxed);
    }

    /// How many were cut for that reason.
    pub(crate) fn cut_in_the_middle(&self) -> usize {
        self.answers.cut.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cuts.send_replace(usize::MAX);
    }
}

struct Network {
    /// How much passes at once, in bytes.
    slice: usize,
    modes: watch::Receiver<Mode>,
    answers: Arc<Answers>,
}

async fn between(
    client: TcpStream,
    port: u16,
    Network { slice, modes, answers }: Network,
    number: usize,
    mut cut: watch::Receiver<usize>,
) {
    let most = answers.most.load(Ordering::Relaxed);
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let both = async {
        tokio::try_join!(
            pump(client_in, server_out, slice, modes.clone(), usize::MAX),
            pump(server_in, client_out, slice, modes, most)
        )
    };
    tokio::select! {
        _ = cut.wait_for(|cut| *cut >= number) => {}
        ended = both => {
            if matches!(ended, Err(Cut::HasPassed)) {
                answers.cut.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Why a connection is cut.
enum Cut {
    /// What was swallowed cannot come any more, when the network is back.
    Swallowed,
    /// As much as may.
    HasPassed,
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    slice: usize,
    mut modes: watch::Receiver<Mode>,
    mut most: usize,
) -> Result<(), Cut> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mode = *modes.wait_for(|mode| *mode != Mode::Stall).await.map_err(|_| Cut::Swallowed)?;
        let read = tokio::select! {
            // A black hole tells nobody that the other side has gone.
            _ = modes.changed() => continue,
            read = from.read(&mut buffer), if mode != Mode::BlackHole => read,
        };
        let count = match read {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        for piece in buffer[..count].chunks(slice) {
            if *modes.borrow() != Mode::Pass {
                let mode = *modes.wait_for(|mode| *mode != Mode::Stall).await.map_err(|_| Cut::Swallowed)?;
                if mode == Mode::BlackHole {
                    let _ = modes.wait_for(|mode| *mode != Mode::BlackHole).await;
                    return Err(Cut::Swallowed);
                }
            }
            if to.write_all(piece).await.is_err() {
                return Err(Cut::Swallowed);
            }
            most = most.saturating_sub(piece.len());
            if most == 0 {
                return Err(Cut::HasPassed);
            }
        }
    }
    let _ = to.shutdown().await;
    Ok(())
}
