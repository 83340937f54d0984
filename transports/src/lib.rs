//! The wires of the [`pubsub`](https://docs.rs/pubsub) crate: how events leave the process, and come back.
//!
//! This crate is a leaf: it names no payload type and no subscriber. A user chooses a [`Transport`] where a bus is
//! made and nowhere else.
//!
//! There is one so far, [`InProcess`]. For those that leave the process there are their parts: [`EventId`],
//! [`Address`], [`Frame`], the codecs (feature `serde`, and `json`, `messagepack` or `postcard` for each of them),
//! [`SendError`] and [`Backoff`]. Redis, the WebSocket hub and workers are not here yet.
#![forbid(unsafe_code)]

mod address;
mod backoff;
#[cfg(feature = "serde")]
pub mod codec;
mod error;
mod event_id;
mod frame;
mod guarantees;
mod transport;

pub use address::{Address, AddressError};
pub use backoff::Backoff;
pub use error::{ErrorCode, Rejection, SendError};
pub use event_id::{EventId, ParseEventIdError};
pub use frame::{Body, Frame, Header, Position};
pub use guarantees::{Carries, Delivery, Guarantees, Ordering, OwnEvents};
pub use transport::{InProcess, Shared, Transport};

/// For the `pubsub` crate. Not part of the interface: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::transport::{Link, connect};
}
