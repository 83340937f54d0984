//! The JSON Schema of a map.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::envelope::{self, Draft};
use crate::SchemaMap;

/// The [JSON Schema](https://json-schema.org/draft/2020-12), draft 2020-12, of every message of the map `M`.
///
/// A message is valid under the document if it is valid under the schema of one topic. `$defs` has, for a topic
/// `session.status`:
///
/// | name | the schema of |
/// |---|---|
/// | `event:session.status` | the whole message: the envelope, with the payload in it |
/// | `payload:session.status` | the payload alone |
///
/// and each type that payloads are made of, once, by its name. The document names nothing outside itself, and the
/// same map gives the same document in every build. What exactly is described stands [above](crate::schema).
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum Home {
///     /// Measured once a minute.
///     RoomTemperature(f64),
///     Restart,
/// }
///
/// let schema = pubsub::schema::json_schema::<Home>();
/// assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
/// assert_eq!(schema["$defs"]["payload:room.temperature"]["type"], "number");
///
/// let message = &schema["$defs"]["event:room.temperature"];
/// assert_eq!(message["description"], "Measured once a minute.");
/// assert_eq!(message["properties"]["type"]["const"], "room.temperature");
/// ```
#[must_use]
pub fn json_schema<M: SchemaMap>() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut topics = Map::new();
    let mut messages = Vec::new();
    for (index, topic) in M::TOPICS.iter().enumerate() {
        let (event, payload) = (format!("event:{}", topic.name), format!("payload:{}", topic.name));
        messages.push(reference(&event));
        topics.insert(event, envelope::schema(topic, reference(&payload), Draft::Draft2020));
        topics.insert(payload, M::__payload(index, &mut generator).to_value());
    }
    // The names of types have no `:`, which is what keeps them and topics apart.
    let mut definitions = generator.take_definitions(true);
    definitions.append(&mut topics);

    let mut document = Map::new();
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".to_owned(), M::__NAME.into());
    if !M::__DOC.is_empty() {
        document.insert("description".to_owned(), M::__DOC.into());
    }
    document.insert("oneOf".to_owned(), messages.into());
    document.insert("$defs".to_owned(), definitions.into());
    document.into()
}

/// Of the characters of a topic, a JSON Pointer needs only `/` escaped.
fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{}", name.replace('/', "~1")) })
}
