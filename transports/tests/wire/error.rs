//! Which failures are worth another try.

use std::time::Duration;

use pubsub_transports::{ErrorCode, Rejection, SendError};

fn rejected(code: &str) -> SendError {
    Rejection::new(code.into(), "no").into()
}

#[test]
fn retryable_is_what_can_succeed_and_not_be_delivered_twice() {
    for (error, retryable) in [
        (SendError::NotSent, true),
        (SendError::Full, true),
        (SendError::Ambiguous, false),
        (SendError::Closed, false),
        (rejected("rate_limited"), true),
        (rejected("backpressure"), true),
        (rejected("internal"), true),
        (rejected("denied"), false),
        (rejected("too_large"), false),
        (rejected("of tomorrow"), false),
    ] {
        assert_eq!(error.is_retryable(), retryable, "{error}");
        assert_eq!(error.retry_after(), None);
    }
}

#[test]
fn what_came_over_the_wire_is_believed() {
    let rejection = Rejection::new(ErrorCode::Denied, "not yet")
        .with_retryable(true)
        .with_retry_after(Duration::from_millis(250));
    assert_eq!((rejection.code(), rejection.message()), (&ErrorCode::Denied, "not yet"));
    let error = SendError::from(rejection);
    assert!(error.is_retryable());
    assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
}

#[test]
fn codes_are_texts() {
    for text in [
        "rate_limited",
        "backpressure",
        "denied",
        "unauthenticated",
        "not_found",
        "bad_request",
        "too_large",
        "unrecoverable_position",
        "already_subscribed",
        "limit",
        "internal",
    ] {
        let code = ErrorCode::from(text);
        assert_eq!(code.as_str(), text);
        assert!(!matches!(code, ErrorCode::Other(_)), "{text}");
    }
    assert_eq!(ErrorCode::from("new").as_str(), "new");
}
