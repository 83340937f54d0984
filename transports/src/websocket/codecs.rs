//! The codecs of a hub, and how an event gets from one to the others.

use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;

use super::wire::Speaks;
use crate::Header;
use crate::carried::Carried;
use crate::codec::{Codec, DecodeError, EncodeError};

type Recode = dyn Fn(&str, &[u8], &str, &str) -> Result<Vec<u8>, DecodeError> + Send + Sync;

/// The codecs that a hub speaks. The first one is that of the hub's own process.
///
/// A payload is encoded in each when its event is accepted; an event that cannot be is refused. So what one client
/// publishes never fails where it is delivered to another.
#[derive(Clone)]
pub struct Codecs {
    codecs: Vec<Arc<dyn Speaks>>,
    recode: Option<Arc<Recode>>,
}

impl Codecs {
    /// This one alone: payloads pass through as they are.
    #[must_use]
    pub fn one(codec: impl Codec) -> Self {
        Self { codecs: vec![Arc::new(codec)], recode: None }
    }

    pub(crate) fn shared(codec: Arc<impl Codec>) -> Self {
        Self { codecs: vec![codec], recode: None }
    }

    /// With another, which needs `recode`: it is given the topic, a payload, and the names of the codec that the
    /// payload is in and of that it is to be in.
    #[must_use]
    pub fn and(
        mut self,
        codec: impl Codec,
        recode: impl Fn(&str, &[u8], &str, &str) -> Result<Vec<u8>, DecodeError> + Send + Sync + 'static,
    ) -> Self {
        self.codecs.push(Arc::new(codec));
        self.recode = Some(Arc::new(recode));
        self
    }

    /// The place of the codec with this name, which is that of a subprotocol without its `pubsub.v1.`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<usize> {
        self.codecs.iter().position(|codec| codec.name() == name)
    }

    pub(crate) fn len(&self) -> usize {
        self.codecs.len()
    }

    pub(crate) fn get(&self, codec: usize) -> &dyn Speaks {
        &*self.codecs[codec]
    }

    pub(crate) fn encode_all(&self, topic: &str, body: Bytes, from: usize) -> Result<Encoded, DecodeError> {
        let mut bodies = Vec::with_capacity(self.codecs.len());
        for (place, codec) in self.codecs.iter().enumerate() {
            bodies.push(match &self.recode {
                Some(recode) if place != from => {
                    recode(topic, &body, self.codecs[from].name(), codec.name())?.into()
                }
                _ => body.clone(),
            });
        }
        Ok(Encoded(bodies.into()))
    }

    /// Whether the message of an event fits each codec, with the largest position that there can be.
    fn fit(&self, topic: &str, id: &str, bodies: &Encoded, max: usize) -> bool {
        let envelope = topic.len() + 6 * id.len() + ENVELOPE;
        bodies.0.iter().all(|body| body.len() + envelope <= max)
    }

    /// What there is room for of what an event carries for tracing, which never costs an event; `None` if the event itself
    /// does not fit.
    pub(crate) fn fitting(
        &self,
        topic: &str,
        id: &str,
        bodies: &Encoded,
        max: usize,
        carried: &Carried,
    ) -> Option<Carried> {
        if self.fit(topic, id, bodies, max.saturating_sub(carried.size())) {
            return Some(carried.clone());
        }
        self.fit(topic, id, bodies, max).then(Carried::default)
    }

    /// `max`, or less if a codec allows less.
    pub(crate) fn max_message(&self, max: usize) -> usize {
        let (header, probe) = (Header::new("t", ""), vec![b' '; max.saturating_sub(ENVELOPE)]);
        self.codecs.iter().fold(max, |max, codec| match codec.join(&header, &probe) {
            Err(EncodeError::TooLarge { limit, .. }) => max.min(limit),
            _ => max,
        })
    }

    pub(crate) fn join(&self, codec: usize, header: &Header, body: &[u8]) -> Bytes {
        // What was accepted `fit`, so this does not fail; an empty message would be a bug here, and no panic there.
        self.codecs[codec].join(header, body).unwrap_or_default()
    }
}

/// More than the names of all members, an event id, two offsets and an epoch take in any codec.
const ENVELOPE: usize = 256;

impl std::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.codecs.iter().map(|codec| codec.name())).finish()
    }
}

/// A payload in each codec of a hub.
#[derive(Clone)]
pub(crate) struct Encoded(Box<[Bytes]>);

impl Encoded {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, codec: usize) -> &Bytes {
        &self.0[codec]
    }
}

/// How the name of an epoch is made: 64 random bits in a few characters.
pub(crate) fn epoch(random: &mut fastrand::Rng) -> CompactString {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..10).map(|_| char::from(DIGITS[random.usize(..DIGITS.len())])).collect()
}
