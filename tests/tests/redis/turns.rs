//! On one thread, who reads each event at once is not outrun by the connection that brings them, however many there are.

use pubsub::Redis;
use pubsub::prelude::*;
use pubsub::redis::{RedisBuilder, Retention};
use pubsub_tests::turns::{BOUND, BURST, elsewhere, publish_all, read_all};

use crate::harness::{App, Server};

async fn is_not_outrun(builder: fn() -> RedisBuilder) {
    let server = Server::start();
    let bus = PubSub::<App>::new(builder().connect(server.url()).await.expect("a connection"));
    let numbers =
        bus.subscribe(App::NUMBER).bound(BOUND).overflow(Overflow::DropOldest).await.expect("subscribed");
    let url = server.url();
    let (go, publisher) = elsewhere(move |told| async move {
        let bus = PubSub::<App>::new(builder().connect(url).await.expect("a connection"));
        publish_all(|number| bus.publish(App::NUMBER, "a", number)).await;
        told.recv().expect("told");
    });
    read_all(numbers).await;
    go.send(()).expect("it listens");
    publisher.join().expect("no panic");
}

#[tokio::test]
async fn a_reader_of_channels_is_not_outrun() {
    is_not_outrun(Redis::builder).await;
}

#[tokio::test]
async fn a_reader_of_streams_is_not_outrun() {
    is_not_outrun(|| Redis::durable(Retention::last(2 * BURST))).await;
}
