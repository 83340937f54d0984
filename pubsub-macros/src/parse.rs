//! Attributes: from tokens to typed options. A mistake in one key leaves the others to be read, and reported, too.

mod attribute;
mod value;

use proc_macro2::Ident;
use syn::{Attribute, LitStr, Path, Type, Variant};

use self::attribute::Namespace;
use self::value::Entry;
use crate::errors::{Errors, at};
use crate::naming::Rule;

const EVENT_MAP: Namespace = Namespace {
    name: "event_map",
    place: "the enum",
    keys: &["rename_all", "prefix", "id", "crate"],
    hints: &[
        ("topic", "`topic` belongs on a variant: `#[event(topic = \"..\")]`"),
        ("constant", "`constant` belongs on a variant: `#[event(constant = NAME)]`"),
        ("of", "`of` belongs to a subset: `#[derive(EventSubset)] #[event_subset(of = AppEvent)]`"),
    ],
};

const EVENT: Namespace = Namespace {
    name: "event",
    place: "a variant",
    keys: &["topic", "id", "constant"],
    hints: &[
        ("rename_all", "`rename_all` belongs on the enum: `#[event_map(rename_all = \"..\")]`"),
        ("prefix", "`prefix` belongs on the enum: `#[event_map(prefix = \"..\")]`"),
        ("crate", "`crate` belongs on the enum: `#[event_map(crate = ..)]`"),
        ("name", "write `topic = \"..\"` to name the topic"),
        ("rename", "write `topic = \"..\"` to name the topic"),
        ("payload", "the payload is the type in the variant's parentheses"),
    ],
};

const EVENT_SUBSET: Namespace =
    Namespace { name: "event_subset", place: "the enum", keys: &["of", "crate"], hints: FROM_MAP };

/// `#[event(..)]` on a variant of a subset.
const SUBSET_EVENT: Namespace =
    Namespace { name: "event", place: "a variant", keys: &["constant"], hints: FROM_MAP };

const FROM_MAP: &[(&str, &str)] = &[
    ("topic", "a subset takes its topics from the event map: name the variant as the map does"),
    ("rename_all", "a subset takes its topics from the event map: name the variants as the map does"),
    ("prefix", "a subset takes its topics from the event map: name the variants as the map does"),
    ("id", "a subset takes the types of its ids from the event map"),
    ("constant", "`constant` belongs on a variant: `#[event(constant = NAME)]`"),
];

/// `#[event_map(..)]`
#[derive(Default)]
pub(crate) struct MapOptions {
    pub(crate) rename_all: Option<Rule>,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) id: Option<Type>,
    pub(crate) krate: Option<Path>,
}

impl MapOptions {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        EVENT_MAP.refuse(attrs, &EVENT, errors);
        EVENT_MAP.parse(attrs, errors, |entry| match entry.name.as_str() {
            "rename_all" => entry.set(&mut options.rename_all, Entry::rule),
            "prefix" => entry.set(&mut options.prefix, Entry::string),
            "id" => entry.set(&mut options.id, Entry::id),
            _ => entry.set(&mut options.krate, Entry::path),
        });
        options
    }
}

/// `#[event(..)]`
#[derive(Default)]
pub(crate) struct VariantOptions {
    pub(crate) topic: Option<LitStr>,
    pub(crate) id: Option<Type>,
    pub(crate) constant: Option<Ident>,
}

impl VariantOptions {
    pub(crate) fn parse(variant: &Variant, errors: &mut Errors) -> Self {
        Self::parse_as(&EVENT, &EVENT_MAP, variant, errors)
    }

    /// The options of a subset's variant, of which there are fewer.
    pub(crate) fn parse_in_subset(variant: &Variant, errors: &mut Errors) -> Self {
        Self::parse_as(&SUBSET_EVENT, &EVENT_SUBSET, variant, errors)
    }

    fn parse_as(event: &Namespace, outer: &Namespace, variant: &Variant, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        event.refuse(&variant.attrs, outer, errors);
        event.parse(&variant.attrs, errors, |entry| match entry.name.as_str() {
            "topic" => entry.set(&mut options.topic, Entry::string),
            "id" => entry.set(&mut options.id, Entry::id),
            _ => entry.set(&mut options.constant, Entry::constant),
        });
        for attr in variant.fields.iter().flat_map(|field| &field.attrs) {
            if attr.path().is_ident(event.name) || attr.path().is_ident(outer.name) {
                let mistake = at(attr.path(), "a payload takes no event attribute");
                errors.push(mistake.help("put `#[event(..)]` before the variant"));
            }
        }
        options
    }
}

/// `#[event_subset(..)]`
#[derive(Default)]
pub(crate) struct SubsetOptions {
    pub(crate) of: Option<Type>,
    pub(crate) krate: Option<Path>,
}

impl SubsetOptions {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        EVENT_SUBSET.refuse(attrs, &SUBSET_EVENT, errors);
        EVENT_SUBSET.parse(attrs, errors, |entry| match entry.name.as_str() {
            "of" => entry.set(&mut options.of, Entry::map),
            _ => entry.set(&mut options.krate, Entry::path),
        });
        options
    }
}
