//! The transports there are.

use std::sync::mpsc::{Sender, channel};

use pubsub::codec::{Codec, Json};
use pubsub::{Header, Loopback, PubSub, Redis, WorkerHost};

use crate::exchange::{Bad, Exchange};
use crate::harness::{App, DEADLINE};

#[path = "../../../transports/tests/redis/harness/server.rs"]
// The suite of the transport needs more of it.
#[allow(dead_code)]
mod server;

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
    ends: std::sync::Mutex<Vec<Sender<()>>>,
}

impl Exchange for Workers {
    async fn start() -> Self {
        Self { host: WorkerHost::new(), ends: std::sync::Mutex::default() }
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
