//! The WebSocket hub and its spokes, as protocol: no socket, no clock and no task is in here.
//!
//! [`HubProtocol`] and [`SpokeProtocol`] are the two ends. Each is fed what happened (a message came, a connection was
//! lost, so much time has passed, this is to be published) and says what follows from it (these messages go out, this
//! event is delivered, that connection ends with this code). So loss and delay can be tried in a simulation without a
//! socket and without waiting, and what moves the bytes can be anything.
//!
//! Time is a [`Duration`](std::time::Duration) since whenever the caller began to count, and never goes back.
//!
//! # What is promised
//! Every event type has a history with an *epoch*, random and new when a history was lost, and an *offset* that rises
//! by one with each event. A spoke that comes back says the last offset it knows, and gets everything after it exactly
//! once, in order, and joined to what is live; or nothing of it, and the reason. Loss is never silent: it is a gap with
//! a [`GapReason`](wire::GapReason).
//!
//! An event on its way says `after`: between that offset and its own there is none for the address it comes by. So a
//! receiver has missed nothing exactly if `after` is not above the position that it knows.

mod caught;
mod client;
mod close_code;
mod codecs;
mod history;
mod hub;
mod identity;
#[cfg(feature = "test-util")]
pub(crate) mod seen;
mod server;
#[allow(dead_code, unused_imports)]
mod socket;
mod spoke;
mod sse;
pub mod wire;

pub use self::client::{Spoke, SpokeBuilder};
pub use self::close_code::CloseCode;
pub use self::codecs::Codecs;
pub use self::history::HistoryConfig;
pub use self::hub::{
    ConnectionId, HubConfig, HubOutput, HubProtocol, HubStats, IdentityLimit, OutboxConfig, Outgoing,
    Overflow, QueueStats, Rate, TopicStats,
};
pub use self::identity::{Action, Fetch, Identity, InvalidIdentity, Permission, Question};
#[cfg(feature = "redis")]
pub use self::server::BehindError;
pub use self::server::{
    AcceptError, EventStream, EventStreamError, Hub, HubBuilder, HubConnection, HubEvent, HubEvents,
    HubTransport,
};
pub use self::spoke::{SpokeConfig, SpokeOutput, SpokeProtocol, SpokeState};
