//! What a close code is to who asks how it stands with the connection.

use std::io;
use std::sync::Arc;

use crate::websocket::CloseCode;
use crate::websocket::wire;
use crate::{ConnectError, ErrorCode, GapReason, Rejection};

/// `refusal` is what the hub said of it, if it did.
pub(super) fn error(code: CloseCode, hub: &str, refusal: Option<&Rejection>) -> ConnectError {
    if let Some(refusal) = refusal {
        return match refusal.code() {
            ErrorCode::Unauthenticated => {
                ConnectError::Unauthenticated { message: refusal.message().to_owned() }
            }
            _ => ConnectError::Refused(refusal.clone()),
        };
    }
    let refused = |kind| {
        let rejection = Rejection::new(kind, format!("the hub closed the connection: {code}"));
        ConnectError::Refused(rejection.with_retryable(code.comes_back()))
    };
    match code {
        CloseCode::Abnormal => ConnectError::Unreachable {
            address: hub.to_owned(),
            source: Arc::new(io::ErrorKind::ConnectionReset.into()),
        },
        CloseCode::NoPong => ConnectError::TimedOut { during: "a ping" },
        CloseCode::Unauthenticated => ConnectError::Unauthenticated { message: code.to_string() },
        CloseCode::ProtocolError
        | CloseCode::Unsupported
        | CloseCode::InvalidText
        | CloseCode::BadFrame
        | CloseCode::Codec => ConnectError::Protocol { reason: code.to_string() },
        CloseCode::Denied | CloseCode::Kicked => refused(ErrorCode::Denied),
        CloseCode::RateLimited => refused(ErrorCode::RateLimited),
        CloseCode::TooBig => refused(ErrorCode::TooLarge),
        CloseCode::ConnectionLimit | CloseCode::TopicLimit | CloseCode::TooManyErrors => {
            refused(ErrorCode::Limit)
        }
        _ => refused(ErrorCode::Internal),
    }
}

/// The code that stands for a connection that could not be opened.
pub(super) fn code(error: &ConnectError) -> CloseCode {
    match error {
        ConnectError::Unauthenticated { .. } => CloseCode::Unauthenticated,
        error if error.is_retryable() => CloseCode::Abnormal,
        ConnectError::Refused(_) => CloseCode::Denied,
        _ => CloseCode::ProtocolError,
    }
}

pub(super) fn gap_reason(reason: &wire::GapReason) -> GapReason {
    match reason {
        wire::GapReason::Overflow => GapReason::Overflow,
        wire::GapReason::Evicted => GapReason::Evicted,
        wire::GapReason::TooMany => GapReason::TooMany,
        // One of tomorrow says no more than that nothing is known.
        _ => GapReason::Epoch,
    }
}
