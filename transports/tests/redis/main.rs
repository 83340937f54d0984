//! The Redis transport against real servers, and networks that fail.

#[cfg(feature = "redis-cluster")]
mod cluster;
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
