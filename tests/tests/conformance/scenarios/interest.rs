//! Subscribing and unsubscribing, on the other side too.

use pubsub::prelude::*;

use crate::exchange::Exchange;
use crate::harness::{App, next, number, numbers_until, until};

pub(crate) async fn subscribe_is_live_when_it_returns<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    for n in 0..50 {
        let id = format!("id {n}");
        let mut one = there.subscribe(App::NUMBER.id(&id)).await.unwrap();
        number(&here, &id, n).await;
        assert_eq!(next(&mut one).await.payload, n);
        let mut later = there.subscribe(App::TEXT.id(&1)).now().unwrap();
        later.ready().await.unwrap();
        here.publish(App::TEXT, &1, "now".to_owned()).await.unwrap();
        assert_eq!(next(&mut later).await.payload, "now");
    }
}

pub(crate) async fn one_subscription_on_the_other_side_however_many_here<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut many = Vec::new();
    for _ in 0..10 {
        many.push(there.subscribe(App::NUMBER.id("a")).await.unwrap());
    }
    if let Some(followed) = exchange.followed().await {
        assert_eq!(followed, 1);
    }
    many.truncate(1);
    number(&here, "a", 1).await;
    assert_eq!(next(&mut many[0]).await.payload, 1, "the last one still follows");
}

pub(crate) async fn nothing_comes_after_a_subscription_is_dropped<X: Exchange>() {
    let exchange = X::start().await;
    let (here, there) = (exchange.bus().await, exchange.bus().await);
    let mut stays = there.subscribe(App::NUMBER).await.unwrap();
    let mut goes = there.subscribe(App::NUMBER.id("a")).await.unwrap();
    number(&here, "a", 1).await;
    assert_eq!(next(&mut goes).await.payload, 1);
    drop(goes);
    number(&here, "a", 2).await;
    assert_eq!(numbers_until(&mut stays, 2).await, [1, 2]);
    drop(stays);
    assert!(!there.has_subscribers(App::NUMBER));
    // Nobody is left whom this could make wait.
    for n in 0..5_000 {
        number(&here, "a", n).await;
    }
    let mut again = there.subscribe(App::NUMBER.id("b")).await.unwrap();
    number(&here, "b", 3).await;
    assert_eq!(next(&mut again).await.payload, 3);
}

pub(crate) async fn nothing_is_left_behind<X: Exchange>() {
    let exchange = X::start().await;
    for round in 0..5 {
        let bus = exchange.bus().await;
        let mut all = Vec::new();
        for n in 0..20 {
            all.push(bus.subscribe(App::NUMBER.id(&format!("{round} {n}"))).await.unwrap());
        }
        let everything = bus.subscribe((App::TEXT, App::RESTART)).await.unwrap();
        let cancelled = bus.subscribe(App::PAIR);
        drop(futures::FutureExt::now_or_never(cancelled));
        number(&bus, "somebody", 1).await;
        drop((all, everything));
        assert!(!bus.has_subscribers(All));
    }
    if exchange.followed().await.is_some() {
        until("empty exchange", async || exchange.followed().await == Some(0)).await;
    }
}
