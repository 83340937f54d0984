//! The schema of a whole message: the payload in its envelope, as the codec JSON writes it.

use serde_json::{Map, Value, json};

use crate::TopicInfo;

/// How a draft of JSON Schema says that a member comes only with another.
#[derive(Clone, Copy)]
pub(super) enum Draft {
    Draft07,
    Draft2020,
}

/// A `traceparent` of the W3C; a later version may say more.
const TRACE_PARENT: &str = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}";

/// The text of an [`EventId`](crate::EventId).
const EVENT_ID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";

/// The object of `type`, `id` and `payload`. It has room for members that a later version adds: readers pass over what
/// they do not know.
pub(super) fn schema(topic: &TopicInfo, payload: Value, draft: Draft) -> Value {
    let mut schema = Map::new();
    schema.insert("title".to_owned(), topic.variant.into());
    if let Some(description) = description(topic) {
        schema.insert("description".to_owned(), description.into());
    }
    if topic.deprecated.is_some() {
        schema.insert("deprecated".to_owned(), true.into());
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("required".to_owned(), json!(["type", "id", "payload"]));
    let properties = json!({
        "type": { "const": topic.name },
        "id": { "type": "string", "description": id(topic) },
        "payload": payload,
        "eventId": {
            "type": "string",
            "format": "uuid",
            "pattern": EVENT_ID,
            "description": "By what the event is recognised when it arrives twice.",
        },
        "offset": offset("The number of the event in the history of its type."),
        "after": offset("The offset of the event before it on the same address."),
        "epoch": { "type": "string", "description": "Which history the offset counts in; another one is another history." },
        "traceparent": {
            "type": "string",
            "pattern": TRACE_PARENT,
            "description": "The W3C trace context in which the event was published.",
        },
        "tracestate": {
            "type": "string",
            "maxLength": 512,
            "description": "What tracing systems say of that context to each other.",
        },
    });
    schema.insert("properties".to_owned(), properties);
    let keyword = match draft {
        Draft::Draft07 => "dependencies",
        Draft::Draft2020 => "dependentRequired",
    };
    schema.insert(
        keyword.to_owned(),
        json!({ "after": ["offset"], "epoch": ["offset"], "tracestate": ["traceparent"] }),
    );
    schema.into()
}

fn offset(description: &str) -> Value {
    json!({ "type": "integer", "format": "uint64", "minimum": 0, "maximum": u64::MAX, "description": description })
}

/// What an id is.
pub(super) fn id(topic: &TopicInfo) -> String {
    match topic.id {
        "str" => format!("The id that scopes `{}`: any text.", topic.name),
        other => format!("The id that scopes `{}`: a `{other}`, as text.", topic.name),
    }
}

/// The docs of the variant, and why it is deprecated.
pub(super) fn description(topic: &TopicInfo) -> Option<String> {
    let note = topic.deprecated.filter(|note| !note.is_empty()).map(|note| format!("Deprecated: {note}"));
    let parts: Vec<&str> =
        [topic.doc].into_iter().filter(|doc| !doc.is_empty()).chain(note.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}
