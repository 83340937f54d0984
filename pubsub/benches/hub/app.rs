//! The event of all workloads, and the message that it is: 128 bytes of JSON.

use pubsub::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, EventMap)]
#[event_map(rename_all = "dot.case")]
pub(crate) enum App {
    SensorReading(Reading),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) celsius: f64,
    pub(crate) humidity: f64,
    pub(crate) place: String,
    pub(crate) sequence: u64,
}

pub(crate) const ID: &str = "kitchen";

pub(crate) fn reading() -> Reading {
    Reading { celsius: 21.25, humidity: 0.4375, place: "third floor".to_owned(), sequence: 123_456 }
}

/// What a program without this library sends: the envelope, without a position.
pub(crate) fn message() -> String {
    let payload = serde_json::to_string(&reading()).expect("it is serialisable");
    format!(r#"{{"type":"sensor.reading","id":"{ID}","payload":{payload}}}"#)
}

/// With a token as long as signed ones are.
pub(crate) fn connect_as(name: &str) -> String {
    let signature = "x".repeat(300);
    format!(r#"{{"type":"__connect","id":"0","payload":{{"protocol":1,"token":"{name}.{signature}"}}}}"#)
}

pub(crate) fn subscribe_own() -> String {
    r#"{"type":"__subscribe","id":"2","payload":{"topic":"sensor.alarm:@self"}}"#.to_owned()
}

pub(crate) fn subscribe() -> String {
    r#"{"type":"__subscribe","id":"1","payload":{"topic":"sensor.reading"}}"#.to_owned()
}
