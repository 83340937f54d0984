//! Counters, gauges and histograms by the facade of the crate `metrics`.
//!
//! What goes over a wire is recorded as it happens. What a bus counts anyway, in [`PubSub::stats`](crate::PubSub::stats), is
//! recorded when a [`BusSampler`] is shown it, and so for a hub by a `HubSampler`: within a process a publish costs nothing
//! more. Install your recorder before the first bus is made: what was looked up before stays silent.
//!
//! [`METRICS`] lists them all, and [`describe`] tells the recorder. Labels are names of topics of your map, of transports and
//! of kinds of errors, so there are few of each; never payloads, ids, names of who is there, or what others wrote.
//!
//! ```
//! use pubsub::metrics::BusSampler;
//! use pubsub::prelude::*;
//! # #[derive(EventMap)] enum App { Note(String) }
//! # let bus = PubSub::<App>::default();
//! pubsub::metrics::describe();
//! let mut sampler = BusSampler::new();
//! // Where your program has its timer, or just before it is scraped:
//! sampler.record(&bus.stats());
//! ```

mod meter;
mod sampler;

use metrics::Unit;

pub(crate) use self::meter::{Meter, Sent, error, handled, now};
pub use self::sampler::BusSampler;
#[cfg(feature = "websocket")]
pub use self::sampler::HubSampler;

/// One metric.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind it is: `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident in $unit:ident by $labels:expr, $help:literal;)*) => {
        mod name {
            $(#[allow(dead_code, reason = "those of a hub, without one")]
            pub(super) const $constant: &str = $name;)*
        }

        /// All of them.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: stringify!($kind),
            unit: Unit::$unit,
            labels: &$labels,
            help: $help,
        },)*];
    };
}

metrics! {
    SENT = "pubsub_sent_events_total", counter in Count by ["topic", "transport"],
        "Publishes that the other side of a wire accepted.";
    SENT_BYTES = "pubsub_sent_bytes_total", counter in Bytes by ["topic", "transport"],
        "The bytes of their payloads, where they are encoded.";
    SEND_ERRORS = "pubsub_send_errors_total", counter in Count by ["topic", "transport", "error"],
        "Publishes over a wire that failed.";
    SEND_SECONDS = "pubsub_send_seconds", histogram in Seconds by ["topic", "transport"],
        "From a publish over a wire to its answer.";
    IN_FLIGHT = "pubsub_in_flight_events", gauge in Count by ["transport"],
        "Publishes over a wire that are awaited and not answered.";
    RECEIVED = "pubsub_received_events_total", counter in Count by ["topic", "transport"],
        "Events that came over a wire for somebody who follows their topic.";
    RECEIVED_BYTES = "pubsub_received_bytes_total", counter in Bytes by ["topic", "transport"],
        "The bytes of their payloads, where they are encoded.";
    GAPS = "pubsub_gaps_total", counter in Count by ["transport", "reason"],
        "Times when a wire lost events.";
    MISSED = "pubsub_missed_events_total", counter in Count by ["transport", "reason"],
        "Events lost by them, as far as they were counted.";
    CONNECTED = "pubsub_connected", gauge in Count by ["transport"],
        "Buses that are connected to the other side.";
    RECONNECTS = "pubsub_reconnects_total", counter in Count by ["transport"],
        "Connections that were lost and came back.";
    ERRORS = "pubsub_errors_total", counter in Count by ["error"],
        "What `PubSub::errors` tells.";
    HANDLE_SECONDS = "pubsub_handle_seconds", histogram in Seconds by ["topic"],
        "How long handlers take for an event, waits included.";
    PUBLISHED = "pubsub_published_events_total", counter in Count by ["topic"],
        "Events that were accepted while somebody in the process followed their address; sampled.";
    DROPPED = "pubsub_dropped_events_total", counter in Count by ["topic"],
        "Events that a bound cost a subscription; sampled.";
    SUBSCRIPTIONS = "pubsub_subscriptions", gauge in Count by ["topic"],
        "Subscriptions that follow the topic or a part of it; sampled.";
    QUEUED = "pubsub_queued_events", gauge in Count by ["topic"],
        "Events that wait to be read; sampled.";
    WAITING = "pubsub_waiting_publishes", gauge in Count by ["topic"],
        "Publishes that wait for room; sampled.";
    HUB_CONNECTIONS = "pubsub_hub_connections", gauge in Count by [],
        "Connections of a hub; sampled.";
    HUB_SUBSCRIPTIONS = "pubsub_hub_subscriptions", gauge in Count by [],
        "Subscriptions that they have; sampled.";
    HUB_GAPS = "pubsub_hub_gaps_total", counter in Count by [],
        "Times when a connection was told that it lost events; sampled.";
    HUB_MISSED = "pubsub_hub_missed_events_total", counter in Count by [],
        "Events that were dropped for connections that did not read them, where they were counted; sampled.";
    HUB_SLOW = "pubsub_hub_slow_consumers_total", counter in Count by [],
        "Connections that were closed because they did not read; sampled.";
    HUB_UNDECODABLE = "pubsub_hub_undecodable_events_total", counter in Count by [],
        "Events that came from what a hub is behind and that nobody could read, or no client be given; sampled.";
    HUB_UPSTREAM = "pubsub_hub_upstream_connected", gauge in Count by [],
        "Hubs that are connected to what they are behind; sampled.";
    HUB_LONGEST_QUEUE = "pubsub_hub_longest_queue_bytes", gauge in Bytes by [],
        "The bytes that wait for the connection with the longest queue; sampled.";
}

/// Tells the recorder what each metric is, and in which unit. Once, after it was installed.
pub fn describe() {
    for Metric { name, kind, unit, help, .. } in METRICS {
        match *kind {
            "counter" => metrics::describe_counter!(*name, *unit, *help),
            "gauge" => metrics::describe_gauge!(*name, *unit, *help),
            _ => metrics::describe_histogram!(*name, *unit, *help),
        }
    }
}
