//! A subscriber in the process of its publisher.

use pubsub::prelude::*;
use pubsub::{Delivery, Overflow};
use tokio::sync::broadcast;

use crate::Result;
use crate::node;
use crate::story::{Numbers, Story, Told};
use crate::{BOUND, UNREAD};

#[derive(Clone, Debug, EventMap)]
enum App {
    Number(u64),
}

pub(crate) async fn ours(overflow: Overflow) -> Story {
    let bus = PubSub::<App>::default();
    let mut subscription = bus.subscribe(App::NUMBER).bound(BOUND).overflow(overflow).now().expect("a bus");
    // With `.await` the publisher would wait for the subscriber.
    let refused = (0..UNREAD).filter(|&number| bus.publish(App::NUMBER, "", number).now().is_err()).count();
    let _ = bus.close().await;
    let mut numbers = Numbers::default();
    let mut deliveries = subscription.deliveries();
    while let Some(delivery) = deliveries.next().await {
        match delivery {
            Delivery::Event(event) => numbers.event(event.payload),
            Delivery::Lagged { missed } => numbers.gap(Some(missed), "`Lagged`, in its place"),
            _ => {}
        }
    }
    with_refusals(numbers.story(UNREAD, refused as u64), "`PublishError::Full` gives the event back")
}

fn with_refusals(story: Story, note: &str) -> Story {
    let note = if story.refused > 0 { note.to_owned() } else { story.note };
    Story { note, ..story }
}

pub(crate) async fn tokio_broadcast() -> Story {
    let (sender, mut receiver) = broadcast::channel(BOUND);
    let refused = (0..UNREAD).filter(|&number| sender.send(number).is_err()).count();
    drop(sender);
    let mut numbers = Numbers::default();
    loop {
        match receiver.recv().await {
            Ok(number) => numbers.event(number),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                numbers.gap(Some(missed), "`Lagged`, in its place");
            }
            Err(broadcast::error::RecvError::Closed) => break,
        }
    }
    numbers.story(UNREAD, refused as u64)
}

pub(crate) async fn async_broadcast(overflows: bool) -> Story {
    let (mut sender, mut receiver) = async_broadcast::broadcast(BOUND);
    sender.set_overflow(overflows);
    let refused = (0..UNREAD).filter(|&number| sender.try_broadcast(number).is_err()).count();
    drop(sender);
    let mut numbers = Numbers::default();
    loop {
        match receiver.recv_direct().await {
            Ok(number) => numbers.event(number),
            Err(async_broadcast::RecvError::Overflowed(missed)) => {
                numbers.gap(Some(missed), "`Overflowed`, in its place");
            }
            Err(async_broadcast::RecvError::Closed) => break,
        }
    }
    with_refusals(numbers.story(UNREAD, refused as u64), "`TrySendError::Full` gives the event back")
}

pub(crate) async fn yoga() -> Result<Story> {
    let output = node::run("in_process.mjs", &[UNREAD.to_string()]).await?;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| said[name].as_u64().ok_or("it says a number");
    let error = String::from_utf8_lossy(&output.stderr);
    let reason = error.lines().find(|line| line.contains("Error:")).unwrap_or_default();
    let (told, note) = match output.status.success() {
        true => (Told::Nothing, String::new()),
        false => (Told::Ended, format!("`{}`", reason.trim())),
    };
    let (published, delivered) = (number("published")?, number("delivered")?);
    Ok(Story { published, refused: 0, delivered, told, note })
}
