//! How far the end of a worker's bus is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;

use crate::{Closing, ConnectError, ConnectionState, Inlet};

/// Nothing comes any more, nothing goes any more: when both are said, the bus is closed.
pub(super) struct Ends(Mutex<State>);

struct State {
    inlet: Option<Arc<dyn Inlet>>,
    /// Nothing goes any more, and so much was given up.
    output: Option<u64>,
    is_closing: bool,
    closings: Vec<oneshot::Sender<u64>>,
}

impl Ends {
    pub(super) fn new(inlet: Arc<dyn Inlet>) -> Self {
        let (inlet, closings) = (Some(inlet), Vec::new());
        Self(Mutex::new(State { inlet, output: None, is_closing: false, closings }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to tell what comes, until nothing does.
    pub(super) fn inlet(&self) -> Option<Arc<dyn Inlet>> {
        self.lock().inlet.clone()
    }

    /// Nothing comes any more.
    pub(super) fn intake_ended(&self, error: Option<ConnectError>) {
        let inlet = self.lock().inlet.take();
        if let Some(inlet) = inlet {
            inlet.state(ConnectionState::Closed { error });
            inlet.flush();
        }
        self.answer_closings();
    }

    /// Nothing goes any more, and so much was given up.
    pub(super) fn output_ended(&self, given_up: u64) {
        self.lock().output.get_or_insert(given_up);
        self.answer_closings();
    }

    fn answer_closings(&self) {
        let mut state = self.lock();
        let (None, Some(given_up)) = (&state.inlet, state.output) else { return };
        let closings = std::mem::take(&mut state.closings);
        drop(state);
        for closing in closings {
            let _gone = closing.send(given_up);
        }
    }

    /// The end of it, and whether this is the first that asks for it while there is something to end.
    pub(super) fn close(&self) -> (Closing, bool) {
        let mut state = self.lock();
        let is_first = !std::mem::replace(&mut state.is_closing, true);
        if let (None, Some(given_up)) = (&state.inlet, state.output) {
            return (Closing::Done(if is_first { given_up } else { 0 }), false);
        }
        let (answer, closing) = oneshot::channel();
        state.closings.push(answer);
        (Closing::Pending(closing), is_first)
    }
}
