//! The transports there are.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pubsub::codec::{Codec, Json};
use pubsub::redis::Retention;
use pubsub::{EventMap, Header, Hub, Loopback, PubSub, Redis, Spoke, WorkerHost, WorkerProcess};
use pubsub_tests::server;
use pubsub_tests::waiting::DEADLINE;

use crate::exchange::{Bad, Exchange};
use crate::harness::App;

#[path = "../../../transports/tests/redis/harness/cluster.rs"]
// The suite of the transport needs more of it.
#[allow(dead_code)]
mod cluster;

/// One bus, without a wire.
pub(crate) struct InProcess(PubSub<App>);

impl Exchange for InProcess {
    const IS_ONE_BUS: bool = true;

    async fn start() -> Self {
        Self(PubSub::default())
    }

    async fn bus(&self) -> PubSub<App> {
        self.0.clone()
    }

    async fn followed(&self) -> Option<usize> {
        None
    }

    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// Each bus belongs to a worker, whose thread lives as long as the host.
pub(crate) struct Workers {
    host: WorkerHost<App>,
    ends: Mutex<Vec<Sender<()>>>,
}

impl Exchange for Workers {
    async fn start() -> Self {
        Self { host: WorkerHost::new(), ends: Mutex::default() }
    }

    async fn bus(&self) -> PubSub<App> {
        let (give, take) = channel();
        let (end, wait) = channel::<()>();
        let mut ends = self.ends.lock().unwrap();
        let name = format!("worker {}", ends.len());
        ends.push(end);
        let worker = self.host.spawn(name, move |bus| {
            give.send(bus).unwrap();
            let _ = wait.recv();
        });
        drop(worker.unwrap());
        take.recv().unwrap()
    }

    async fn followed(&self) -> Option<usize> {
        let followed = self.host.workers().into_iter().flat_map(|worker| worker.followed());
        Some(followed.collect::<std::collections::BTreeSet<_>>().len())
    }

    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// Each bus is at the end of pipes of the system, as that of a worker process is; the process is this one.
pub(crate) struct Pipes {
    host: WorkerHost<App>,
    workers: std::sync::atomic::AtomicUsize,
}

impl Exchange for Pipes {
    async fn start() -> Self {
        Self { host: WorkerHost::new(), workers: std::sync::atomic::AtomicUsize::new(0) }
    }

    async fn bus(&self) -> PubSub<App> {
        let number = self.workers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("worker {number}");
        let (read, input) = std::io::pipe().expect("a pipe");
        let (output, write) = std::io::pipe().expect("a pipe");
        drop(self.host.pipes(&*name, input, output).start().expect("it starts"));
        PubSub::new(WorkerProcess::over(name, read, write))
    }

    async fn followed(&self) -> Option<usize> {
        let followed = self.host.workers().into_iter().flat_map(|worker| worker.followed());
        Some(followed.collect::<std::collections::BTreeSet<_>>().len())
    }

    /// What a process sends that is no event, its host takes out: see the tests of processes.
    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// Each bus is behind a process that the host has started, and reaps: that one passes on what its pipes bring, over a socket.
pub(crate) struct Processes {
    host: WorkerHost<App>,
    workers: std::sync::atomic::AtomicUsize,
}

impl Exchange for Processes {
    async fn start() -> Self {
        Self { host: WorkerHost::new(), workers: std::sync::atomic::AtomicUsize::new(0) }
    }

    async fn bus(&self) -> PubSub<App> {
        let number = self.workers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("worker {number}");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_worker-process"));
        command.arg("relay").arg(listener.local_addr().expect("it listens").to_string());
        drop(self.host.command(&*name, command).start().expect("it starts"));
        let (socket, _) = listener.accept().expect("the process connects");
        socket.set_nodelay(true).expect("a socket");
        let read = socket.try_clone().expect("a socket");
        PubSub::new(WorkerProcess::over(name, read, Half(socket)))
    }

    async fn followed(&self) -> Option<usize> {
        let followed = self.host.workers().into_iter().flat_map(|worker| worker.followed());
        Some(followed.collect::<std::collections::BTreeSet<_>>().len())
    }

    /// As over pipes.
    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// The writing half of a socket, whose end is seen on the other side as that of a pipe is.
struct Half(TcpStream);

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let _gone = self.0.shutdown(std::net::Shutdown::Write);
    }
}

/// A message that is bad in this way.
fn message(codec: &impl Codec, id: &str, bad: Bad) -> Vec<u8> {
    let mut message = Vec::new();
    match bad {
        Bad::Garbage => message.extend([0xc1, 0xff, b'{']),
        Bad::UnknownType => codec.encode(&Header::new("unknown", id), &1_u64, &mut message).unwrap(),
        Bad::WrongPayload => codec.encode(&Header::new("number", id), "four", &mut message).unwrap(),
    }
    message
}

pub(crate) struct LoopbackOf<C> {
    wire: Loopback<C>,
    codec: C,
}

impl<C: Codec + Default> Exchange for LoopbackOf<C> {
    async fn start() -> Self {
        Self { wire: Loopback::new(C::default()), codec: C::default() }
    }

    async fn bus(&self) -> PubSub<App> {
        PubSub::new(self.wire.clone())
    }

    async fn followed(&self) -> Option<usize> {
        Some(self.wire.followed())
    }

    async fn put(&self, id: &str, bad: Bad) -> bool {
        self.wire.inject("number", id, message(&self.codec, id, bad));
        true
    }
}

/// A server of its own for each scenario.
pub(crate) struct RedisServer(server::Server);

impl Exchange for RedisServer {
    async fn start() -> Self {
        Self(server::Server::start())
    }

    async fn bus(&self) -> PubSub<App> {
        PubSub::new(Redis::connect(self.0.url()).await.expect("a connection"))
    }

    async fn followed(&self) -> Option<usize> {
        let (channels, patterns) = self.0.followed();
        Some(channels.len() + usize::try_from(patterns).unwrap())
    }

    async fn put(&self, id: &str, bad: Bad) -> bool {
        let channel = format!("number:{id}");
        self.0.raw().publish(channel.as_bytes(), &message(&Json::default(), id, bad));
        true
    }
}

/// The same with streams that keep events.
pub(crate) struct RedisStreams(server::Server);

impl Exchange for RedisStreams {
    async fn start() -> Self {
        Self(server::Server::start())
    }

    async fn bus(&self) -> PubSub<App> {
        let redis = Redis::durable(Retention::last(10_000));
        PubSub::new(redis.connect(self.0.url()).await.expect("a connection"))
    }

    async fn followed(&self) -> Option<usize> {
        None
    }

    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// One cluster for all scenarios that run at a time, which a prefix keeps apart. With `KEPT`, in streams.
pub(crate) struct RedisCluster<const KEPT: bool> {
    cluster: Arc<cluster::Cluster>,
    prefix: String,
}

impl<const KEPT: bool> Exchange for RedisCluster<KEPT> {
    async fn start() -> Self {
        static SHARED: Mutex<(Weak<cluster::Cluster>, u32)> = Mutex::new((Weak::new(), 0));
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = shared.0.upgrade().unwrap_or_else(|| Arc::new(cluster::Cluster::start()));
        *shared = (Arc::downgrade(&cluster), shared.1 + 1);
        Self { cluster, prefix: format!("{{{}}}:", shared.1) }
    }

    async fn bus(&self) -> PubSub<App> {
        let builder = if KEPT { Redis::durable(Retention::last(10_000)) } else { Redis::builder() };
        let redis = builder.prefix(&*self.prefix).connect_cluster(self.cluster.urls()).await;
        PubSub::new(redis.expect("a connection"))
    }

    async fn followed(&self) -> Option<usize> {
        None
    }

    async fn put(&self, _: &str, _: Bad) -> bool {
        false
    }
}

/// A hub and spokes over TCP. With `OWN`, every other bus is one of the hub's own process.
pub(crate) struct Sockets<const OWN: bool> {
    hub: Hub,
    buses: std::sync::atomic::AtomicUsize,
}

/// The same topic, with another payload.
#[derive(EventMap)]
enum Other {
    #[event(topic = "number")]
    Number(String),
}

impl<const OWN: bool> Sockets<OWN> {
    async fn spoke(&self) -> Spoke {
        let address = self.hub.local_addr().expect("it listens");
        Spoke::connect(format!("ws://{address}")).await.expect("a connection")
    }
}

impl<const OWN: bool> Exchange for Sockets<OWN> {
    async fn start() -> Self {
        let hub = Hub::builder().shutdown_window(std::time::Duration::from_millis(20)).bind("127.0.0.1:0");
        Self { hub: hub.await.expect("a free port"), buses: std::sync::atomic::AtomicUsize::new(0) }
    }

    async fn bus(&self) -> PubSub<App> {
        let number = self.buses.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if OWN && number % 2 == 1 {
            PubSub::new(self.hub.transport())
        } else {
            PubSub::new(self.spoke().await)
        }
    }

    async fn followed(&self) -> Option<usize> {
        // Those of its own process are not counted.
        (!OWN).then(|| self.hub.subscriptions())
    }

    /// What is no message is refused by the hub, and a type reaches those who follow it; a payload it does not read.
    async fn put(&self, id: &str, bad: Bad) -> bool {
        let is_relayed = matches!(bad, Bad::WrongPayload);
        if is_relayed {
            let bus = PubSub::<Other>::new(self.spoke().await);
            bus.publish(Other::NUMBER, id, "four".to_owned()).await.expect("the hub relays it");
        }
        is_relayed
    }
}
