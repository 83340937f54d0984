//! WebSockets as a hub and a spoke need them: RFC 6455 over any byte stream, without extensions.
//!
//! The opening handshake is tungstenite's; frames are read and written here. Two things make that worth it. A connection
//! that is idle has no buffer: it reads into one that its thread shares. And what waits for a connection is written in one
//! call, small frames copied side by side and large ones from where they are, whoever else they go to.
//!
//! [`WebSocket`] is polled by one task. It keeps the protocol: it answers pings and close frames, and ends a connection
//! that breaks a rule with the code for it.

mod accept;
mod close;
mod connect;
mod frame;
mod head;
mod mask;
mod parser;
mod scratch;
#[cfg(feature = "test-util")]
pub(crate) mod seen;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
mod upgrade;
mod url;
mod violation;
mod writer;

#[cfg(feature = "axum")]
pub(crate) use self::accept::answer_upgrade;
pub(crate) use self::accept::{Accepted, HandshakeError, HandshakeLimits, receive_upgrade};
pub(crate) use self::close::Close;
pub(crate) use self::connect::{ConnectOptions, connect};
pub(crate) use self::parser::Limits;
pub(crate) use self::stream::{Received, Role, SocketError, WebSocket};
pub(crate) use self::tcp::{ClientStream, ClientTls};
pub(crate) use self::upgrade::UpgradeRequest;
pub(crate) use self::url::WebSocketUrl;
