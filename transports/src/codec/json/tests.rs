//! The quick reader reads nothing otherwise than the general one.

use super::*;
use crate::{EventId, Position};

/// Both readers, where the quick one reads it at all. Gives whether it does.
fn same(message: &str) -> bool {
    let Some(quick) = written::split(message) else { return false };
    let general = envelope(message).unwrap_or_else(|error| panic!("{message}: {error}"));
    assert_eq!(general.split().as_ref(), Ok(&quick), "{message}");
    true
}

#[test]
fn what_is_written_is_read_quickly() {
    let plain = Header::new("session.status", "project-1");
    let event_id = EventId::from_u128(7);
    let all = plain.clone().with_event_id(event_id);
    let all = all.with_position(Position::new(u64::MAX / 2).with_after(0).with_epoch("b81f"));
    for header in [plain, all, Header::new("a", "").with_position(Position::new(0))] {
        for payload in ["null", "7", r#"{"a":[1,"}"],"b":{}}"#] {
            let mut message = Vec::new();
            Json::default().join(&header, payload.as_bytes(), &mut message).unwrap();
            let message = String::from_utf8(message).unwrap();
            assert!(same(&message), "{message}");
            assert_eq!(written::split(&message).unwrap(), (header.clone(), payload.as_bytes()));
        }
    }
}

#[test]
fn what_is_otherwise_is_left_to_the_general_reader() {
    for message in [
        r#"{"id":"1","type":"a","payload":1}"#,
        r#"{"type":"a","id":"1","payload":1,"more":2}"#,
        r#"{"type":"a","id":"1","payload":1} "#,
        r#"{ "type":"a","id":"1","payload":1}"#,
        r#"{"type":"a\u0062","id":"1","payload":1}"#,
        r#"{"type":"a","id":"1","offset":01,"payload":1}"#,
        r#"{"type":"a","id":"1","offset":1.0,"payload":1}"#,
        r#"{"type":"a","id":"1","offset":18446744073709551616,"payload":1}"#,
        r#"{"type":"a","id":"1","offset":,"payload":1}"#,
        r#"{"type":"a","id":"1","after":1,"payload":1}"#,
        r#"{"type":"a","id":"1","eventId":"none","payload":1}"#,
        r#"{"type":"a","id":"1","eventId":null,"payload":1}"#,
        r#"{"type":"a","id":"1","type":"b","payload":1}"#,
        r#"{"type":"a","id":"1","payload":}"#,
        r#"{"type":"a","id":"1","payload":1}}"#,
        r#"{"type":"a","id":"1","payload":[}"#,
        r#"{"type":"a","id":"1","payload":1"#,
        r#"{"type":"a","id":"1"}"#,
        r#"{,"type":"a","id":"1","payload":1}"#,
        r#"{"type":"a""id":"1","payload":1}"#,
        "{\"type\":\"a\n\",\"id\":\"1\",\"payload\":1}",
        "{}",
        "",
    ] {
        assert!(written::split(message).is_none(), "{message}");
    }
}

#[test]
fn whatever_is_changed_is_read_as_before() {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let message = r#"{"type":"a.b","id":"1","eventId":"01890a5d-ac96-774b-bcce-b302099a8057","offset":70,"after":69,"epoch":"e","payload":{"a":[1,null,"x"]}}"#;
    let pieces = [
        "\"",
        "\\",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        " ",
        "\n",
        "0",
        "9",
        "-",
        ".",
        "e",
        "null",
        "é",
        "\"offset\":1,",
        ",\"after\":2",
        ",\"payload\":3",
        "\"type\":\"c\",",
        ",\"more\":[]",
    ];
    let mut quick = 0;
    for _ in 0..100_000 {
        let mut message = message.to_owned();
        for _ in 0..random.usize(1..4) {
            let at = (0..=message.len()).filter(|at| message.is_char_boundary(*at)).collect::<Vec<_>>();
            let from = random.usize(..at.len());
            let to = (from + random.usize(0..3)).min(at.len() - 1);
            let piece = if random.bool() { "" } else { pieces[random.usize(..pieces.len())] };
            message.replace_range(at[from]..at[to], piece);
        }
        quick += usize::from(same(&message));
    }
    assert!((1_000..99_000).contains(&quick), "{quick} were read quickly");
}
