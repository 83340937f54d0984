//! Who gets what.

use pubsub::prelude::*;

use crate::exchange::Exchange;
use crate::harness::{App, Part, next, number, numbers_until};

pub(crate) async fn a_topic_follows_every_id_and_one_with_an_id_follows_that<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut every = there.subscribe(App::NUMBER).await.unwrap();
    let mut one = there.subscribe(App::NUMBER.id("b")).await.unwrap();
    let mut of_number = there.subscribe(App::TEXT.id(&7)).await.unwrap();
    number(&here, "a", 1).await;
    number(&here, "b", 2).await;
    here.publish(App::TEXT, &77, "no".to_owned()).await.unwrap();
    here.publish(App::TEXT, &7, "yes".to_owned()).await.unwrap();
    number(&here, "ab", 3).await;
    number(&here, "b", 4).await;
    assert_eq!(numbers_until(&mut every, 4).await, [1, 2, 3, 4]);
    assert_eq!(numbers_until(&mut one, 4).await, [2, 4]);
    let event = next(&mut of_number).await;
    assert_eq!((event.topic, event.id, event.payload.as_str()), ("text", 7, "yes"));
}

pub(crate) async fn all_subset_and_tuple_select_what_they_name<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut all = there.subscribe(All).await.unwrap();
    let mut part = there.subscribe(Part::ALL).await.unwrap();
    let mut tuple = there.subscribe((App::NUMBER.id("a"), App::TEXT, App::RESTART)).await.unwrap();
    number(&here, "a", 1).await;
    number(&here, "b", 2).await;
    here.publish(App::TEXT, &7, "seven".to_owned()).await.unwrap();
    here.publish(App::PAIR, "a", (1, 2)).await.unwrap();
    here.publish(App::RESTART, "", ()).await.unwrap();
    let everything =
        [App::Number(1), App::Number(2), App::Text("seven".to_owned()), App::Pair(1, 2), App::Restart];
    // Between two topics there is no promised order.
    let sorted = |mut events: Vec<App>| {
        events.sort_by_key(|event| format!("{event:?}"));
        events
    };
    let mut got = Vec::new();
    while got.len() < everything.len() {
        got.push(next(&mut all).await.into_payload());
    }
    assert_eq!(sorted(got), sorted(everything.into()));
    let mut got = Vec::new();
    while got.len() < 2 {
        got.push(format!("{:?}", next(&mut part).await.into_payload()));
    }
    got.sort();
    assert_eq!(got, ["Pair(1, 2)", "Restart"]);
    let mut got = Vec::new();
    while got.len() < 3 {
        got.push(next(&mut tuple).await.into_payload());
    }
    assert_eq!(sorted(got), sorted(vec![App::Number(1), App::Text("seven".to_owned()), App::Restart]));
}

pub(crate) async fn several_selectors_deliver_once<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut overlapping = there.subscribe((App::NUMBER, App::NUMBER.id("a"))).await.unwrap();
    let mut ids = there.subscribe(App::NUMBER.ids(["a", "b", "a"])).await.unwrap();
    let mut every = there.subscribe(App::NUMBER).await.unwrap();
    number(&here, "a", 1).await;
    number(&here, "b", 2).await;
    number(&here, "a", 3).await;
    for expected in 1..=3 {
        assert_eq!(next(&mut overlapping).await.into_payload(), App::Number(expected));
    }
    assert_eq!(numbers_until(&mut ids, 3).await, [1, 2, 3]);
    assert_eq!(numbers_until(&mut every, 3).await, [1, 2, 3]);
    assert_eq!(overlapping.try_next().unwrap_err(), TryNextError::Empty);
}

pub(crate) async fn ids_may_hold_anything<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    for id in ["", ":", "a:b", "*", "?", "[x]", "ü 🦀", "a\0b", "\r\n", "a\\*", &"long".repeat(50)] {
        let mut one = there.subscribe(App::NUMBER.id(id)).await.unwrap();
        let mut every = there.subscribe(App::NUMBER).await.unwrap();
        number(&here, &format!("{id}x"), 0).await;
        number(&here, id, 1).await;
        let event = next(&mut one).await;
        assert_eq!((event.id.as_str(), event.payload), (id, 1));
        assert_eq!(numbers_until(&mut every, 1).await, [0, 1]);
    }
}
