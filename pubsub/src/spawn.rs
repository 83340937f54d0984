//! Handlers as tasks of tokio.

use std::fmt;

use crate::{Handler, SubscribeError};

impl<F: Future<Output = Result<(), SubscribeError>> + Send + 'static> Handler<F> {
    /// Runs it as a task of tokio, until the bus is closed or the guard dropped. Needs the feature `tokio`.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Note(String) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let bus = PubSub::<App>::default();
    /// let notes = bus.on(App::NOTE, async |event| println!("{}", event.payload)).spawn();
    /// bus.publish(App::NOTE, "desk", "tidy".to_owned()).await?;
    /// drop(bus);
    /// notes.finished().await?; // the last event was handled
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(self) -> SpawnedHandler {
        let Self { topics, run } = self;
        SpawnedHandler { topics, task: tokio::spawn(run) }
    }
}

/// A handler that runs as a task of tokio: what `Handler::spawn` gives. Dropping it ends the handler, at the next point
/// where it waits.
#[derive(Debug)]
#[must_use = "the handler ends when this is dropped"]
pub struct SpawnedHandler {
    topics: Vec<String>,
    task: tokio::task::JoinHandle<Result<(), SubscribeError>>,
}

impl SpawnedHandler {
    /// What it follows; see [`Handler::topics`].
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Ends it. The same as dropping it, for code that wants to say so.
    pub fn unsubscribe(self) {}

    /// Waits until the bus is closed and the last event handled.
    ///
    /// # Errors
    /// If nothing could be subscribed, or if the runtime was shut down before the last event was handled.
    ///
    /// # Cancel safety
    /// Dropping the future ends the handler.
    pub async fn finished(mut self) -> Result<(), FinishedError> {
        match (&mut self.task).await {
            Ok(result) => result.map_err(FinishedError::NotSubscribed),
            Err(error) => match error.try_into_panic() {
                // None of the handler's own: those are caught and reported.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(FinishedError::Cancelled),
            },
        }
    }
}

/// Why a spawned handler did not handle all events of its bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishedError {
    /// Nothing could be subscribed.
    NotSubscribed(SubscribeError),
    /// The runtime was shut down.
    Cancelled,
}

impl fmt::Display for FinishedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSubscribed(_) => "the handler could not subscribe",
            Self::Cancelled => "the runtime was shut down before the last event was handled",
        })
    }
}

impl std::error::Error for FinishedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotSubscribed(error) => Some(error),
            Self::Cancelled => None,
        }
    }
}

impl Drop for SpawnedHandler {
    fn drop(&mut self) {
        self.task.abort();
    }
}
