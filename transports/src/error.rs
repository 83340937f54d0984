//! Why a transport did not take an event, and whether to try again.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why a transport did not take an event, or does not know whether it did.
///
/// It says nothing of the event itself: who sent it still has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// There is no connection: nothing was written.
    NotSent,
    /// It was written, and the connection was lost before an answer came: it may have been accepted or not.
    Ambiguous,
    /// The other side refused it.
    Rejected(Rejection),
    /// The bounded queue towards the other side has no room.
    Full,
    /// The transport was closed, or the other side said not to come back.
    Closed,
}

impl SendError {
    /// Whether sending the same again may succeed, and cannot deliver it twice.
    ///
    /// [`Ambiguous`](Self::Ambiguous) is not: it may be delivered twice, unless it has an event id and the other side
    /// remembers it. Only who sends knows that.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotSent | Self::Full => true,
            Self::Rejected(rejection) => rejection.is_retryable(),
            Self::Ambiguous | Self::Closed => false,
        }
    }

    /// How long the other side asked to wait before the next try; `None` if it did not say.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected(rejection) => rejection.retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent => f.write_str("not sent: there is no connection"),
            Self::Ambiguous => {
                f.write_str("the connection was lost before it was known whether it was accepted")
            }
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Full => f.write_str("not sent: the outbound queue is full"),
            Self::Closed => f.write_str("not sent: the transport is closed"),
        }
    }
}

impl Error for SendError {}

impl From<Rejection> for SendError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// What the other side says when it refuses: the payload of `__error` on a wire.
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::{ErrorCode, Rejection, SendError};
///
/// let slow_down = Rejection::new(ErrorCode::RateLimited, "10 events per second").with_retry_after(Duration::from_secs(1));
/// let error = SendError::from(slow_down);
/// assert!(error.is_retryable());
/// assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
/// assert_eq!(error.to_string(), "rejected as `rate_limited`: 10 events per second");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    code: ErrorCode,
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl Rejection {
    /// With this code and a message for people. It is retryable if the [code](ErrorCode::is_retryable) is.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retryable = code.is_retryable();
        Self { code, message: message.into(), retryable, retry_after: None }
    }

    /// Retryable or not, whatever the code says: what came over a wire is believed.
    #[must_use]
    pub fn with_retryable(self, retryable: bool) -> Self {
        Self { retryable, ..self }
    }

    /// Asking to wait this long.
    #[must_use]
    pub fn with_retry_after(self, delay: Duration) -> Self {
        Self { retry_after: Some(delay), ..self }
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// The message for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same may be accepted later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// How long to wait before the next try; `None` if that was not said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rejected as `{}`: {}", self.code, self.message)
    }
}

impl Error for Rejection {}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The kinds of refusal, each a text on a wire.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// One that this version does not know.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// Its text on a wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.into()),
                }
            }
        }
    };
}

codes! {
    /// Too many in too short a time.
    RateLimited = "rate_limited",
    /// Subscribers are behind.
    Backpressure = "backpressure",
    /// Not allowed to this identity.
    Denied = "denied",
    /// No identity, or one that does not hold.
    Unauthenticated = "unauthenticated",
    /// There is no such thing.
    NotFound = "not_found",
    /// The command is not understood.
    BadRequest = "bad_request",
    /// More bytes than allowed.
    TooLarge = "too_large",
    /// What came after the position is not all there any more.
    UnrecoverablePosition = "unrecoverable_position",
    /// The connection has this subscription.
    AlreadySubscribed = "already_subscribed",
    /// More of something than one may have.
    Limit = "limit",
    /// The other side failed.
    Internal = "internal",
}

impl ErrorCode {
    /// Whether the same may be accepted later, where nothing more is said.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::RateLimited | Self::Backpressure | Self::Internal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
