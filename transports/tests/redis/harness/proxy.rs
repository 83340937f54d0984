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

pub(crate) struct Proxy {
    pub port: u16,
    mode: watch::Sender<Mode>,
    /// Connections made before this number are cut.
    cuts: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
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
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::Relaxed) + 1;
                if *modes.borrow() == Mode::Refuse {
                    continue;
                }
                let port = leads_to.load(Ordering::Relaxed);
                tokio::spawn(between(client, port, slice, number, modes.clone(), cut.clone()));
            }
        });
        Self { port: own, mode, cuts, accepted, server, task }
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

async fn between(
    client: TcpStream,
    port: u16,
    slice: usize,
    number: usize,
    modes: watch::Receiver<Mode>,
    mut cut: watch::Receiver<usize>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let both = async {
        tokio::try_join!(
            pump(client_in, server_out, slice, modes.clone()),
            pump(server_in, client_out, slice, modes)
        )
    };
    tokio::select! {
        _ = cut.wait_for(|cut| *cut >= number) => {}
        _ = both => {}
    }
}

/// What was swallowed cannot come any more: such a connection is cut when the network is back.
struct Swallowed;

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    slice: usize,
    mut modes: watch::Receiver<Mode>,
) -> Result<(), Swallowed> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mode = *modes.wait_for(|mode| *mode != Mode::Stall).await.map_err(|_| Swallowed)?;
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
                let mode = *modes.wait_for(|mode| *mode != Mode::Stall).await.map_err(|_| Swallowed)?;
                if mode == Mode::BlackHole {
                    let _ = modes.wait_for(|mode| *mode != Mode::BlackHole).await;
                    return Err(Swallowed);
                }
            }
            if to.write_all(piece).await.is_err() {
                return Err(Swallowed);
            }
        }
    }
    let _ = to.shutdown().await;
    Ok(())
}
