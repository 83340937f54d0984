//! `window` clones; `window_map` does not.
use futures::stream;
use pubsub_operators::*;

fn main() {
    struct Opaque;
    let _ = stream::iter([Opaque]).flow().window(2, 1);
}
