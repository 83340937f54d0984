//! A million inputs for each codec: whatever a peer sends, it gets an answer.

use std::hint::black_box;

use fastrand::Rng;
use pubsub_transports::codec::Codec;

use crate::random::{Tree, header, tree};
use crate::{decode, each_codec};

const INPUTS: usize = 1_000_000;

each_codec! { random_and_mutated_input_does_not_panic }

fn random_and_mutated_input_does_not_panic(codec: impl Codec) {
    let mut random = crate::random(5);
    let messages: Vec<_> = (0..200).map(|_| message(&codec, &mut random)).collect();
    let (mut input, mut understood) = (Vec::new(), 0);
    for number in 0..INPUTS {
        input.clear();
        if number % 4 == 0 {
            input.extend((0..random.usize(..48)).map(|_| random.u8(..)));
            black_box(decode::<Tree>(&codec, &input).is_ok());
        } else {
            input.extend_from_slice(&messages[random.usize(..messages.len())]);
            (0..random.usize(1..4)).for_each(|_| mutate(&mut input, &mut random));
        }
        understood += usize::from(read(&codec, &input));
    }
    println!("{understood} of {INPUTS} were messages");
    assert!(understood > INPUTS / 100, "too few inputs came past the envelope: {understood}");
}

fn message(codec: &impl Codec, random: &mut Rng) -> Vec<u8> {
    let mut message = Vec::new();
    codec.encode(&header(random), &tree(random, 2), &mut message).unwrap();
    // Short ones are quick, and each of their bytes matters.
    if message.len() < 120 { message } else { self::message(codec, random) }
}

fn mutate(input: &mut Vec<u8>, random: &mut Rng) {
    if input.is_empty() {
        return;
    }
    let (at, other) = (random.usize(..input.len()), random.usize(..input.len()));
    match random.u8(..7) {
        0 => input[at] = random.u8(..),
        1 => input[at] ^= 1 << random.u8(..8),
        2 => input.truncate(at),
        3 => input.insert(at, input[other]),
        4 => drop(input.remove(at)),
        5 => input.swap(at, other),
        _ => input.extend_from_within(at.min(other)..at.max(other)),
    }
}

/// Whether it was a message. Then it can be joined again, and its payload read or refused.
fn read(codec: &impl Codec, input: &[u8]) -> bool {
    let Ok((header, raw)) = codec.split(input) else { return false };
    black_box(decode::<Tree>(codec, raw).is_ok());
    // Read by every postcard, and written only by one that was told to.
    #[cfg(feature = "tracing")]
    let header = if codec.name() == "postcard" { header.with_carried(Default::default()) } else { header };
    let mut joined = Vec::new();
    codec.join(&header, raw, &mut joined).unwrap();
    assert_eq!(codec.split(&joined).unwrap(), (header, raw));
    true
}
