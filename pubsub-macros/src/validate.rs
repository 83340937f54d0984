//! The rules of event maps, one function each. All are applied, so that one build reports every mistake.

use std::collections::{HashMap, HashSet};
use std::iter;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Generics};

use crate::errors::{Errors, Mistake, at};
use crate::grammar;
use crate::model::{Map, Payload, Topic, elided};
use crate::spelling::type_text;

pub(crate) fn validate(map: &mut Map, errors: &mut Errors) {
    is_an_enum(map, errors);
    has_topics(map, errors);
    owns_its_data("an event map", &map.input.generics, errors);
    let prefixed = prefix_is_valid(map, errors);
    for topic in &map.topics {
        payload_is_a_type(topic.variant, &topic.payload, errors);
        if prefixed || topic.literal.is_some() {
            name_is_valid(topic, errors);
        }
    }
    names_differ(&map.topics, errors);
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

/// The mistake of a derive on a struct or a union.
pub(crate) fn not_an_enum(input: &DeriveInput, derive: &str) -> Option<Mistake> {
    let (keyword, kind) = match &input.data {
        Data::Enum(_) => return None,
        Data::Struct(data) => (data.struct_token.to_token_stream(), "struct"),
        Data::Union(data) => (data.union_token.to_token_stream(), "union"),
    };
    let ident = &input.ident;
    Some(at(keyword, format_args!("`{derive}` can only be derived for an enum, and `{ident}` is a {kind}")))
}

const OWN_YOUR_DATA: &str = "events outlive the call that publishes them, so payloads own their data: `String` or `Arc<str>`, not `&str`";

pub(crate) fn owns_its_data(what: &str, generics: &Generics, errors: &mut Errors) {
    for param in generics.lifetimes() {
        let lifetime = &param.lifetime;
        let mistake = at(lifetime, format_args!("{what} cannot borrow: remove the lifetime `{lifetime}`"));
        errors.push(mistake.note(OWN_YOUR_DATA));
    }
}

/// A type of its own, which owns its data.
pub(crate) fn payload_is_a_type(variant: &Ident, payload: &Payload, errors: &mut Errors) {
    let Payload::Refused(fields) = payload else { return };
    if let Fields::Unnamed(fields) = fields {
        for reference in fields.unnamed.iter().filter_map(|field| elided(&field.ty)) {
            let mistake = at(reference, format_args!("the payload of `{variant}` cannot borrow"));
            errors.push(mistake.note(OWN_YOUR_DATA));
        }
        return;
    }
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
    // No prefix at all is a strange thing to write, but the topics are not empty.
    let mistake = if text.is_empty() { None } else { grammar::mistake(&text, "prefix", prefix) };
    let valid = mistake.is_none();
    mistake.into_iter().for_each(|mistake| errors.push(mistake));
    valid
}

fn name_is_valid(topic: &Topic, errors: &mut Errors) {
    let Some(mistake) = grammar::mistake(&topic.name, "topic", topic.named_at()) else { return };
    errors.push(match topic.literal {
        Some(_) => mistake,
        None => mistake
            .note("the topic is made of the variant's name; `#[event(topic = \"..\")]` gives it another"),
    });
}

fn names_differ(topics: &[Topic], errors: &mut Errors) {
    let mut first = HashMap::new();
    for topic in topics {
        let &mut other = first.entry(topic.name.as_str()).or_insert(topic.variant);
        // An empty name is reported as such.
        if other != topic.variant && !topic.name.is_empty() {
            let message = format!("topic `{}` is already used by the variant `{other}`", topic.name);
            errors.push(
                at(topic.named_at(), message)
                    .help("give one of the two another name: `#[event(topic = \"..\")]`"),
            );
        }
    }
}

/// From each other, from the variants, which are reached in the same way, and from what `EventMap` gives the enum.
fn constants_differ(topics: &mut [Topic], errors: &mut Errors) {
    let variants: HashMap<String, &Ident> =
        topics.iter().map(|topic| (topic.variant.unraw().to_string(), topic.variant)).collect();
    let mut taken: HashSet<String> = topics.iter().map(|topic| topic.constant.unraw().to_string()).collect();
    taken.extend(variants.keys().cloned());
    let mut first = HashMap::new();
    for Topic { constant, variant, has_constant, .. } in topics {
        let name = constant.unraw().to_string();
        let &mut other = first.entry(name.clone()).or_insert(*variant);
        *has_constant = other == *variant;
        let message = if let Some(taken) = variants.get(&name) {
            format!("the topic constant `{constant}` would have the name of the variant `{taken}`")
        } else if name == "TOPICS" {
            "the topic constant `TOPICS` would hide `EventMap::TOPICS`".to_owned()
        } else if *has_constant {
            continue;
        } else {
            format!("the variants `{other}` and `{variant}` both have the topic constant `{constant}`")
        };
        let free = free_name(&name, &mut taken);
        errors.push(at(constant, message).help(format_args!("name it `#[event(constant = {free})]`")));
    }
}

/// A name like this one that nothing has, which is then taken.
fn free_name(name: &str, taken: &mut HashSet<String>) -> String {
    let first = format!("{name}_TOPIC");
    let numbered = (2..).map(|number| format!("{first}_{number}"));
    let free = iter::once(first.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
    free.expect("numbers have no end")
}
