//! The wires of the [`pubsub`](https://docs.rs/pubsub) crate: how events leave the process, and come back.
//!
//! This crate is a leaf: it names no payload type and no subscriber. A user chooses a [`Transport`] where a bus is
//! made and nowhere else.
//!
//! There is one so far, [`InProcess`]. What a transport that leaves the process needs (frames, codecs, Redis, the
//! WebSocket hub, workers) is not here yet.
#![forbid(unsafe_code)]

mod transport;

pub use transport::{InProcess, Shared, Transport};

/// For the `pubsub` crate. Not part of the interface: it may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use crate::transport::{Link, connect};
}
