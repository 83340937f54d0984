//! Redis: events reach every process that is connected to one server, by its publish and subscribe.
//!
//! # On the wire
//! The channel of an event is the prefix and `type:id`, to the letter; the message is its envelope, as the codec writes it.
//! So whoever speaks Redis takes part, in any language. One id is followed by SUBSCRIBE, a whole type by one PSUBSCRIBE of
//! the prefix and `type:*`.
//!
//! # What is promised
//! * A publish that succeeded was taken by the server. It reaches the subscribers that are connected at that moment: the
//!   server keeps nothing.
//! * A subscription is live when it is answered: the server has acknowledged it.
//! * A lost connection is tried for again without end. When it is back all that is followed is restored, and only then
//!   events go on, after one [gap](crate::Gap) which says that some may be lost. The server does not tell how many.
//! * A frame is never written twice. One that was written when the connection broke is
//!   [ambiguous](crate::SendError::Ambiguous); one that was not waits for the next connection.
//! * What comes and is no event is told as [undecodable](crate::Undecodable), and nothing else happens.
//!
//! # Two connections
//! One publishes and one subscribes: a Redis connection that subscribes can do little else. Each has a task, which ends when
//! the link is closed or dropped.
//!
//! # Events that are kept
//! With [`Redis::durable`] events go through Redis streams instead, one for each type, which keep the last of them. What is
//! different:
//! * A publish that succeeded is in the stream. What a connection that is lost would have brought is read when it is back, in
//!   order and without a hole. A publish that is ambiguous may be sent again with the same event id: it may then come twice.
//! * An event has a [position](crate::Position), and what is kept can be [replayed](crate::Link::replay) from one on: a bus asks for
//!   that for a subscription that begins in the past.
//! * What is in the stream no more when it is to be read is a gap, whether something comes after it or not: how many events
//!   were trimmed is known exactly; of a
//!   stream that was deleted, and of a server that restarted or was replaced, nobody knows what is missing, so each is a gap of
//!   another [epoch](crate::GapReason::Epoch).
//! * There is a third connection, which asks for what is kept while another waits for what comes.
//!
//! # A cluster
//! With the feature `redis-cluster`, [`RedisBuilder::connect_cluster`] connects to a cluster by any of its nodes. What is
//! different:
//! * Channels are of the whole cluster. When the node is lost that we follow them at, they are followed at another, after a gap.
//! * Streams are in one slot, that of a hash tag which the prefix has to have, as in `{shop}:`. When the slot moves to another node,
//!   or its master is lost, they go on at who has it now: with another epoch, since nobody knows what that one has.
//! * A publish that met a node which has the slot no more is [not sent](crate::SendError::NotSent): publish it again.
//! * With [`RedisBuilder::sharded`] each channel is followed and published to at the one node that has its slot. When the slot moves,
//!   or its node is lost, what was followed there goes on at who has it now, after a gap of the addresses that it concerns.
//!   A type cannot be followed whole. There are two connections to each master.
//! * A node that its cluster goes on without, since it was cut off from the others or forgotten by them, may answer all the same. So
//!   others are asked at every [`ping_interval`](RedisBuilder::ping_interval), on a connection of that moment, whether those that are
//!   connected to are still of the cluster. One that is not counts as lost: what was followed there goes on at another, after a gap.
//! * CLUSTER SLOTS, MYID, INFO and NODES are asked on each new connection. Who may ask only the first is not told of a node that
//!   was cut off. There is no database but 0.
//!
//! A server that has become a replica, as in a planned failover, is left by who publishes, and read on by who reads.
//!
//! It needs Redis 6.2 or later. The commands are AUTH, SELECT, PING, INFO, CLIENT ID, CLIENT UNBLOCK, XADD, XREAD, XINFO,
//! TIME, WATCH, UNWATCH, MULTI, EXEC, GET and SET, on the keys `<prefix>{<type>}` and `<prefix>{<type>}:run`; for [`Retention::age`] EVAL of
//! LINDEX, LPOP, RPUSH and XTRIM, on `<prefix>{<type>}:ends` too. Who may not
//! write still reads; who may not CLIENT UNBLOCK waits up to 100 ms for a new subscription to bring events.

mod builder;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod durable;
mod incoming;
mod interest;
mod limits;
mod link;
mod names;
mod outbox;
mod publisher;
mod refusal;
mod resp;
mod retry;
mod server;
mod session;
mod socket;
mod subscriber;
mod task;
mod tls;
mod wire;

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub use self::builder::RedisBuilder;
pub use self::durable::Retention;
use self::durable::{Adding, Kept, Keys, Reader, Session};
use self::link::RedisLink;
use self::names::Names;
use self::outbox::Outbox;
use self::publisher::Publisher;
#[cfg(feature = "test-util")]
pub(crate) use self::resp::seen;
use self::subscriber::Subscriber;
use self::task::Desk;
use self::wire::{Dialer, Wire};
use crate::codec::{Codec, Json};
use crate::transport::{Connection, sealed};
use crate::{
    Carries, ConnectError, Delivery, Encoded, Guarantees, Inlet, Link, Ordering, OwnEvents, Transport,
};

/// A Redis server, connected: [the module](self) says what that means.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
/// use pubsub_transports::redis::Redis;
///
/// let redis = Redis::connect("redis://localhost").await?;
/// // `PubSub::new(redis)` makes a bus of it.
/// # Ok(()) }
/// ```
pub struct Redis<C = Json> {
    codec: Arc<C>,
    names: Arc<Names>,
    keys: Arc<Keys>,
    dialer: Arc<Dialer>,
    publish: Wire,
    source: Source,
    runtime: Handle,
}

/// Where events come from.
enum Source {
    /// Channels: nothing is kept.
    Channels(Box<Wire>),
    /// Channels of slots, each at its node.
    #[cfg(feature = "redis-cluster")]
    Shards,
    /// Streams, which keep so much.
    Streams(Box<Session>, Retention),
}

impl Redis {
    /// What a bus promises over Redis.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::AtMostOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Bytes,
        backpressure: false,
        history: false,
        acknowledgement: false,
    };

    /// Connects with the defaults: no prefix, JSON. The URL is `redis://[[user]:password@]host[:port][/database]`,
    /// `rediss://` or `redis+unix:///path`.
    ///
    /// # Errors
    /// If the URL is none, nobody is there, or who is there refuses us or is no Redis.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Settings, to connect with.
    pub fn builder() -> RedisBuilder {
        RedisBuilder::default()
    }

    /// What a bus promises over Redis with [`durable`](Self::durable).
    pub const DURABLE_GUARANTEES: Guarantees =
        Guarantees { delivery: Delivery::AtLeastOnce, history: true, ..Self::GUARANTEES };

    /// What a bus promises over the [sharded](RedisBuilder::sharded) channels of a cluster.
    #[cfg(feature = "redis-cluster")]
    pub const SHARDED_GUARANTEES: Guarantees =
        Guarantees { ordering: Ordering::PerPublisher, ..Self::GUARANTEES };

    /// Settings, to connect with, of a transport that forgets nothing: events are kept in Redis streams, so much of each type
    /// as `retention` says, instead of being published on channels. [The module](self#events-that-are-kept) says what
    /// is different.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), pubsub_transports::ConnectError> {
    /// use pubsub_transports::redis::{Redis, Retention};
    ///
    /// let redis = Redis::durable(Retention::last(1_000_000)).connect("redis://localhost").await?;
    /// # Ok(()) }
    /// ```
    pub fn durable(retention: Retention) -> RedisBuilder {
        RedisBuilder::default().durable(retention)
    }
}

impl<C> Redis<C> {
    /// Whether events are kept.
    #[cfg(feature = "websocket")]
    pub(crate) fn is_durable(&self) -> bool {
        matches!(self.source, Source::Streams(..))
    }

    #[cfg(feature = "websocket")]
    pub(crate) fn codec(&self) -> Arc<C> {
        Arc::clone(&self.codec)
    }
}

/// Names the server, never the user or the password.
impl<C> fmt::Debug for Redis<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("server", &self.dialer.server).finish_non_exhaustive()
    }
}

impl<C: Codec> Transport for Redis<C> {
    type Body = Encoded<C>;
}

impl<C: Codec> sealed::Connect for Redis<C> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { codec, names, keys, dialer, publish, source, runtime } = self;
        let body = Encoded::new(Arc::clone(&codec));
        let retention = match &source {
            Source::Channels(_) => None,
            #[cfg(feature = "redis-cluster")]
            Source::Shards => None,
            Source::Streams(_, retention) => Some(*retention),
        };
        let (name, guarantees) = match &source {
            Source::Channels(_) => ("redis", Redis::GUARANTEES),
            #[cfg(feature = "redis-cluster")]
            Source::Shards => ("redis_shards", Redis::SHARDED_GUARANTEES),
            Source::Streams(..) => ("redis_streams", Redis::DURABLE_GUARANTEES),
        };
        let attach = Box::new(move |inlet: Arc<dyn Inlet>| {
            #[cfg(feature = "redis-cluster")]
            if matches!(source, Source::Shards) {
                return Arc::new(cluster::ShardedLink::new(inlet, codec, names, dialer, runtime))
                    as Arc<dyn Link>;
            }
            let (news, heard) = mpsc::unbounded_channel();
            let outbox = Arc::new(Outbox::new(dialer.limits.clone(), retention.is_some()));
            let codec: Arc<dyn Codec> = codec;
            let kept = retention.map(|retention| Kept::new(Arc::clone(&keys), retention));
            let publisher = Publisher::new(Arc::clone(&outbox), Arc::clone(&dialer), news.clone(), kept);
            runtime.spawn(publisher.run(publish));
            let adding = retention.map(|retention| Adding { keys: Arc::clone(&keys), retention });
            match source {
                Source::Channels(wire) => {
                    let (codec, names) = (Arc::clone(&codec), Arc::clone(&names));
                    let subscriber = Subscriber::new(Desk::new(inlet, dialer, heard), codec, names);
                    runtime.spawn(task::run(subscriber, *wire));
                }
                #[cfg(feature = "redis-cluster")]
                Source::Shards => {}
                Source::Streams(session, _) => {
                    let reader = Reader::new(Desk::new(inlet, dialer, heard), Arc::clone(&codec), keys);
                    runtime.spawn(task::run(reader, *session));
                }
            }
            Arc::new(RedisLink { outbox, codec, names, adding, news }) as Arc<dyn Link>
        });
        Connection::Link { name, body, guarantees, attach }
    }
}
