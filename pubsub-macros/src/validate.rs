//! The rules of event maps, one function each. All are applied, so that one build reports every mistake.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, Fields, Generics};

use crate::errors::{Errors, Mistake, at};
use crate::model::{Map, Payload, Topic, not_an_enum};
use crate::spelling::type_text;

pub(crate) fn validate(map: &mut Map, errors: &mut Errors) {
    is_an_enum(map, errors);
    has_topics(map, errors);
    owns_its_data("an event map", &map.input.generics, errors);
    let prefixed = prefix_is_valid(map, errors);
    for topic in &map.topics {
        payload_has_a_type(topic.variant, &topic.payload, errors);
        if prefixed || topic.literal.is_some() {
            name_is_valid(topic, errors);
        }
    }
    names_differ(&map.topics, errors);
    constants_differ_from_variants(&map.topics, errors);
    constants_differ(&mut map.topics, errors);
}

fn is_an_enum(map: &Map, errors: &mut Errors) {
    if let Some(mistake) = not_an_enum(map.input, "EventMap") {
        let ident = &map.input.ident;
        errors.push(mistake.help(format_args!(
            "a topic is a variant and its payload the field: `enum AppEvent {{ {ident}({ident}) }}`"
        )));
    }
}

fn has_topics(map: &Map, errors: &mut Errors) {
    if matches!(map.input.data, Data::Enum(_)) && map.topics.is_empty() {
        let ident = &map.input.ident;
        let mistake =
            at(ident, format_args!("an event map needs at least one variant, and `{ident}` has none"));
        errors.push(mistake.help("add a variant for each topic, as in `SessionStatus(SessionStatus)`"));
    }
}

/// Events outlive the call that publishes them.
pub(crate) fn owns_its_data(what: &str, generics: &Generics, errors: &mut Errors) {
    for param in generics.lifetimes() {
        let lifetime = &param.lifetime;
        let mistake = at(lifetime, format_args!("{what} cannot borrow: remove the lifetime `{lifetime}`"));
        errors.push(mistake.note(
            "events outlive the call that publishes them, so payloads own their data: `String` or `Arc<str>`, not `&str`",
        ));
    }
}

pub(crate) fn payload_has_a_type(variant: &Ident, payload: &Payload, errors: &mut Errors) {
    let Payload::Named(fields) = payload else { return };
    let mistake = at(fields, format_args!("the payload of `{variant}` has fields but no type of its own"));
    errors.push(if fields.is_empty() {
        mistake.help(format_args!("remove the braces: `{variant}`"))
    } else {
        mistake.help(format_args!(
            "declare `struct {variant} {{ {} }}` and write `{variant}({variant})`",
            declaration(fields)
        ))
    });
}

fn declaration(fields: &Fields) -> String {
    let field = |field: &syn::Field| format!("{}: {}", field.ident.to_token_stream(), type_text(&field.ty));
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

/// Reported once at the prefix, not at each variant.
fn prefix_is_valid(map: &Map, errors: &mut Errors) -> bool {
    let Some(prefix) = &map.prefix else { return true };
    let text = prefix.value();
    match problem(&text, "prefix") {
        // No prefix at all is a strange thing to write, but the topics are not empty.
        Some(problem) if !text.is_empty() => {
            errors.push(problem.at(prefix.to_token_stream()));
            false
        }
        _ => true,
    }
}

fn name_is_valid(topic: &Topic, errors: &mut Errors) {
    let Some(problem) = problem(&topic.name, "topic") else {
        return;
    };
    let mistake = problem.at(topic.named_at());
    errors.push(match topic.literal {
        Some(_) => mistake,
        None => mistake
            .note("the topic is made of the variant's name; `#[event(topic = \"..\")]` gives it another"),
    });
}

struct Problem {
    message: String,
    help: String,
}

impl Problem {
    fn at(self, tokens: TokenStream) -> Mistake {
        at(tokens, self.message).help(self.help)
    }
}

/// The grammar of topic names.
fn problem(text: &str, what: &str) -> Option<Problem> {
    let problem = |message, help| Some(Problem { message, help });
    let forbidden = |char: char| !(char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | '/'));
    if text.is_empty() {
        return problem(
            format!("a {what} cannot be empty"),
            "write for example `topic = \"session.status\"`".into(),
        );
    }
    let proposal = format!("use for example `{}`", proposal(text, forbidden));
    if text.starts_with("__") {
        return problem(
            format!("{what} `{text}` starts with `__`, which is reserved for control messages"),
            proposal,
        );
    }
    if text.contains(':') {
        return problem(
            format!("{what} `{text}` contains `:`, which separates a topic from its id"),
            proposal,
        );
    }
    let char = text.chars().find(|&char| forbidden(char))?;
    problem(
        format!("{what} `{text}` contains {char:?}; topics have ASCII letters, digits and `. - _ /`"),
        proposal,
    )
}

/// A name like this one that the grammar allows.
fn proposal(text: &str, forbidden: impl Fn(char) -> bool) -> String {
    let replaced = |char| match char {
        ':' => '.',
        char if forbidden(char) => '-',
        char => char,
    };
    text.trim_start_matches('_').chars().map(replaced).collect()
}

fn names_differ(topics: &[Topic], errors: &mut Errors) {
    let mut first = HashMap::new();
    for topic in topics {
        let &mut other = first.entry(topic.name.as_str()).or_insert(topic.variant);
        // An empty name is reported as such.
        if other != topic.variant && !topic.name.is_empty() {
            let message = format_args!("topic `{}` is already used by the variant `{other}`", topic.name);
            errors.push(
                at(topic.named_at(), message)
                    .help("give one of the two another name: `#[event(topic = \"..\")]`"),
            );
        }
    }
}

fn constants_differ_from_variants(topics: &[Topic], errors: &mut Errors) {
    let variants: HashMap<String, &Ident> =
        topics.iter().map(|topic| (topic.variant.unraw().to_string(), topic.variant)).collect();
    for Topic { constant, .. } in topics {
        if let Some(variant) = variants.get(&constant.to_string()) {
            let message = format_args!(
                "the topic constant `{constant}` would have the name of the variant `{variant}`"
            );
            errors.push(another_constant(constant, message));
        }
    }
}

fn constants_differ(topics: &mut [Topic], errors: &mut Errors) {
    let mut first = HashMap::new();
    for Topic { constant, variant, has_constant, .. } in topics {
        let &mut other = first.entry(constant.to_string()).or_insert(*variant);
        if other != *variant {
            *has_constant = false;
            let message = format_args!(
                "the variants `{other}` and `{variant}` both have the topic constant `{constant}`"
            );
            errors.push(another_constant(constant, message));
        }
    }
}

fn another_constant(constant: &Ident, message: std::fmt::Arguments) -> Mistake {
    at(constant, message).help("name the constant yourself: `#[event(constant = OTHER_NAME)]`")
}
