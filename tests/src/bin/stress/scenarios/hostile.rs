//! Clients that do what they should not: each thing has its exact reaction, and the neighbours notice nothing.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use pubsub::websocket::{HubConfig, HubConnection, HubEvent, Rate};
use pubsub::{EventId, Hub};
use pubsub_tests::hub::{address, hub_with};
use pubsub_tests::raw::{HANDSHAKE, Heard, Raw, frame, malformed, subscribe};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::auditor::Published;
use crate::check::{Mismatch, OrMismatch as _, Outcome, holds, in_time, same, until};
use crate::events::{App, publish};
use crate::reading::account_without_gaps;
use crate::world::{Work, patient, spoke};

/// Does something while a neighbour of its publishes and gets all of it, on the connection that it began with.
async fn beside_a_neighbour<T>(
    hub: &Hub,
    hostile: impl Future<Output = Result<T, Mismatch>>,
) -> Result<T, Mismatch> {
    let bus = spoke(hub).await;
    let own = hub.connections();
    let mut reader = bus.subscribe(App::NUMBER).bound(1 << 16).await.or_mismatch("it is subscribed")?;
    let is_over = AtomicBool::new(false);
    let hostile = async {
        let done = hostile.await;
        is_over.store(true, Ordering::Relaxed);
        done
    };
    let neighbour = async {
        let mut count = 0;
        while !is_over.load(Ordering::Relaxed) {
            publish(&bus, App::NUMBER, "neighbour", count..count + 1).await?;
            count += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok::<_, Mismatch>(count)
    };
    let (done, count) = futures::join!(hostile, neighbour);
    let (done, count) = (done?, count?);
    account_without_gaps(&mut reader, &Published::from([("neighbour".to_owned(), count)])).await?;
    holds(own.iter().all(HubConnection::is_connected), "a neighbour that stays", || {
        "it was closed".to_owned()
    })?;
    Ok(done)
}

/// The types of messages; the code where one is an error.
fn kind(text: &str) -> Result<String, Mismatch> {
    let message: Value = serde_json::from_str(text).or_mismatch("JSON")?;
    let kind = if message["type"] == "__error" { &message["payload"]["code"] } else { &message["type"] };
    Ok(kind.as_str().or_mismatch("a type")?.to_owned())
}

async fn kinds(raw: &mut Raw, count: usize) -> Result<Vec<String>, Mismatch> {
    raw.texts(count).await?.iter().map(|text| kind(text)).collect()
}

/// Frames that are none, messages that are none: each is closed or answered as is written, and nobody else hears of it.
pub(crate) async fn malformed_frames(mut work: Work) -> Outcome {
    let hub = hub_with(patient()).await;
    let mut cases: Vec<_> = (0..work.of(8)).flat_map(|_| malformed()).collect();
    work.random.shuffle(&mut cases);
    let count = cases.len();
    let hub = &hub;
    let frames = try_join_all(cases.into_iter().map(|(what, bytes, code)| async move {
        let mut raw = Raw::connect(address(hub)).await?;
        raw.bytes(&bytes).await?;
        same(what, raw.closed().await?, code)
    }));
    let messages = async {
        let mut raw = Raw::connect(address(hub)).await?;
        raw.send(Message::binary(&br#"{"type":"__ping","id":"1","payload":{}}"#[..])).await?;
        same("a binary frame where texts are spoken", raw.closed().await?, 4501)?;

        let mut raw = Raw::connect(address(hub)).await?;
        for said in
            ["no", "{}", "[]", r#"{"type":"__nope","id":"1","payload":{}}"#, r#"{"type":"number","id":"a"}"#]
        {
            raw.say(said).await?;
            same(said, kinds(&mut raw, 1).await?, vec!["bad_request".to_owned()])?;
        }
        // What is understood forgives what was not.
        same("what comes before a pong", raw.until_pong().await?, vec![])?;
        for _ in 0..17 {
            raw.say("no").await?;
        }
        let mut errors = 0;
        let code = loop {
            match raw.hear().await? {
                Heard::Text(text) if text.contains("__disconnect") => {}
                Heard::Text(text) => {
                    same("an answer to a mistake", kind(&text)?, "bad_request".to_owned())?;
                    errors += 1;
                }
                Heard::Closed(code) => break code,
                other => return Err(Mismatch::new("an answer", format!("{other:?}"))),
            }
        };
        holds(code == 4509 && errors <= 17, "4509 after 17 mistakes", || format!("{code} after {errors}"))
    };
    let both = async { futures::try_join!(frames, messages).map(drop) };
    beside_a_neighbour(hub, both).await?;
    until("nobody", || hub.connections().is_empty()).await?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{count} frames"))
}

/// Who says nothing that is understood is closed in time, also if it says it byte by byte.
pub(crate) async fn stale_handshake(work: Work) -> Outcome {
    let handshake_timeout = Duration::from_secs(3);
    let hub = hub_with(HubConfig { handshake_timeout, ..patient() }).await;
    let (hub, count) = (&hub, work.of(8));
    let mut happens = hub.events();
    let websockets = try_join_all((0..2 * count).map(|number| async move {
        let mut raw = Raw::connect(address(hub)).await?;
        if number % 2 == 0 {
            raw.say("no").await?;
        }
        same("the code that it is closed with", raw.closed().await?, 4502)
    }));
    let streams = try_join_all((0..2 * count).map(|number| async move {
        let mut stream = TcpStream::connect(address(hub)).await.or_mismatch("a connection")?;
        let part = if number % 2 == 0 { "" } else { &HANDSHAKE[..30] };
        stream.write_all(part.as_bytes()).await.or_mismatch("it is written")?;
        let mut rest = Vec::new();
        in_time("an end", stream.read_to_end(&mut rest)).await?.or_mismatch("an end")?;
        holds(!rest.starts_with(b"HTTP/1.1 101"), "no WebSocket", || String::from_utf8_lossy(&rest).into())
    }));
    let slow_heads = try_join_all((0..count).map(|_| async move {
        let heard = dribble(hub, b"GET / HTTP/1.1\r\nHost: ").await?;
        holds(!heard.starts_with(b"HTTP/1.1 101"), "no WebSocket", || String::from_utf8_lossy(&heard).into())
    }));
    let slow_frames = try_join_all((0..count).map(|_| async move {
        // So long a text that it is not over in time.
        let begin = [HANDSHAKE.as_bytes(), &[0x81, 0x80 | 126, 0x10, 0, 0, 0, 0, 0]].concat();
        let heard = dribble(hub, &begin).await?;
        let is_told = heard.windows(2).any(|bytes| bytes == 4502_u16.to_be_bytes());
        holds(is_told, "a close frame with 4502", || String::from_utf8_lossy(&heard).into())
    }));
    let all = async { futures::try_join!(websockets, streams, slow_heads, slow_frames).map(drop) };
    beside_a_neighbour(hub, all).await?;
    until("nobody", || hub.connections().is_empty()).await?;
    // All but the streams, which never were connections, and the neighbour.
    let mut stale = 0;
    for _ in 0..=3 * count {
        while let Some(event) = in_time("an end", happens.next()).await? {
            if let HubEvent::Disconnected { code, .. } = event {
                stale += u64::from(code.number() == 4502);
                break;
            }
        }
    }
    same("closed with 4502", stale, 3 * count)?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{} connections", 6 * count))
}

/// Says this, and then another byte again and again for as long as it is let. What it hears until then.
async fn dribble(hub: &Hub, begin: &[u8]) -> Result<Vec<u8>, Mismatch> {
    let mut stream = TcpStream::connect(address(hub)).await.or_mismatch("a connection")?;
    stream.write_all(begin).await.or_mismatch("it is written")?;
    let (mut from, mut to) = stream.split();
    let mut heard = Vec::new();
    let dribbling = async {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        // An end may be a reset, as there was more to be read.
        ended = in_time("an end", from.read_to_end(&mut heard)) => drop(ended?),
        never = dribbling => match never {},
    }
    Ok(heard)
}

/// A message of as many bytes as may be is taken, and one byte more closes the connection, however it is sent.
pub(crate) async fn oversized_frame(mut work: Work) -> Outcome {
    let max = work.random.usize(512..4096);
    let hub = hub_with(HubConfig { max_frame: max, ..patient() }).await;
    let (hub, rounds) = (&hub, work.of(8));
    let text = |bytes: usize, event_id: EventId| {
        let begin = format!(r#"{{"type":"text","id":"a","eventId":"{event_id}","payload":""#);
        let filling = "x".repeat(bytes - begin.len() - 2);
        format!(r#"{begin}{filling}"}}"#)
    };
    let mut splits: Vec<usize> = (0..rounds).map(|_| work.random.usize(1..125)).collect();
    splits.push(125);
    let attacks = async {
        let mut raw = Raw::connect(address(hub)).await?;
        // What is delivered is longer than what was sent, by its position.
        raw.say(&text(max - 200, EventId::now_v7())).await?;
        same("well within", kinds(&mut raw, 1).await?, vec!["__published".to_owned()])?;
        raw.say(&text(max, EventId::now_v7())).await?;
        same("too long to be delivered", kinds(&mut raw, 1).await?, vec!["too_large".to_owned()])?;
        same("what comes before a pong", raw.until_pong().await?, vec![])?;
        raw.say(&text(max + 1, EventId::now_v7())).await?;
        same("one byte more", raw.closed().await?, 1009)?;
        // One that only says how long it will be.
        let beyond = u16::try_from(max + 1).or_mismatch("a short length")?;
        for length in [
            [&[0x81, 0x80 | 126][..], &beyond.to_be_bytes()],
            [&[0x81, 0x80 | 127], &u64::from(u32::MAX).to_be_bytes()],
            [&[0x81, 0x80 | 127], &i64::MAX.to_be_bytes()],
        ] {
            let mut raw = Raw::connect(address(hub)).await?;
            raw.bytes(&[&length.concat()[..], &[0; 4]].concat()).await?;
            same("a length", raw.closed().await?, 1009)?;
        }
        // In fragments that are each small enough.
        for part in splits {
            let mut raw = Raw::connect(address(hub)).await?;
            let parts = max / part + 1;
            for first in std::iter::once(0x01).chain(std::iter::repeat_n(0x00, parts)) {
                raw.bytes(&frame(first, &vec![b' '; part])).await?;
            }
            same("fragments", raw.closed().await?, 1009)?;
        }
        Ok(())
    };
    beside_a_neighbour(hub, attacks).await?;
    until("nobody", || hub.connections().is_empty()).await?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("around {max} bytes"))
}

/// Beyond each limit there is an answer of its own, or an end.
pub(crate) async fn limits(mut work: Work) -> Outcome {
    let (topics, connections) = (work.random.usize(2..10), work.random.usize(4..12));
    let rate = Rate { per_second: 1, burst: 200, max_refused: 20 };
    let max_types = topics + 2;
    let config = HubConfig {
        max_topics: topics,
        max_types,
        max_connections: connections,
        rate: Some(rate),
        ..patient()
    };
    let hub = hub_with(config).await;
    let subscribed = || "__subscribed".to_owned();
    let limited = || "limit".to_owned();

    // Of one connection; of one type, that is.
    let mut raw = Raw::connect(address(&hub)).await?;
    for number in 0..topics + 3 {
        raw.say(&subscribe(&format!("number:{number}"))).await?;
    }
    let expected = [vec![subscribed(); topics], vec![limited(); 3]].concat();
    same("topics of a connection", kinds(&mut raw, topics + 3).await?, expected)?;
    let long = format!("number:{}", "x".repeat(255));
    raw.say(&subscribe(&long)).await?;
    same("an address that is too long", kinds(&mut raw, 1).await?, vec!["bad_request".to_owned()])?;

    // Of the hub: there is one type.
    let mut others = try_join_all((0..2).map(|_| Raw::connect(address(&hub)))).await?;
    let mut known = 1;
    for (place, raw) in others.iter_mut().enumerate() {
        for number in 0..topics.min(max_types - known) {
            raw.say(&subscribe(&format!("type{place}{number}"))).await?;
            known += 1;
            same("types of the hub", kinds(raw, 1).await?, vec![subscribed()])?;
        }
    }
    same("as many types as may be", known, max_types)?;
    let [_, last] = &mut others[..] else { return Err(Mismatch::new("two clients", "others")) };
    last.say(&subscribe("onemore")).await?;
    same("a type too many", kinds(last, 1).await?, vec![limited()])?;

    // How many may come.
    let mut rest = Vec::new();
    while hub.connections().len() < connections {
        rest.push(Raw::connect(address(&hub)).await?);
    }
    for _ in 0..3 {
        same("a connection too many", Raw::connect(address(&hub)).await?.closed().await?, 4504)?;
    }

    // How fast one may be.
    let quick = rest.first_mut().or_mismatch("a client that has said nothing")?;
    let ping = r#"{"type":"__ping","id":"p","payload":{}}"#;
    let (mut answers, mut refused) = (0, 0);
    let code = loop {
        quick.say(ping).await?;
        match quick.hear().await? {
            Heard::Text(text) if text.contains("__pong") => answers += 1,
            Heard::Text(text) if text.contains("__disconnect") => {}
            Heard::Text(text) => {
                let error: Value = serde_json::from_str(&text).or_mismatch("JSON")?;
                same("beyond the rate", &error["payload"]["code"], &json!("rate_limited"))?;
                holds(error["payload"]["retryAfterMs"].is_u64(), "a time to wait", || text.clone())?;
                refused += 1;
            }
            Heard::Closed(code) => break code,
            other => return Err(Mismatch::new("an answer", format!("{other:?}"))),
        }
    };
    same("the code for who does not mind", code, 4008)?;
    let observed = || format!("{answers} answers, then {refused} refusals");
    holds(answers >= 200 && refused >= 20, "200 answers, then 20 refusals", observed)?;
    drop((raw, others, rest));
    until("nobody", || hub.connections().is_empty()).await?;
    in_time("the end of a hub", hub.close()).await?;
    Ok(format!("{topics} topics, {max_types} types, {connections} connections, {answers} messages at once"))
}
