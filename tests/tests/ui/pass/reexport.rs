//! `crate = ..` names the crate where it is re-exported.
#![deny(warnings)]

mod deep {
    pub mod facade {
        pub use ::pubsub as bus;
    }
}

mod pubsub {}

#[derive(deep::facade::bus::EventMap)]
#[event_map(crate = crate::deep::facade::bus)]
enum ByPath {
    OneThing(u8),
}

#[derive(deep::facade::bus::EventMap)]
#[event_map(crate = "crate::deep::facade::bus")]
enum ByString {
    OneThing(u8),
}

#[derive(deep::facade::bus::EventSubset)]
#[event_subset(of = ByPath, crate = deep::facade::bus)]
enum Subset {
    OneThing(u8),
}

macro_rules! declare {
    () => {
        #[derive($crate::deep::facade::bus::EventMap)]
        #[event_map(crate = $crate::deep::facade::bus)]
        enum ByDollarCrate {
            OneThing(u8),
        }
    };
}
declare!();

fn main() {
    let _ = ByDollarCrate::ONE_THING;
    let _ = (ByPath::ONE_THING, ByString::ONE_THING, Subset::ALL);
}
