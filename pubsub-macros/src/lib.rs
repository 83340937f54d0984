//! The derive macros of the crate `pubsub`, which exports them: depend on that one.
//!
//! ```
//! use pubsub::prelude::*;
//!
//! #[derive(EventMap)]
//! enum Home {
//!     Temperature(f64),
//! }
//! assert_eq!(Home::TEMPERATURE.name(), "Temperature");
//! ```
//!
//! # Use something else if
//!
//! * topics are known only when the program runs: a topic is a variant of an enum, and there is no other;
//! * you want an enum to be sent as it is, as one type over one channel: derive serde's traits, and need no topics.
//!
//! What happens to an enum: `parse` reads the attributes, `model` puts them together with the variants, `validate`
//! applies the rules to it, and `expand` writes the code, of a map with mistakes too. `subset` does the same for
//! subsets.

mod bounds;
mod errors;
mod expand;
mod grammar;
mod model;
mod naming;
mod parse;
mod spelling;
mod subset;
mod validate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes an enum an event map: each variant is a topic, and its field the payload.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum AppEvent {
///     /// A session went online or away.
///     SessionStatus(bool),
///     #[event(topic = "chat.message", id = u64)]
///     Message(String, Option<String>),
///     Restart,
/// }
/// assert_eq!(AppEvent::SESSION_STATUS.name(), "session.status");
///
/// let bus = PubSub::<AppEvent>::default();
/// bus.publish(AppEvent::SESSION_STATUS, "project-1", true).now()?;
/// bus.publish(AppEvent::MESSAGE, &42, ("hello".to_owned(), None)).now()?;
/// bus.publish(AppEvent::RESTART, "eu-1", ()).now()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Variants
///
/// | variant | payload | topic constant |
/// |---|---|---|
/// | `SessionStatus(bool)` | `bool` | `SESSION_STATUS: Topic<AppEvent, bool>` |
/// | `Message(String, Option<String>)` | `(String, Option<String>)` | `MESSAGE: Topic<AppEvent, (String, Option<String>), u64>` |
/// | `Restart` | `()` | `RESTART: Topic<AppEvent, ()>` |
/// | `Joined { name: String }` | refused: declare a struct, and write `Joined(Joined)` | |
///
/// A payload is `Send`, `Sync` and `'static`. It is `Clone` where a subscription gives the enum (`All`, a tuple of
/// topics, a subset), and implements serde's `Serialize` and `Deserialize` where a transport leaves the process, and
/// schemars' `JsonSchema` where the map is described for others; all are checked there, not here.
///
/// # Attributes
///
/// `#[event_map(..)]` stands on the enum and `#[event(..)]` on a variant. Several keys are separated by commas.
///
/// | where | key | meaning |
/// |---|---|---|
/// | enum | `rename_all = "dot.case"` | how topics are made of the variants' names; without it they are the names |
/// | enum | `prefix = "app."` | put before each topic that is made of a name |
/// | enum | `id = SessionId` | the type of the topics' ids; `str` by default |
/// | enum | `crate = path::to::pubsub` | where this crate is, if it is renamed or re-exported; `::pubsub` by default |
/// | variant | `topic = "chat.message"` | the topic, as it is: neither renamed nor prefixed |
/// | variant | `id = RoomId` | the type of this topic's id |
/// | variant | `constant = NAME` | the name of the topic's constant, if the variant's name makes none |
///
/// If the crate is renamed in `Cargo.toml` or re-exported by another, say where it is: `#[event_map(crate = bus)]`.
///
/// An id has a type that is `Display + FromStr + Clone + Send + Sync + 'static`, or is `str`.
///
/// A topic has ASCII letters, digits and `. - _ /`. It is not empty, does not start with `__`, and is used once.
///
/// # Renaming
///
/// A name is split into words after `_`, before the capital in `aB` and `2B`, and before the last capital in `ABc`:
/// `HTTPServerUp2` is *http server up2*. So topics differ from what serde's `rename_all` makes of abbreviations.
///
/// | rule | `HTTPServerUp2` |
/// |---|---|
/// | `camelCase` | `httpServerUp2` |
/// | `PascalCase` | `HttpServerUp2` |
/// | `snake_case` | `http_server_up2` |
/// | `SCREAMING_SNAKE_CASE` | `HTTP_SERVER_UP2` |
/// | `kebab-case` | `http-server-up2` |
/// | `SCREAMING-KEBAB-CASE` | `HTTP-SERVER-UP2` |
/// | `dot.case` | `http.server.up2` |
/// | `path/case` | `http/server/up2` |
/// | `lowercase` | `httpserverup2` |
/// | `UPPERCASE` | `HTTPSERVERUP2` |
///
/// Constants are named by `SCREAMING_SNAKE_CASE`.
///
/// # What it makes
///
/// * An associated constant for each topic, as visible as the enum, with the variant's doc comment and `#[deprecated]`.
/// * The implementations of `EventMap`, of `CloneMap` and, with the features `serde` and `schema`, of `WireMap` and
///   `SchemaMap`.
///
/// A generic enum is an event map for parameters that are `Send`, `Sync` and `'static`. A lifetime parameter is
/// refused: events outlive the call that publishes them.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum Readings<T, const N: usize> {
///     Value(T),
///     Window([T; N]),
/// }
/// let bus = PubSub::<Readings<f64, 3>>::default();
/// bus.publish(Readings::WINDOW, "sensor-1", [0.1, 0.2, 0.3]).now()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[proc_macro_derive(EventMap, attributes(event, event_map))]
pub fn derive_event_map(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut errors = errors::Errors::default();
    let mut map = model::Map::new(&input, &mut errors);
    validate::validate(&mut map, &mut errors);
    let mut tokens = expand::expand(&map);
    tokens.extend(errors.into_compile_errors());
    tokens.into()
}

/// Makes an enum a subset of an event map: some of its topics, for an exhaustive `match`.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum AppEvent {
///     SessionStatus(bool),
///     Message(String),
///     #[event(constant = LETTER)]
///     X(u8),
/// }
///
/// #[derive(Clone, EventSubset)]
/// #[event_subset(of = AppEvent)]
/// enum Presence {
///     SessionStatus(bool),
///     #[event(constant = LETTER)]
///     Letter(u8),
/// }
///
/// let bus = PubSub::<AppEvent>::default();
/// let mut presence = bus.subscribe(Presence::ALL).now()?;
/// bus.publish(AppEvent::MESSAGE, "lobby", "not for us".to_owned()).now()?;
/// bus.publish(AppEvent::LETTER, "lobby", 7).now()?;
/// match presence.try_next()?.into_payload() {
///     Presence::SessionStatus(_) => unreachable!(),
///     Presence::Letter(letter) => assert_eq!(letter, 7),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A variant is named like the map's, and has its payload: `Message(String)` for `Message(String)`. That the two
/// agree is checked by the compiler, whatever the types are called. Payloads are `Clone`.
///
/// | where | key | meaning |
/// |---|---|---|
/// | enum | `of = AppEvent` | the event map; needed |
/// | enum | `crate = path::to::pubsub` | where this crate is, if it is renamed or re-exported; `::pubsub` by default |
/// | variant | `constant = NAME` | the map's constant for the topic, if the variant's name makes another |
///
/// It makes the associated constant `ALL`, a selector that is as visible as the enum, and implements `EventSubset`.
#[proc_macro_derive(EventSubset, attributes(event, event_subset))]
pub fn derive_event_subset(input: TokenStream) -> TokenStream {
    subset::derive(&parse_macro_input!(input as DeriveInput)).into()
}
