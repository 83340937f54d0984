//! Replies, out of bytes that come in pieces of any size.

use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use super::entries::{EntryId, Reading};
use super::value::Building;

/// What a server sent.
#[derive(Debug)]
pub(in crate::redis) enum Reply {
    /// `+OK`, and what else means yes.
    Status,
    /// `-ERR ..`
    Error(Bytes),
    /// `:1`
    Integer,
    /// An array of bulk strings and integers: a message, or the answer to a subscription.
    Array(Parts),
    /// A reply of one bulk string: the name of an entry, if it is one.
    Bulk(Option<EntryId>),
    /// `$-1`: there is none.
    Nothing,
    /// An array larger than the reader's bound. It was passed over.
    TooLarge {
        /// How many bytes its parts have.
        size: usize,
        /// The parts before the one that was too large.
        before: Parts,
    },
}

/// An array, in the buffer that it came in.
#[derive(Debug)]
pub(in crate::redis) struct Parts {
    frame: Bytes,
    ranges: [(usize, usize); MAX_PARTS],
    count: usize,
}

impl Parts {
    pub(in crate::redis) fn as_slices(&self) -> ([&[u8]; MAX_PARTS], usize) {
        (self.ranges.map(|(start, end)| &self.frame[start..end]), self.count)
    }

    /// All of it.
    pub(in crate::redis) fn size(&self) -> usize {
        self.frame.len()
    }

    /// A slice of one of the parts, sharing the buffer.
    pub(in crate::redis) fn share(&self, slice: &[u8]) -> Bytes {
        self.frame.slice_ref(slice)
    }
}

/// The server does not speak RESP2, or not to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) struct Malformed(pub(in crate::redis) &'static str);

/// A `pmessage` has four: its kind, pattern, channel and message.
const MAX_PARTS: usize = 4;
/// A number has at most 20 characters.
const MAX_NUMBER: usize = 20;
/// The text of an error or a status.
pub(super) const MAX_LINE: usize = 4 * 1024;

/// Takes replies out of what was received.
pub(in crate::redis) struct Reader {
    /// What was received and not taken yet.
    pub(in crate::redis) buffer: BytesMut,
    pub(super) limit: usize,
    passing: Option<Passing>,
    /// Where the reply to an XREAD stands.
    pub(super) reading: Reading,
    /// Where a reply that is read as a value stands.
    pub(super) building: Building,
}

/// What is passed over: an array that is too large.
struct Passing {
    bytes: usize,
    parts: usize,
    size: usize,
    before: Parts,
}

impl Reader {
    /// The parts of one array have at most `limit` bytes together.
    pub(in crate::redis) fn new(limit: usize) -> Self {
        let (reading, building) = (Reading::default(), Building::default());
        Self { buffer: BytesMut::new(), limit, passing: None, reading, building }
    }

    /// The next reply; `None` if it is not all there yet.
    ///
    /// # Errors
    /// If what came is no reply. There is no going on after that.
    pub(in crate::redis) fn next(&mut self) -> Result<Option<Reply>, Malformed> {
        if self.passing.is_some() {
            return self.pass_over();
        }
        let buffer = &self.buffer[..];
        let Some(&kind) = buffer.first() else { return Ok(None) };
        match kind {
            b':' => {
                let Some((_, end)) = number(buffer)? else { return Ok(None) };
                self.buffer.advance(end);
                Ok(Some(Reply::Integer))
            }
            b'+' => {
                let Some((_, end)) = line(buffer, MAX_LINE)? else { return Ok(None) };
                self.buffer.advance(end);
                Ok(Some(Reply::Status))
            }
            b'-' => {
                let Some((text, end)) = line(buffer, MAX_LINE)? else { return Ok(None) };
                let text = Bytes::copy_from_slice(&buffer[text]);
                self.buffer.advance(end);
                Ok(Some(Reply::Error(text)))
            }
            b'*' => self.array(),
            b'$' if buffer.starts_with(b"$-1\r\n") => {
                self.buffer.advance(5);
                Ok(Some(Reply::Nothing))
            }
            b'$' => match part(buffer, 0, self.limit)? {
                Part::Unfinished => Ok(None),
                Part::Whole(content, end) => {
                    let id = EntryId::read(&buffer[content]);
                    self.buffer.advance(end);
                    Ok(Some(Reply::Bulk(id)))
                }
                Part::TooLarge { .. } => Err(Malformed("a single bulk string that is too large")),
            },
            _ => Err(Malformed("a reply that begins with no known character")),
        }
    }

    fn array(&mut self) -> Result<Option<Reply>, Malformed> {
        let buffer = &self.buffer[..];
        let Some((count, mut at)) = number(buffer)? else { return Ok(None) };
        let count = usize::try_from(count).ok().filter(|count| (1..=MAX_PARTS).contains(count));
        let count = count.ok_or(Malformed("an array of a length that no answer has"))?;
        let mut ranges = [(0, 0); MAX_PARTS];
        let mut size = 0;
        for index in 0..count {
            match part(buffer, at, self.limit.saturating_sub(size))? {
                Part::Unfinished => return Ok(None),
                Part::Whole(content, end) => {
                    size += content.len();
                    ranges[index] = (content.start, content.end);
                    at = end;
                }
                Part::TooLarge { start, length } => {
                    let before = Parts { frame: self.buffer.split_to(start).freeze(), ranges, count: index };
                    let (bytes, parts) = (length + 2, count - index - 1);
                    self.passing = Some(Passing { bytes, parts, size: size + length, before });
                    return self.pass_over();
                }
            }
        }
        let frame = self.buffer.split_to(at).freeze();
        Ok(Some(Reply::Array(Parts { frame, ranges, count })))
    }

    fn pass_over(&mut self) -> Result<Option<Reply>, Malformed> {
        loop {
            let Some(passing) = &mut self.passing else { return Ok(None) };
            let here = passing.bytes.min(self.buffer.len());
            self.buffer.advance(here);
            passing.bytes -= here;
            if passing.bytes > 0 {
                return Ok(None);
            }
            if passing.parts == 0 {
                let over = self.passing.take();
                return Ok(over.map(|Passing { size, before, .. }| Reply::TooLarge { size, before }));
            }
            match part(&self.buffer, 0, 0)? {
                Part::Unfinished => return Ok(None),
                Part::Whole(_, end) => self.buffer.advance(end),
                Part::TooLarge { start, length } => {
                    self.buffer.advance(start);
                    passing.size = passing.size.saturating_add(length);
                    passing.bytes = length + 2;
                }
            }
            passing.parts -= 1;
        }
    }
}

pub(super) enum Part {
    Unfinished,
    /// Its content, and where the next begins.
    Whole(Range<usize>, usize),
    TooLarge {
        start: usize,
        length: usize,
    },
}

/// One part of an array: a bulk string or an integer.
pub(super) fn part(buffer: &[u8], at: usize, limit: usize) -> Result<Part, Malformed> {
    match buffer.get(at) {
        None => return Ok(Part::Unfinished),
        Some(b':') => {
            let Some((text, end)) = line(&buffer[at..], MAX_NUMBER)? else { return Ok(Part::Unfinished) };
            return Ok(Part::Whole(at + text.start..at + text.end, at + end));
        }
        Some(b'$') => {}
        Some(_) => return Err(Malformed("a part of an array that is no bulk string")),
    }
    let Some((length, end)) = number(&buffer[at..])? else { return Ok(Part::Unfinished) };
    let start = at + end;
    // What is not there, as the channel in the answer to an UNSUBSCRIBE from none.
    if length == -1 {
        return Ok(Part::Whole(start..start, start));
    }
    // Redis itself has no longer one than 512 MB by default, and 4 GB at most.
    let length = usize::try_from(length).ok().filter(|length| *length <= 1 << 32);
    let length = length.ok_or(Malformed("a bulk string of a length that it cannot have"))?;
    if length > limit {
        return Ok(Part::TooLarge { start, length });
    }
    let end = start + length;
    match buffer.get(end..end + 2) {
        None => Ok(Part::Unfinished),
        Some(b"\r\n") => Ok(Part::Whole(start..end, end + 2)),
        Some(_) => Err(Malformed("a bulk string that is longer than it says")),
    }
}

/// The number after the first byte, and where the next line begins.
pub(super) fn number(buffer: &[u8]) -> Result<Option<(i64, usize)>, Malformed> {
    let Some((text, end)) = line(buffer, MAX_NUMBER)? else { return Ok(None) };
    let (negative, digits) = match &buffer[text] {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // Eighteen digits are always less than 2⁶³.
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed("a number that is none"));
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Ok(Some((if negative { -value } else { value }, end)))
}

/// The line after the first byte, and where the next begins.
pub(super) fn line(buffer: &[u8], limit: usize) -> Result<Option<(Range<usize>, usize)>, Malformed> {
    let text = &buffer[1..];
    let seen = &text[..text.len().min(limit + 2)];
    match seen.iter().position(|byte| *byte == b'\r') {
        Some(at) => match seen.get(at + 1) {
            Some(b'\n') => Ok(Some((1..1 + at, at + 3))),
            Some(_) => Err(Malformed("a line that ends in the middle")),
            None if at > limit => Err(Malformed("a line that is too long")),
            None => Ok(None),
        },
        None if seen.len() > limit => Err(Malformed("a line that is too long")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// All replies in `bytes`, received in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> Result<Vec<String>, Malformed> {
        let mut reader = Reader::new(LIMIT);
        let mut replies = Vec::new();
        for piece in bytes.chunks(size) {
            reader.buffer.extend_from_slice(piece);
            while let Some(reply) = reader.next()? {
                replies.push(text(&reply));
            }
            assert!(reader.buffer.len() <= LIMIT + size + 100, "{} bytes are kept", reader.buffer.len());
        }
        assert!(reader.buffer.is_empty() && reader.passing.is_none(), "something is left");
        Ok(replies)
    }

    fn text(reply: &Reply) -> String {
        let text = |parts: &Parts| {
            let (slices, count) = parts.as_slices();
            slices[..count].iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(" ")
        };
        match reply {
            Reply::Array(parts) => text(parts),
            Reply::TooLarge { size, before } => format!("{size} after {}", text(before)),
            other => format!("{other:?}"),
        }
    }

    const STREAM: &[u8] = b"+PONG\r\n:42\r\n:-7\r\n-ERR no\r\n*3\r\n$9\r\nsubscribe\r\n$3\r\na:1\r\n:1\r\n\
        *4\r\n$8\r\npmessage\r\n$3\r\na:*\r\n$3\r\na:2\r\n$4\r\n\r\n\r\n\r\n\
        *3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n$-1\r\n";

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        let whole = read(STREAM, STREAM.len()).expect("replies");
        assert_eq!(whole.len(), 9);
        assert_eq!(whole[4], "subscribe a:1 1");
        assert_eq!(whole[5], "pmessage a:* a:2 \r\n\r\n");
        for size in 1..STREAM.len() {
            assert_eq!(read(STREAM, size).as_ref(), Ok(&whole), "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_too_large_is_passed_over_and_not_kept() {
        let message = |channel: &str, size: usize| {
            let payload = "x".repeat(size);
            format!("*3\r\n$7\r\nmessage\r\n${}\r\n{channel}\r\n${size}\r\n{payload}\r\n", channel.len())
        };
        let fits = LIMIT - "messagea".len();
        let bytes = [
            message("a", fits),
            message("a", fits + 1),
            message(&"b".repeat(LIMIT + 1), 10),
            message("c", 5),
        ];
        let whole = format!("message a {}", "x".repeat(fits));
        let expected = [&whole, "101 after message a", "118 after message", "message c xxxxx"];
        for size in [1, 7, 1000] {
            let replies = read(bytes.concat().as_bytes(), size).expect("replies");
            assert_eq!(replies, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_reply_says_so() {
        let cases: [&[u8]; 12] = [
            b"HTTP/1.1 400 Bad Request\r\n",
            b"*5\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"*1\r\n*1\r\n",
            b":\r\n",
            b":1a\r\n",
            b":1\rx",
            b":1234567890123456789012345",
            b"*1\r\n$99999999999\r\n",
            b"*1\r\n$-2\r\n",
            b"*1\r\n$1\r\nabc",
        ];
        for case in cases {
            let error = read(case, 1).expect_err(&String::from_utf8_lossy(case));
            assert_eq!(read(case, case.len()), Err(error), "{}", String::from_utf8_lossy(case));
        }
    }

    #[test]
    fn random_bytes_are_never_a_panic() {
        let mut random = super::super::random();
        for _ in 0..20_000 {
            let mut bytes = STREAM.to_vec();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                bytes[at] = *random.choice(b"\r\n$*:+-0129a\xff").expect("bytes");
            }
            let mut reader = Reader::new(random.usize(0..LIMIT));
            for piece in bytes.chunks(random.usize(1..bytes.len())) {
                reader.buffer.extend_from_slice(piece);
                loop {
                    match reader.next() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => reader.buffer.clear(),
                    }
                }
            }
        }
    }
}
