//! The wires of the `pubsub` crate: how events leave the process, and come back.
//!
//! This crate is a leaf: it names no payload type and no subscriber. A user chooses a [`Transport`] where a bus is
//! made and nowhere else.
//!
//! What a bus and a transport say to each other is [`Link`] and [`Inlet`]: frames, addresses, gaps. Where events are bytes,
//! the trait `Codec` says which (feature `wire`; `json`, `messagepack`, `postcard` for the codecs).
//!
//! What is useful without a bus are the names of events: ids, which are the same for the same parts in every process, and
//! addresses as they stand on a wire.
//!
//! ```
//! use pubsub_transports::{Address, EventId};
//!
//! let id = EventId::derive("payments", ["order 17"]);
//! assert_eq!(id, EventId::derive("payments", ["order 17"]));
//! assert_eq!(id.to_string().parse::<EventId>().ok(), Some(id));
//!
//! let address: Address = "session.status:project-1".parse()?;
//! assert_eq!((address.topic(), address.id()), ("session.status", Some("project-1")));
//! # Ok::<(), pubsub_transports::AddressError>(())
//! ```
//!
//! # Use something else if
//!
//! * you want a bus: that is the crate `pubsub`, which exports what of this crate a program needs;
//! * you want to send bytes over Redis or a WebSocket without topics, ids and positions: `redis` and `tokio-tungstenite` do that;
//! * you want to write a transport: the traits are sealed. What you can bring is a codec, or a stream of bytes that a `Hub` accepts.
#![forbid(unsafe_code)]

mod address;
#[cfg(any(feature = "wire", feature = "worker"))]
mod backoff;
mod carried;
#[cfg(feature = "test-util")]
mod chaos;
#[cfg(feature = "wire")]
pub mod codec;
mod codec_error;
mod error;
mod event_id;
#[cfg(feature = "worker")]
mod exchange;
mod frame;
mod guarantees;
mod history;
mod link;
#[cfg(feature = "test-util")]
mod loopback;
mod notice;
#[cfg(all(feature = "worker", feature = "json"))]
mod pipe;
#[cfg(feature = "worker")]
mod queue;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "test-util")]
mod seen;
#[cfg(any(feature = "redis-tls", feature = "websocket-tls"))]
mod tls;
#[cfg(feature = "tracing")]
pub mod trace;
mod transport;
#[cfg(feature = "axum")]
pub mod web;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use address::{Address, AddressError};
#[cfg(any(feature = "wire", feature = "worker"))]
pub use backoff::Backoff;
#[cfg(feature = "test-util")]
pub use chaos::{Chaos, ChaosHandle, Mischief};
pub use codec_error::{DecodeError, EncodeError, Redacted};
pub use error::{ErrorCode, Rejection, SendError};
pub use event_id::{EventId, ParseEventIdError};
pub use frame::{Body, Frame, Header, ParsePositionError, Position};
pub use guarantees::{Carries, Delivery, Guarantees, Ordering, OwnEvents};
pub use history::{Past, Start};
pub use link::{Closing, Inlet, Link, Memory, Patience, Placed, Sending};
#[cfg(feature = "worker")]
pub use link::{JoinError, JoinQueue, QueueSeat};
#[cfg(feature = "test-util")]
pub use loopback::Loopback;
pub use notice::{ConnectError, ConnectionState, Gap, GapReason, Undecodable};
#[cfg(all(feature = "worker", feature = "json"))]
pub use pipe::WorkerProcess;
#[cfg(feature = "worker")]
pub use queue::{Dispatch, QueueStats};
#[cfg(feature = "wire")]
pub use transport::Encoded;
pub use transport::{InProcess, Shared, Transport};

/// For the `pubsub` crate. Not part of the interface: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::carried::Carried;
    #[cfg(feature = "worker")]
    pub use crate::exchange::{Exchange, Member, MemberId};
    #[cfg(all(feature = "worker", feature = "json"))]
    pub use crate::pipe::{
        Control, ControlError, FrameError, FrameReader, NAME_VARIABLE, Outbox, PROTOCOL, Serial, Work,
    };
    #[cfg(feature = "worker")]
    pub use crate::queue::{Leave, Place, Queue, Unfinished};
    #[cfg(feature = "test-util")]
    pub use crate::seen::Seen;
    #[cfg(feature = "tracing")]
    pub use crate::trace::span;
    pub use crate::transport::{Connection, connect};

    /// What is read from hostile bytes, where what reads them has no name outside.
    #[cfg(feature = "test-util")]
    pub mod seen {
        #[cfg(feature = "redis")]
        pub use crate::redis::seen::{entries, replies, values};
        #[cfg(feature = "websocket")]
        pub use crate::websocket::seen::{
            Handshake, MESSAGE, frames, hub, last_event_id, request, spoke, url,
        };
    }
}
