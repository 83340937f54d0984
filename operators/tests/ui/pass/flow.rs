//! The methods of `Flow`: everything infers, whatever `StreamExt` is imported.
#![allow(dead_code, unused_imports, reason = "the probes share their beginning")]

use futures::{Stream, stream};
use pubsub_operators::*;

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    id: u64,
    topic: String,
    size: u32,
}

type Events = stream::Iter<std::vec::IntoIter<Event>>;

fn events() -> Events {
    stream::iter(Vec::new())
}

fn numbers() -> stream::Iter<std::ops::Range<u32>> {
    stream::iter(0..10)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

/// Checks the item type.
fn gives<T, S: Stream<Item = T>>(_: S) {}

fn a_chain() {
    gives::<Vec<String>, _>(
        events()
            .flow()
            .filter(|e| e.size > 3)
            .map(|e| e.topic)
            .filter(|t| t.starts_with("a"))
            .take(3)
            .batch(2),
    );
}

fn with_the_trait_of_futures() {
    use futures::StreamExt;
    let _ = events()
        .flow()
        .filter(|e| e.size > 3)
        .map(|e| e.size)
        .take(3)
        .collect::<Vec<u32>>();
}

fn with_three_foreign_traits() {
    use futures::StreamExt;
    use futures_lite::StreamExt as _;
    use tokio_stream::StreamExt as _;
    gives::<u32, _>(
        events()
            .flow()
            .filter(|e| e.size > 3)
            .map(|e| e.size)
            .take(3)
            .chain(numbers()),
    );
}

fn next_of_a_pinned_flow() {
    use futures::StreamExt;
    let mut s = Box::pin(events().flow().filter(|e| e.size > 3));
    let _ = async move { s.next().await };
}

fn flat_of_vectors() {
    gives::<Event, _>(events().flow().batch(4).flat());
}

fn flat_of_streams() {
    gives::<u32, _>(numbers().flow().map(|n| stream::iter(0..n)).flat());
}

fn flat_of_options() {
    gives::<u32, _>(numbers().flow().map(|n| (n > 3).then_some(n)).flat());
}

fn an_async_predicate_borrows_its_item() {
    async fn ok(t: &str) -> bool {
        !t.is_empty()
    }
    gives::<u32, _>(is_send(
        events()
            .flow()
            .filter_async(async |e| ok(&e.topic).await)
            .map(|e| e.size),
    ));
}

fn an_async_mapper() {
    async fn get(e: &Event) -> u64 {
        e.id
    }
    gives::<u64, _>(is_send(
        events()
            .flow()
            .map_async(async |e| get(&e).await)
            .filter(|x| *x > 3),
    ));
}

fn an_async_predicate_with_state() {
    let mut n = 0;
    gives::<Event, _>(events().flow().filter_async(async move |e| {
        n += 1;
        n % 2 == 0 && e.size > 1
    }));
}

fn an_async_mapper_with_a_pattern() {
    gives::<u32, _>(events().flow().map_async(async |Event { size, .. }| size + 1));
}

fn a_predicate_that_borrows_its_surroundings() {
    let words = vec![String::from("a")];
    gives::<Event, _>(events().flow().filter(|e| words.contains(&e.topic)).take(2));
}

fn values_after_methods() {
    gives::<u32, _>(
        events()
            .flow()
            .filter(|e| e.size > 3)
            .pipe((map(|e: Event| e.size), take(3))),
    );
}

fn by_reference() {
    let mut s = Box::pin(events()).flow();
    drop((&mut s).flow().take(2));
    gives::<Event, _>(s.filter(|e| e.size > 1));
}

fn a_key() {
    gives::<Event, _>(events().flow().dedupe(64, |e| e.id).take(3));
}

fn a_hasher() {
    gives::<Event, _>(
        events()
            .flow()
            .dedupe_with_hasher(64, std::hash::RandomState::new(), |e| e.id)
            .take(3),
    );
}

fn a_borrowed_key() {
    gives::<Event, _>(is_send(
        events().flow().dedupe_ref(64, |e| e.topic.as_str()).take(3),
    ));
}

fn reduce() {
    let f = events().flow().reduce(0u64, |a, e| a + u64::from(e.size));
    let _ = async move {
        let _: u64 = f.await;
    };
}

fn a_window_by_reference() {
    gives::<u32, _>(events().flow().window_map(3, 1, |w| w[0].size + w[2].size));
}

fn latest_by_reference() {
    gives::<u32, _>(
        events()
            .flow()
            .latest_map(numbers(), |e, n| e.size + n)
            .with_latest_map(numbers(), |a, b| a + b),
    );
}

fn runs() {
    gives::<(u32, Vec<Event>), _>(events().flow().batch_by(8, |e| e.size));
}

fn results() {
    gives::<Result<Vec<String>, u32>, _>(is_send(
        events()
            .flow()
            .map(|e| if e.size > 3 { Ok(e) } else { Err(e.size) })
            .filter_ok(|e| e.topic.starts_with("a"))
            .map_ok(|e| e.topic)
            .batch_ok(4),
    ));
}

fn results_with_the_traits_of_futures() {
    use futures::{StreamExt, TryStreamExt};
    gives::<Result<String, u32>, _>(
        events()
            .flow()
            .map(|e| if e.size > 3 { Ok(e) } else { Err(e.size) })
            .filter_ok(|e| e.topic.starts_with("a"))
            .map_ok(|e| e.topic),
    );
}

fn select_and_complete() {
    use futures::{FutureExt, StreamExt};
    let mut s = Box::pin(events().flow().filter(|e| e.size > 3).map(|e| e.size).take(3));
    let _ = async move {
        futures::select! { _ = s.next().fuse() => {}, complete => {} }
    };
}

fn spawn() {
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    rt.block_on(async {
        tokio::spawn(async move {
            events()
                .flow()
                .filter(|e| e.size > 3)
                .map(|e| e.size)
                .to_vec()
                .await
        })
        .await
        .unwrap()
    });
}

fn main() {
    a_chain();
    with_the_trait_of_futures();
    with_three_foreign_traits();
    next_of_a_pinned_flow();
    flat_of_vectors();
    flat_of_streams();
    flat_of_options();
    an_async_predicate_borrows_its_item();
    an_async_mapper();
    an_async_predicate_with_state();
    an_async_mapper_with_a_pattern();
    a_predicate_that_borrows_its_surroundings();
    values_after_methods();
    by_reference();
    a_key();
    a_hasher();
    a_borrowed_key();
    reduce();
    a_window_by_reference();
    latest_by_reference();
    runs();
    results();
    results_with_the_traits_of_futures();
    select_and_complete();
    spawn();
}
