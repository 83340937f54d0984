//! What is written as a line of text: addresses, positions, ids of events, contexts of traces, URLs.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use pubsub::{Address, EventId, Position, Positions};
use pubsub_transports::__private::seen::{last_event_id, url};
use pubsub_transports::trace::TraceContext;
use pubsub_transports::websocket::Identity;

/// What is read is said again as something that is read as the same.
pub fn text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Some(address) = again::<Address>(text) {
        assert_eq!(address.to_string(), text);
        assert!(text.len() <= Address::MAX_LEN && !address.topic().contains(':'));
        assert!(address.matches(address.topic(), address.id().unwrap_or("any")));
    }
    again::<Position>(text);
    again::<EventId>(text);
    if let Ok(identity) = Identity::new(text) {
        assert!(identity.name() == text && text.len() <= Identity::MAX_LEN && !text.contains(':'));
    }
    if let Ok(positions) = serde_json::from_str::<Positions>(text) {
        let stored = serde_json::to_string(&positions).expect("it is a map of texts");
        assert_eq!(serde_json::from_str::<Positions>(&stored).expect("it was written"), positions);
    }
    let (parent, state) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(context) = TraceContext::parse(parent, Some(state)) {
        let again = TraceContext::parse(&context.traceparent(), context.tracestate());
        assert_eq!(again, Some(context));
    }
    if let Some(known) = url(text) {
        assert_eq!(url(&known).as_ref(), Some(&known));
    }
    for topics in [&["a"][..], &["a", "b:1", "c:@self"]] {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        if let Some(known) = last_event_id(&topics, text) {
            assert_eq!(last_event_id(&topics, &known).as_ref(), Some(&known));
        }
    }
}

fn again<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    assert_eq!(value.to_string().parse::<T>().expect("it was written"), value);
    Some(value)
}
