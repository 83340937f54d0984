//! What a description needs of an event map: payloads that have a schema.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::WireMap;

/// An event map whose payloads can all be sent over a network, and all have a schema: each is [`JsonSchema`].
///
/// The derive implements it. A payload without a schema is no error where the map is declared; it is one where a bound
/// `M: SchemaMap` has to hold, as for [`json_schema`](crate::schema::json_schema).
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App { Note(String) }
///
/// fn can_be_described<M: pubsub::SchemaMap>() {}
/// can_be_described::<App>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event map whose payloads have a schema",
    label = "expected an enum with `#[derive(EventMap)]`"
)]
pub trait SchemaMap: WireMap {
    /// The name of the enum.
    #[doc(hidden)]
    const __NAME: &'static str;
    /// Its doc comment, without markup.
    #[doc(hidden)]
    const __DOC: &'static str;

    /// The schema of a payload. `topic` is a place in `TOPICS`.
    #[doc(hidden)]
    fn __payload(topic: usize, generator: &mut SchemaGenerator) -> Schema;
}

/// [`WireMap`] of a map, deferred: a payload that cannot be sent is reported where the map is described.
#[doc(hidden)]
pub trait DeferredWire<'a>: WireMap {}

#[diagnostic::do_not_recommend]
impl<M: WireMap> DeferredWire<'_> for M {}

/// A payload that has a schema; see [`ClonePayload`](crate::__private::ClonePayload) for the lifetime.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the payload `{Self}` has no schema",
    label = "a description has the schema of every payload, and `{Self}` is not `JsonSchema`",
    note = "add `#[derive(schemars::JsonSchema)]` to `{Self}`, with `schemars = \"1\"` in Cargo.toml"
)]
pub trait SchemaPayload<'a> {
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema> SchemaPayload<'_> for T {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Called by what the derive generates.
#[doc(hidden)]
pub fn payload_schema<P: for<'a> SchemaPayload<'a>>(generator: &mut SchemaGenerator) -> Schema {
    P::schema(generator)
}
