//! The Redis transport against real servers, and networks that fail.

mod connecting;
mod delivery;
mod durable;
mod faults;
mod foreign;
mod harness;
mod publishing;
mod random;
#[cfg(feature = "redis-tls")]
mod tls;
