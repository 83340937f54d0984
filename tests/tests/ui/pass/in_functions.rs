//! Enums declared in a function, a method's body and a closure.
#![deny(warnings)]

use pubsub::{CloneMap, WireMap};

fn complete<M: CloneMap + WireMap>(_: impl Copy) -> &'static str {
    M::TOPICS[0].name
}

struct Host;

impl Host {
    fn method() {
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        struct Local;

        #[derive(pubsub::EventMap)]
        enum InMethod {
            #[event(id = u64)]
            Local(Local),
            Tuple(Local, Local),
        }

        #[derive(pubsub::EventSubset)]
        #[event_subset(of = InMethod)]
        enum Subset {
            Local(Local),
        }
        assert_eq!(complete::<InMethod>(InMethod::LOCAL), "Local");
        let _ = (Local, Subset::ALL, InMethod::TUPLE);
    }
}

fn main() {
    Host::method();
    let closure = || {
        #[derive(pubsub::EventMap)]
        enum InClosure {
            OneThing(u8),
        }
        complete::<InClosure>(InClosure::ONE_THING)
    };
    assert_eq!(closure(), "OneThing");
}
