//! Nothing that a module defines or leaves out reaches into the expansion.
#![deny(warnings)]

mod shadowed {
    #![no_implicit_prelude]
    #![allow(non_camel_case_types, non_upper_case_globals, dead_code, unused_macros, unused_imports)]

    macro_rules! shadow {
        ($($name:ident)*) => { $(pub struct $name;)* };
    }
    shadow! { Option Result Some Ok Err Box Vec String Topic EventMap CloneMap WireMap EventSubset SubsetOf Stored }
    shadow! { Clone Send Sync Sized Fn str usize u8 u64 bool __S __D }
    pub mod core {}
    pub mod std {}
    pub mod alloc {}
    pub mod serde {}
    pub mod pubsub {}
    macro_rules! unreachable {
        ($($any:tt)*) => { shadowed };
    }
    use unreachable as panic;

    #[derive(::core::clone::Clone, ::serde::Serialize, ::serde::Deserialize)]
    pub struct Payload;

    #[derive(::pubsub::EventMap)]
    pub enum Event {
        One(Payload),
        Two(::core::primitive::u8, ::core::primitive::u8),
        Three,
        #[event(id = ::core::primitive::u64)]
        Four(Payload),
    }

    #[derive(::pubsub::EventSubset)]
    #[event_subset(of = Event)]
    pub enum Subset {
        One(Payload),
        Two(::core::primitive::u8, ::core::primitive::u8),
        Three,
        Four(Payload),
    }
}

fn fit_for_a_network<M: pubsub::WireMap + pubsub::CloneMap>() {}

fn main() {
    fit_for_a_network::<shadowed::Event>();
    assert_eq!(shadowed::Event::FOUR.name(), "Four");
    let _ = shadowed::Subset::ALL;
}
