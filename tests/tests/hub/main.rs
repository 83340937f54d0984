//! Buses over a hub, from outside: real sockets, a proxy between that does what networks do, and foreign clients.

mod acknowledge;
mod conversations;
mod crowd;
mod faults;
mod harness;
mod hostile;
mod identity;
mod malicious;
mod permission;
mod promises;
mod shutdown;
mod stolen;
mod tls;
mod turns;
mod web;
