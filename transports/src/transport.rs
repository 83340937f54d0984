//! The sealed trait, and the transport that needs no wire.

/// A way to carry events, chosen where a bus is made.
///
/// Sealed: the transports are those of this crate. What users plug into a transport is a codec.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    label = "not a transport of this crate",
    note = "the transport there is: `InProcess`",
    note = "the trait `Transport` is sealed; to carry events another way, subscribe to `All` and hand on what you receive"
)]
pub trait Transport: sealed::Connect {
    /// What an event is on this transport: [`Shared`] where it stays in the process.
    type Body;
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be a transport: the trait `Transport` is sealed",
        label = "not a transport of this crate",
        note = "to carry events another way, subscribe to `All` and hand on what you receive"
    )]
    pub trait Connect {
        fn connect(self) -> super::Link;
    }
}

/// What the bus drives. One variant for each transport.
#[derive(Debug)]
pub enum Link {
    /// Nothing to drive: the bus delivers by itself.
    InProcess,
}

/// The only way in for the `pubsub` crate.
pub fn connect(transport: impl Transport) -> Link {
    transport.connect()
}

/// The kind of body that is a typed value, shared within the process and never encoded.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

/// Events stay in the process: shared, not serialised. What `PubSub::default()` uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InProcess;

impl Transport for InProcess {
    type Body = Shared;
}

impl sealed::Connect for InProcess {
    fn connect(self) -> Link {
        Link::InProcess
    }
}
