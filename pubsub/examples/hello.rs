//! A typed bus in twenty lines: `cargo run --example hello`.
use pubsub::prelude::*;

#[derive(EventMap)]
enum Home {
    Doorbell,         // topic Home::DOORBELL, payload ()
    Temperature(f64), // topic Home::TEMPERATURE, payload f64
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = PubSub::<Home>::default();
    let mut kitchen = bus.subscribe(Home::TEMPERATURE.id("kitchen")).await?;
    bus.publish(Home::DOORBELL, "front", ()).await?;
    bus.publish(Home::TEMPERATURE, "kitchen", 21.5).await?;
    drop(bus); // the stream ends after the last event
    while let Some(event) = kitchen.next().await {
        println!("{}: {} degrees", event.id, event.payload); // kitchen: 21.5 degrees
    }
    Ok(())
}
