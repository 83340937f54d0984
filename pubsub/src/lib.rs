#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// What the derives generate names `::pubsub`; with this it compiles inside this crate too.
extern crate self as pubsub;

mod bus;
mod close;
mod connection;
mod delivery;
mod driver;
mod engine;
mod errors;
mod event;
mod event_map;
mod event_operators;
mod handler;
mod id;
mod interest;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod kind;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "unmetered.rs"]
mod metrics;
mod next;
mod offer;
mod overflow;
mod positions;
pub mod prelude;
mod publish;
mod publish_error;
mod publisher;
#[cfg(feature = "worker")]
mod queue_subscribe;
#[cfg(feature = "worker")]
mod queue_subscription;
#[cfg(feature = "schema")]
pub mod schema;
mod selector;
#[cfg(feature = "tokio")]
mod spawn;
mod stats;
mod subscribe;
mod subscription;
#[cfg(feature = "test-util")]
mod testing;
mod topic;
#[cfg(feature = "tracing")]
pub mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "untraced.rs"]
mod trace;
#[cfg(feature = "serde")]
mod wire_map;
#[cfg(feature = "worker")]
mod worker;

pub use crate::bus::PubSub;
pub use crate::close::{Close, CloseReport};
pub use crate::connection::ConnectionStates;
pub use crate::delivery::{Deliveries, Delivery, End};
pub use crate::driver::Carries;
pub use crate::errors::{BusError, Errors};
pub use crate::event::{Event, EventData};
pub use crate::event_map::{CloneMap, EventMap, EventSubset, TopicInfo};
pub use crate::event_operators::EventOperators;
pub use crate::handler::{BoxedHandler, Handler, HandlerResult};
pub use crate::id::{IdString, TopicId};
pub use crate::next::Next;
pub use crate::overflow::{Overflow, defaults};
pub use crate::positions::{Positions, Since};
pub use crate::publish::Publish;
pub use crate::publish_error::PublishError;
pub use crate::publisher::Publisher;
#[cfg(feature = "worker")]
pub use crate::queue_subscribe::QueueSubscribe;
#[cfg(feature = "worker")]
pub use crate::queue_subscription::QueueSubscription;
#[cfg(feature = "schema")]
pub use crate::schema::map::SchemaMap;
pub use crate::selector::{All, Selector, SubsetOf, TopicWithId};
#[cfg(feature = "tokio")]
pub use crate::spawn::{FinishedError, SpawnedHandler};
pub use crate::stats::{BlockingSubscription, TopicStats};
pub use crate::subscribe::{Subscribe, SubscribeError};
pub use crate::subscription::{Subscription, TryNextError};
#[cfg(feature = "test-util")]
pub use crate::testing::{NotPublished, TestBus};
pub use crate::topic::{Topic, TopicKey};
#[cfg(feature = "serde")]
pub use crate::wire_map::WireMap;
#[cfg(feature = "worker")]
pub use crate::worker::{
    CloseHost, HostReport, Pool, PoolBuilder, PoolError, PoolReport, PublishTo, RestartingWorker, Worker,
    WorkerBuilder, WorkerError, WorkerHost, WorkerReport,
};
#[cfg(all(feature = "worker", feature = "json"))]
pub use crate::worker::{ProcessBuilder, ProcessFailure};
/// What streams of events are bounded by in signatures; of the crate `futures-core`.
pub use futures_core::{FusedStream, Stream};
pub use pubsub_macros::{EventMap, EventSubset};
/// Operators for any stream; those of a [`Subscription`] need no import.
pub use pubsub_operators as operators;
#[cfg(any(feature = "serde", feature = "worker"))]
pub use pubsub_transports::Backoff;
#[cfg(all(feature = "worker", feature = "json"))]
pub use pubsub_transports::WorkerProcess;
#[cfg(feature = "serde")]
pub use pubsub_transports::codec;
#[cfg(feature = "redis")]
pub use pubsub_transports::redis::{self, Redis};
#[cfg(feature = "axum")]
pub use pubsub_transports::web;
#[cfg(feature = "websocket")]
pub use pubsub_transports::websocket::{self, Hub, Spoke};
pub use pubsub_transports::{
    Address, AddressError, ConnectError, ConnectionState, DecodeError, EncodeError, ErrorCode, EventId, Gap,
    GapReason, Header, InProcess, ParseEventIdError, ParsePositionError, Position, Redacted, Rejection,
    SendError, Shared, Transport, Undecodable,
};
#[cfg(all(feature = "serde", feature = "test-util"))]
pub use pubsub_transports::{Chaos, ChaosHandle, Loopback, Mischief};
#[cfg(feature = "worker")]
pub use pubsub_transports::{Dispatch, QueueStats};

/// What a transport promises, as a value: [`PubSub::guarantees`].
pub mod guarantees {
    pub use pubsub_transports::{Carries, Delivery, Guarantees, Ordering, OwnEvents};
}

/// What the derives name. Not part of the interface: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::event::Stored;
    pub use crate::event_map::{
        ClonePayload, DeferredId, DeferredShared, SamePayload, deprecated, no_such_topic, same, take,
        topic_info,
    };
    #[cfg(feature = "schema")]
    pub use crate::schema::map::{DeferredWire, SchemaPayload, payload_schema};
    pub use crate::selector::subset;
    pub use crate::topic::{Payload, index, topic};
    #[cfg(feature = "serde")]
    pub use crate::wire_map::{OwnedPayload, WirePayload};
    #[cfg(feature = "schema")]
    pub use schemars::{Schema, SchemaGenerator};
    #[cfg(feature = "serde")]
    pub use serde;
}

/// Keeps its items where this crate has the feature `serde`. The derives cannot ask: features of a macro crate are
/// those of the host.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "serde")]
macro_rules! __if_serde { ($($items:tt)*) => { $($items)* } }

#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "serde"))]
macro_rules! __if_serde {
    ($($items:tt)*) => {};
}

/// The same for the feature `schema`.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "schema")]
macro_rules! __if_schema { ($($items:tt)*) => { $($items)* } }

#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "schema"))]
macro_rules! __if_schema {
    ($($items:tt)*) => {};
}
