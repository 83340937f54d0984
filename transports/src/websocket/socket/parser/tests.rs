use fastrand::Rng;

use super::*;

/// What was found, with its bytes.
#[derive(Debug, PartialEq)]
enum Seen {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Close),
}

const LIMITS: Limits = Limits { message: 1024 };

/// Parses in pieces of these lengths, then to the end.
fn parse(role: Role, bytes: &[u8], mut piece: impl FnMut() -> usize) -> Result<Vec<Seen>, Violation> {
    let mut parser = Parser::new(role, LIMITS);
    let (mut seen, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
        rest = later;
        let mut now = now.to_vec();
        let mut from = 0;
        while let Some((took, found)) = parser.read(&mut now[from..])? {
            seen.push(match found {
                Found::Message(kind, Payload::Place(place)) => {
                    Seen::Message(kind, now[from..][place].to_vec())
                }
                Found::Message(kind, Payload::Own(own)) => Seen::Message(kind, own),
                Found::Ping(payload) => Seen::Ping(payload),
                Found::Pong => Seen::Pong,
                Found::Close(close) => Seen::Close(close),
            });
            from += took;
            if from == now.len() {
                break;
            }
        }
    }
    Ok(seen)
}

fn frame(out: &mut Vec<u8>, fin: bool, opcode: Opcode, key: Option<[u8; 4]>, payload: &[u8]) {
    let mut head = [0; MAX_HEAD];
    let size = Head { fin, opcode, key, len: payload.len() as u64 }.write(&mut head);
    out.extend_from_slice(&head[..size]);
    let from = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask::apply(key, 0, &mut out[from..]);
    }
}

/// Some messages, some of them in fragments with control frames between, and what a reader sees of them.
fn conversation(random: &mut Rng, masked: bool) -> (Vec<u8>, Vec<Seen>) {
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..random.usize(1..8) {
        let text = random.bool();
        let kind = if text { Kind::Text } else { Kind::Binary };
        let len = *random.choice(&[0, 1, 5, 125, 126, 300, 1000]).unwrap();
        let payload: Vec<u8> = match kind {
            Kind::Text => "ä€x"
                .chars()
                .cycle()
                .scan(0, |size, character| {
                    *size += character.len_utf8();
                    (*size <= len).then_some(character)
                })
                .collect::<String>()
                .into_bytes(),
            Kind::Binary => (0..len).map(|_| random.u8(..)).collect(),
        };
        let mut rest = payload.as_slice();
        let mut first = true;
        loop {
            let part = if random.bool() { rest.len() } else { random.usize(0..=rest.len()) };
            let (now, later) = rest.split_at(part);
            let fin = later.is_empty() && random.bool();
            let opcode = if first { Opcode::Data(kind) } else { Opcode::Continuation };
            let mut key = || masked.then(|| random.u32(..).to_ne_bytes());
            frame(&mut out, fin, opcode, key(), now);
            (rest, first) = (later, false);
            if fin {
                break;
            }
            let key = key();
            match random.u8(..4) {
                0 => {
                    frame(&mut out, true, Opcode::Ping, key, b"here?");
                    seen.push(Seen::Ping(b"here?".to_vec()));
                }
                1 => {
                    frame(&mut out, true, Opcode::Pong, key, b"");
                    seen.push(Seen::Pong);
                }
                _ => {}
            }
        }
        seen.push(Seen::Message(kind, payload));
    }
    (out, seen)
}

fn seed() -> u64 {
    let given = std::env::var("PUBSUB_SOCKET_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("PUBSUB_SOCKET_SEED={seed}");
    seed
}

#[test]
fn it_does_not_matter_how_the_bytes_come() {
    let mut random = Rng::with_seed(seed());
    for round in 0..400 {
        let role = if round % 2 == 0 { Role::Server } else { Role::Client };
        let (bytes, seen) = conversation(&mut random, role == Role::Server);
        assert_eq!(parse(role, &bytes, || usize::MAX).as_ref(), Ok(&seen), "at once");
        assert_eq!(parse(role, &bytes, || 1).as_ref(), Ok(&seen), "byte by byte");
        let mut pieces = random.fork();
        assert_eq!(parse(role, &bytes, || pieces.usize(1..40)).as_ref(), Ok(&seen), "in pieces");
    }
}

/// Whatever comes, and in whatever pieces, the same is found or the same is wrong, and nothing panics.
#[test]
fn any_bytes_are_read_or_refused() {
    let mut random = Rng::with_seed(seed());
    for round in 0..3_000 {
        let role = if random.bool() { Role::Server } else { Role::Client };
        let bytes = if round % 2 == 0 {
            let mut bytes = conversation(&mut random, role == Role::Server).0;
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                match random.u8(..4) {
                    0 => bytes[at] ^= 1 << random.u8(..8),
                    1 => bytes[at] = random.u8(..),
                    2 => drop(bytes.splice(at..at, [random.u8(..)])),
                    _ => drop(bytes.splice(at..=at, [])),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            bytes
        } else {
            (0..random.usize(..64)).map(|_| random.u8(..)).collect()
        };
        let whole = parse(role, &bytes, || usize::MAX);
        assert_eq!(parse(role, &bytes, || 1), whole, "{bytes:x?}");
    }
}

#[test]
fn a_message_may_have_its_bound_and_no_byte_more() {
    for (len, parts, fits) in [(1024, 1, true), (1024, 4, true), (1025, 1, false), (1028, 4, false)] {
        let payload = vec![b'x'; len];
        let mut bytes = Vec::new();
        for (number, part) in payload.chunks(len / parts).enumerate() {
            let opcode = if number == 0 { Opcode::Data(Kind::Text) } else { Opcode::Continuation };
            frame(&mut bytes, (number + 1) * (len / parts) == len, opcode, None, part);
        }
        let expected = if fits {
            Ok(vec![Seen::Message(Kind::Text, payload)])
        } else {
            Err(Violation::TooBig { limit: 1024 })
        };
        assert_eq!(parse(Role::Client, &bytes, || usize::MAX), expected);
    }
}

/// What is announced takes no memory before it comes.
#[test]
fn a_length_is_refused_before_anything_is_kept() {
    let mut parser = Parser::new(Role::Client, Limits { message: usize::MAX });
    let mut bytes = [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3];
    assert_eq!(parser.read(&mut bytes), Ok(None));
    assert!(parser.message.is_some_and(|(_, bytes)| bytes.capacity() < 64));
}

#[test]
fn each_broken_rule_of_a_conversation_has_a_name() {
    let key = Some([0; 4]);
    let (text, more) = (Opcode::Data(Kind::Text), Opcode::Continuation);
    let case = |role, frames: &[(bool, Opcode, Option<[u8; 4]>, &[u8])]| {
        let mut bytes = Vec::new();
        for (fin, opcode, key, payload) in frames {
            frame(&mut bytes, *fin, *opcode, *key, payload);
        }
        parse(role, &bytes, || usize::MAX).unwrap_err()
    };
    assert_eq!(case(Role::Server, &[(true, text, None, b"")]), Violation::Masking);
    assert_eq!(case(Role::Client, &[(true, text, key, b"")]), Violation::Masking);
    assert_eq!(case(Role::Server, &[(true, more, key, b"")]), Violation::Continuation);
    assert_eq!(
        case(Role::Server, &[(false, text, key, b""), (true, text, key, b"")]),
        Violation::Interleaved
    );
    assert_eq!(case(Role::Server, &[(true, text, key, &[0xC3])]), Violation::Utf8);
    assert_eq!(
        case(Role::Server, &[(false, text, key, &[0xC3]), (true, more, key, &[0x28])]),
        Violation::Utf8
    );
    assert_eq!(case(Role::Server, &[(true, Opcode::Close, key, &[3])]), Violation::CloseCode);
}
