//! One event followed by OpenTelemetry, whose ids travel with it. The page "See inside" of the book shows the propagator.

mod propagator;

use std::time::Duration;

use opentelemetry::trace::{SpanId, SpanKind, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use pubsub::prelude::*;
use pubsub::{Hub, Spoke};
use tracing::Instrument;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Debug, EventMap)]
#[event_map(rename_all = "dot.case")]
enum App {
    Order(u64),
    Bill(u64),
}

async fn spoke(hub: &Hub) -> PubSub<App> {
    let url = format!("ws://{}", hub.local_addr().expect("it listens"));
    PubSub::new(Spoke::connect(&url).await.expect("a connection"))
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let [one] = found[..] else { panic!("{name}: {spans:#?}") };
    one
}

/// One test, since the propagator is that of the process.
#[tokio::test]
async fn from_a_request_over_a_hub_to_the_handler_of_another_process_and_back() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _guard = tracing::subscriber::set_default(Registry::default().with(layer));
    pubsub::trace::set_propagator(propagator::OpenTelemetry).expect("the first");

    let hub = Hub::bind("127.0.0.1:0").await.expect("a free port");
    let (shop, office) = (spoke(&hub).await, spoke(&hub).await);
    let mut bills = shop.subscribe(App::BILL).await.expect("subscribed");
    let answering = office.clone();
    let handler = office.on(App::ORDER, async move |order| {
        answering.publish(App::BILL, &order.id, 250).await.map_err(|error| error.to_string())
    });
    let handling = tokio::spawn(handler);
    let _ready = office.subscribe(App::ORDER).await.expect("subscribed, and so is the handler");

    let request = async { shop.publish(App::ORDER, "17", 1).await.expect("published") };
    request.instrument(tracing::info_span!("request")).await;
    let bill = tokio::time::timeout(Duration::from_secs(30), bills.next()).await.expect("in time");
    let bill = bill.expect("it goes on");
    hub.close().await;
    handling.abort();
    let _ended = handling.await;

    let spans = exporter.get_finished_spans().expect("spans");
    let mut above = SpanId::INVALID;
    let trace_id = named(&spans, "request").span_context.trace_id();
    for name in ["request", "publish order", "receive order", "process order", "publish bill", "receive bill"]
    {
        let span = named(&spans, name);
        assert_eq!(
            (span.span_context.trace_id(), span.parent_span_id),
            (trace_id, above),
            "{name}: {spans:#?}"
        );
        above = span.span_context.span_id();
    }
    let relay = named(&spans, "relay order");
    assert_eq!(relay.parent_span_id, named(&spans, "publish order").span_context.span_id());
    let kinds =
        ["publish order", "receive order", "process order"].map(|name| &named(&spans, name).span_kind);
    assert_eq!(kinds, [&SpanKind::Producer, &SpanKind::Consumer, &SpanKind::Consumer]);
    let context = bill.trace_context().expect("a context");
    assert_eq!((context.trace_id(), context.span_id()), (trace_id.to_bytes(), above.to_bytes()));
}
