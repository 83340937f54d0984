//! What was recorded so far, added up.

use std::collections::BTreeMap;

use metrics_util::MetricKind as Kind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use pubsub::metrics::METRICS;

type Labels = Vec<(String, String)>;

pub(crate) struct Recorded {
    snapshotter: Snapshotter,
    /// Counters and gauges by their value, histograms by how many values they have.
    values: BTreeMap<(String, Labels), (Kind, f64)>,
}

impl Recorded {
    pub(crate) fn of(recorder: &DebuggingRecorder) -> Self {
        Self { snapshotter: recorder.snapshotter(), values: BTreeMap::new() }
    }

    /// A snapshot begins anew with what comes after it.
    pub(crate) fn update(&mut self) {
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            let mut labels: Labels =
                key.labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
            labels.sort();
            let more = match value {
                DebugValue::Counter(more) => more as f64,
                DebugValue::Gauge(more) => more.0,
                DebugValue::Histogram(more) => {
                    assert!(more.iter().all(|value| value.0 >= 0.0 && value.0 < 60.0), "{key}: {more:?}");
                    more.len() as f64
                }
            };
            self.values.entry((key.name().to_owned(), labels)).or_insert((kind, 0.0)).1 += more;
        }
    }

    /// 0 where nothing was recorded.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let mut labels: Labels =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        labels.sort();
        assert!(METRICS.iter().any(|metric| metric.name == name), "there is no {name}");
        self.values.get(&(name.to_owned(), labels)).map_or(0.0, |(_, value)| *value)
    }

    pub(crate) fn assert_silent_about(&self, secret: &str) {
        let printed = format!("{:?}", self.values);
        assert!(!printed.contains(secret), "{printed}");
    }

    /// Each has a row in the table of the code, and the labels that it says.
    pub(crate) fn assert_in_the_table(&self) {
        assert!(!self.values.is_empty());
        for ((name, labels), (kind, _)) in &self.values {
            let metric = METRICS.iter().find(|metric| metric.name == name);
            let metric = metric.unwrap_or_else(|| panic!("{name} is not in the table"));
            let expected = match metric.kind {
                "counter" => Kind::Counter,
                "gauge" => Kind::Gauge,
                _ => Kind::Histogram,
            };
            assert_eq!(*kind, expected, "{name}");
            let mut says = metric.labels.to_vec();
            says.sort_unstable();
            let labels: Vec<&str> = labels.iter().map(|(key, _)| &**key).collect();
            assert_eq!(labels, says, "{name}");
        }
    }
}
