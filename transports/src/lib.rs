//! The wires of the `pubsub` crate: how events leave the process, and come back.
//!
//! This crate is a leaf: it names no payload type and no subscriber. A user chooses a [`Transport`] where a bus is
//! made and nowhere else.
//!
//! There is one so far, [`InProcess`]. For those that leave the process there are their parts: [`EventId`] and, with the
//! feature `wire`, addresses, frames, the trait `Codec` (and `json`, `messagepack`, `postcard` for the codecs), errors and
//! backoff. Redis, the WebSocket hub and workers are not here yet.
#![forbid(unsafe_code)]

#[cfg(feature = "wire")]
mod address;
#[cfg(feature = "wire")]
mod backoff;
#[cfg(feature = "wire")]
pub mod codec;
#[cfg(feature = "wire")]
mod error;
mod event_id;
#[cfg(feature = "wire")]
mod frame;
mod guarantees;
mod transport;
#[cfg(feature = "websocket")]
pub mod websocket;

#[cfg(feature = "wire")]
pub use address::{Address, AddressError};
#[cfg(feature = "wire")]
pub use backoff::Backoff;
#[cfg(feature = "wire")]
pub use error::{ErrorCode, Rejection, SendError};
pub use event_id::{EventId, ParseEventIdError};
#[cfg(feature = "wire")]
pub use frame::{Body, Frame, Header, Position};
pub use guarantees::{Carries, Delivery, Guarantees, Ordering, OwnEvents};
pub use transport::{InProcess, Shared, Transport};

/// For the `pubsub` crate. Not part of the interface: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::transport::{Link, connect};
}
