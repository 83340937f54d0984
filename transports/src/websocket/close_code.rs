//! Close codes: why a connection ended, and whether to come back.

use std::fmt;

macro_rules! close_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $reason:literal;)*) => {
        /// Why a connection ended: the code of a WebSocket close frame.
        ///
        /// Codes classify by range, so a code of tomorrow is understood today: after 4000 to 4499 a client comes back,
        /// after 4500 to 4999 it does not. Of the others only those that say that the client did wrong are final.
        ///
        /// ```
        /// use pubsub_transports::websocket::CloseCode;
        ///
        /// assert_eq!(CloseCode::from(4002), CloseCode::SlowConsumer);
        /// assert!(CloseCode::SlowConsumer.comes_back());
        /// assert!(CloseCode::from(4444).comes_back() && !CloseCode::from(4777).comes_back());
        /// assert_eq!(CloseCode::TopicLimit.to_string(), "4505 topic limit");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CloseCode {
            $($(#[$doc])* $variant,)*
            /// One that this version does not know.
            Other(u16),
        }

        impl CloseCode {
            /// Every code with a name.
            pub const NAMED: &'static [Self] = &[$(Self::$variant),*];

            /// Its number in a close frame.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Other(number) => number,
                }
            }

            /// What it means, in a few words.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self {
                    $(Self::$variant => $reason,)*
                    Self::Other(_) => "unknown",
                }
            }
        }

        impl From<u16> for CloseCode {
            fn from(number: u16) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    other => Self::Other(other),
                }
            }
        }
    };
}

close_codes! {
    /// The end that both wanted.
    Normal = 1000, "normal";
    /// The other side goes away.
    GoingAway = 1001, "going away";
    /// The WebSocket protocol was broken.
    ProtocolError = 1002, "protocol error";
    /// A kind of frame that is not taken.
    Unsupported = 1003, "unsupported";
    /// The connection broke: there was no close frame. Never sent.
    Abnormal = 1006, "connection lost";
    /// A text that is no UTF-8.
    InvalidText = 1007, "invalid text";
    /// Against a rule that has no code.
    Policy = 1008, "policy violation";
    /// A frame with more bytes than allowed.
    TooBig = 1009, "message too big";
    /// The other side failed.
    InternalError = 1011, "internal error";
    /// The other side starts anew.
    Restart = 1012, "service restart";
    /// The other side has too much to do.
    TryAgain = 1013, "try again later";

    /// The hub shuts down.
    Shutdown = 4000, "shutdown";
    /// The hub failed.
    ServerError = 4001, "server error";
    /// The client does not read what is sent to it.
    SlowConsumer = 4002, "slow consumer";
    /// A write did not end in time.
    WriteTimeout = 4003, "write timeout";
    /// A ping was not answered.
    NoPong = 4004, "no pong";
    /// The credentials are not valid any more.
    Expired = 4005, "expired";
    /// The client's or the hub's state does not suffice to go on.
    InsufficientState = 4006, "insufficient state";
    /// The client is asked to connect anew.
    Reconnect = 4007, "reconnect asked";
    /// Too many commands in too short a time.
    RateLimited = 4008, "rate limited";
    /// A newer connection of the same client took its place.
    Superseded = 4010, "superseded";

    /// No identity, or one that does not hold.
    Unauthenticated = 4500, "unauthenticated";
    /// A frame that cannot be part of this connection.
    BadFrame = 4501, "bad frame";
    /// No valid command in time.
    Stale = 4502, "stale";
    /// Sent away.
    Kicked = 4503, "kicked";
    /// More connections than allowed.
    ConnectionLimit = 4504, "connection limit";
    /// More subscriptions than allowed.
    TopicLimit = 4505, "topic limit";
    /// The codec is not spoken here.
    Codec = 4506, "codec";
    /// Not allowed to this identity.
    Denied = 4507, "denied";
    /// The two event maps do not fit.
    MapDiffers = 4508, "event map differs";
    /// One mistake after the other.
    TooManyErrors = 4509, "too many errors";
}

impl CloseCode {
    /// Whether a client comes back after it.
    #[must_use]
    pub fn comes_back(self) -> bool {
        !matches!(self.number(), 1002 | 1003 | 1007..=1009 | 4500..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.reason())
    }
}
