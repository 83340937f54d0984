//! Event maps: enums whose variants are topics.

/// An enum of topics and their payloads. Derive it: `#[derive(EventMap)]`.
///
/// A variant is a topic and its field the payload; the derive gives the enum an associated constant of the type
/// [`Topic`](crate::Topic) for each. What it accepts stands [with the derive](derive@crate::EventMap).
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// #[event_map(rename_all = "dot.case")]
/// enum AppEvent {
///     SessionStatus(String), // topic "session.status": AppEvent::SESSION_STATUS
///     Restart,               // payload ()
/// }
/// let names: Vec<&str> = AppEvent::TOPICS.iter().map(|topic| topic.name).collect();
/// assert_eq!(names, ["session.status", "restart"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event map",
    label = "expected an enum with `#[derive(EventMap)]`",
    note = "an event map is an enum with one variant for each topic: `#[derive(EventMap)] enum AppEvent {{ SessionStatus(SessionStatus) }}`"
)]
pub trait EventMap: Sized + Send + Sync + 'static {
    /// Every topic, in the order of the variants.
    const TOPICS: &'static [TopicInfo];

    /// Names and places in [`TOPICS`](Self::TOPICS), sorted by name.
    #[doc(hidden)]
    const __BY_NAME: &'static [(&'static str, usize)];

    /// The place of a topic in [`TOPICS`](Self::TOPICS); `None` if the map has no topic of that name.
    #[must_use]
    fn topic_index(name: &str) -> Option<usize> {
        let place = Self::__BY_NAME.binary_search_by(|(other, _)| (*other).cmp(name)).ok()?;
        Some(Self::__BY_NAME[place].1)
    }
}

/// What is known about a topic without its types, for tools: listings, schema export, handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// The topic's name; `type` on a wire.
    pub name: &'static str,
    /// The name of the enum's variant.
    pub variant: &'static str,
    /// The payload's type as the enum spells it; `()` for a unit variant.
    pub payload: &'static str,
    /// The id's type as the attribute spells it; `str` by default.
    pub id: &'static str,
    /// The doc comment of the variant, without markup; empty if there is none.
    pub doc: &'static str,
    /// The note of the variant's `#[deprecated]`, empty if it has none; `None` if the variant is not deprecated.
    pub deprecated: Option<&'static str>,
    /// FNV-1a, 64 bits, of `name`, `payload` and `id`, each followed by a zero byte and with white space removed:
    /// equal where two builds of a map agree on the topic as it is spelt.
    ///
    /// It says nothing about what the spelling stands for: a payload `Note` is one `Note` whatever its fields are, and
    /// so are an alias that stands for another type, and the parameter `T` of a generic map with other arguments.
    pub hash: u64,
}

/// Called by what the derive generates.
#[doc(hidden)]
#[must_use]
pub const fn topic_info(
    name: &'static str,
    variant: &'static str,
    payload: &'static str,
    id: &'static str,
    doc: &'static str,
    hash: u64,
) -> TopicInfo {
    TopicInfo { name, variant, payload, id, doc, deprecated: None, hash }
}

/// Called by what the derive generates, for the few topics that are deprecated.
#[doc(hidden)]
#[must_use]
pub const fn deprecated(mut info: TopicInfo, note: &'static str) -> TopicInfo {
    info.deprecated = Some(note);
    info
}

/// An event map whose payloads are all `Clone`, so that the enum can be built from a shared payload.
///
/// Asked for by selections that give the enum: [`All`](crate::All) and tuples of selectors. The derive implements
/// it; a payload that is not `Clone` is an error only where such a selection is made.
pub trait CloneMap: EventMap {
    #[doc(hidden)]
    fn __from_stored(stored: crate::__private::Stored) -> Self;
}

/// A payload that can be cloned out of a stored event.
///
/// The lifetime defers the question: a bound `for<'a> P: ClonePayload<'a>` is checked where it is used, whereas
/// `P: Clone` with a concrete `P` would be checked where the derive stands. What the payload must be besides is asked
/// by the implementation, so that what the derive generates has one bound to check for each payload.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the payload `{Self}` is not `Clone`",
    label = "this selection gives the enum of the event map, and builds it from a clone of `{Self}`",
    note = "add `#[derive(Clone)]` to `{Self}`, or subscribe to its topic alone, which shares the payload"
)]
pub trait ClonePayload<'a>: Sized {
    fn take_from<I: crate::TopicId + ?Sized + 'static>(stored: crate::__private::Stored) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> ClonePayload<'_> for T {
    fn take_from<I: crate::TopicId + ?Sized + 'static>(stored: crate::__private::Stored) -> T {
        stored.take_cloned::<T, I>()
    }
}

/// An enum of some topics of an event map, for an exhaustive `match`. Derive it: `#[derive(EventSubset)]`.
///
/// A variant stands for the map's variant of the same name and has its payload. The derive makes the associated
/// constant `ALL`, which selects the topics of the subset.
///
/// ```
/// use pubsub::prelude::*;
///
/// #[derive(EventMap)]
/// enum App { Joined(String), Left(String), Tick(u64) }
///
/// #[derive(Clone, EventSubset)]
/// #[event_subset(of = App)]
/// enum Presence { Joined(String), Left(String) }
///
/// let bus = PubSub::<App>::default();
/// let mut presence = bus.subscribe(Presence::ALL).now()?;
/// bus.publish(App::TICK, "clock", 1).now()?;
/// bus.publish(App::LEFT, "lobby", "ada".to_owned()).now()?;
/// match presence.try_next()?.into_payload() {
///     Presence::Joined(who) => println!("{who} came"),
///     Presence::Left(who) => println!("{who} left"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a subset of an event map",
    label = "expected an enum with `#[derive(EventSubset)]`",
    note = "a subset names its map: `#[derive(EventSubset)] #[event_subset(of = AppEvent)] enum Presence {{ .. }}`"
)]
pub trait EventSubset: Sized + Send + Sync + 'static {
    /// The map that it is a subset of.
    type Map: EventMap;

    #[doc(hidden)]
    const __TOPICS: &'static [usize];
    /// Only ever called with an event of one of `__TOPICS`.
    #[doc(hidden)]
    fn __from_stored(stored: crate::__private::Stored) -> Self;
}

/// Says more than "mismatched types" when a subset and its map disagree.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the event map's topic has the payload `{Self}`, but this variant has `{P}`",
    label = "expected `{Self}`"
)]
pub trait SamePayload<P> {
    fn same(self) -> P;
}

#[diagnostic::do_not_recommend]
impl<P> SamePayload<P> for P {
    fn same(self) -> P {
        self
    }
}

/// The payload of a subset's variant, checked against the map's.
#[doc(hidden)]
pub fn same<A: SamePayload<B>, B>(payload: A) -> B {
    payload.same()
}

/// The payload of an event of this topic.
#[doc(hidden)]
pub fn take<M, P, I>(_: crate::Topic<M, P, I>, stored: crate::__private::Stored) -> P
where
    P: for<'a> ClonePayload<'a>,
    I: crate::TopicId + ?Sized + 'static,
{
    stored.take::<P, I>()
}

/// [`TopicId`](crate::TopicId), with the lifetime that defers the question; see [`ClonePayload`]. A type that is none
/// is reported where the topic's constant is made, once; without this, every use of the type would report it again.
#[doc(hidden)]
pub trait DeferredId<'a>: crate::TopicId {}

impl<T: crate::TopicId + ?Sized> DeferredId<'_> for T {}

/// `Send + Sync` of a map, deferred: the payload that is neither is reported where the topic's constant is made.
#[doc(hidden)]
pub trait DeferredShared<'a>: Send + Sync {}

impl<T: Send + Sync> DeferredShared<'_> for T {}

/// Called by what the derives generate, where an event is of another map.
#[doc(hidden)]
#[cold]
pub fn no_such_topic(index: usize) -> ! {
    unreachable!("topic {index} is none of this map's")
}
