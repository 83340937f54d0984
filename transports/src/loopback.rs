//! A wire that ends where it begins.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::codec::Codec;
use crate::exchange::{Exchange, Member};
use crate::transport::{Connection, sealed};
use crate::{
    Address, Body, Carries, Closing, ConnectionState, Delivery, Encoded, ErrorCode, Frame, Gap, Guarantees,
    Header, Inlet, Link, Ordering, OwnEvents, Patience, Rejection, SendError, Sending, Transport,
    Undecodable,
};

/// A transport within one process that encodes all the same: for tests, and for trying a codec.
///
/// A clone is another end of the same wire: every bus that is made of one gets the events of all. An event is written as a
/// message by the codec and read again by every bus that follows it, as if there were a network between them. Needs the
/// feature `test-util`.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use pubsub_transports::Loopback;
/// use pubsub_transports::codec::Json;
///
/// let wire = Loopback::new(Json::default());
/// let other_end = wire.clone(); // give each to a bus
/// # drop(other_end);
/// assert!(!Loopback::<Json>::GUARANTEES.backpressure);
/// # }
/// ```
pub struct Loopback<C> {
    exchange: Exchange,
    codec: Arc<C>,
    /// Who messages come from that no bus wrote.
    stranger: Arc<Member>,
}

impl<C> Loopback<C> {
    /// What it promises: as a network does, it does not make publishers wait for subscriptions.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Bytes,
        backpressure: false,
        history: false,
        acknowledgement: false,
    };

    /// Messages that a bus has not read yet; beyond it publishers wait for who reads. Since nobody who reads waits for a
    /// subscriber, it is reached only while another thread is at it.
    const INBOX: usize = 1_024;

    /// The first end of a new wire.
    #[must_use]
    pub fn new(codec: C) -> Self {
        let exchange = Exchange::new();
        let stranger = Arc::new(exchange.join(1, Arc::new(Deaf)));
        Self { exchange, codec: Arc::new(codec), stranger }
    }

    /// Puts a message on the wire as it is, for all who follow this topic and id: garbage, most likely. A bus that has no
    /// room for it does not get it.
    pub fn inject(&self, topic: &str, id: &str, message: impl Into<Vec<u8>>) {
        let body = Body::Bytes(Bytes::from(message.into()));
        drop(self.stranger.publish(Frame { header: Header::new(topic, id), body }, Patience::Now));
    }

    /// How many buses are on the wire.
    #[must_use]
    pub fn buses(&self) -> usize {
        self.exchange.entries().0 - 1
    }

    /// How many addresses they follow: one that two follow counts once.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.exchange.entries().1
    }
}

impl<C> Clone for Loopback<C> {
    fn clone(&self) -> Self {
        Self {
            exchange: self.exchange.clone(),
            codec: Arc::clone(&self.codec),
            stranger: Arc::clone(&self.stranger),
        }
    }
}

impl<C> fmt::Debug for Loopback<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}

impl<C: Codec> Transport for Loopback<C> {
    type Body = Encoded<C>;
}

impl<C: Codec> sealed::Connect for Loopback<C> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { exchange, codec, stranger } = self;
        Connection::Link {
            name: "loopback",
            body: Encoded::new(Arc::clone(&codec)),
            guarantees: Self::GUARANTEES,
            attach: Box::new(move |inlet| {
                let reader = Arc::new(Reader { codec: Arc::clone(&codec), inlet });
                Arc::new(Writer { codec, member: exchange.join(Self::INBOX, reader), _stranger: stranger })
            }),
        }
    }
}

/// Writes messages.
struct Writer<C> {
    codec: Arc<C>,
    member: Member,
    _stranger: Arc<Member>,
}

impl<C: Codec> Link for Writer<C> {
    fn publish(&self, frame: Frame, patience: Patience) -> Sending {
        let Frame { header, body } = frame;
        let mut message = Vec::new();
        let written = match &body {
            Body::Bytes(payload) => {
                self.codec.join(&header, payload, &mut message).map_err(|it| it.to_string())
            }
            Body::Shared(_) => Err("a body that is not encoded".to_owned()),
        };
        match written {
            Ok(()) => self.member.publish(Frame { header, body: Body::Bytes(message.into()) }, patience),
            Err(reason) => {
                Sending::Done(Err(SendError::Rejected(Rejection::new(ErrorCode::TooLarge, reason))))
            }
        }
    }

    fn in_flight(&self) -> u64 {
        self.member.in_flight()
    }

    fn subscribe(&self, request: u64, addresses: Vec<Address>) {
        self.member.subscribe(request, addresses);
    }

    fn unsubscribe(&self, addresses: Vec<Address>) {
        self.member.unsubscribe(addresses);
    }

    fn close(&self) -> Closing {
        self.member.close()
    }
}

/// Reads messages.
struct Reader<C> {
    codec: Arc<C>,
    inlet: Arc<dyn Inlet>,
}

impl<C: Codec> Inlet for Reader<C> {
    fn poll_ready(&self, waker: &Waker) -> Poll<()> {
        self.inlet.poll_ready(waker)
    }

    fn deliver(&self, frame: Frame) {
        let Body::Bytes(message) = frame.body else { return };
        match self.codec.split(&message) {
            Ok((header, payload)) => {
                let body = Body::Bytes(message.slice_ref(payload));
                self.inlet.deliver(Frame { header, body });
            }
            Err(error) => {
                self.inlet.undecodable(Undecodable::new(frame.header.address().ok(), error));
            }
        }
    }

    fn subscribed(&self, request: u64) {
        self.inlet.subscribed(request);
    }

    fn refused(&self, request: u64, address: Address, rejection: Rejection) {
        self.inlet.refused(request, address, rejection);
    }

    fn gap(&self, address: Option<Address>, gap: Gap) {
        self.inlet.gap(address, gap);
    }

    fn undecodable(&self, undecodable: Undecodable) {
        self.inlet.undecodable(undecodable);
    }

    fn not_sent(&self, header: Header, error: SendError) {
        self.inlet.not_sent(header, error);
    }

    fn state(&self, state: ConnectionState) {
        self.inlet.state(state);
    }
}

/// Follows nothing, so nothing comes.
struct Deaf;

impl Inlet for Deaf {
    fn poll_ready(&self, _: &Waker) -> Poll<()> {
        Poll::Ready(())
    }

    fn deliver(&self, _: Frame) {}

    fn subscribed(&self, _: u64) {}

    fn refused(&self, _: u64, _: Address, _: Rejection) {}

    fn gap(&self, _: Option<Address>, _: Gap) {}

    fn undecodable(&self, _: Undecodable) {}

    fn not_sent(&self, _: Header, _: SendError) {}

    fn state(&self, _: ConnectionState) {}
}
