//! The types of a map, for programs in TypeScript.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::document::json_schema;
use super::keys::{Keys, decode_pointer};
use crate::{SchemaMap, TopicInfo};

/// The declarations, in [TypeScript](https://www.typescriptlang.org), of the map `M`: a type of its name, with the id and the
/// payload of each topic, and every type that payloads are made of.
///
/// They are what the JavaScript client's `PubSub` takes as its type argument, so that a topic that does not exist, or a
/// payload of another one, is an error where the program is compiled:
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum Home {
///     /// Measured once a minute, in degrees Celsius.
///     #[event(id = u64)]
///     RoomTemperature(f64),
///     Restart,
/// }
///
/// let declarations = pubsub::schema::typescript::<Home>();
/// assert_eq!(declarations, r#"// Generated from the event map `Home`.
///
/// export type Home = {
///   /** Measured once a minute, in degrees Celsius. */
///   "room.temperature": { id: `${bigint}`; payload: number };
///   restart: { id: string; payload: null };
/// };
/// "#);
/// ```
///
/// Written to `home.ts`, it serves a program as `new PubSub<Home>("wss://hub.example/ws")`.
///
/// Ids of whole numbers are their text. Numbers are those of JavaScript, which holds whole ones exactly up to 2<sup>53</sup>.
/// What the [JSON Schema](json_schema) says beyond types, such as the bounds of a number, is not in it.
#[must_use]
pub fn typescript<M: SchemaMap>() -> String {
    let document = json_schema::<M>();
    let definitions = document["$defs"].as_object().cloned().unwrap_or_default();
    let writer = Writer::new(&definitions, M::__NAME);

    let mut out = format!("// Generated from the event map `{}`.\n\n", M::__NAME);
    comment(&mut out, "", M::__DOC);
    let _ = writeln!(out, "export type {} = {{", writer.map);
    for topic in M::TOPICS {
        let deprecated = topic.deprecated.map(|note| format!("\n\n@deprecated {note}")).unwrap_or_default();
        comment(&mut out, "  ", &format!("{}{deprecated}", topic.doc));
        let payload = definitions.get(&format!("payload:{}", topic.name)).map(|schema| writer.of(schema));
        let payload = payload.unwrap_or_else(|| UNKNOWN.to_owned());
        let _ = writeln!(out, "  {}: {{ id: {}; payload: {payload} }};", member(topic.name), id(topic));
    }
    out.push_str("};\n");
    for (key, schema) in definitions.iter().filter(|(key, _)| is_type(key)) {
        out.push('\n');
        comment(&mut out, "", description(schema));
        let _ = writeln!(out, "export type {} = {};", writer.names[key], writer.of(schema));
    }
    out
}

const UNKNOWN: &str = "unknown";

/// The names of types have no `:`; those of topics do.
fn is_type(key: &str) -> bool {
    !key.contains(':')
}

fn id(topic: &TopicInfo) -> &'static str {
    match topic.id {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            "`${bigint}`"
        }
        _ => "string",
    }
}

/// What the declarations use themselves, and what no type can be called.
const RESERVED: &[&str] = &[
    "Array",
    "Record",
    "any",
    "as",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "never",
    "new",
    "null",
    "number",
    "object",
    "return",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "type",
    "typeof",
    "undefined",
    "unknown",
    "var",
    "void",
    "while",
    "with",
];

struct Writer {
    map: String,
    /// What each definition is called.
    names: HashMap<String, String>,
}

impl Writer {
    fn new(definitions: &Map<String, Value>, map: &str) -> Self {
        let mut keys = Keys::reserving(RESERVED);
        let mut name = |key: &str| identifier(&keys.key(&identifier(key)));
        let map = name(map);
        let names =
            definitions.keys().filter(|key| is_type(key)).map(|key| (key.clone(), name(key))).collect();
        Self { map, names }
    }

    /// The type that a schema describes.
    fn of(&self, schema: &Value) -> String {
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Bool(false) => return "never".to_owned(),
            _ => return UNKNOWN.to_owned(),
        };
        let all = |key: &str| schema.get(key).and_then(Value::as_array);
        // What a schema says with several keywords holds all at once.
        let mut parts = Vec::new();
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            parts.push(self.reference(name));
        }
        if let Some(literal) = schema.get("const") {
            return literal.to_string();
        }
        if let Some(literals) = all("enum") {
            return union(literals.iter().map(Value::to_string));
        }
        for key in ["oneOf", "anyOf"] {
            parts.extend(all(key).map(|all| union(all.iter().map(|one| self.of(one)))));
        }
        parts.extend(all("allOf").into_iter().flatten().map(|one| self.of(one)));
        match schema.get("type") {
            Some(Value::String(name)) => parts.push(self.named(name, schema)),
            Some(Value::Array(names)) => {
                parts
                    .push(union(names.iter().filter_map(Value::as_str).map(|name| self.named(name, schema))));
            }
            _ if schema.contains_key("properties") => parts.push(self.object(schema)),
            _ => {}
        }
        // An object without members adds nothing to what has some.
        if parts.len() > 1 {
            parts.retain(|part| part != EMPTY);
        }
        match parts.as_slice() {
            [] => UNKNOWN.to_owned(),
            [one] => one.clone(),
            many => many.iter().map(|part| grouped(part)).collect::<Vec<_>>().join(" & "),
        }
    }

    fn reference(&self, reference: &str) -> String {
        let key = decode_pointer(reference.rsplit('/').next().unwrap_or_default());
        self.names.get(&key).cloned().unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn named(&self, name: &str, schema: &Map<String, Value>) -> String {
        match name {
            "object" => self.object(schema),
            "array" => self.array(schema),
            "integer" => "number".to_owned(),
            "string" | "number" | "boolean" | "null" => name.to_owned(),
            _ => UNKNOWN.to_owned(),
        }
    }

    fn array(&self, schema: &Map<String, Value>) -> String {
        let items = |schema: &Map<String, Value>| schema.get("items").map(|items| self.of(items));
        if let Some(first) = schema.get("prefixItems").and_then(Value::as_array) {
            let first = first.iter().map(|item| self.of(item));
            let more = schema.get("items").filter(|items| items.is_object());
            let more = more.map(|item| format!("...Array<{}>", self.of(item)));
            return format!("[{}]", first.chain(more).collect::<Vec<_>>().join(", "));
        }
        let item = items(schema).unwrap_or_else(|| UNKNOWN.to_owned());
        let exact = |key| schema.get(key).and_then(Value::as_u64);
        match (exact("minItems"), exact("maxItems")) {
            // An array of Rust.
            (Some(min), Some(max)) if min == max && max <= 8 => {
                let many: Vec<&str> = (0..max).map(|_| item.as_str()).collect();
                format!("[{}]", many.join(", "))
            }
            _ => format!("Array<{item}>"),
        }
    }

    fn object(&self, schema: &Map<String, Value>) -> String {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let (mut members, mut types) = (Vec::new(), Vec::new());
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let is_required = required.contains(&name.as_str());
            let (optional, of) = (if is_required { "" } else { "?" }, self.of(schema));
            members.push(format!("{}{optional}: {of}", member(name)));
            types.push(of);
            types.extend((!is_required).then(|| "undefined".to_owned()));
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let others: Vec<String> =
            patterns.map(|(_, schema)| schema).chain(others).map(|schema| self.of(schema)).collect();
        if others.is_empty() {
            return if members.is_empty() {
                EMPTY.to_owned()
            } else {
                format!("{{ {} }}", members.join("; "))
            };
        }
        if members.is_empty() {
            return format!("Record<string, {}>", union(others.into_iter()));
        }
        // What any member may be has to be what each is.
        let any = union(others.into_iter().chain(types));
        let any = if any.split(" | ").any(|one| one == UNKNOWN) { UNKNOWN } else { &*any };
        format!("{{ {}; [key: string]: {any} }}", members.join("; "))
    }
}

const EMPTY: &str = "Record<string, unknown>";

fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// Each of them once.
fn union(all: impl Iterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    if once.is_empty() { "never".to_owned() } else { once.join(" | ") }
}

fn grouped(part: &str) -> String {
    if part.contains(" | ") { format!("({part})") } else { part.to_owned() }
}

/// The name of a member, quoted where it is no identifier.
fn member(name: &str) -> String {
    if identifier(name) == name { name.to_owned() } else { Value::from(name).to_string() }
}

/// ASCII letters, digits and `_`, with no digit first.
fn identifier(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        match char.is_ascii_alphanumeric() || char == '_' {
            true if out.is_empty() && char.is_ascii_digit() => out.extend(['_', char]),
            true => out.push(char),
            false => out.push('_'),
        }
    }
    if out.is_empty() { "_".to_owned() } else { out }
}

fn comment(out: &mut String, indent: &str, text: &str) {
    let text = text.trim().replace("*/", "*\u{200b}/");
    match text.lines().collect::<Vec<_>>().as_slice() {
        [] => {}
        [one] => drop(writeln!(out, "{indent}/** {one} */")),
        many => {
            let _ = writeln!(out, "{indent}/**");
            for line in many {
                let _ = writeln!(out, "{}", format!("{indent} * {line}").trim_end());
            }
            let _ = writeln!(out, "{indent} */");
        }
    }
}
