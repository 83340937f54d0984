//! What a program shows of itself by the crate `tracing`: one event followed through processes, and no secret in it.

mod behind;
mod chain;
mod collector;
mod events;
mod harness;
mod held;
mod secrets;
mod traces;
mod upstream;
