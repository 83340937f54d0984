//! Tests that cross crates: see `tests/tests` in this folder. Here is what they share, with each other and with the program `stress`.

pub mod client;
pub mod fuzz;
pub mod hub;
pub mod memory;
pub mod mismatch;
pub mod processes;
pub mod proxy;
pub mod raw;
#[path = "../../transports/tests/redis/harness/server.rs"]
pub mod server;
#[path = "../../transports/tests/redis/harness/times.rs"]
pub mod times;
pub mod turns;
pub mod waiting;

use self::waiting::DEADLINE;
