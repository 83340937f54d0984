//! Any reply, as a value: for commands that are rare.

use bytes::{Buf, Bytes};

use super::read::{MAX_LINE, Malformed, Part, Reader, line, number, part};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum Value {
    Status(Bytes),
    Error(Bytes),
    Integer(i64),
    Bulk(Bytes),
    Nothing,
    /// A string for which there was no room. It was passed over.
    TooLarge,
    Array(Vec<Self>),
}

/// Nothing that is asked for nests deeper.
const MAX_DEPTH: usize = 6;
/// Values in one array, where ours have some tens.
const MAX_VALUES: usize = 65_536;

impl Value {
    pub(in crate::redis) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bulk(bytes) | Self::Status(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(in crate::redis) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(in crate::redis) fn array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// What stands behind a name, where names and values take turns.
    pub(in crate::redis) fn get(&self, name: &[u8]) -> Option<&Self> {
        let pairs = self.array()?.chunks_exact(2);
        pairs.into_iter().find(|pair| pair[0].bytes() == Some(name)).map(|pair| &pair[1])
    }
}

/// A value that is not all there yet.
#[derive(Debug, Default)]
pub(super) struct Building {
    /// The arrays that are open, the outermost first, each with how many values it lacks.
    open: Vec<(usize, Vec<Value>)>,
    /// The bytes of the strings so far, and of everything else.
    strings: usize,
    others: usize,
    /// Bytes of a string that is passed over, with its line end.
    passing: Option<usize>,
}

enum Piece {
    Value(Value),
    Array(usize),
}

impl Reader {
    /// The next reply, as a value; `None` if it is not all there yet. Its strings have at most as many bytes together as the
    /// reader's bound: those beyond it are passed over.
    ///
    /// # Errors
    /// If it is none, or otherwise larger than the bound. There is no going on after that.
    pub(in crate::redis) fn next_value(&mut self) -> Result<Option<Value>, Malformed> {
        while let Some(piece) = self.piece()? {
            let open = &mut self.building.open;
            let mut value = match piece {
                Piece::Array(count) => {
                    if open.len() == MAX_DEPTH || count > MAX_VALUES {
                        return Err(Malformed("an array that no answer has"));
                    }
                    open.push((count, Vec::new()));
                    continue;
                }
                Piece::Value(value) => value,
            };
            loop {
                let Some((missing, values)) = open.last_mut() else {
                    self.building = Building::default();
                    return Ok(Some(value));
                };
                values.push(value);
                *missing -= 1;
                if *missing > 0 {
                    break;
                }
                value = Value::Array(open.pop().map(|(_, values)| values).unwrap_or_default());
            }
        }
        Ok(None)
    }

    fn piece(&mut self) -> Result<Option<Piece>, Malformed> {
        let building = &mut self.building;
        if let Some(left) = &mut building.passing {
            let here = (*left).min(self.buffer.len());
            self.buffer.advance(here);
            *left -= here;
            if *left > 0 {
                return Ok(None);
            }
            building.passing = None;
            return Ok(Some(Piece::Value(Value::TooLarge)));
        }
        let buffer = &self.buffer[..];
        let (piece, end) = match buffer.first() {
            None => return Ok(None),
            Some(kind @ (b'+' | b'-')) => {
                let Some((text, end)) = line(buffer, MAX_LINE)? else { return Ok(None) };
                let text = Bytes::copy_from_slice(&buffer[text]);
                let value = if *kind == b'+' { Value::Status(text) } else { Value::Error(text) };
                (Piece::Value(value), end)
            }
            Some(kind @ (b':' | b'*' | b'$')) => {
                let Some((number, end)) = number(buffer)? else { return Ok(None) };
                match (kind, usize::try_from(number)) {
                    (b':', _) => (Piece::Value(Value::Integer(number)), end),
                    (_, Err(_)) => (Piece::Value(Value::Nothing), end),
                    (b'*', Ok(0)) => (Piece::Value(Value::Array(Vec::new())), end),
                    (b'*', Ok(count)) => (Piece::Array(count), end),
                    _ => return self.string(),
                }
            }
            Some(_) => return Err(Malformed("a reply that begins with no known character")),
        };
        building.others += end;
        if building.others > self.limit {
            return Err(Malformed("an answer that is too large"));
        }
        self.buffer.advance(end);
        Ok(Some(piece))
    }

    fn string(&mut self) -> Result<Option<Piece>, Malformed> {
        let building = &mut self.building;
        match part(&self.buffer, 0, self.limit.saturating_sub(building.strings))? {
            Part::Unfinished => Ok(None),
            Part::Whole(content, end) => {
                building.strings += content.len();
                let value = Value::Bulk(Bytes::copy_from_slice(&self.buffer[content]));
                self.buffer.advance(end);
                Ok(Some(Piece::Value(value)))
            }
            Part::TooLarge { start, length } => {
                self.buffer.advance(start);
                building.passing = Some(length + 2);
                self.piece()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// All values in `bytes`, received in pieces of `size`.
    fn read(bytes: &[u8], size: usize) -> Result<Vec<Value>, Malformed> {
        let mut reader = Reader::new(LIMIT);
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            reader.buffer.extend_from_slice(piece);
            while let Some(value) = reader.next_value()? {
                found.push(value);
            }
        }
        assert!(reader.buffer.is_empty() && reader.building.open.is_empty(), "something is left");
        Ok(found)
    }

    fn bulk(text: &str) -> Value {
        Value::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_value_may_be_cut_anywhere() {
        let bytes = b"*6\r\n+OK\r\n*2\r\n$1\r\na\r\n:-7\r\n*-1\r\n$-1\r\n*0\r\n-ERR no\r\n:1\r\n";
        for size in 1..=bytes.len() {
            let found = read(bytes, size).expect("values");
            assert_eq!(found.len(), 2);
            let values = found[0].array().expect("an array");
            assert_eq!(values[0], Value::Status(Bytes::from_static(b"OK")));
            assert_eq!(values[1].get(b"a"), Some(&Value::Integer(-7)));
            assert_eq!(values[2..5], [Value::Nothing, Value::Nothing, Value::Array(vec![])]);
            assert_eq!(values[5], Value::Error(Bytes::from_static(b"ERR no")));
        }
    }

    #[test]
    fn strings_without_room_are_passed_over_and_not_kept() {
        let string = |size: usize| format!("${size}\r\n{}\r\n", "x".repeat(size));
        let bytes = ["*4\r\n", &string(60), &string(60), &string(40), &string(1_000), ":7\r\n"].concat();
        for size in [1, 7, 5_000] {
            let found = read(bytes.as_bytes(), size).expect("values");
            let (sixty, forty) = (bulk(&"x".repeat(60)), bulk(&"x".repeat(40)));
            let first = Value::Array(vec![sixty, Value::TooLarge, forty, Value::TooLarge]);
            assert_eq!(found, [first, Value::Integer(7)], "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_too_deep_too_long_or_no_value_is_refused() {
        let deep = "*1\r\n".repeat(MAX_DEPTH + 1);
        let long = format!("*1000\r\n{}", ":1\r\n".repeat(LIMIT));
        for bytes in
            [deep.as_bytes(), long.as_bytes(), b"*9999999\r\n", b"?\r\n", b"HTTP/1.1", b"*1\r\n$x\r\n"]
        {
            assert!(read(bytes, 1).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
