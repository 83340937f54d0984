//! The command `pubsub`, run as a person runs it: real hubs, a real Redis, and clients of others.

mod clients;
mod ending;
mod harness;
mod hubs;
mod measuring;
