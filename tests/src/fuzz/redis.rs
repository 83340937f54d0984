//! What a Redis server answers.

use pubsub_transports::__private::Seen;
use pubsub_transports::__private::seen::{entries, replies, values};

use super::{in_proportion, pieces};

/// The first byte says what is read and how much may be kept, the second in how large pieces it comes.
pub fn redis(input: &[u8]) {
    let [how, size, bytes @ ..] = input else { return };
    let (limit, size) = (usize::from(how / 3), usize::from(*size).max(1));
    let read: fn(usize, &[&[u8]]) -> Seen = match how % 3 {
        0 => replies,
        1 => entries,
        _ => values,
    };
    let seen = in_proportion(bytes.len(), 256, 64 * 1024, || read(limit, &pieces(bytes, size)));
    let at_once = read(limit, &[bytes]);
    assert_eq!((&seen.items, &seen.error), (&at_once.items, &at_once.error), "in pieces of {size}");
    // One line of text may be longer than what is asked for.
    let most = 2 * limit + LINE + size;
    assert!(seen.kept <= most, "{} bytes are kept, in pieces of {size} with a limit of {limit}", seen.kept);
}

/// The longest line of text that is read, and some lines of numbers.
const LINE: usize = 4096 + 512;
