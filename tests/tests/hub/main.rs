//! Buses over a hub, from outside: real sockets, a proxy between that does what networks do, and foreign clients.

mod faults;
mod harness;

mod promises;
mod proxy;
