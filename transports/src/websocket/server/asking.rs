//! What a connection's task does while its hub cannot go on without an answer: it asks, and keeps what it has read. It reads
//! no more, so that its client is held up by TCP. It also keeps what it has read beyond what it may do in a row.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::guard::{Answer, Guard};
use super::shared::Shared;
use crate::websocket::ConnectionId;
use crate::websocket::caught::Calling;
use crate::websocket::socket::Received;

#[derive(Default)]
pub(super) struct Asking {
    /// The protocol waits.
    is_open: bool,
    answering: Option<Calling<Answer>>,
    /// What came in the same reading after the message that was asked about, or after its turn.
    held: VecDeque<Received>,
}

impl Asking {
    /// With a question at the beginning, or none.
    pub(super) fn new(is_open: bool) -> Self {
        Self { is_open, ..Self::default() }
    }

    /// The protocol waits for an answer, and these after it.
    pub(super) fn ask_before(&mut self, rest: impl Iterator<Item = Received>) {
        self.is_open = true;
        self.hold(rest);
    }

    /// These wait for their turn.
    pub(super) fn hold(&mut self, rest: impl Iterator<Item = Received>) {
        self.held.extend(rest);
    }

    /// Ready when there is no question.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        shared: &Arc<Shared>,
        key: u64,
        id: ConnectionId,
    ) -> Poll<()> {
        while self.is_open {
            if self.answering.is_none() {
                let question = shared.lock().take_question(key, id);
                self.answering = question.map(|question| Guard::answer(shared, question));
            }
            let Some(answering) = &mut self.answering else {
                // The connection was ended meanwhile.
                self.is_open = false;
                break;
            };
            let Poll::Ready(answer) = answering.as_mut().poll(cx) else { return Poll::Pending };
            self.answering = None;
            self.is_open = shared.act(|core, now| core.answer(now, id, answer));
        }
        Poll::Ready(())
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn take_held(&mut self) -> VecDeque<Received> {
        std::mem::take(&mut self.held)
    }
}
