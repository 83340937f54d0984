//! The text of an address: what is one, what is none, and why.

use pubsub_transports::{Address, AddressError};

#[test]
fn splits_at_the_first_colon() {
    for (text, topic, id) in [
        ("a", "a", None),
        ("a:", "a", Some("")),
        ("a:b", "a", Some("b")),
        ("user:1:2", "user", Some("1:2")),
        ("chat.message-2/x_y:ü \n*", "chat.message-2/x_y", Some("ü \n*")),
        ("_:__self", "_", Some("__self")),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.topic(), address.id()), (topic, id), "{text}");
        assert_eq!(address.to_string(), text);
    }
}

#[test]
fn topic_and_id_with_the_same_text_are_two_addresses() {
    // `user:1` is no topic: that is what keeps ("user", "1:2") and ("user:1", "2") apart.
    assert_eq!(Address::new("user", "1:2").unwrap().to_string(), "user:1:2");
    assert_eq!(Address::new("user:1", "2"), Err(AddressError::Character { character: ':', at: 4 }));
    assert_eq!(Address::whole("user:1"), Err(AddressError::Character { character: ':', at: 4 }));
}

#[test]
fn refuses_what_is_no_topic() {
    let character = |character, at| AddressError::Character { character, at };
    for (text, error) in [
        ("", AddressError::Empty),
        (":id", AddressError::Empty),
        ("__subscribe", AddressError::Reserved),
        ("__:id", AddressError::Reserved),
        ("a b", character(' ', 1)),
        ("größe:1", character('ö', 2)),
        ("a\0", character('\0', 1)),
        ("a*", character('*', 1)),
    ] {
        assert_eq!(text.parse::<Address>(), Err(error), "{text:?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn has_at_most_255_bytes() {
    let (topic, rest) = ("t".repeat(200), Address::MAX_LEN - 201);
    for (id, fits) in [("i".repeat(rest - 1), true), ("i".repeat(rest), true), ("i".repeat(rest + 1), false)]
    {
        let text = format!("{topic}:{id}");
        let expected = if fits { Ok(()) } else { Err(AddressError::TooLong { len: text.len() }) };
        assert_eq!(Address::new(&topic, &id).map(drop), expected);
        assert_eq!(text.parse::<Address>().map(drop), expected);
    }
    assert!(Address::whole(&"t".repeat(255)).is_ok());
    assert_eq!(Address::whole(&"t".repeat(256)), Err(AddressError::TooLong { len: 256 }));
    assert_eq!(Address::new("t", &"ü".repeat(127)), Err(AddressError::TooLong { len: 256 }));
}

#[test]
fn a_whole_type_matches_every_id() {
    let (whole, one) = (Address::whole("a").unwrap(), Address::new("a", "1").unwrap());
    assert!(whole.matches("a", "1") && whole.matches("a", "") && !whole.matches("b", "1"));
    assert!(one.matches("a", "1") && !one.matches("a", "2") && !one.matches("b", "1"));
}
