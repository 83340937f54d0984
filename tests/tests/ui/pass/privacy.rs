//! Topics are as visible as their enum, and payloads may be less so than the map would like.
#![deny(warnings)]

mod room {
    use pubsub::{EventMap, EventSubset};

    #[derive(Clone)]
    struct Secret;

    #[derive(EventMap)]
    enum Private {
        Secret(Secret),
    }

    #[derive(Clone)]
    pub(crate) struct Shared;

    #[derive(EventMap)]
    pub(in crate::room) enum Scoped {
        Shared(Shared),
    }

    /// The compiler warns of the private type at the variant, and only there.
    #[derive(EventMap)]
    #[allow(private_interfaces)]
    pub enum Public {
        #[allow(private_interfaces)]
        Secret(Secret),
        Shared(Shared),
    }

    #[derive(EventSubset)]
    #[event_subset(of = Public)]
    #[allow(private_interfaces)]
    pub enum Subset {
        Secret(Secret),
    }

    pub fn run() {
        let _ = (Private::SECRET, Scoped::SHARED, Secret, Shared);
    }
}

fn main() {
    room::run();
    let _ = (room::Public::SHARED, room::Subset::ALL);
}
