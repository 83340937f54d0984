//! The JSON Schema of a map: what stands where.

use pubsub::prelude::*;
use pubsub::schema::json_schema;
use serde_json::{Value, json};

use crate::map::Everything;

/// Every `$ref` in a document.
pub(crate) fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn it_is_a_schema_of_its_draft() {
    let schema = json_schema::<Everything>();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(
        (&schema["title"], &schema["description"]),
        (&json!("Everything"), &json!("All that a payload can be."))
    );
}

#[test]
fn it_has_every_topic_and_every_type_once() {
    let schema = json_schema::<Everything>();
    let names: Vec<&str> = schema["$defs"].as_object().unwrap().keys().map(String::as_str).collect();
    for topic in Everything::TOPICS {
        assert!(names.contains(&&*format!("event:{}", topic.name)), "{names:?}");
        assert!(names.contains(&&*format!("payload:{}", topic.name)), "{names:?}");
    }
    let mut types: Vec<&str> = names.into_iter().filter(|name| !name.contains(':')).collect();
    types.sort_unstable();
    // `Page` is generic, and used with two types. A type that is transparent stands where it is used.
    let expected = [
        "Account",
        "Adjacent",
        "External",
        "Internal",
        "Limits",
        "Page",
        "Page2",
        "Place",
        "Result_of_uint8_or_string",
        "Role",
        "Untagged",
    ];
    assert_eq!(types, expected);
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), Everything::TOPICS.len());
}

#[test]
fn docs_and_deprecation_are_carried_over() {
    let schema = json_schema::<Everything>();
    let event = |topic: &str| &schema["$defs"][format!("event:{topic}")];
    assert_eq!(event("all/account")["description"], "An account was opened.\n\nIt has money.");
    assert_eq!(event("all/account")["deprecated"], Value::Null);
    assert_eq!(event("all/restart")["description"], Value::Null);
    assert_eq!(event("all/older")["description"], "The old way.\n\nDeprecated: use `Account`");
    assert_eq!(event("all/older")["deprecated"], true);
    assert_eq!(event("all/older")["title"], "Older");
    assert_eq!(schema["$defs"]["Place"]["description"], "Where something is.");
    assert_eq!(schema["$defs"]["Place"]["properties"]["degreesNorth"]["description"], "In degrees.");
    let id = |topic: &str| &event(topic)["properties"]["id"]["description"];
    assert_eq!(id("all/external"), "The id that scopes `all/external`: a `u64`, as text.");
    assert_eq!(id("all/account"), "The id that scopes `all/account`: any text.");
}

/// A message of a new version has members that an old one does not know; a reader passes over them.
#[test]
fn unknown_members_of_the_envelope_are_no_mistake() {
    let validator = jsonschema::validator_for(&json_schema::<Everything>()).unwrap();
    let mut message = json!({ "type": "all/flag", "id": "", "payload": true, "later": "00-1" });
    assert!(validator.is_valid(&message));
    message["payload"] = json!(1);
    assert!(!validator.is_valid(&message));
    assert!(!validator.is_valid(&json!({ "type": "unknown", "id": "", "payload": true })));
}

#[test]
fn it_names_nothing_outside_itself() {
    let schema = json_schema::<Everything>();
    let references = references(&schema);
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(schema.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn what_is_deprecated_and_how_is_known_of_a_topic() {
    let notes: Vec<_> = Everything::TOPICS.iter().filter_map(|topic| topic.deprecated).collect();
    assert_eq!(notes, ["use `Account`"]);
}
