//! Event ids: one text each, ids that rise, ids that are derived.

use std::collections::HashSet;

use pubsub_transports::EventId;

#[test]
fn text_has_one_form() {
    let text = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102";
    let id: EventId = text.parse().unwrap();
    assert_eq!(id.to_string(), text);
    assert_eq!(format!("{id:?}"), format!("EventId({text})"));
    for other in [
        "",
        "0191E0A5-3C4E-7B2A-9F00-5D6E7F809102",
        "0191e0a53c4e7b2a9f005d6e7f809102",
        "{0191e0a5-3c4e-7b2a-9f00-5d6e7f809102}",
        "urn:uuid:0191e0a5-3c4e-7b2a-9f00-5d6e7f809102",
        " 0191e0a5-3c4e-7b2a-9f00-5d6e7f809102",
        "0191e0a5-3c4e-7b2a-9f00-5d6e7f80910",
        "0191e0a5-3c4e-7b2a-9f00-5d6e7f8091022",
        "0191e0a5-3c4e-7b2a-9f00-5d6e7f80910g",
        "0191e0a5-3c4e-7b2a9-f00-5d6e7f809102",
        "ü191e0a5-3c4e-7b2a-9f00-5d6e7f80910",
    ] {
        assert!(other.parse::<EventId>().is_err(), "{other}");
    }
}

#[test]
fn bytes_numbers_and_texts_agree() {
    let mut random = crate::random(1);
    let mut ids = Vec::new();
    for _ in 0..1000 {
        let id = EventId::from_u128(random.u128(..));
        assert_eq!(EventId::from_bytes(id.as_u128().to_be_bytes()), id);
        assert_eq!(EventId::from_bytes(id.to_bytes()), id);
        assert_eq!(id.to_string().parse(), Ok(id));
        ids.push(id);
    }
    ids.sort_unstable();
    assert!(ids.is_sorted_by_key(|id| id.as_u128()) && ids.is_sorted_by_key(ToString::to_string));
}

fn version_and_variant(id: EventId) -> (u8, u8) {
    (id.to_bytes()[6] >> 4, id.to_bytes()[8] >> 6)
}

#[test]
fn new_ids_rise_within_a_process() {
    let ids: Vec<_> = (0..100_000).map(|_| EventId::now_v7()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next));
    assert!(ids.into_iter().all(|id| version_and_variant(id) == (7, 0b10)));
}

#[test]
fn new_ids_of_several_threads_differ() {
    let make = || (0..10_000).map(|_| EventId::now_v7()).collect::<Vec<_>>();
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
    let ids: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

/// The vectors are made by Node's crypto: see `tests/golden/golden.mjs`.
#[cfg(feature = "json")]
#[test]
fn derived_ids_are_those_of_javascript() {
    #[derive(serde::Deserialize)]
    struct Vector {
        namespace: String,
        parts: Vec<String>,
        id: EventId,
    }

    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../golden/event_ids.json")).unwrap();
    assert_eq!(vectors.len(), 12);
    for Vector { namespace, parts, id } in &vectors {
        assert_eq!(EventId::derive(namespace, parts), *id, "{namespace:?} {parts:?}");
        assert_eq!(version_and_variant(*id), (8, 0b10));
    }
    assert_eq!(vectors.iter().map(|vector| vector.id).collect::<HashSet<_>>().len(), vectors.len());
}

#[test]
fn derived_ids_keep_part_boundaries() {
    let lists: [(&str, &[&str]); 12] = [
        ("n", &["a", "b:c"]),
        ("n", &["a:b", "c"]),
        ("n", &["a:b:c"]),
        ("n", &["a", "b", "c"]),
        ("n", &[]),
        ("n", &[""]),
        ("n", &["", ""]),
        ("n", &["a"]),
        ("n", &[" a"]),
        ("n", &["a "]),
        ("na", &[]),
        ("", &["n", "a"]),
    ];
    let ids: HashSet<_> = lists.iter().map(|(namespace, parts)| EventId::derive(namespace, *parts)).collect();
    assert_eq!(ids.len(), lists.len());
    assert_eq!(EventId::derive(b"n", [b"a"]), EventId::derive("n", ["a"]));
}

/// What a hand-rolled hash of 32 bits looks like, over parts that are joined.
fn weak(parts: &[&str]) -> u32 {
    parts.join(":").bytes().fold(0, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

#[test]
fn what_collides_in_a_polynomial_hash_differs_here() {
    // `Aa` and `BB` have one hash: 65 * 31 + 97 = 66 * 31 + 66. So have all texts made of as many of either.
    for pairs in [1, 2, 7, 9826] {
        let (one, other) = ("Aa".repeat(pairs), "BB".repeat(pairs));
        assert_eq!(one.len(), 2 * pairs);
        assert_eq!(weak(&["order", &one]), weak(&["order", &other]), "the construction");
        assert_ne!(EventId::derive("n", ["order", &one]), EventId::derive("n", ["order", &other]));
    }
    let mixed: HashSet<_> = (0..1024_u32)
        .map(|bits| (0..10).map(|bit| if bits >> bit & 1 == 0 { "Aa" } else { "BB" }).collect::<String>())
        .collect();
    assert_eq!(mixed.iter().map(|text| weak(&[text])).collect::<HashSet<_>>().len(), 1);
    assert_eq!(mixed.iter().map(|text| EventId::derive("n", [text])).collect::<HashSet<_>>().len(), 1024);
    // Joined, the parts of these two are one text.
    assert_eq!(weak(&["a", "b:c"]), weak(&["a:b", "c"]));
}

#[cfg(all(feature = "json", feature = "postcard", feature = "messagepack"))]
#[test]
fn serde_writes_text_for_people_and_bytes_for_machines() {
    let id: EventId = "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102".parse().unwrap();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, "\"0191e0a5-3c4e-7b2a-9f00-5d6e7f809102\"");
    assert_eq!(serde_json::from_str::<EventId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<EventId>(&json.to_uppercase()).is_err());

    let bytes = ::postcard::to_stdvec(&id).unwrap();
    assert_eq!((bytes[0], &bytes[1..]), (16, &id.to_bytes()[..]));
    assert_eq!(::postcard::from_bytes::<EventId>(&bytes).unwrap(), id);
    assert!(::postcard::from_bytes::<EventId>(&[1, 0]).is_err());

    let packed = rmp_serde::to_vec(&id).unwrap();
    assert_eq!((packed[..2].as_ref(), &packed[2..]), ([0xc4, 16].as_ref(), &id.to_bytes()[..]));
    assert_eq!(rmp_serde::from_slice::<EventId>(&packed).unwrap(), id);
}
