//! A crate that denies everything, with maps that are declared and hardly used: it sees no lint in the expansion. That
//! it compiles, under clippy too, is the test.
#![deny(
    warnings,
    future_incompatible,
    keyword_idents,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    unused
)]
#![deny(missing_docs, missing_debug_implementations, missing_copy_implementations, single_use_lifetimes)]
#![deny(trivial_casts, trivial_numeric_casts, unit_bindings, unnameable_types, unreachable_pub)]
#![deny(
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(
    absolute_paths_not_starting_with_crate,
    explicit_outlives_requirements,
    private_interfaces,
    private_bounds
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::missing_docs_in_private_items)]
#![forbid(unsafe_code)]

/// What is said about a room.
#[derive(Debug, Clone)]
struct Topic(String);

/// Used by its topics only: neither variants nor fields are dead code.
#[derive(Debug, pubsub::EventMap)]
#[event_map(rename_all = "dot.case")]
enum AppEvent {
    /// A topic was set.
    TopicSet(Topic),
    /// Never used at all.
    Pair(u8, u8),
    /// The old way.
    #[deprecated = "use TopicSet"]
    Old(u64),
    /// No payload.
    Restart,
}

/// Some topics.
#[derive(Debug, pubsub::EventSubset)]
#[event_subset(of = AppEvent)]
enum Subset {
    /// A topic was set.
    TopicSet(Topic),
    /// No payload.
    Restart,
}

/// Nested, with its own visibility.
#[allow(clippy::redundant_pub_crate)] // which is the opposite of `unreachable_pub`
mod inner {
    /// Visible to the parent only.
    #[derive(Debug, pubsub::EventMap)]
    pub(super) enum Scoped {
        /// One.
        OneThing(std::collections::BTreeMap<String, Vec<Option<(u8, u8)>>>),
    }
}

/// Deprecated as a whole.
#[deprecated = "use AppEvent"]
#[derive(Debug, pubsub::EventMap)]
enum Older {
    /// One.
    OneThing(u8),
}

fn main() {
    let Topic(text) = Topic("x".to_owned());
    assert_eq!(text, "x");
    assert_eq!(AppEvent::TOPIC_SET.name(), "topic.set");
    assert_eq!(inner::Scoped::ONE_THING.name(), "OneThing");
    assert_eq!(format!("{:?}", Subset::ALL), "[\"topic.set\", \"restart\"]");
    match Subset::Restart {
        Subset::TopicSet(topic) => drop(topic),
        Subset::Restart => {}
    }
}
