//! What is recorded as it happens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use pubsub_transports::{Body, ConnectionState, Gap, SendError};

use super::name;
use crate::{BusError, TopicInfo, kind};

/// The metrics of a bus over a transport.
pub(crate) struct Meter {
    names: &'static [TopicInfo],
    transport: &'static str,
    topics: Box<[OnceLock<Arc<Topic>>]>,
    connected: Gauge,
    is_connected: AtomicBool,
    in_flight: Gauge,
}

/// Those of a topic, looked up once.
struct Topic {
    sent: Counter,
    sent_bytes: Counter,
    send_seconds: Histogram,
    received: Counter,
    received_bytes: Counter,
}

impl Meter {
    pub(crate) fn new(names: &'static [TopicInfo], transport: &'static str) -> Self {
        let connected = gauge!(name::CONNECTED, "transport" => transport);
        connected.increment(1);
        Self {
            names,
            transport,
            topics: names.iter().map(|_| OnceLock::new()).collect(),
            connected,
            is_connected: AtomicBool::new(true),
            in_flight: gauge!(name::IN_FLIGHT, "transport" => transport),
        }
    }

    fn topic(&self, topic: usize) -> &Arc<Topic> {
        self.topics[topic].get_or_init(|| {
            let (topic, transport) = (self.names[topic].name, self.transport);
            Arc::new(Topic {
                sent: counter!(name::SENT, "topic" => topic, "transport" => transport),
                sent_bytes: counter!(name::SENT_BYTES, "topic" => topic, "transport" => transport),
                send_seconds: histogram!(name::SEND_SECONDS, "topic" => topic, "transport" => transport),
                received: counter!(name::RECEIVED, "topic" => topic, "transport" => transport),
                received_bytes: counter!(name::RECEIVED_BYTES, "topic" => topic, "transport" => transport),
            })
        })
    }

    /// A publish begins.
    pub(crate) fn send(&self, topic: usize) -> Sent {
        self.in_flight.increment(1);
        Sent {
            began: Instant::now(),
            bytes: 0,
            labels: (self.names[topic].name, self.transport),
            topic: Arc::clone(self.topic(topic)),
            in_flight: self.in_flight.clone(),
        }
    }

    /// An event came for somebody.
    pub(crate) fn received(&self, topic: usize, body: &Body) {
        let topic = self.topic(topic);
        topic.received.increment(1);
        if let Body::Bytes(bytes) = body {
            topic.received_bytes.increment(bytes.len() as u64);
        }
    }

    pub(crate) fn gap(&self, gap: Gap) {
        let (transport, reason) = (self.transport, kind::of_gap(gap.reason));
        counter!(name::GAPS, "transport" => transport, "reason" => reason).increment(1);
        let missed = gap.missed.unwrap_or_default();
        counter!(name::MISSED, "transport" => transport, "reason" => reason).increment(missed);
    }

    pub(crate) fn state(&self, state: &ConnectionState) {
        let is = matches!(state, ConnectionState::Connected);
        if self.is_connected.swap(is, Ordering::AcqRel) == is {
            return;
        }
        if is {
            self.connected.increment(1);
            counter!(name::RECONNECTS, "transport" => self.transport).increment(1);
        } else {
            self.connected.decrement(1);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if *self.is_connected.get_mut() {
            self.connected.decrement(1);
        }
    }
}

/// A publish over a wire, until it is answered or given up.
pub(crate) struct Sent {
    began: Instant,
    bytes: u64,
    labels: (&'static str, &'static str),
    topic: Arc<Topic>,
    in_flight: Gauge,
}

impl Sent {
    pub(crate) fn encoded(&mut self, bytes: usize) {
        self.bytes = bytes as u64;
    }

    pub(crate) fn answered(&self, answer: &Result<(), SendError>) {
        match answer {
            Ok(()) => {
                self.topic.sent.increment(1);
                self.topic.sent_bytes.increment(self.bytes);
                self.topic.send_seconds.record(self.began.elapsed());
            }
            Err(error) => self.failed(kind::of_sending(error)),
        }
    }

    pub(crate) fn not_encoded(&self) {
        self.failed("encode");
    }

    fn failed(&self, error: &'static str) {
        let (topic, transport) = self.labels;
        counter!(name::SEND_ERRORS, "topic" => topic, "transport" => transport, "error" => error)
            .increment(1);
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.in_flight.decrement(1);
    }
}

/// What is told of in [`PubSub::errors`](crate::PubSub::errors).
pub(crate) fn error(error: &BusError) {
    counter!(name::ERRORS, "error" => kind::of_error(error)).increment(1);
}

/// When a handler begins.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A handler is done with an event.
pub(crate) fn handled(topic: &'static str, began: Instant) {
    histogram!(name::HANDLE_SECONDS, "topic" => topic).record(began.elapsed());
}
