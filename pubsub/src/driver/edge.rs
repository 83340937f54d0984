//! Where typed events become what a transport carries, and back.

use std::any::TypeId;
use std::sync::Arc;

use pubsub_transports::{Body, DecodeError, EncodeError, Header, Shared};

use crate::EventMap;
use crate::event::Stored;

/// A kind of body that can carry the events of `M`; what a transport asks of a map.
///
/// A body shared within the process carries every map; an encoded one those whose payloads are all serialisable (`WireMap`,
/// with the feature `serde`).
pub trait Carries<M: EventMap> {
    #[doc(hidden)]
    fn __edge(self) -> Arc<dyn Edge>;
}

/// The event map and the codec, erased: the driver is compiled once.
#[doc(hidden)]
pub trait Edge: Send + Sync {
    /// Whether what it makes leaves the process, so that an event needs an id to be recognised by.
    fn is_wire(&self) -> bool;
    fn encode(&self, stored: &Stored) -> Result<Body, EncodeError>;
    /// `topic` is the place of the header's topic in the map.
    fn decode(&self, topic: usize, header: &Header, body: Body) -> Result<Stored, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<M: EventMap> Carries<M> for Shared {
    fn __edge(self) -> Arc<dyn Edge> {
        Arc::new(SharedEdge(TypeId::of::<M>()))
    }
}

/// The event map, by which events of another are told apart.
struct SharedEdge(TypeId);

impl Edge for SharedEdge {
    fn is_wire(&self) -> bool {
        false
    }

    fn encode(&self, stored: &Stored) -> Result<Body, EncodeError> {
        Ok(Body::Shared(Arc::new((self.0, stored.clone()))))
    }

    fn decode(&self, _: usize, header: &Header, body: Body) -> Result<Stored, DecodeError> {
        let Body::Shared(body) = body else { return Err(foreign(header)) };
        match body.downcast_ref::<(TypeId, Stored)>() {
            Some((map, stored)) if *map == self.0 => Ok(stored.clone()),
            _ => Err(foreign(header)),
        }
    }
}

/// A body that no bus of this map made.
fn foreign(header: &Header) -> DecodeError {
    DecodeError::payload(header.topic(), "a body of another kind")
}

#[cfg(feature = "serde")]
mod encoded {
    use std::cell::Cell;
    use std::marker::PhantomData;

    use bytes::Bytes;
    use pubsub_transports::Encoded;
    use pubsub_transports::codec::{Codec, MAX_MESSAGE};
    use serde::de::{DeserializeSeed, Deserializer};
    use serde::{Serialize, Serializer};

    use super::{Arc, Body, Carries, DecodeError, Edge, EncodeError, Header, Stored, foreign};
    use crate::WireMap;

    // Recommended, unlike the one for what is shared: the compiler names the payload that cannot be encoded.
    impl<M: WireMap, C: Codec> Carries<M> for Encoded<C> {
        fn __edge(self) -> Arc<dyn Edge> {
            Arc::new(EncodedEdge::<M, C> { codec: Arc::clone(self.codec()), map: PhantomData })
        }
    }

    struct EncodedEdge<M, C> {
        codec: Arc<C>,
        map: PhantomData<fn() -> M>,
    }

    impl<M: WireMap, C: Codec> Edge for EncodedEdge<M, C> {
        fn is_wire(&self) -> bool {
            true
        }

        fn encode(&self, stored: &Stored) -> Result<Body, EncodeError> {
            // Taken while it is in use: to serialise is anybody's code.
            let mut room = ROOM.take();
            room.clear();
            let encoded =
                self.codec.encode_payload(stored.name(), &Payload::<M>(stored, PhantomData), &mut room);
            let bytes = Bytes::copy_from_slice(&room);
            room.shrink_to(MAX_MESSAGE);
            ROOM.set(room);
            encoded.map(|()| Body::Bytes(bytes))
        }

        fn decode(&self, topic: usize, header: &Header, body: Body) -> Result<Stored, DecodeError> {
            let Body::Bytes(bytes) = body else { return Err(foreign(header)) };
            let seed = Seed::<M> { topic, id: header.id(), map: PhantomData };
            self.codec.decode(header.topic(), &bytes, seed)
        }
    }

    thread_local! {
        /// Room to encode in, so that a payload is allocated once, when its size is known.
        static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    /// The payload of a stored event.
    struct Payload<'a, M>(&'a Stored, PhantomData<fn() -> M>);

    impl<M: WireMap> Serialize for Payload<'_, M> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            M::__serialize(self.0, serializer)
        }
    }

    /// Makes a stored event of its payload.
    struct Seed<'a, M> {
        topic: usize,
        id: &'a str,
        map: PhantomData<fn() -> M>,
    }

    impl<'de, M: WireMap> DeserializeSeed<'de> for Seed<'_, M> {
        type Value = Stored;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Stored, D::Error> {
            M::__deserialize(self.topic, self.id, deserializer)
        }
    }
}
