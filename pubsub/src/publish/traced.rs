//! Publishing within a trace that is known.

use super::Publish;
use crate::TopicId;
use crate::trace::TraceContext;

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'_, P, I> {
    /// Publishes the event below this span of a trace, as that of an [event](crate::EventData::trace_context) which it answers.
    ///
    /// It is not needed in a [handler](crate::PubSub::on), nor where a [`Propagator`](crate::trace::Propagator) knows the span
    /// that is entered. In one process it makes no span, and is what subscribers read.
    ///
    /// ```
    /// use pubsub::trace::TraceContext;
    /// # use pubsub::prelude::*;
    /// # #[derive(EventMap)] enum App { Order(u32), Bill(u32) }
    /// # let bus = PubSub::<App>::default();
    /// # let mut orders = bus.subscribe(App::ORDER).now()?;
    /// # let mut bills = bus.subscribe(App::BILL).now()?;
    /// # let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let context = TraceContext::parse(header, None); // of the request that this answers
    /// bus.publish(App::ORDER, "17", 250).trace_context(context).now()?;
    ///
    /// let order = orders.try_next()?;
    /// bus.publish(App::BILL, "17", order.payload).trace_context(order.trace_context().cloned()).now()?;
    /// # assert_eq!(bills.try_next()?.trace_context().map(TraceContext::traceparent).as_deref(), Some(header));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If it was polled before.
    pub fn trace_context(mut self, context: impl Into<Option<TraceContext>>) -> Self {
        assert!(self.offer.is_open(), "`Publish::trace_context` called after it was polled");
        self.offer.set_carried(context.into().into());
        self
    }
}
