//! The reply to an XREAD, one entry after the other: it may be larger than what is kept.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use bytes::{Buf, Bytes};

use super::read::{Malformed, Part, Reader, line, number, part};

/// The name of an entry: `<epoch>-<offset>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::redis) struct EntryId {
    pub(in crate::redis) epoch: u64,
    pub(in crate::redis) offset: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for EntryId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, offset) = text.split_once('-').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(drop)?, offset: offset.parse().map_err(drop)? })
    }
}

impl EntryId {
    pub(in crate::redis) fn read(text: &[u8]) -> Option<Self> {
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

/// A piece of the reply.
#[derive(Debug)]
pub(in crate::redis) enum Item {
    /// The entries that follow are of this stream.
    Stream(Bytes),
    Entry(Entry),
    /// An entry with more bytes than are read at once. It was passed over.
    TooLarge {
        id: EntryId,
        size: usize,
    },
    /// The reply is over.
    End,
    /// There is none: an error instead.
    Error(Bytes),
}

/// Fields that are kept of an entry; ours have fewer.
const MAX_FIELDS: usize = 4;

#[derive(Debug)]
pub(in crate::redis) struct Entry {
    pub(in crate::redis) id: EntryId,
    bytes: Bytes,
    /// Names and values.
    fields: [(Range<usize>, Range<usize>); MAX_FIELDS],
    count: usize,
}

impl Entry {
    /// The value of the first field with this name.
    pub(in crate::redis) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let mut fields = self.fields[..self.count].iter();
        let (_, value) = fields.find(|(own, _)| &self.bytes[own.clone()] == name)?;
        Some(&self.bytes[value.clone()])
    }

    /// All of it.
    pub(in crate::redis) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A slice of a value, sharing the buffer.
    pub(in crate::redis) fn share(&self, slice: &[u8]) -> Bytes {
        self.bytes.slice_ref(slice)
    }
}

/// Where in the reply a reader is.
#[derive(Debug, Default)]
pub(super) struct Reading {
    begun: bool,
    streams: usize,
    entries: usize,
    passing: Option<Passing>,
}

/// What is passed over.
#[derive(Debug)]
struct Passing {
    id: EntryId,
    /// Bytes of the part that it is in, with its line end.
    bytes: usize,
    parts: usize,
    size: usize,
}

impl Reader {
    /// What comes next in the reply to an XREAD; `None` if it is not all there yet.
    ///
    /// # Errors
    /// If what came is no such reply. There is no going on after that.
    pub(in crate::redis) fn next_item(&mut self) -> Result<Option<Item>, Malformed> {
        if self.reading.passing.is_some() {
            return self.pass_entry();
        }
        if !self.reading.begun {
            return self.begin();
        }
        if self.reading.entries > 0 {
            return self.entry();
        }
        if self.reading.streams == 0 {
            self.reading.begun = false;
            return Ok(Some(Item::End));
        }
        self.stream()
    }

    fn begin(&mut self) -> Result<Option<Item>, Malformed> {
        let buffer = &self.buffer[..];
        let (count, end) = match buffer.first() {
            None => return Ok(None),
            Some(b'-') => {
                let Some((text, end)) = line(buffer, super::read::MAX_LINE)? else { return Ok(None) };
                let text = Bytes::copy_from_slice(&buffer[text]);
                self.buffer.advance(end);
                return Ok(Some(Item::Error(text)));
            }
            Some(b'*' | b'$') => {
                let Some(count) = number(buffer)? else { return Ok(None) };
                count
            }
            Some(_) => return Err(Malformed("an answer that XREAD does not have")),
        };
        self.buffer.advance(end);
        match count {
            -1 => Ok(Some(Item::End)),
            // As many as there are topics in a map, at most.
            1..=1_000_000 => {
                self.reading.begun = true;
                self.reading.streams = usize::try_from(count).unwrap_or(0);
                self.stream()
            }
            _ => Err(Malformed("a number of streams that was not asked for")),
        }
    }

    fn stream(&mut self) -> Result<Option<Item>, Malformed> {
        let buffer = &self.buffer[..];
        let Some(at) = array(buffer, 0, 2)? else { return Ok(None) };
        let (name, at) = match part(buffer, at, self.limit)? {
            Part::Unfinished => return Ok(None),
            Part::Whole(name, end) => (name, end),
            Part::TooLarge { .. } => return Err(Malformed("the name of a stream that is too long")),
        };
        if buffer.len() == at {
            return Ok(None);
        }
        if buffer[at] != b'*' {
            return Err(Malformed("a stream without entries"));
        }
        let Some((count, end)) = number(&buffer[at..])? else { return Ok(None) };
        let name = Bytes::copy_from_slice(&buffer[name]);
        self.reading.entries =
            usize::try_from(count).map_err(|_| Malformed("a number of entries that is none"))?;
        self.reading.streams -= 1;
        self.buffer.advance(at + end);
        Ok(Some(Item::Stream(name)))
    }

    fn entry(&mut self) -> Result<Option<Item>, Malformed> {
        let buffer = &self.buffer[..];
        let Some(at) = array(buffer, 0, 2)? else { return Ok(None) };
        let (id, mut at) = match part(buffer, at, self.limit)? {
            Part::Unfinished => return Ok(None),
            Part::Whole(id, end) => (id, end),
            Part::TooLarge { .. } => return Err(Malformed("an entry without an id")),
        };
        let id = EntryId::read(&buffer[id]).ok_or(Malformed("an id of an entry that is none"))?;
        match buffer.get(at) {
            None => return Ok(None),
            Some(b'*') => {}
            Some(_) => return Err(Malformed("an entry without fields")),
        }
        let Some((count, end)) = number(&buffer[at..])? else { return Ok(None) };
        at += end;
        // What is deleted between two steps of the server has none.
        let parts = usize::try_from(count.max(0)).unwrap_or(0);
        let mut fields: [(Range<usize>, Range<usize>); MAX_FIELDS] = Default::default();
        let (mut size, mut kept) = (0, 0);
        for index in 0..parts {
            match part(buffer, at, self.limit.saturating_sub(size))? {
                Part::Unfinished => return Ok(None),
                Part::Whole(content, end) => {
                    // Of those that nobody asks for there may be any number, each of them empty.
                    size += if index / 2 < MAX_FIELDS { content.len() } else { end - at };
                    at = end;
                    if size > self.limit {
                        self.buffer.advance(at);
                        self.reading.passing = Some(Passing { id, bytes: 0, parts: parts - index - 1, size });
                        return self.pass_entry();
                    }
                    if let Some(field) = fields.get_mut(index / 2) {
                        if index % 2 == 0 {
                            field.0 = content;
                        } else {
                            field.1 = content;
                            kept = index / 2 + 1;
                        }
                    }
                }
                Part::TooLarge { start, length } => {
                    self.buffer.advance(start);
                    let parts = parts - index - 1;
                    self.reading.passing =
                        Some(Passing { id, bytes: length + 2, parts, size: size + length });
                    return self.pass_entry();
                }
            }
        }
        self.reading.entries -= 1;
        let bytes = self.buffer.split_to(at).freeze();
        Ok(Some(Item::Entry(Entry { id, bytes, fields, count: kept })))
    }

    fn pass_entry(&mut self) -> Result<Option<Item>, Malformed> {
        loop {
            let Some(passing) = &mut self.reading.passing else { return Ok(None) };
            let here = passing.bytes.min(self.buffer.len());
            self.buffer.advance(here);
            passing.bytes -= here;
            if passing.bytes > 0 {
                return Ok(None);
            }
            if passing.parts == 0 {
                self.reading.entries -= 1;
                let over = self.reading.passing.take();
                return Ok(over.map(|Passing { id, size, .. }| Item::TooLarge { id, size }));
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

/// Where the first part begins of an array of this length at `at`.
fn array(buffer: &[u8], at: usize, length: i64) -> Result<Option<usize>, Malformed> {
    match buffer.get(at) {
        None => Ok(None),
        Some(b'*') => match number(&buffer[at..])? {
            None => Ok(None),
            Some((count, end)) if count == length => Ok(Some(at + end)),
            Some(_) => Err(Malformed("an array of a length that no entry has")),
        },
        Some(_) => Err(Malformed("something that is no entry")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    fn bulk(text: &str) -> String {
        format!("${}\r\n{text}\r\n", text.len())
    }

    fn entry(id: &str, fields: &[&str]) -> String {
        let fields: String = fields.iter().map(|text| bulk(text)).collect();
        format!("*2\r\n{}*{}\r\n{fields}", bulk(id), fields.matches('$').count())
    }

    fn stream() -> Vec<u8> {
        let long = "x".repeat(LIMIT + 1);
        let one = [entry("7-1", &["id", "a", "event", "one"]), entry("7-2", &["id", "b", "event", &long])];
        let two = [entry("9-0", &["run", "r"]), entry("9-1", &["event", "\r\n"]), entry("9-2", &[])];
        let text = format!(
            "*2\r\n*2\r\n{}*2\r\n{}*2\r\n{}*3\r\n{}*-1\r\n-ERR no\r\n$-1\r\n",
            bulk("s"),
            one.concat(),
            bulk("t"),
            two.concat()
        );
        text.into_bytes()
    }

    fn read(bytes: &[u8], size: usize) -> Result<Vec<String>, Malformed> {
        let mut reader = Reader::new(LIMIT);
        let mut items = Vec::new();
        for piece in bytes.chunks(size) {
            reader.buffer.extend_from_slice(piece);
            while let Some(item) = reader.next_item()? {
                items.push(match item {
                    Item::Stream(name) => format!("stream {}", String::from_utf8_lossy(&name)),
                    Item::Entry(entry) => {
                        let field =
                            |name| String::from_utf8_lossy(entry.get(name).unwrap_or(b"-")).into_owned();
                        format!("{} {} {}", entry.id, field(b"id"), field(b"event"))
                    }
                    Item::TooLarge { id, size } => format!("{id} of {size}"),
                    Item::End => "end".to_owned(),
                    Item::Error(text) => String::from_utf8_lossy(&text).into_owned(),
                });
            }
            assert!(reader.buffer.len() <= LIMIT + size + 100, "{} bytes are kept", reader.buffer.len());
        }
        assert!(reader.buffer.is_empty() && !reader.reading.begun, "something is left");
        Ok(items)
    }

    #[test]
    fn a_reply_may_be_cut_anywhere_and_what_is_too_large_is_not_kept() {
        let stream = stream();
        let expected = [
            "stream s",
            "7-1 a one",
            "7-2 of 109",
            "stream t",
            "9-0 - -",
            "9-1 - \r\n",
            "9-2 - -",
            "end",
            "end",
            "ERR no",
            "end",
        ];
        for size in 1..stream.len() {
            assert_eq!(read(&stream, size).expect("a reply"), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_entry_may_have_its_bound_and_no_byte_more() {
        let fits = LIMIT - "idaevent".len();
        for (length, expected) in
            [(fits, format!("7-1 a {}", "x".repeat(fits))), (fits + 1, "7-1 of 101".to_owned())]
        {
            let entry = entry("7-1", &["id", "a", "event", &"x".repeat(length)]);
            let reply = format!("*1\r\n*2\r\n{}*1\r\n{entry}", bulk("s"));
            let items = read(reply.as_bytes(), reply.len()).expect("a reply");
            assert_eq!(items, ["stream s", &expected, "end"]);
        }
    }

    #[test]
    fn fields_without_number_are_not_kept() {
        let mut reader = Reader::new(LIMIT);
        reader.buffer.extend_from_slice(b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-1\r\n*100000\r\n");
        let mut items = Vec::new();
        for _ in 0..100_000 {
            reader.buffer.extend_from_slice(b"$0\r\n\r\n");
            items.extend(std::iter::from_fn(|| reader.next_item().expect("a reply")));
            assert!(reader.buffer.len() < 2 * LIMIT, "{} bytes are kept", reader.buffer.len());
        }
        assert!(matches!(items[..], [Item::Stream(_), Item::TooLarge { .. }, Item::End]), "{items:?}");
    }

    #[test]
    fn random_bytes_are_never_a_panic() {
        let mut random = super::super::random();
        let stream = stream();
        for _ in 0..20_000 {
            let mut bytes = stream.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..bytes.len());
                bytes[at] = *random.choice(b"\r\n$*:+-0129a\xff").expect("bytes");
            }
            let mut reader = Reader::new(random.usize(0..LIMIT));
            for piece in bytes.chunks(random.usize(1..bytes.len())) {
                reader.buffer.extend_from_slice(piece);
                loop {
                    match reader.next_item() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => {
                            reader = Reader::new(LIMIT);
                            break;
                        }
                    }
                }
            }
        }
    }
}
