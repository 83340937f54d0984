//! `pubsub publish`: one event.

use std::io::Read;

use clap::Args;
use pubsub_transports::{Body, EventId, Frame, Header, Patience};

use crate::Failure;
use crate::follow;
use crate::url::Target;

/// Publish one event, and wait until the other side has it
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// The type
    topic: String,
    /// The id; may be empty
    id: String,
    /// The payload, in JSON; `-` reads it from stdin
    #[arg(value_name = "JSON")]
    payload: String,
    /// What the event is recognised by when it is published again: a UUID. By default a new one
    #[arg(long)]
    event_id: Option<EventId>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut payload = arguments.payload;
    if payload == "-" {
        payload.clear();
        std::io::stdin().read_to_string(&mut payload).map_err(Failure::failed)?;
    }
    // It is looked at, and sent as it is: numbers of any size, members in their order.
    serde_json::from_str::<serde::de::IgnoredAny>(&payload)
        .map_err(|error| Failure::usage(format_args!("the payload is no JSON: {error}")))?;
    let header = Header::new(&arguments.topic, &arguments.id)
        .with_event_id(arguments.event_id.unwrap_or_else(EventId::now_v7));
    header.address().map_err(Failure::usage)?;

    let (inlet, _incoming) = follow::channel();
    let link = arguments.target.connect(inlet).await?;
    let frame = Frame { header, body: Body::Bytes(payload.into()) };
    let sent = link.publish(frame, Patience::Wait).await;
    link.close().await;
    sent.map_err(Failure::unsent)
}
