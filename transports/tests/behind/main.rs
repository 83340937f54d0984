//! Several hubs behind one Redis, from outside: real servers, and clients that speak the hub's wire by hand.

mod bus;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod faults;
mod harness;
mod leaving;
mod random;
mod recovery;
