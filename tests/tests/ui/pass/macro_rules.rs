//! Enums made by macros, from every kind of fragment.
#![deny(warnings)]

use pubsub::{CloneMap, EventMap, EventSubset, WireMap};

macro_rules! declare {
    ($(#[$attr:meta])* $vis:vis $name:ident { $($topic:literal $variant:ident($ty:ty, $id:ty)),* }) => {
        #[derive(EventMap)]
        $(#[$attr])*
        $vis enum $name {
            $(#[event(topic = $topic, id = $id)] $variant($ty),)*
            FromTheMacro(u8, $($ty),*),
            Quiet,
        }

        #[derive(EventSubset)]
        #[event_subset(of = $name)]
        $vis enum Subset { $($variant($ty),)* FromTheMacro(u8, $($ty),*), Quiet }
    };
}

declare! {
    #[event_map(rename_all = "snake_case", prefix = "made.")]
    pub(crate) ByMacro { "first" FirstThing(Vec<Option<u8>>, &str), "second" SecondThing(Box<str>, u64) }
}

macro_rules! with_constant {
    ($constant:ident, $crate_path:path) => {
        #[derive(EventMap)]
        #[event_map(crate = $crate_path)]
        enum Renamed {
            #[event(constant = $constant)]
            A(u8),
        }
    };
}
with_constant!(LETTER_A, ::pubsub);

fn complete<M: CloneMap + WireMap, S: EventSubset<Map = M>>() {}

fn main() {
    complete::<ByMacro, Subset>();
    assert_eq!(ByMacro::FIRST_THING.name(), "first");
    assert_eq!(ByMacro::FROM_THE_MACRO.name(), "made.from_the_macro");
    assert_eq!(ByMacro::TOPICS.iter().map(|topic| topic.id).collect::<Vec<_>>(), ["str", "u64", "str", "str"]);
    assert_eq!(ByMacro::TOPICS[0].payload, "Vec<Option<u8>>");
    assert_eq!(Renamed::LETTER_A.name(), "A");
    let _ = Subset::ALL;
}
