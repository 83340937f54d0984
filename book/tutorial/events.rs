//! The tutorial's program after its first chapter.
use std::error::Error;

// ANCHOR: map
use pubsub::prelude::*;

/// What happens at the docks of a city's shared bikes.
#[derive(EventMap)]
enum City {
    /// Somebody took a bike from a dock.
    Taken(Bike),
    /// Somebody brought a bike back.
    Returned(Trip),
}

struct Bike {
    number: u32,
}

struct Trip {
    bike: u32,
    minutes: u32,
}
// ANCHOR_END: map

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // ANCHOR: bus
    let bus = PubSub::<City>::default();
    // ANCHOR_END: bus

    // ANCHOR: subscribe
    let mut taken = bus.subscribe(City::TAKEN).await?;
    let mut returned = bus.subscribe(City::RETURNED).await?;
    // ANCHOR_END: subscribe

    // ANCHOR: publish
    bus.publish(City::TAKEN, "harbour", Bike { number: 7 }).await?;
    bus.publish(City::RETURNED, "market", Trip { bike: 7, minutes: 12 }).await?;
    bus.publish(City::RETURNED, "harbour", Trip { bike: 9, minutes: 95 }).await?;
    // ANCHOR_END: publish

    // ANCHOR: read
    drop(bus);
    while let Some(event) = taken.next().await {
        println!("bike {} left {}", event.payload.number, event.id);
    }
    while let Some(event) = returned.next().await {
        let Trip { bike, minutes } = event.payload;
        println!("bike {bike} is at {} after {minutes} minutes", event.id);
    }
    // ANCHOR_END: read
    Ok(())
}
