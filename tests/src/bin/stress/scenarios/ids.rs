//! Event ids: what makes two events one, and what does not.

use fastrand::Rng;
use pubsub::{EventId, Hub};
use pubsub_tests::hub::address;
use pubsub_tests::raw::Raw;
use serde_json::{Value, json};

use crate::check::{OrMismatch as _, Outcome, holds, in_time, same};
use crate::events::{App, publish};
use crate::reading::next;
use crate::world::{Work, spoke};

/// The same without an id, again and again, is as many events; with one it is one.
pub(crate) async fn event_without_id_never_deduplicated(mut work: Work) -> Outcome {
    let (rounds, topic) = (work.of(30), App::EVENT_WITHOUT_ID_NEVER_DEDUPLICATED);
    let (mut sent, mut came) = (0, 0);
    for (hub, other) in [(0, 0), (1, 2), (2, 1)] {
        let hubs = work.world.hubs();
        let reading = spoke(hubs[other]).await;
        let mut reader = reading.subscribe(topic).await.or_mismatch("it is subscribed")?;
        let mut raw = Raw::connect(address(hubs[hub])).await?;
        for number in 0..rounds {
            let times = work.random.u64(2..6);
            let mut event = json!({"type": topic.name(), "id": "a", "payload": number});
            for _ in 0..times {
                raw.say(&event.to_string()).await?;
            }
            event["eventId"] = json!(random_id(&mut work.random).to_string());
            for _ in 0..times {
                raw.say(&event.to_string()).await?;
            }
            let mut offsets = Vec::new();
            for _ in 0..times {
                let text = raw.text().await?;
                let answer: Value = serde_json::from_str(&text).or_mismatch("JSON")?;
                holds(answer["type"] == "__published", "__published", || text)?;
                offsets.push(answer["payload"]["offset"].as_u64());
            }
            holds(offsets.iter().all(|it| it.is_some() && *it == offsets[0]), "one offset", || {
                format!("{offsets:?}")
            })?;
            for _ in 0..=times {
                same("the next event", next(&mut reader).await?.payload, number)?;
            }
            sent += 2 * times;
            came += times + 1;
        }
        publish(&reading, topic, "a", rounds..rounds + 1).await?;
        same("the event after all of them", next(&mut reader).await?.payload, rounds)?;
    }
    Ok(format!("{sent} sent, {came} came"))
}

fn random_id(random: &mut Rng) -> EventId {
    EventId::from_u128(random.u128(..))
}

/// Ids of parts that are the same text, cut at other places, are those of different events.
pub(crate) async fn derived_ids_keep_part_boundaries(mut work: Work) -> Outcome {
    let (rounds, topic) = (work.of(10), App::DERIVED_IDS_KEEP_PART_BOUNDARIES);
    let mut different = 0;
    for (place, (hub, other)) in [(0, 0), (1, 2)].into_iter().enumerate() {
        let [hub, other]: [&Hub; 2] = [work.world.hubs()[hub], work.world.hubs()[other]];
        let (here, there) = (spoke(hub).await, spoke(other).await);
        let mut reader = there.subscribe(topic).await.or_mismatch("it is subscribed")?;
        for round in 0..rounds {
            // No other run has had it.
            let text = format!("{place}:{round}:{}:{}", work.random.u64(..), random_text(&mut work.random));
            let ids: Vec<EventId> = cuts(&text).map(|parts| EventId::derive("stress", parts)).collect();
            for (number, id) in (0..).zip(&ids) {
                for _ in 0..2 {
                    let publishing = here.publish(topic, "a", number).event_id(*id);
                    in_time("answer", publishing).await?.or_mismatch("it is accepted")?;
                }
            }
            for (number, id) in (0..).zip(&ids) {
                let event = next(&mut reader).await?;
                same("the next event", (event.payload, event.event_id()), (number, Some(*id)))?;
            }
            different += ids.len();
        }
        holds(reader.is_empty(), "each once", || format!("{} more", reader.len()))?;
    }
    for (one, other) in
        [(["user", "1:2"], ["user:1", "2"]), (["", "ab"], ["a", "b"]), (["ab", ""], ["", "ab"])]
    {
        let ids = (EventId::derive("stress", one), EventId::derive("stress", other));
        holds(ids.0 != ids.1, "two ids", || format!("{} for {one:?} and for {other:?}", ids.0))?;
    }
    Ok(format!("{different} ids, each published twice"))
}

fn random_text(random: &mut Rng) -> String {
    let some = [":", "", " ", "a", "ä", "\u{0}", "/", ","];
    (0..random.usize(1..6)).map(|_| some[random.usize(..some.len())]).collect()
}

/// The text whole, and in two parts by every cut.
fn cuts(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let places = (0..=text.len()).filter(|place| text.is_char_boundary(*place));
    let in_two = places.map(|place| vec![&text[..place], &text[place..]]);
    std::iter::once(vec![text]).chain(in_two)
}
