//! The protocol of hub and spokes, without sockets: scenarios by name, and random schedules against a model.

mod acknowledge;
mod alone;
mod garbage;
mod history;
mod hub;
mod identity;
mod limits;
mod model;
mod permission;
mod random;
mod raw;
mod recovery;
mod schedule;
mod spoke;
mod spoke_limits;
mod wire;
mod world;
