//! What kind of thing went wrong, in one word: for spans and metrics, which show no text that others wrote.

#[cfg(feature = "tracing")]
use pubsub_transports::{ConnectError, ConnectionState};
use pubsub_transports::{ErrorCode, GapReason, Rejection, SendError};

use crate::BusError;

pub(crate) fn of_sending(error: &SendError) -> &'static str {
    match error {
        SendError::NotSent => "not_sent",
        SendError::Rejected(rejection) => of_rejection(rejection),
        SendError::Full => "full",
        SendError::Closed => "closed",
        _ => "ambiguous",
    }
}

fn of_rejection(rejection: &Rejection) -> &'static str {
    match rejection.code() {
        ErrorCode::RateLimited => "rate_limited",
        ErrorCode::Backpressure => "backpressure",
        ErrorCode::Denied => "denied",
        ErrorCode::Unauthenticated => "unauthenticated",
        ErrorCode::NotFound => "not_found",
        ErrorCode::BadRequest => "bad_request",
        ErrorCode::TooLarge => "too_large",
        ErrorCode::UnrecoverablePosition => "unrecoverable_position",
        ErrorCode::AlreadySubscribed => "already_subscribed",
        ErrorCode::Limit => "limit",
        ErrorCode::Internal => "internal",
        _ => "other",
    }
}

pub(crate) fn of_gap(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Disconnected => "disconnected",
        GapReason::Overflow => "overflow",
        GapReason::Epoch => "epoch",
        GapReason::Evicted => "evicted",
        GapReason::TooMany => "too_many",
        GapReason::Moved => "moved",
        _ => "other",
    }
}

/// `None` for what goes well.
#[cfg(feature = "tracing")]
pub(crate) fn of_state(state: &ConnectionState) -> Option<&'static str> {
    match state {
        ConnectionState::ReceiveOnly { error, .. }
        | ConnectionState::Reconnecting { error, .. }
        | ConnectionState::Closed { error: Some(error) } => Some(of_connecting(error)),
        _ => None,
    }
}

#[cfg(feature = "tracing")]
fn of_connecting(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Url { .. } => "url",
        ConnectError::Unreachable { .. } => "unreachable",
        ConnectError::TimedOut { .. } => "timed_out",
        ConnectError::Unauthenticated { .. } => "unauthenticated",
        ConnectError::Refused(rejection) => of_rejection(rejection),
        ConnectError::Protocol { .. } => "protocol",
        _ => "other",
    }
}

pub(crate) fn of_error(error: &BusError) -> &'static str {
    match error {
        BusError::HandlerFailed { .. } => "handler_failed",
        BusError::HandlerPanicked { .. } => "handler_panicked",
        BusError::HandlerNotSubscribed { .. } => "handler_not_subscribed",
        BusError::Blocked { .. } => "blocked",
        BusError::Undecodable(_) => "undecodable",
        BusError::NotSent { .. } => "not_sent",
        #[cfg(feature = "worker")]
        BusError::WorkerPanicked { .. } => "worker_panicked",
        #[cfg(all(feature = "worker", feature = "json"))]
        BusError::WorkerFailed { .. } => "worker_failed",
        #[cfg(feature = "worker")]
        BusError::Unfinished { .. } => "unfinished",
        #[cfg(feature = "worker")]
        BusError::UndecodableInPool { .. } => "undecodable_in_pool",
        #[cfg(feature = "worker")]
        BusError::PoolLost { .. } => "pool_lost",
        BusError::SubscriptionRejected { .. } => "subscription_rejected",
    }
}
