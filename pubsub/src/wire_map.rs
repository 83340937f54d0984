//! What a transport that leaves the process needs of an event map: payloads that can be encoded.

use std::borrow::Borrow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::Stored;
use crate::{EventData, EventMap, TopicId};

/// An event map whose payloads can all be sent over a network: each is `Serialize + Deserialize`.
///
/// The derive implements it. A payload that cannot be encoded is no error where the map is declared; it is one
/// where a bound `M: WireMap` has to hold, as for a transport that leaves the process.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App { Note(String) }
///
/// fn fit_for_a_network<M: pubsub::WireMap>() {}
/// fit_for_a_network::<App>();
/// ```
pub trait WireMap: EventMap {
    #[doc(hidden)]
    fn __serialize<S: Serializer>(stored: &Stored, serializer: S) -> Result<S::Ok, S::Error>;
    /// `topic` is a place in `TOPICS`.
    #[doc(hidden)]
    fn __deserialize<'de, D: Deserializer<'de>>(
        topic: usize,
        id: &str,
        deserializer: D,
    ) -> Result<Stored, D::Error>;
}

/// A payload that a network transport can carry; see [`ClonePayload`](crate::__private::ClonePayload) for the lifetime.
///
/// It has methods of its own instead of supertraits: a map of 200 topics has 200 of these bounds, and each
/// supertrait would add one more to them.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the payload `{Self}` cannot be sent over a network",
    label = "a network transport encodes events, and `{Self}` is not serializable",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`, or use the in-process transport"
)]
pub trait WirePayload<'de>: Sized {
    fn serialize_stored<I, S>(stored: &Stored, serializer: S) -> Result<S::Ok, S::Error>
    where
        I: TopicId + ?Sized + 'static,
        S: Serializer;
    fn deserialize_stored<I, D>(
        index: usize,
        topic: &'static str,
        id: I::Owned,
        deserializer: D,
    ) -> Result<Stored, D::Error>
    where
        I: TopicId + ?Sized + 'static,
        D: Deserializer<'de>;
}

#[diagnostic::do_not_recommend]
impl<'de, T: Serialize + Deserialize<'de> + Send + Sync + 'static> WirePayload<'de> for T {
    fn serialize_stored<I, S>(stored: &Stored, serializer: S) -> Result<S::Ok, S::Error>
    where
        I: TopicId + ?Sized + 'static,
        S: Serializer,
    {
        stored.payload::<T, I>().serialize(serializer)
    }

    fn deserialize_stored<I, D>(
        index: usize,
        topic: &'static str,
        id: I::Owned,
        deserializer: D,
    ) -> Result<Stored, D::Error>
    where
        I: TopicId + ?Sized + 'static,
        D: Deserializer<'de>,
    {
        let payload = T::deserialize(deserializer)?;
        let written = id.borrow().__write();
        Ok(Stored::new(EventData::<T, I>::new((index, topic), id, written, payload, None)))
    }
}

/// Asked of payloads that are references, and implemented by none, for the sake of the error.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the payload `{Self}` cannot be sent over a network",
    label = "what a network transport decodes is owned, and `{Self}` borrows",
    note = "payloads that cross a network own their data: `String` or `Arc<str>`, not `&str`"
)]
pub trait OwnedPayload<'de>: WirePayload<'de> {}
