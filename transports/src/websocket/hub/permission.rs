//! What a client may do: asked of the hub's caller, while the client waits.

use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;

use super::outbox::Then;
use super::{ConnectionId, HubOutput, HubProtocol};
use crate::websocket::wire::{Code, Reply, Subscribe, Unsubscribed};
use crate::websocket::{Action, CloseCode, Permission, Question};
use crate::{Address, ErrorCode, Header, Rejection};

/// What is asked for in one command, with the refusal of what is not allowed.
pub(super) type Checks = Vec<(Subscribe, Result<(), Rejection>)>;

/// What goes on with the answer.
pub(super) enum Asked {
    /// `__connect` with this correlation id, or a token that came before it.
    Identity { connect: Option<CompactString> },
    /// `__subscribe`: each address, with the refusal of those that need no asking.
    Subscribe { correlation: CompactString, all: Checks },
    /// The same when that is known: what is followed has to be there, these types of it.
    Fetch { correlation: CompactString, all: Checks, topics: Vec<CompactString> },
    /// An event.
    Publish { header: Header, payload: Bytes, address: Address },
}

/// What is known without asking.
enum Known {
    Granted,
    Denied,
    Unknown,
}

impl HubProtocol {
    /// Whether a [`Question`] about this connection has no answer yet. Until then the caller gives the hub no more of its
    /// messages: it leaves them unread, so that the client is held up and not the hub.
    #[must_use]
    pub fn is_asking(&self, id: ConnectionId) -> bool {
        self.connections.peek(id).is_some_and(|connection| connection.asked.is_some())
    }

    pub(super) fn ask(&mut self, id: ConnectionId, asked: Asked, question: Question) {
        let Some(connection) = self.connections.get(id).filter(|it| it.closing.is_none()) else { return };
        connection.asked = Some(Box::new(asked));
        connection.outdated = false;
        self.outputs.push_back(HubOutput::Ask(id, question));
    }

    fn known(&self, id: ConnectionId, action: Action, address: &Address) -> Known {
        let Some(connection) = self.connections.peek(id) else { return Known::Denied };
        if self.config.authorizes {
            let granted = action == Action::Publish && connection.granted.contains(address);
            return if granted { Known::Granted } else { Known::Unknown };
        }
        let is_direct = self.config.direct.contains(address.topic());
        if is_direct && (address.id().is_none() || address.id() != connection.name()) {
            return Known::Denied;
        }
        Known::Granted
    }

    fn ask_leave(&mut self, id: ConnectionId, asked: Asked, wanted: Vec<Permission>) {
        let identity = self.identity(id).cloned();
        self.ask(id, asked, Question::Authorize(identity, wanted));
    }

    /// Subscribes, once it is known which of these are allowed.
    pub(super) fn subscribe_all(
        &mut self,
        now: Duration,
        id: ConnectionId,
        correlation: &str,
        all: Vec<Subscribe>,
    ) {
        let mut wanted = Vec::new();
        let mut checked = Vec::with_capacity(all.len());
        for one in all {
            let found = self.check_subscribe(id, &one.topic, wanted.len()).and_then(|address| {
                match self.known(id, Action::Subscribe, &address) {
                    Known::Granted => Ok(()),
                    Known::Denied => Err(foreign()),
                    Known::Unknown => {
                        wanted.push(Permission::new(Action::Subscribe, address));
                        Ok(())
                    }
                }
            });
            checked.push((one, found));
        }
        if wanted.is_empty() {
            return self.subscribe_checked(now, id, correlation, checked, false);
        }
        self.ask_leave(id, Asked::Subscribe { correlation: correlation.into(), all: checked }, wanted);
    }

    pub(super) fn subscribe_checked(
        &mut self,
        now: Duration,
        id: ConnectionId,
        correlation: &str,
        all: Checks,
        has_waited: bool,
    ) {
        let Some(all) = self.fetch_first(id, correlation, all, has_waited) else { return };
        for (one, found) in all {
            if self.connections.get(id).is_none_or(|connection| connection.closing.is_some()) {
                return;
            }
            self.subscribe(now, id, correlation, one, found);
        }
    }

    /// Whether an event of a client is to be taken now. If not, it is refused, or there is a question about it.
    pub(super) fn may_publish(
        &mut self,
        id: ConnectionId,
        header: &Header,
        payload: &Bytes,
        address: Address,
    ) -> Result<bool, Rejection> {
        match self.known(id, Action::Publish, &address) {
            Known::Granted => Ok(true),
            Known::Denied => Err(foreign()),
            Known::Unknown => {
                let wanted = vec![Permission::new(Action::Publish, address.clone())];
                let asked = Asked::Publish { header: header.clone(), payload: payload.clone(), address };
                self.ask_leave(id, asked, wanted);
                Ok(false)
            }
        }
    }

    /// The answer to [`Authorize`](Question::Authorize): one result for each permission, in their order; one that is missing
    /// is denied. Where nobody was asked about, nothing.
    ///
    /// What a client may publish to is remembered, for as many addresses as it may have subscriptions, until it proves anew
    /// who it is or the permission is [withdrawn](Self::withdraw).
    pub fn authorized(&mut self, now: Duration, id: ConnectionId, results: Vec<Result<(), Rejection>>) {
        let Some(connection) = self.connections.get(id) else { return };
        let Some(asked) = connection.asked.take() else { return };
        let outdated = std::mem::take(&mut connection.outdated);
        let mut results = results.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let mut next = move || results.next().flatten().unwrap_or_else(|| Err(unanswered()));
        match *asked {
            Asked::Identity { .. } | Asked::Fetch { .. } => connection.asked = Some(asked),
            Asked::Subscribe { correlation, all } if outdated => {
                self.subscribe_all(now, id, &correlation, all.into_iter().map(|(one, _)| one).collect());
            }
            Asked::Publish { header, payload, .. } if outdated => self.event(now, id, &header, payload),
            Asked::Subscribe { correlation, mut all } => {
                for (_, found) in all.iter_mut().filter(|(_, found)| found.is_ok()) {
                    *found = next();
                }
                self.subscribe_checked(now, id, &correlation, all, false);
            }
            Asked::Publish { header, payload, address } => match next() {
                Ok(()) => {
                    if connection.granted.len() >= self.config.max_topics {
                        connection.granted.clear();
                    }
                    connection.granted.insert(address);
                    self.publish_allowed(now, id, &header, payload);
                }
                Err(rejection) => self.refuse_event(id, &header, &rejection),
            },
        }
    }

    /// Takes a permission back: the subscription of this address, if there is one, ends with an unasked `__unsubscribed`, and
    /// leave to publish to it is asked for anew; so is what an answer is awaited for. Whether there was a subscription.
    ///
    /// One of the whole type has its own address: it is not ended by that of one id.
    pub fn withdraw(&mut self, id: ConnectionId, address: &Address, rejection: &Rejection) -> bool {
        let Some(connection) = self.connections.get(id).filter(|it| it.closing.is_none()) else {
            return false;
        };
        connection.granted.remove(address);
        connection.outdated = connection.asked.is_some();
        let Some(slot) = connection.subscriptions.find(address) else { return false };
        let topic = connection.subscriptions.get(slot).asked.to_string();
        self.end_subscription(id, slot, address);
        let (code, reason) = (Some(Code(rejection.code().clone())), Some(rejection.message().to_owned()));
        let reply = Reply::Unsubscribed(Unsubscribed { topic, code, reason });
        self.answer_in_order(id, "", &reply, Then::Release(slot));
        true
    }

    /// A message of a client that has a question open: its caller has not kept to the rule, and what it says would overtake.
    pub(super) fn too_early(&mut self, id: ConnectionId) {
        self.disconnect(id, CloseCode::ServerError);
    }
}

fn foreign() -> Rejection {
    Rejection::new(ErrorCode::Denied, "its ids are identities, and this is another's")
}

fn unanswered() -> Rejection {
    Rejection::new(ErrorCode::Denied, "it was not said to be allowed")
}
