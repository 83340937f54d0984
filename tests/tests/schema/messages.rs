//! Random messages of every topic are valid as they are described, and no longer when something in them is changed.

use std::collections::BTreeSet;

use fastrand::Rng;
use jsonschema::Validator;
use pubsub::codec::{Codec, Json};
use pubsub::schema::{AsyncApi, json_schema};
use pubsub::trace::TraceContext;
use pubsub::{EventId, EventMap, Topic};
use pubsub::{Header, Position};
use serde::Serialize;
use serde_json::{Value, json};

use crate::map::Everything;
use crate::random::Random;

/// How many messages of each topic.
const ROUNDS: usize = 200;

/// The generator of a test: the same in every run, unless `SEED` is set. Shown when the test fails.
fn rng(default: u64) -> Rng {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("SEED={seed}");
    Rng::with_seed(seed)
}

/// The validator of one part of a document, which may refer to other parts of it.
fn validator(document: &Value, part: &str) -> Validator {
    let mut schema = document.clone();
    let root = schema.as_object_mut().unwrap();
    root.remove("oneOf");
    root.insert("$ref".to_owned(), format!("#{part}").into());
    jsonschema::options().offline().build(&schema).unwrap()
}

/// The descriptions of one topic.
struct Described {
    /// In the JSON Schema, and in the AsyncAPI document.
    messages: [Validator; 2],
    payload: Validator,
}

impl Described {
    fn new(schema: &Value, document: &Value, topic: &str) -> Self {
        let name = topic.replace('/', "~1");
        // Of AsyncAPI's own keywords none has a meaning here, and its schemas are of draft 07.
        let mut document = document.clone();
        document["$schema"] = "http://json-schema.org/draft-07/schema#".into();
        let messages = document["components"]["messages"].as_object().unwrap();
        let (key, _) = messages.iter().find(|(_, message)| message["name"] == topic).unwrap();
        let part = format!("/components/messages/{key}/payload");
        Self {
            messages: [validator(schema, &format!("/$defs/event:{name}")), validator(&document, &part)],
            payload: validator(schema, &format!("/$defs/payload:{name}")),
        }
    }
}

fn header(rng: &mut Rng, topic: &str) -> Header {
    let mut header = Header::new(topic, &String::random(rng));
    if rng.bool() {
        header = header.with_event_id(EventId::from_u128(rng.u128(..)));
    }
    if rng.bool() {
        let mut position = Position::new(Random::random(rng));
        if rng.bool() {
            position = position.with_after(Random::random(rng));
        }
        if rng.bool() {
            position = position.with_epoch(&String::random(rng));
        }
        header = header.with_position(position);
    }
    if rng.bool()
        && let Some(context) =
            TraceContext::new(rng.u128(..).to_be_bytes(), rng.u64(..).to_be_bytes(), rng.bool())
    {
        let state = ["", "vendor=1", "a=1,b=2"][rng.usize(..3)];
        header = header.with_trace_context(context.with_state(state));
    }
    header
}

fn message<P: Serialize>(rng: &mut Rng, topic: &str, payload: &P) -> Value {
    let mut bytes = Vec::new();
    Json::default().encode(&header(rng, topic), payload, &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn explain(validator: &Validator, value: &Value) -> String {
    let errors = validator.iter_errors(value).map(|error| format!("{error} at {}", error.instance_path()));
    format!("{}\n{value:#}", errors.collect::<Vec<_>>().join("\n"))
}

/// A topic, and what makes a random message of it.
type Sender = (&'static str, fn(&mut Rng, &str) -> Value);

fn sender<P: Random + Serialize, I: ?Sized>(topic: Topic<Everything, P, I>) -> Sender {
    (topic.name(), |rng, topic| {
        let payload = P::random(rng);
        message(rng, topic, &payload)
    })
}

#[allow(deprecated, reason = "it can be sent as long as it is there")]
fn senders() -> Vec<Sender> {
    type All = Everything;
    let senders = vec![
        sender(All::ACCOUNT),
        sender(All::EXTERNAL),
        sender(All::INTERNAL),
        sender(All::ADJACENT),
        sender(All::UNTAGGED),
        sender(All::PLACES),
        sender(All::TOKENS),
        sender(All::PAIR),
        sender(All::BY_NUMBER),
        sender(All::MAYBE),
        sender(All::FLAG),
        sender(All::RESTART),
        sender(All::OLDER),
        sender(All::DOTTED),
    ];
    let names: BTreeSet<&str> = senders.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), All::TOPICS.len(), "a topic is left out");
    senders
}

#[test]
fn every_message_that_is_sent_is_valid_as_described() {
    let mut rng = rng(0x5ce3a);
    let (schema, document) =
        (json_schema::<Everything>(), AsyncApi::new("Everything", "1").of::<Everything>());
    let any = jsonschema::options().offline().build(&schema).unwrap();
    for (topic, send) in senders() {
        let described = Described::new(&schema, &document, topic);
        for _ in 0..ROUNDS {
            let message = send(&mut rng, topic);
            for validator in described.messages.iter().chain([&any]) {
                assert!(validator.is_valid(&message), "{topic}: {}", explain(validator, &message));
            }
            let payload = &message["payload"];
            assert!(described.payload.is_valid(payload), "{topic}: {}", explain(&described.payload, payload));
        }
    }
}

#[test]
fn a_message_that_is_changed_is_not() {
    let mut rng = rng(0xbad5ce3a);
    let (schema, document) =
        (json_schema::<Everything>(), AsyncApi::new("Everything", "1").of::<Everything>());
    for (topic, send) in senders() {
        let described = Described::new(&schema, &document, topic);
        for _ in 0..ROUNDS {
            let mut message = send(&mut rng, topic);
            let change = spoil(&mut rng, &mut message);
            for validator in &described.messages {
                assert!(!validator.is_valid(&message), "{topic}, {change}:\n{message:#}");
            }
        }
    }
}

/// Makes one thing wrong, and says which.
fn spoil(rng: &mut Rng, message: &mut Value) -> String {
    let changes = [
        ("type", json!("another")),
        ("type", json!(null)),
        ("id", json!(7)),
        ("eventId", json!("0191E0A5-3C4E-7B2A-9F00-5D6E7F809102")),
        ("offset", json!(-1)),
        ("offset", json!("1")),
        ("after", json!(0.5)),
        ("epoch", json!(0)),
        ("traceparent", json!("00-0-0-01")),
        ("tracestate", json!(7)),
    ];
    let members = message.as_object_mut().unwrap();
    match rng.u8(..4) {
        0 => {
            let member = ["type", "id", "payload"][rng.usize(..3)];
            members.remove(member);
            format!("without `{member}`")
        }
        1 => {
            members.remove("offset");
            members.insert("after".to_owned(), 1.into());
            "with `after` and no `offset`".to_owned()
        }
        2 => {
            let (member, value) = changes[rng.usize(..changes.len())].clone();
            members.insert(member.to_owned(), value);
            format!("with another `{member}`")
        }
        _ => {
            let payload = &mut members["payload"];
            let place = rng.usize(..count(payload));
            // Nothing in the map is a list of lists of lists.
            *nth(payload, place).unwrap_or_else(|_| unreachable!()) = json!([[["nobody"]]]);
            format!("with another value at place {place} of the payload")
        }
    }
}

/// How many values a value is made of, itself among them.
fn count(value: &Value) -> usize {
    let inside: usize = match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    };
    1 + inside
}

/// The value at a place; else how many places were passed.
fn nth(value: &mut Value, place: usize) -> Result<&mut Value, usize> {
    if place == 0 {
        return Ok(value);
    }
    let mut passed = 1;
    let inside: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for value in inside {
        match nth(value, place - passed) {
            Ok(found) => return Ok(found),
            Err(more) => passed += more,
        }
    }
    Err(passed)
}
