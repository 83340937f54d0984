//! Several hubs behind one Redis, from outside: real servers, and clients that speak the hub's wire by hand.

mod bus;
mod faults;
mod harness;
mod random;
mod recovery;
