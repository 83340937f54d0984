//! Connections that end, each in its way, and whether and when the other side comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{join_all, try_join_all};
use pubsub::prelude::*;
use pubsub::websocket::wire::Token;
use pubsub::websocket::{CloseCode, HubConfig, HubEvent, HubEvents, SpokeConfig};
use pubsub::{ConnectError, ConnectionState, Hub, PublishError, Spoke};
use pubsub_tests::hub::{address, connected, guarded, hub_with, lost, state, verify};
use pubsub_tests::proxy::Proxy;
use pubsub_tests::raw::{HANDSHAKE, Heard, Raw, frame, subscribe};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::auditor::Published;
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, publish};
use crate::reading::{account_without_gaps, next};
use crate::world::{Work, behind, hub_behind, patient, spoke, spoke_at, steady_spoke};

/// Who lets everybody in and ends it at once is not hammered, and is asked about as often as the highest delay says.
///
/// That no delay is ever above the highest cannot be seen here, where connecting takes its time: it is asked of `Backoff` itself, and by
/// the fuzz target `spoke` of the protocol, on their own clocks.
pub(crate) async fn accept_then_close_backs_off(work: Work) -> Outcome {
    const MAX: Duration = Duration::from_millis(256);
    let tries = work.of(40).max(10);
    let hub = hub_with(patient()).await;
    let mut happens = hub.events();
    let config = SpokeConfig {
        backoff_min: Duration::from_millis(4),
        backoff_max: MAX,
        stable_after: Duration::from_secs(60),
        ..steady_spoke()
    };
    let bus = spoke_at(address(&hub), config).await;
    let mut reader = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    let mut opened = Vec::new();
    for _ in 0..7 + tries {
        let connection = loop {
            let event = in_time("another connection", happens.next()).await?;
            if let HubEvent::Connected(connection) = event.or_mismatch("a hub that goes on")? {
                break connection;
            }
        };
        opened.push(Instant::now());
        connection.disconnect(CloseCode::ServerError);
    }
    // The ceiling of the delay is reached with the seventh.
    let mut delays: Vec<Duration> = opened[6..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    delays.sort_unstable();
    let took: Duration = delays.iter().sum();
    // Each waits up to 256 ms, half of that on average. A quarter is as good as never.
    let least = MAX.mul_f64(tries as f64 / 8.0);
    holds(took > least, &format!("at least {least:?} for {tries} tries"), || format!("{took:?}"))?;
    // A busy machine takes its time to connect. Without a maximum half of them would take seconds.
    let (median, most) = (delays[delays.len() / 2], MAX * 8);
    holds(median < most, &format!("less than {most:?} from try to try"), || format!("{median:?}"))?;
    connected(&bus).await;
    publish(&bus, App::NUMBER, "a", 0..1).await?;
    same("the next event", next(&mut reader).await?.payload, 0)?;
    drop((bus, reader));
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{tries} tries, the last of them in {:.1} s", took.as_secs_f64()))
}

/// Codes that are final, those of tomorrow among them.
const FINAL: [u16; 18] = [
    1002, 1003, 1007, 1008, 1009, 4500, 4501, 4502, 4503, 4504, 4505, 4506, 4507, 4508, 4509, 4510, 4777,
    4999,
];
/// Codes after which a client comes back.
const RETRYABLE: [u16; 17] =
    [1001, 1011, 1012, 1013, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4010, 4011, 4444, 4499];

fn only_connection(hub: &Hub) -> Result<pubsub::websocket::HubConnection, Mismatch> {
    hub.connections().pop().or_mismatch("a connection at the hub")
}

/// A code that is final ends the bus, which says why, and nobody comes back.
pub(crate) async fn terminal_codes_stop(_: Work) -> Outcome {
    try_join_all(FINAL.map(|code| stops(code.into()))).await?;
    Ok(format!("{} codes", FINAL.len()))
}

async fn stops(code: CloseCode) -> Result<(), Mismatch> {
    let hub = hub_with(patient()).await;
    let mut happens = hub.events();
    let bus = spoke(&hub).await;
    let mut reader = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
    only_connection(&hub)?.disconnect(code);
    let closed = state(&bus, |state| matches!(state, ConnectionState::Closed { .. })).await;
    let ConnectionState::Closed { error: Some(error) } = closed else {
        return Err(Mismatch::new(format!("a reason after {code}"), closed.to_string()));
    };
    let says_why = !error.is_retryable() && error.to_string().contains(&code.number().to_string());
    holds(says_why, &format!("a final error that names {code}"), || format!("{error}"))?;
    same("events after it", in_time("an end", reader.next()).await?.map(|event| event.payload), None)?;
    let refused = in_time("an answer", bus.publish(App::NUMBER, "a", 5)).await?;
    let is_closed = matches!(&refused, Err(PublishError::Closed(event)) if event.payload == 5);
    holds(is_closed, "the event back, as the bus is closed", || format!("{refused:?}"))?;
    in_time("the end of a hub", hub.close()).await?;
    same("connections in all", count_connected(&mut happens), 1)
}

fn count_connected(happens: &mut HubEvents) -> usize {
    let all = std::iter::from_fn(|| happens.next().now_or_never().flatten());
    all.filter(|event| matches!(event, HubEvent::Connected(_))).count()
}

/// A code that is not lets the client come back, and it has missed nothing.
pub(crate) async fn retryable_resume(_: Work) -> Outcome {
    try_join_all(RETRYABLE.map(|code| resumes(code.into()))).await?;
    Ok(format!("{} codes", RETRYABLE.len()))
}

async fn resumes(code: CloseCode) -> Result<(), Mismatch> {
    let hub = hub_with(patient()).await;
    let mut happens = hub.events();
    let (source, bus) = (PubSub::<App>::new(hub.transport()), spoke(&hub).await);
    let mut reader = bus.subscribe(App::NUMBER.id("a")).await.or_mismatch("it is subscribed")?;
    publish(&source, App::NUMBER, "a", 0..1).await?;
    let first = only_connection(&hub)?;
    first.disconnect(code);
    publish(&source, App::NUMBER, "a", 1..3).await?;
    // Not asked of the bus: between two looks at its state it may have gone and come back.
    until("another connection", || only_connection(&hub).is_ok_and(|it| it != first)).await?;
    connected(&bus).await;
    publish(&bus, App::NUMBER, "a", 3..4).await?;
    account_without_gaps(&mut reader, &Published::from([("a".to_owned(), 4)])).await?;
    drop((bus, reader));
    in_time("the end of a hub", hub.close()).await?;
    same("connections in all", count_connected(&mut happens), 2)
}

/// Its network is gone, and it has come back before the hub could know. Who is heard stays, though it has been there for longer.
pub(crate) async fn half_open_incumbent_superseded(work: Work) -> Outcome {
    let names: Vec<String> = (0..work.of(8).max(2)).map(|number| format!("user{number}")).collect();
    let config = HubConfig { max_connections_per_identity: 2, direct: ["number".into()].into(), ..patient() };
    let hub = guarded(config).bind("127.0.0.1:0").await.or_mismatch("a free port")?;
    let mut happens = hub.events();
    let proxy = Proxy::to(address(&hub)).await;
    let mut talking = incumbents(address(&hub), &names).await?;
    let heard = hub.connections();
    let unheard = incumbents(proxy.address, &names).await?;
    let silent: Vec<_> = hub.connections().into_iter().filter(|one| !heard.contains(one)).collect();
    proxy.change(|weather| weather.stalled = true);
    for raw in &mut talking {
        same("what comes before a pong", raw.until_pong().await?, vec![])?;
    }
    let comers = join_all(names.iter().map(|name| {
        let token = Some(Token(format!("token-of-{name}")));
        spoke_at(address(&hub), SpokeConfig { token, ..steady_spoke() })
    }))
    .await;
    let (mut went, mut codes) = (0, Vec::new());
    while went < names.len() {
        let event = in_time("the end of an incumbent", happens.next()).await?;
        if let HubEvent::Disconnected { connection, code } = event.or_mismatch("a hub that goes on")? {
            // Neither who is heard nor who has just come.
            holds(silent.contains(&connection), "the silent one of each to go", || {
                format!("{connection:?}")
            })?;
            codes.push(code.number());
            went += 1;
        }
    }
    same("the codes", codes, vec![4010; names.len()])?;
    for (bus, name) in comers.iter().zip(&names) {
        let mut inbox = bus.subscribe(App::NUMBER.id_self()).await.or_mismatch("it is subscribed")?;
        publish(bus, App::NUMBER, "@self", 0..1).await?;
        let event = next(&mut inbox).await?;
        same("its own event", (&*event.id, event.payload), (&**name, 0))?;
    }
    for raw in &mut talking {
        same("what who stays hears before a pong", raw.until_pong().await?, vec![])?;
    }
    same("connections", hub.connections().len(), 2 * names.len())?;
    drop((comers, talking, unheard));
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{} identities", names.len()))
}

async fn incumbents(at: SocketAddr, names: &[String]) -> Result<Vec<Raw>, Mismatch> {
    let mut all = Vec::new();
    for name in names {
        let mut raw = Raw::connect(at).await?;
        raw.prove(&format!("token-of-{name}")).await?;
        let welcome = raw.text().await?;
        holds(welcome.contains("__connected"), "__connected", || welcome.clone())?;
        all.push(raw);
    }
    Ok(all)
}

/// Nothing goes through and nothing breaks: both sides find out by their pings.
pub(crate) async fn no_pong(work: Work) -> Outcome {
    let pong_timeout = Duration::from_secs(3);
    let ping_every = Duration::from_millis(100);
    let hub = hub_with(HubConfig { ping_every, pong_timeout, ..patient() }).await;
    let source = PubSub::<App>::new(hub.transport());
    let proxy = Proxy::to(address(&hub)).await;
    let mut spokes = Vec::new();
    for _ in 0..work.of(8).max(2) {
        let bus = spoke_at(proxy.address, SpokeConfig { ping_every, pong_timeout, ..steady_spoke() }).await;
        let reader = bus.subscribe(App::NUMBER).await.or_mismatch("it is subscribed")?;
        spokes.push((bus, reader));
    }
    // One that hears the pings, and says nothing.
    let mut deaf = TcpStream::connect(address(&hub)).await.or_mismatch("a connection")?;
    let said = [HANDSHAKE.as_bytes(), &frame(0x81, subscribe("number").as_bytes())].concat();
    deaf.write_all(&said).await.or_mismatch("it is written")?;
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains("__subscribed") {
        let read = in_time("an answer", deaf.read_buf(&mut heard)).await?.or_mismatch("an answer")?;
        holds(read > 0, "an answer", || "an end".to_owned())?;
    }

    proxy.change(|weather| weather.stalled = true);
    publish(&source, App::NUMBER, "a", 0..1).await?;
    in_time("a loss at each spoke", join_all(spokes.iter().map(|(bus, _)| lost(bus)))).await?;
    until("no connection at the hub", || hub.connections().is_empty()).await?;
    same("subscriptions", hub.subscriptions(), 0)?;
    let read = in_time("an end", deaf.read_to_end(&mut heard)).await?;
    let goodbye = 4004_u16.to_be_bytes();
    let is_told = heard.windows(2).any(|bytes| bytes == goodbye);
    holds(is_told, "a close frame with 4004", || format!("{read:?}: {}", String::from_utf8_lossy(&heard)))?;

    proxy.change(|weather| weather.stalled = false);
    for (bus, reader) in &mut spokes {
        connected(bus).await;
        account_without_gaps(reader, &Published::from([("a".to_owned(), 1)])).await?;
    }
    let count = spokes.len();
    drop(spokes);
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{count} spokes and one client that says nothing"))
}

/// Who it is holds for a while: who brings nothing new is closed, and who does goes on, on the connection that it has.
pub(crate) async fn token_expiry_and_refresh(work: Work) -> Outcome {
    // A quarter of it is for the new token to come.
    const LIFETIME: Duration = Duration::from_secs(8);
    // Each takes seconds, however much is to be done.
    let refreshes = usize::try_from(work.of(2).min(2)).or_mismatch("a number")?;
    let builder = guarded(HubConfig { direct: ["number".into()].into(), ..patient() });
    let builder = builder.authenticate(async |token| Ok(verify(token).await?.valid_for(LIFETIME)));
    let hub = builder.bind("127.0.0.1:0").await.or_mismatch("a free port")?;
    let mut raw = Raw::connect(address(&hub)).await?;
    raw.prove("token-of-ada").await?;
    let welcome = raw.text().await?;
    holds(welcome.contains(r#""expiresMs":8000"#), "a lifetime", || welcome.clone())?;

    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let builder = Spoke::builder().config(steady_spoke()).token(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, ConnectError>("token-of-bob".to_owned()) }
    });
    let connecting = builder.connect(format!("ws://{}", address(&hub)));
    let bus: PubSub<App> =
        PubSub::new(in_time("a connection", connecting).await?.or_mismatch("a connection")?);
    let mut happens = hub.events();
    let mut inbox = bus.subscribe(App::NUMBER.id_self()).await.or_mismatch("it is subscribed")?;
    same("the code that the other is closed with", raw.closed().await?, 4005)?;
    until("new tokens", || asked.load(Ordering::Relaxed) > refreshes).await?;
    publish(&bus, App::NUMBER, "@self", 0..1).await?;
    same("its own event", next(&mut inbox).await?.payload, 0)?;
    let names = hub.connections().iter().map(|one| one.identity().map(|it| it.name().to_owned())).collect();
    same("who is there", names, vec![Some("bob".to_owned())])?;
    same("connections after the first two", count_connected(&mut happens), 0)?;
    drop((bus, inbox));
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{refreshes} new tokens on one connection"))
}

/// Each client is told a moment of its own at which to come back; what happens meanwhile it gets then.
pub(crate) async fn shutdown_spreads_reconnects(work: Work) -> Outcome {
    const SHARE: u64 = 40;
    // Of a few spokes at least: the first may come back at once.
    let (raws, spokes) = (work.of(40), work.of(10).max(8));
    let window = Duration::from_millis((raws + spokes) * SHARE);
    let topic = App::SHUTDOWN_SPREADS_RECONNECTS;
    let redis = &work.world.redis;
    let builder = behind(redis, patient()).await?.shutdown_window(window);
    let hub = builder.bind("127.0.0.1:0").await.or_mismatch("a free port")?;
    let at = address(&hub);
    let mut clients = Vec::new();
    for _ in 0..raws {
        let mut raw = Raw::connect(at).await?;
        raw.say(&subscribe(topic.name())).await?;
        raw.text().await?;
        clients.push(raw);
    }
    let proxy = Proxy::to(at).await;
    let buses = join_all((0..spokes).map(|_| spoke_at(proxy.address, steady_spoke()))).await;
    let mut readers = Vec::new();
    for bus in &buses {
        readers.push(bus.subscribe(topic).await.or_mismatch("it is subscribed")?);
    }
    // Where they come back there is a hub all the time: each tries once.
    let another = hub_behind(redis, patient()).await?;
    let mut happens = another.events();
    proxy.change(|weather| weather.target = address(&another));
    let source = PubSub::<App>::new(work.world.pair[0].transport());
    let begun = Instant::now();
    let closing = in_time("the end of a hub", hub.close());
    let listening = async {
        let mut times = Vec::new();
        for raw in &mut clients {
            times.push(retry_after(&raw.text().await?)?);
            same("how it ends", raw.hear().await?, Heard::Closed(4000))?;
        }
        publish(&source, topic, "a", 0..10).await?;
        Ok::<_, Mismatch>(times)
    };
    let returning = async {
        for place in 0..spokes {
            while !matches!(
                in_time("a spoke that is back", happens.next()).await?.or_mismatch("a hub that goes on")?,
                HubEvent::Connected(_)
            ) {}
            let (after, earliest) = (begun.elapsed(), Duration::from_millis(place * SHARE));
            let expected = format!("spoke {place} not before its share, which begins after {earliest:?}");
            holds(after >= earliest, &expected, || format!("{after:?}"))?;
        }
        Ok(())
    };
    let (_, mut times, ()) = futures::try_join!(closing, listening, returning)?;
    // One in each share of the window, and not in the order in which they came, which chance makes of a few. Some shares are those of the
    // spokes.
    holds(!times.is_sorted() || times.len() < 10, "times in no order", || format!("{times:?}"))?;
    times.sort_unstable();
    for (place, time) in (0..).zip(&times) {
        let share = place * SHARE..=(place + spokes + 1) * SHARE;
        holds(share.contains(time), &format!("one of {share:?}"), || {
            format!("{time} at {place}: {times:?}")
        })?;
    }
    for reader in &mut readers {
        account_without_gaps(reader, &Published::from([("a".to_owned(), 10)])).await?;
    }
    drop((buses, readers));
    in_time("the end of a hub", another.close()).await?;
    Ok(format!("{} clients in {} ms", raws + spokes, window.as_millis()))
}

fn retry_after(goodbye: &str) -> Result<u64, Mismatch> {
    let message: serde_json::Value = serde_json::from_str(goodbye).or_mismatch("JSON")?;
    same(
        "what it is told",
        (&message["type"], &message["payload"]["code"]),
        (&"__disconnect".into(), &4000.into()),
    )?;
    message["payload"]["retryAfterMs"].as_u64().or_mismatch("a time to come back at")
}
