//! A subscriber of `tracing` that keeps all it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) level: Level,
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// The span that an event was in, by its name.
    pub(crate) within: Option<&'static str>,
    pub(crate) is_over: bool,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Trace, span, and the span above.
    pub(crate) fn ids(&self) -> [&str; 3] {
        ["trace_id", "span_id", "parent_span_id"].map(|name| self.field(name))
    }
}

#[derive(Clone, Default)]
pub(crate) struct Collector {
    spans: Arc<Mutex<Vec<(Id, Seen)>>>,
    events: Arc<Mutex<Vec<Seen>>>,
}

impl Collector {
    /// Collects what happens on this thread, where the whole runtime of a test runs, until the guard is dropped.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let collector = Self::default();
        let subscriber = Registry::default().with(collector.clone());
        (collector, tracing::subscriber::set_default(subscriber))
    }

    /// Those of ours.
    pub(crate) fn spans(&self) -> Vec<Seen> {
        let spans = self.spans.lock().unwrap();
        spans.iter().map(|(_, seen)| seen.clone()).filter(|seen| seen.target.starts_with("pubsub")).collect()
    }

    /// Those of all dependencies too, spans and events.
    pub(crate) fn everything(&self) -> Vec<Seen> {
        let spans = self.spans.lock().unwrap();
        let spans: Vec<Seen> = spans.iter().map(|(_, seen)| seen.clone()).collect();
        spans.into_iter().chain(self.events.lock().unwrap().iter().cloned()).collect()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        self.spans().into_iter().filter(|seen| seen.name == name).collect()
    }

    pub(crate) fn events(&self) -> Vec<Seen> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|seen| seen.target.starts_with("pubsub")).cloned().collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let seen = Seen {
            name: metadata.name().to_owned(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            fields: fields.0,
            within: None,
            is_over: false,
        };
        self.spans.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.change(id, |seen| seen.fields.extend(fields.0));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |seen| seen.is_over = true);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let seen = Seen {
            name: fields.0.remove("message").unwrap_or_default(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            fields: fields.0,
            within: context.event_span(event).map(|span| span.name()),
            is_over: true,
        };
        self.events.lock().unwrap().push(seen);
    }
}

impl Collector {
    /// The last with this id, which is given again when its span is over.
    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let mut spans = self.spans.lock().unwrap();
        if let Some((_, seen)) = spans.iter_mut().rev().find(|(known, _)| known == id) {
            change(seen);
        }
    }
}

/// As text.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
