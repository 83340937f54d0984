//! Who the spoke is: its token, what the hub says of it, and a new one in time.

use std::time::Duration;

use super::{Link, SpokeOutput, SpokeProtocol};
use crate::websocket::CloseCode;
use crate::websocket::wire::{Command, Connect, Failure, PROTOCOL, Token};
use crate::{ErrorCode, Rejection};

impl SpokeProtocol {
    /// From now on this proves who it is: on the connection that there is, and on each that comes.
    pub fn prove(&mut self, token: Option<Token>) {
        self.config.token = token;
        if self.is_welcomed() {
            self.say_who();
        }
    }

    /// Who the hub says that this is; `None` before it has said so, and for the anonymous.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// What the hub said when it did not let us in.
    pub(crate) fn refusal(&self) -> Option<&Rejection> {
        self.refusal.as_ref()
    }

    pub(super) fn say_who(&mut self) {
        let connect = Command::Connect(Connect {
            protocol: PROTOCOL,
            token: self.config.token.clone(),
            features: None,
            map_hash: self.config.map_hash.clone(),
        });
        self.send("0", &connect);
    }

    /// The hub believes it for so long: before that it needs something newer.
    pub(super) fn expires(&mut self, now: Duration, lifetime_ms: Option<u64>) {
        self.refresh_at = lifetime_ms.map(Duration::from_millis).map(|lifetime| {
            let early = self.config.refresh_early.min(lifetime / 4);
            now.saturating_add(lifetime.saturating_sub(early))
        });
    }

    pub(super) fn refresh_if_due(&mut self, now: Duration) {
        if self.is_welcomed() && self.refresh_at.take_if(|at| *at <= now).is_some() {
            self.outputs.push_back(SpokeOutput::Refresh);
        }
    }

    /// `__connect` was refused: there is nothing to be had here, or not now.
    pub(super) fn not_let_in(&mut self, now: Duration, failure: &Failure) {
        self.refusal = Some(failure.rejection());
        self.goodbye = Some((failure.retryable, failure.retry_after_ms.map(Duration::from_millis)));
        let code = match failure.code.0 {
            ErrorCode::RateLimited => CloseCode::RateLimited,
            ErrorCode::Limit => CloseCode::ConnectionLimit,
            ErrorCode::Denied => CloseCode::Denied,
            _ if failure.retryable => CloseCode::ServerError,
            _ => CloseCode::Unauthenticated,
        };
        self.give_up(now, code);
    }

    /// When a token is wanted, while there is a connection to prove it on.
    pub(super) fn refresh_time(&self) -> Option<Duration> {
        matches!(self.link, Link::Open { .. }).then_some(self.refresh_at).flatten()
    }
}
