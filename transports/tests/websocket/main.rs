//! The protocol of hub and spokes, without sockets: scenarios by name, and random schedules against a model.

mod model;
mod random;
mod wire;
mod world;
