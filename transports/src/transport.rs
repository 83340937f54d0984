//! The sealed trait, and the transport that needs no wire.

use std::sync::Arc;

use crate::{Guarantees, Inlet, Link};

/// A way to carry events, chosen where a bus is made.
///
/// Sealed: the transports are those of this crate. What users plug into a transport is a codec.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "not a transport of this crate",
    note = "the transports there are: `InProcess`, and `Redis` with the feature `redis`",
    note = "the trait `Transport` is sealed; to carry events another way, subscribe to `All` and hand on what you receive"
)]
pub trait Transport: sealed::Connect {
    /// What an event is on this transport: [`Shared`] where it stays in the process, `Encoded` with a codec where it is
    /// bytes.
    type Body;
}

pub(crate) mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be a transport: the trait `Transport` is sealed",
        label = "not a transport of this crate",
        note = "what you plug into a transport is a codec; to carry events another way, subscribe to `All` and hand on what you receive"
    )]
    pub trait Connect {
        fn connect(self) -> super::Connection<<Self as super::Transport>::Body>
        where
            Self: super::Transport;
    }
}

/// What a bus is given of its transport.
pub enum Connection<B> {
    /// Nothing to drive: the bus delivers by itself.
    InProcess,
    /// A link, whose events come in by an inlet of the bus.
    Link {
        /// What it is called in spans and metrics.
        name: &'static str,
        /// How bodies are made and read.
        body: B,
        /// What holds on it.
        guarantees: Guarantees,
        /// Gives the link, which speaks to this inlet from now on.
        attach: Box<dyn FnOnce(Arc<dyn Inlet>) -> Arc<dyn Link>>,
    },
}

/// The only way in for the `pubsub` crate.
pub fn connect<T: Transport>(transport: T) -> Connection<T::Body> {
    transport.connect()
}

/// The kind of body that is a typed value, shared within the process and never encoded.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

/// The kind of body that is bytes, encoded by the codec `C`. What it carries must be serialisable.
#[cfg(feature = "wire")]
#[derive(Debug)]
pub struct Encoded<C>(Arc<C>);

#[cfg(feature = "wire")]
impl<C> Encoded<C> {
    /// Bytes of this codec.
    #[must_use]
    pub fn new(codec: Arc<C>) -> Self {
        Self(codec)
    }

    /// The codec.
    #[must_use]
    pub fn codec(&self) -> &Arc<C> {
        &self.0
    }
}

/// Events stay in the process: shared, not serialised. What `PubSub::default()` uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InProcess;

impl Transport for InProcess {
    type Body = Shared;
}

impl sealed::Connect for InProcess {
    fn connect(self) -> Connection<Shared> {
        Connection::InProcess
    }
}
