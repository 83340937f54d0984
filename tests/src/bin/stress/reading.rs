//! A subscription that is read as an auditor wants it.

use pubsub::prelude::*;
use pubsub::{Delivery, Gap, GapReason};

use crate::auditor::{Auditor, Published};
use crate::check::{Mismatch, OrMismatch as _, holds, in_time};

pub(crate) type Reader = Subscription<Event<u64>>;

/// Reads until the last event of each publisher has come: all of them once and in order, or gaps that say which not.
pub(crate) async fn account(reader: &mut Reader, published: &Published) -> Result<Auditor, Mismatch> {
    let mut auditor = Auditor::default();
    while !auditor.has_all(published) {
        tell(&mut auditor, delivery(reader).await?)?;
    }
    auditor.finish(published)
}

/// The same, where nothing may be missing. How many there were.
pub(crate) async fn account_without_gaps(
    reader: &mut Reader,
    published: &Published,
) -> Result<u64, Mismatch> {
    let mut auditor = Auditor::default();
    while !auditor.has_all(published) {
        let one = delivery(reader).await?;
        let is_whole = matches!(one, Delivery::Event(_) | Delivery::Reconnected);
        holds(is_whole, "no gap", || format!("{one:?} after {} events", auditor.events))?;
        tell(&mut auditor, one)?;
    }
    holds(reader.is_empty(), "nothing after the last event", || format!("{} more", reader.len()))?;
    Ok(auditor.finish(published)?.events)
}

/// Says it to an auditor.
pub(crate) fn tell(auditor: &mut Auditor, delivery: Delivery<Event<u64>>) -> Result<(), Mismatch> {
    match delivery {
        Delivery::Event(event) => auditor.event(&event.id, event.payload),
        Delivery::Lagged { missed } => {
            auditor.gap(Some(missed));
            Ok(())
        }
        Delivery::Gap(gap) => {
            auditor.gap(gap.missed);
            Ok(())
        }
        Delivery::Reconnected => Ok(()),
        other => Err(Mismatch::new("an event or a gap", format!("{other:?}"))),
    }
}

pub(crate) async fn delivery(reader: &mut Reader) -> Result<Delivery<Event<u64>>, Mismatch> {
    in_time("a delivery", reader.deliveries().next()).await?.or_mismatch("a subscription that goes on")
}

/// The gaps before the next event, and that.
pub(crate) async fn story(reader: &mut Reader) -> Result<(Vec<Gap>, u64), Mismatch> {
    let mut gaps = Vec::new();
    loop {
        match delivery(reader).await? {
            Delivery::Event(event) => return Ok((gaps, event.payload)),
            Delivery::Gap(gap) => gaps.push(gap),
            Delivery::Lagged { missed } => gaps.push(Gap::new(GapReason::Overflow, Some(missed))),
            Delivery::Reconnected => {}
            other => return Err(Mismatch::new("an event or a gap", format!("{other:?}"))),
        }
    }
}

/// The next event.
pub(crate) async fn next(reader: &mut Reader) -> Result<Event<u64>, Mismatch> {
    in_time("an event", reader.next()).await?.or_mismatch("a subscription that goes on")
}
