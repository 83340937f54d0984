//! Handlers: a function for each event, in order, which may fail.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::engine::Make;
use crate::errors::{BusError, ErrorSource};
use crate::event::Stored;
use crate::{End, SubscribeError, Subscription};
use crate::{metrics, trace};

pin_project! {
    /// A handler at work: made by [`PubSub::on`](crate::PubSub::on).
    ///
    /// It is a future, and handles events while it is driven: awaited, joined with others, or spawned on any executor.
    /// It has been subscribed since it was made, so no event is missed before it is first driven. Events are handled one
    /// after the other, in their order; the next is taken when the handler has finished.
    ///
    /// A handler that fails or panics is reported on [`PubSub::errors`](crate::PubSub::errors), with topic and id, and the
    /// next event is handled. After a panic the function is called again, so state that it shares with itself should
    /// survive being left half-way.
    ///
    /// Ready with `Ok(())` once the bus is closed and its last event handled. If nothing could be subscribed it is ready
    /// at once with the error, which is reported on `errors` too; over a network also when the other side refuses later. Dropping it, or [`unsubscribe`](Self::unsubscribe),
    /// ends it. A handler that owns a handle on its bus keeps the bus open: end such a one by [closing](crate::PubSub::close)
    /// the bus.
    ///
    /// A handler that publishes to a topic it handles itself can wait for itself: give it an
    /// [overflow policy](crate::Subscribe::on) other than backpressure, or publish from another task.
    ///
    /// It is `Send` if the function, what it owns and the future it returns are. A function that borrows from its
    /// surroundings can be driven in place, but not be sent.
    ///
    /// # Cancel safety
    /// Dropping a handler drops the event it is handling, and what it had not handled yet.
    #[must_use = "a handler does nothing unless it is awaited, joined or spawned, and ends when it is dropped"]
    pub struct Handler<F> {
        pub(crate) topics: Vec<String>,
        #[pin]
        pub(crate) run: F,
    }
}

impl<F> Handler<F> {
    pub(crate) fn new(topics: Vec<String>, run: F) -> Self {
        Self { topics, run }
    }

    /// What it follows, as addresses: `type` for a whole topic, `type:id` for one id.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Ends it. The same as dropping it, for code that wants to say so.
    pub fn unsubscribe(self) {}

    /// The same handler with a type that can be named, for a struct or a list; costs an allocation.
    pub fn boxed(self) -> BoxedHandler
    where
        F: Future<Output = Result<(), SubscribeError>> + Send + 'static,
    {
        Handler { topics: self.topics, run: Box::pin(self.run) }
    }
}

/// A [`Handler`] whose type can be named: what [`Handler::boxed`] gives.
pub type BoxedHandler = Handler<Pin<Box<dyn Future<Output = Result<(), SubscribeError>> + Send>>>;

impl<F: Future<Output = Result<(), SubscribeError>>> Future for Handler<F> {
    type Output = Result<(), SubscribeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx)
    }
}

impl<F> fmt::Debug for Handler<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("topics", &self.topics).finish_non_exhaustive()
    }
}

/// What a handler returns: `()`, or a `Result<(), E>` where `E` converts to `Box<dyn Error + Send + Sync>`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "expected `()` or `Result<(), E>`",
    note = "a handler returns nothing, or a `Result<(), E>` whose error converts to `Box<dyn Error + Send + Sync>`"
)]
pub trait HandlerResult {
    #[doc(hidden)]
    fn __into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl HandlerResult for () {
    fn __into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> HandlerResult for Result<(), E> {
    fn __into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// Handles event after event until the subscription ends.
pub(crate) async fn run<E, R: HandlerResult>(
    mut subscription: Subscription<(Stored, u64)>,
    make: Make<E>,
    errors: ErrorSource,
    mut handle: impl AsyncFnMut(E) -> R,
) -> Result<(), SubscribeError> {
    while let Some((stored, missed)) = subscription.next().await {
        let (topic, id) = (stored.name(), stored.id_text().into());
        let carried = stored.carried();
        // The event is made in here too: for an enum that clones the payload, which is code of users.
        let handled = async { handle(make.one(stored, missed)).await.__into_result() };
        let told = async {
            match CatchUnwind::new(handled).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    errors.report(BusError::HandlerFailed { topic, id, error: Arc::from(error) });
                }
                Err(panic) => {
                    errors.report(BusError::HandlerPanicked { topic, id, message: message(&*panic) });
                }
            }
        };
        let began = metrics::now();
        trace::process(topic, carried, told).await;
        metrics::handled(topic, began);
    }
    match subscription.rejection() {
        Some(rejection) if subscription.end() == Some(End::Rejected) => {
            Err(SubscribeError::Rejected(rejection))
        }
        _ => Ok(()),
    }
}

/// What `panic!` was given.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the panic carries no text")
        .to_owned()
}

pin_project! {
    /// Turns a panic of a future into an error.
    struct CatchUnwind<F> {
        #[pin]
        future: F,
    }
}

impl<F> CatchUnwind<F> {
    fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // Whether the handler is fit to be called again after a panic is stated as the handler's own affair.
        let poll = catch_unwind(AssertUnwindSafe(|| future.poll(cx)));
        Poll::Ready(match poll {
            Ok(poll) => Ok(ready!(poll)),
            Err(panic) => Err(panic),
        })
    }
}
