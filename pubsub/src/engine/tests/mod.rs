//! Tests of the engine below the typed interface.

#[cfg(pubsub_loom)]
mod loom;
#[cfg(not(pubsub_loom))]
mod model;
#[cfg(not(pubsub_loom))]
mod plain;
#[cfg(not(pubsub_loom))]
mod stress;
mod support;
