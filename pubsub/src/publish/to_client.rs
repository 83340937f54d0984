//! Publishing to one client of a hub.

use std::sync::Arc;

use pubsub_transports::websocket::HubConnection;
use pubsub_transports::{Body, ErrorCode, Frame, Rejection, SendError, Sending};

use super::Publish;
use crate::{Event, PublishError, TopicId};

impl<P: Send + Sync + 'static, I: TopicId + ?Sized + 'static> Publish<'_, P, I> {
    /// Publishes to this one client of a hub, and to nobody else, from a bus of that hub: its queue has it when this returns.
    ///
    /// The event is in no history: it has no position, and is lost if the connection is before it was written. A spoke hands
    /// it to those who follow its address.
    ///
    /// ```
    /// # use pubsub::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use pubsub::Hub;
    /// use pubsub::websocket::HubEvent;
    ///
    /// # #[derive(EventMap)] enum App { Greeting(String) }
    /// let hub = Hub::bind("127.0.0.1:0").await?;
    /// let bus = PubSub::<App>::new(hub.transport());
    /// let mut events = hub.events();
    /// # let _spoke = PubSub::<App>::new(pubsub::Spoke::connect(&format!("ws://{}", hub.local_addr().unwrap())).await?);
    /// if let Some(HubEvent::Connected(connection)) = events.next().await {
    ///     bus.publish(App::GREETING, "you", "welcome".to_owned()).to(&connection)?;
    /// }
    /// # hub.close().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Closed`](PublishError::Closed) if the connection is over, [`Full`](PublishError::Full) if too much waits for it,
    /// [`Encode`](PublishError::Encode) if the event cannot be encoded, and [`Rejected`](PublishError::Rejected) if it would be
    /// too large, or the bus is none over a hub.
    ///
    /// # Panics
    /// If it was polled before.
    pub fn to(self, connection: &HubConnection) -> Result<(), PublishError<P, I>> {
        let Self { handle, mut offer, .. } = self;
        assert!(offer.is_open(), "`Publish::to` called after it was polled");
        let elsewhere = || Rejection::new(ErrorCode::BadRequest, "this bus is none of a hub");
        let data = offer.make();
        let Some(driver) = &handle.driver else {
            return Err(PublishError::Rejected(Event::new(Arc::new(data), 0), elsewhere()));
        };
        let send = |frame: Frame| match frame.body {
            Body::Bytes(payload) => connection.send(&frame.header, payload),
            _ => Err(SendError::Rejected(elsewhere())),
        };
        driver.send_by(data, |frame| Sending::Done(send(frame)))?.answer().map_err(PublishError::of_link)
    }
}
