//! The shortest complete program: `cargo run --example hello`.
use pubsub::prelude::*;
#[derive(EventMap)]
enum Home {
    DoorOpened(String), // a topic, and what its events carry
    Temperature(f64),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = PubSub::<Home>::default();
    let mut temperatures = bus.subscribe(Home::TEMPERATURE).await?;
    bus.publish(Home::TEMPERATURE, "kitchen", 21.5).await?;
    bus.publish(Home::DOOR_OPENED, "garden", "Ada".to_owned()).await?;
    drop(bus); // or `bus.close()`: the stream ends after the last event
    while let Some(event) = temperatures.next().await {
        println!("{}: {:.1} °C", event.id, event.payload);
    }
    Ok(())
}
