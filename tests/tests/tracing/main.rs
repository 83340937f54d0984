//! What a program shows of itself by the crate `tracing`: one event followed through processes, and no secret in it.

#[path = "../hub/client.rs"]
// The suite of the hub needs more of it.
#[allow(dead_code)]
mod client;
mod collector;
mod events;
mod harness;
mod held;
mod secrets;
mod traces;
