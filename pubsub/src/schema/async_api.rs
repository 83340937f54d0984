//! The AsyncAPI document of a map.

use std::collections::{BTreeMap, HashMap};

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use super::envelope::{self, Draft};
use super::keys::{Keys, clean, decode_pointer};
use super::server::{Server, hub_binding};
use crate::{SchemaMap, TopicInfo};

/// An [AsyncAPI 3.0](https://www.asyncapi.com/docs/reference/specification/v3.0.0) document that is about to be written.
///
/// ```
/// use pubsub::prelude::*;
/// use pubsub::schema::{AsyncApi, Server};
///
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum Home {
///     /// Measured once a minute.
///     RoomTemperature(f64),
/// }
///
/// let document = AsyncApi::new("Home", env!("CARGO_PKG_VERSION"))
///     .description("What the house says.")
///     .server("hub", Server::at("wss://home.example.com/hub")?)
///     .of::<Home>();
///
/// let channel = &document["channels"]["RoomTemperature"];
/// assert_eq!(channel["address"], "room.temperature:{id}");
/// assert_eq!(document["operations"]["receiveRoomTemperature"]["action"], "receive");
/// # Ok::<(), pubsub::schema::ServerUrlError>(())
/// ```
///
/// # What the document has
/// * A channel for each topic, named as the variant. Its address is `type:{id}`, with the id as the parameter.
/// * A message for each topic, whose payload in the sense of AsyncAPI is the whole envelope.
/// * Two operations for each: the application sends it, and receives it.
/// * The types that payloads are made of, once, as `components/schemas`.
///
/// Schemas are those of [`json_schema`](super::json_schema), in draft 07, which AsyncAPI's are a superset of. Names are made
/// of ASCII letters, digits and `. - _`; in a type's or variant's name, `_` stands for anything else.
#[derive(Debug, Clone)]
#[must_use = "a document is written by `.of::<M>()`"]
pub struct AsyncApi {
    title: String,
    version: String,
    description: Option<String>,
    servers: BTreeMap<String, Server>,
}

impl AsyncApi {
    /// A document with this title, of this version of the application's events.
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self { title: title.into(), version: version.into(), description: None, servers: BTreeMap::new() }
    }

    /// What the application is, in CommonMark. By default, the doc comment of the map.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds a server by which all the channels can be had. It takes the place of one with the same name.
    pub fn server(mut self, name: &str, server: Server) -> Self {
        self.servers.insert(clean(name), server);
        self
    }

    /// The document of the map `M`. The same map and the same settings give the same document in every build.
    #[must_use]
    pub fn of<M: SchemaMap>(&self) -> Value {
        let mut info = json!({ "title": self.title, "version": self.version });
        let doc = Some(M::__DOC).filter(|doc| !doc.is_empty());
        if let Some(description) = self.description.as_deref().or(doc) {
            info["description"] = description.into();
        }
        let mut parts = Parts::default();
        parts.add_map::<M>(self.servers.values().any(Server::is_hub));
        let mut document = json!({
            "asyncapi": "3.0.0",
            "info": info,
            "defaultContentType": "application/json",
            "channels": parts.channels,
            "operations": parts.operations,
            "components": { "messages": parts.messages, "schemas": parts.schemas },
        });
        if !self.servers.is_empty() {
            let servers = self.servers.iter().map(|(name, server)| (name.clone(), server.document()));
            document["servers"] = Value::Object(servers.collect());
        }
        document
    }
}

/// What a document has of each topic.
#[derive(Default)]
struct Parts {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

const SCHEMAS: &str = "#/components/schemas/";

impl Parts {
    fn add_map<M: SchemaMap>(&mut self, has_hub: bool) {
        let mut generator = SchemaSettings::draft07()
            .with(|settings| settings.definitions_path = "/components/schemas".into())
            .for_serialize()
            .into_generator();
        let mut keys = Keys::default();
        for (index, topic) in M::TOPICS.iter().enumerate() {
            let mut payload = M::__payload(index, &mut generator);
            generator.transforms_mut().for_each(|transform| transform.transform(&mut payload));
            let key = keys.key(topic.variant);
            let message = message(topic, envelope::schema(topic, payload.to_value(), Draft::Draft07));
            self.messages.insert(key.clone(), message);
            self.add_channel(key, topic, has_hub);
        }
        self.schemas = generator.take_definitions(true);
        self.rename_types();
    }

    fn add_channel(&mut self, key: String, topic: &TopicInfo, has_hub: bool) {
        let mut channel = json!({
            "address": format!("{}:{{id}}", topic.name),
            "parameters": {
                "id": { "description": envelope::id(topic), "location": "$message.payload#/id" },
            },
            "messages": { &key: { "$ref": format!("#/components/messages/{key}") } },
        });
        if let Some(description) = envelope::description(topic) {
            channel["description"] = description.into();
        }
        if has_hub {
            channel["bindings"] = hub_binding();
        }
        for action in ["send", "receive"] {
            let operation = json!({
                "action": action,
                "channel": { "$ref": format!("#/channels/{key}") },
                "messages": [{ "$ref": format!("#/channels/{key}/messages/{key}") }],
            });
            self.operations.insert(format!("{action}{key}"), operation);
        }
        self.channels.insert(key, channel);
    }

    /// A type can have any name, and the document does not take all.
    fn rename_types(&mut self) {
        let mut keys = Keys::default();
        let names: HashMap<String, String> =
            self.schemas.keys().map(|name| (name.clone(), keys.key(name))).collect();
        let mut point = RecursiveTransform(|schema: &mut Schema| {
            let Some(Value::String(pointer)) = schema.get_mut("$ref") else { return };
            let key = pointer.strip_prefix(SCHEMAS).and_then(|name| names.get(&decode_pointer(name)));
            if let Some(key) = key {
                *pointer = format!("{SCHEMAS}{key}");
            }
        });
        let payloads = self.messages.values_mut().map(|message| &mut message["payload"]);
        for schema in payloads.chain(self.schemas.values_mut()) {
            if let Ok(schema) = <&mut Schema>::try_from(schema) {
                point.transform(schema);
            }
        }
        let schemas = std::mem::take(&mut self.schemas);
        self.schemas = schemas.into_iter().map(|(name, schema)| (names[&name].clone(), schema)).collect();
    }
}

fn message(topic: &TopicInfo, envelope: Value) -> Value {
    let mut message = json!({
        "name": topic.name,
        "title": topic.variant,
        "contentType": "application/json",
        "payload": envelope,
    });
    if let Some(description) = envelope::description(topic) {
        message["description"] = description.into();
    }
    if topic.deprecated.is_some() {
        message["deprecated"] = true.into();
    }
    message
}
