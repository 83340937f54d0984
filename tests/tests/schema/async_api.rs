//! The AsyncAPI document of a map, and the official schema of such documents.

use std::collections::BTreeMap;

use jsonschema::Validator;
use pubsub::prelude::*;
use pubsub::schema::{AsyncApi, Server};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::json_schema::references;
use crate::map::Everything;

fn official() -> Validator {
    let schema: Value = serde_json::from_str(include_str!("asyncapi/3.0.0.json")).unwrap();
    jsonschema::options().offline().build(&schema).unwrap()
}

fn assert_official(document: &Value) {
    let errors: Vec<String> = official()
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}

fn with_servers() -> AsyncApi {
    AsyncApi::new("Everything", "1.2.3")
        .server("hub", Server::at("wss://user:secret@events.example.com/hub?token=secret").unwrap())
        .server(
            "the cache",
            Server::at("redis://:secret@localhost:6379")
                .unwrap()
                .channel_prefix("app:")
                .description("In the cellar."),
        )
}

#[test]
fn it_is_valid_by_the_official_schema() {
    assert_official(&AsyncApi::new("Everything", "1.2.3").of::<Everything>());
    assert_official(&with_servers().description("All of it.").of::<Everything>());
}

/// That the official schema is one that can say no.
#[test]
fn a_document_that_is_changed_is_not() {
    let document = with_servers().of::<Everything>();
    let spoilt: [(&str, Value); 9] = [
        ("/asyncapi", json!("2.6.0")),
        ("/info", json!({ "title": "Everything" })),
        ("/channels/Account/address", json!(7)),
        ("/channels/Account/parameters/id", json!({ "schema": {} })),
        ("/channels/Account/bindings/ws/method", json!("PUT")),
        ("/operations/sendAccount/action", json!("publish")),
        ("/servers/hub", json!({ "host": "localhost" })),
        ("/components/messages/Account/payload/type", json!("objekt")),
        ("/components/schemas/Place/properties/name", json!(7)),
    ];
    let official = official();
    for (place, value) in spoilt {
        let mut document = document.clone();
        *document.pointer_mut(place).unwrap_or_else(|| panic!("there is no {place}")) = value;
        assert!(!official.is_valid(&document), "{place}");
    }
}

#[test]
fn every_topic_has_a_channel_a_message_and_two_operations() {
    let document = AsyncApi::new("Everything", "1.2.3").of::<Everything>();
    for topic in Everything::TOPICS {
        let key = if topic.variant == "Größe" { "Gr_e" } else { topic.variant };
        let channel = &document["channels"][key];
        assert_eq!(channel["address"], format!("{}:{{id}}", topic.name));
        assert_eq!(channel["parameters"]["id"]["location"], "$message.payload#/id");
        let message = &document["components"]["messages"][key];
        assert_eq!(channel["messages"][key]["$ref"], format!("#/components/messages/{key}"));
        assert_eq!((&message["name"], &message["title"]), (&json!(topic.name), &json!(topic.variant)));
        assert_eq!(message["deprecated"] == true, topic.deprecated.is_some());
        for action in ["send", "receive"] {
            let operation = &document["operations"][format!("{action}{key}")];
            assert_eq!(
                (&operation["action"], &operation["channel"]["$ref"]),
                (&json!(action), &json!(format!("#/channels/{key}")))
            );
        }
    }
    let size = |part: &str| document.pointer(part).unwrap().as_object().unwrap().len();
    let topics = Everything::TOPICS.len();
    assert_eq!(
        (size("/channels"), size("/components/messages"), size("/operations")),
        (topics, topics, 2 * topics)
    );
}

#[test]
fn every_reference_has_a_target() {
    let document = with_servers().of::<Everything>();
    for reference in references(&document) {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

#[test]
fn servers_say_how_to_speak_to_them_and_no_secret() {
    let document = with_servers().of::<Everything>();
    let hub = &document["servers"]["hub"];
    assert_eq!(
        (&hub["protocol"], &hub["host"], &hub["pathname"]),
        (&json!("wss"), &json!("events.example.com"), &json!("/hub"))
    );
    assert!(hub["description"].as_str().unwrap().contains("__subscribe"));
    assert_eq!(document["channels"]["Account"]["bindings"]["ws"]["method"], "GET");
    let redis = &document["servers"]["the_cache"];
    assert_eq!(
        (&redis["protocol"], &redis["host"], &redis["x-channel-prefix"]),
        (&json!("redis"), &json!("localhost:6379"), &json!("app:"))
    );
    assert!(redis["description"].as_str().unwrap().starts_with("In the cellar.\n\n"));
    assert!(!document.to_string().contains("secret"));

    let without_hub =
        AsyncApi::new("x", "1").server("redis", Server::at("redis://localhost").unwrap()).of::<Everything>();
    assert_eq!(without_hub["channels"]["Account"]["bindings"], Value::Null);
}

#[test]
fn the_map_describes_itself_unless_told_otherwise() {
    let of = |document: AsyncApi| document.of::<Everything>()["info"]["description"].clone();
    assert_eq!(of(AsyncApi::new("x", "1")), "All that a payload can be.");
    assert_eq!(of(AsyncApi::new("x", "1").description("Mine.")), "Mine.");
}

#[test]
fn names_that_a_document_does_not_take_are_replaced_wherever_they_stand() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(rename = "a/b~c <ü>")]
    struct Odd {
        inside: Vec<Self>,
    }

    #[derive(EventMap)]
    #[allow(dead_code, reason = "it is described, and not used")]
    enum App {
        Odd(BTreeMap<String, Odd>),
    }

    let document = AsyncApi::new("x", "1").of::<App>();
    assert_official(&document);
    let types: Vec<&String> = document["components"]["schemas"].as_object().unwrap().keys().collect();
    assert_eq!(types, ["a_b_c"]);
    let to_types: Vec<_> =
        references(&document).into_iter().filter(|reference| reference.contains("schemas")).collect();
    assert_eq!(to_types, ["#/components/schemas/a_b_c"; 2]);
}
