//! What a spoke says to its caller.

use std::time::Duration;

use crate::websocket::CloseCode;
use crate::websocket::wire::{ControlError, GapReason, Message};
use crate::{Address, EventId, Frame, Rejection, SendError};

/// What a spoke's caller has to do, or to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpokeOutput {
    /// Open a connection, then say [`opened`](super::SpokeProtocol::opened) or [`lost`](super::SpokeProtocol::lost).
    Connect,
    /// The token expires soon: say a new one with [`prove`](super::SpokeProtocol::prove), if there is one to be had.
    Refresh,
    /// Write this message.
    Send(Message),
    /// Write a WebSocket ping.
    Ping,
    /// Close the connection: the spoke is done with it, and counts it as lost already.
    Close(CloseCode),
    /// An event. It comes once, for all the addresses that it matches; but one that comes by a single id is for
    /// nobody who follows the whole type, which begins later or was told of a gap.
    Deliver {
        /// By which address it came.
        address: Address,
        /// The event.
        frame: Frame,
    },
    /// The hub has this subscription. Said once, at its beginning.
    Subscribed {
        /// The address.
        address: Address,
        /// The number that it was asked for with.
        request: u64,
        /// The epoch of its type.
        epoch: String,
        /// Events after this offset are delivered.
        offset: u64,
    },
    /// The hub does not give this subscription, or gives it no longer. It is not asked for again.
    Refused {
        /// The address.
        address: Address,
        /// The number that it was asked for with.
        request: u64,
        /// What the hub said.
        rejection: Rejection,
    },
    /// Events of an address were lost, between what was delivered and what will be.
    Gap {
        /// The address.
        address: Address,
        /// Why.
        reason: GapReason,
        /// How many, where that is known.
        missed: Option<u64>,
        /// The epoch of its type from here on.
        epoch: String,
        /// Events after this offset are delivered.
        offset: u64,
    },
    /// What became of an event that was published.
    Published {
        /// The event.
        event_id: EventId,
        /// Its offset at the hub.
        result: Result<u64, SendError>,
    },
    /// The hub sent what nobody can read. Nothing else happens; an event that was lost by it shows as a hole.
    Malformed(ControlError),
    /// How it stands with the connection.
    State(SpokeState),
}

/// How it stands with the connection of a spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpokeState {
    /// A connection is being opened.
    Connecting,
    /// The hub has answered.
    Connected,
    /// The connection was lost, and another is opened in a while.
    Waiting {
        /// Why it was lost.
        code: CloseCode,
        /// The while.
        delay: Duration,
    },
    /// It will not come back.
    Stopped(CloseCode),
}
