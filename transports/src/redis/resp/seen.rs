//! What the readers find in any bytes, for tests from outside.

use super::{Item, Malformed, Parts, Reader, Reply};
use crate::seen::Seen;

/// The replies in these pieces: what a connection reads that publishes or subscribes to channels.
pub fn replies(limit: usize, pieces: &[&[u8]]) -> Seen {
    read(limit, pieces, |reader| Ok(reader.next()?.map(|reply| reply_text(&reply))))
}

/// The entries of replies to XREAD in these pieces: what a connection reads that follows streams.
pub fn entries(limit: usize, pieces: &[&[u8]]) -> Seen {
    read(limit, pieces, |reader| Ok(reader.next_item()?.map(|item| item_text(&item))))
}

/// The values in these pieces: the answers to commands that are rare.
pub fn values(limit: usize, pieces: &[&[u8]]) -> Seen {
    read(limit, pieces, |reader| Ok(reader.next_value()?.map(|value| format!("{value:?}"))))
}

fn read(
    limit: usize,
    pieces: &[&[u8]],
    next: impl Fn(&mut Reader) -> Result<Option<String>, Malformed>,
) -> Seen {
    let mut reader = Reader::new(limit);
    let mut seen = Seen::default();
    for piece in pieces {
        reader.buffer.extend_from_slice(piece);
        loop {
            match next(&mut reader) {
                Ok(Some(item)) => seen.items.push(item),
                Ok(None) => break,
                Err(Malformed(reason)) => return Seen { error: Some(reason.to_owned()), ..seen },
            }
        }
        seen.kept = seen.kept.max(reader.buffer.len());
    }
    seen
}

fn parts_text(parts: &Parts) -> String {
    let (slices, count) = parts.as_slices();
    for slice in &slices[..count] {
        assert_eq!(parts.share(slice), *slice);
    }
    slices[..count].iter().map(|part| format!("{} ", part.escape_ascii())).collect()
}

fn reply_text(reply: &Reply) -> String {
    match reply {
        Reply::Array(parts) => parts_text(parts),
        Reply::TooLarge { size, before } => format!("{size} after {}", parts_text(before)),
        other => format!("{other:?}"),
    }
}

fn item_text(item: &Item) -> String {
    let Item::Entry(entry) = item else { return format!("{item:?}") };
    let field = |name| entry.get(name).map(|value| entry.share(value));
    format!("{} {:?} {:?}", entry.id, field(b"id"), field(b"event"))
}
