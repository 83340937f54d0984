//! A hub and its spokes over connections that fail, held against a plain reference: no event is lost in silence, none comes
//! twice, and each gap counts what is missing.

use arbitrary::{Result, Unstructured};
use pubsub_transports::Address;

use self::schedule::{IDS, Schedule, Step, run};
use self::world::TOPICS;

#[path = "../../../transports/tests/websocket/model.rs"]
#[allow(dead_code, reason = "the scenarios by name need more of it")]
mod model;
#[path = "../../../transports/tests/websocket/schedule.rs"]
mod schedule;
#[path = "../../../transports/tests/websocket/world.rs"]
#[allow(dead_code, reason = "the scenarios by name need more of it")]
mod world;

/// The input is a schedule: bounds, then what happens.
pub fn recovery(input: &[u8]) {
    if let Ok(schedule) = read(&mut Unstructured::new(input)) {
        run(&schedule);
    }
}

fn read(input: &mut Unstructured<'_>) -> Result<Schedule> {
    let peers = input.int_in_range(1..=3)?;
    let (history, replay) = (input.int_in_range(0..=11)?, input.int_in_range(0..=11)?);
    let queue = input.int_in_range(200..=1200)?;
    let lossy = input.ratio(1, 4)?;
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < 200 {
        steps.push(step(input, peers, lossy)?);
    }
    Ok(Schedule { peers, history, replay, queue, steps })
}

fn step(input: &mut Unstructured<'_>, peers: usize, lossy: bool) -> Result<Step> {
    let peer = input.int_in_range(0..=peers - 1)?;
    let (topic, id) = (*input.choose(&TOPICS)?, *input.choose(&IDS)?);
    Ok(match input.int_in_range(0..=15)? {
        0 | 1 => Step::Publish(topic, id),
        2 => Step::PublishFrom(peer, topic, id),
        3 => Step::Follow(peer, address(input, topic, id, lossy)?),
        4 => Step::Unfollow(peer, address(input, topic, id, lossy)?),
        5 => Step::Up(peer, input.int_in_range(1..=3)?),
        6 => Step::Pull(peer, input.int_in_range(1..=600)?),
        7 => Step::Down(peer, input.int_in_range(1..=5)?),
        8 => Step::Cut(peer, input.arbitrary()?),
        9 => Step::CutAtHub(peer),
        10 => Step::NoticeHalfOpen,
        11 => Step::Restart,
        12 => Step::Forget(topic),
        13 if lossy => Step::Lose(peer),
        13 => {
            let window = if input.arbitrary()? { Some(input.int_in_range(1..=3)?) } else { None };
            Step::Window(peer, topic, window)
        }
        14 => Step::Handle(peer, input.int_in_range(1..=3)?),
        _ => Step::Advance(input.int_in_range(1..=3000)?),
    })
}

/// Where messages are lost, a type is followed in one way only: what a narrower address has lost before a wider one
/// absorbs it does not show.
fn address(input: &mut Unstructured<'_>, topic: &str, id: &str, lossy: bool) -> Result<Address> {
    let whole = if lossy { topic == "a" } else { input.ratio(1, 3)? };
    let address = if whole { Address::whole(topic) } else { Address::new(topic, id) };
    Ok(address.expect("both are ones of an address"))
}
