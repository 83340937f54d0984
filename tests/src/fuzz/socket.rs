//! WebSocket frames, of both ends.

use pubsub_transports::__private::seen::frames;

use super::{in_proportion, pieces};

/// The first byte says whose frames they are and how long a message may be, the second in how large pieces they come.
pub fn socket(input: &[u8]) {
    let [how, size, bytes @ ..] = input else { return };
    let (masked, limit) = (how % 2 == 0, 2 * usize::from(*how));
    let at_once = in_proportion(bytes.len(), 256, 8 * 1024, || frames(masked, limit, &[bytes]));
    assert!(at_once.kept <= limit.max(125), "{} bytes, where {limit} are allowed", at_once.kept);
    let size = usize::from(*size).max(1);
    assert_eq!(frames(masked, limit, &pieces(bytes, size)), at_once, "in pieces of {size}");
}
