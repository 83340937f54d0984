//! Who a client is: what it brings as a proof, and what the answer about it does.

use std::time::Duration;

use super::permission::Asked;
use super::{ConnectionId, HubProtocol};
use crate::websocket::wire::{Connect, Connected, Failure, PROTOCOL, Reply, Token, millis};
use crate::websocket::{CloseCode, Identity, Question};
use crate::{ErrorCode, Rejection};

impl HubProtocol {
    /// A client brought a token before its first message, in a header or a subprotocol. It is as one in `__connect`, without
    /// an answer. Nothing, where tokens are not asked about.
    pub fn present(&mut self, id: ConnectionId, token: Token) {
        if self.config.authenticates {
            self.ask(id, Asked::Identity { connect: None }, Question::Authenticate(token));
        }
    }

    pub(super) fn connect(&mut self, id: ConnectionId, correlation: &str, connect: Connect) {
        if connect.protocol != PROTOCOL {
            let message = format!("this hub speaks version {PROTOCOL} of the protocol");
            return self.mistake(id, correlation, message);
        }
        match connect.token {
            Some(token) if self.config.authenticates => {
                let asked = Asked::Identity { connect: Some(correlation.into()) };
                self.ask(id, asked, Question::Authenticate(token));
            }
            _ if self.is_stranger(id) => {
                let rejection = Rejection::new(ErrorCode::Unauthenticated, "this hub asks for a token");
                self.turn_away(id, Some(correlation), &rejection, CloseCode::Unauthenticated);
            }
            _ => self.welcome(id, correlation),
        }
    }

    /// Whether it has no identity where one is needed.
    pub(super) fn is_stranger(&self, id: ConnectionId) -> bool {
        !self.config.anonymous && self.identity(id).is_none()
    }

    fn welcome(&mut self, id: ConnectionId, correlation: &str) {
        let Some(connection) = self.connections.get(id) else { return };
        let reply = Reply::Connected(Connected {
            session: format!("{}-{}-{}", self.epoch, id.index, id.generation),
            identity: connection.name().map(str::to_owned),
            ping_ms: millis(self.config.ping_every),
            max_frame: self.config.max_frame as u64,
            max_topics: self.config.max_topics as u64,
            epoch: Some(self.epoch.to_string()),
            expires_ms: connection.identity.as_ref().and_then(Identity::lifetime).map(millis),
        });
        self.answer(id, correlation, &reply);
    }

    /// The answer to [`Authenticate`](Question::Authenticate). Where nobody was asked about, nothing.
    ///
    /// A client that was somebody already is still the same, for as long as is said now, and what it may publish to is asked
    /// anew; that it is another closes it with 4507. With a refusal it is closed: with 4500, or, if the refusal says that it
    /// may be another later, so that it comes back.
    pub fn authenticated(&mut self, now: Duration, id: ConnectionId, result: Result<Identity, Rejection>) {
        let Some(connection) = self.connections.get(id) else { return };
        let Some(asked) = connection.asked.take() else { return };
        let Asked::Identity { connect } = *asked else {
            connection.asked = Some(asked);
            return;
        };
        let correlation = connect.as_deref();
        let identity = match result {
            Ok(identity) => identity,
            Err(rejection) => {
                let code = match rejection.code() {
                    ErrorCode::RateLimited => CloseCode::RateLimited,
                    _ if rejection.is_retryable() => CloseCode::ServerError,
                    _ => CloseCode::Unauthenticated,
                };
                return self.turn_away(id, correlation, &rejection, code);
            }
        };
        match connection.name() {
            Some(name) if name != identity.name() => {
                let rejection = Rejection::new(ErrorCode::Denied, "the connection is somebody else's");
                return self.turn_away(id, correlation, &rejection, CloseCode::Denied);
            }
            Some(_) => connection.identity = Some(identity.clone()),
            None => {
                if let Err(code) = self.identify(id, identity.clone()) {
                    let rejection =
                        Rejection::new(ErrorCode::Limit, "this identity has too many connections");
                    return self.turn_away(id, correlation, &rejection, code);
                }
            }
        }
        let Some(connection) = self.connections.get(id) else { return };
        connection.granted.clear();
        connection.times.expires = identity.lifetime().map(|lifetime| now.saturating_add(lifetime));
        self.set_timer(id);
        if let Some(correlation) = correlation {
            self.welcome(id, correlation);
        }
    }

    /// Says why, and closes.
    fn turn_away(
        &mut self,
        id: ConnectionId,
        correlation: Option<&str>,
        rejection: &Rejection,
        code: CloseCode,
    ) {
        let last = correlation.map(|it| (it, Reply::Error(Failure::new(rejection, None))));
        self.disconnect_after(id, code, rejection.retry_after(), last);
    }
}
