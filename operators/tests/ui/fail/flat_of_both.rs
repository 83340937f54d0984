//! What is both iterable and a stream has to be told apart.
use futures::{Stream, stream};
use pubsub_operators::*;

fn main() {
    struct Both;
    impl Iterator for Both {
        type Item = u8;
        fn next(&mut self) -> Option<u8> {
            None
        }
    }
    impl Stream for Both {
        type Item = u8;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<u8>> {
            std::task::Poll::Ready(None)
        }
    }
    let _ = stream::iter([Both]).flow().flat();
}
