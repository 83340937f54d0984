//! The exchange on its own: by hand, against a plain reference, and in every interleaving (`tests/loom-exchange`).

#[cfg(pubsub_loom)]
mod loom;
#[cfg(not(pubsub_loom))]
mod model;
#[cfg(not(pubsub_loom))]
mod plain;
mod support;
