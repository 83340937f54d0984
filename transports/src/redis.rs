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

mod builder;
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
mod tls;
mod wire;

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub use self::builder::RedisBuilder;
use self::link::RedisLink;
use self::names::Names;
use self::outbox::Outbox;
use self::publisher::Publisher;
use self::subscriber::Subscriber;
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
    dialer: Arc<Dialer>,
    publish: Wire,
    subscribe: Wire,
    runtime: Handle,
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
        let Self { codec, names, dialer, publish, subscribe, runtime } = self;
        let body = Encoded::new(Arc::clone(&codec));
        let attach = Box::new(move |inlet: Arc<dyn Inlet>| {
            let (news, heard) = mpsc::unbounded_channel();
            let outbox = Arc::new(Outbox::new(dialer.limits.clone()));
            let codec: Arc<dyn Codec> = codec;
            let publisher = Publisher::new(Arc::clone(&outbox), Arc::clone(&dialer), news.clone());
            let subscriber = Subscriber::new(inlet, Arc::clone(&codec), Arc::clone(&names), dialer, heard);
            runtime.spawn(publisher.run(publish));
            runtime.spawn(subscriber.run(subscribe));
            Arc::new(RedisLink { outbox, codec, names, news }) as Arc<dyn Link>
        });
        Connection::Link { body, guarantees: Redis::GUARANTEES, attach }
    }
}
