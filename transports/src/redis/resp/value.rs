//! Any reply, as a value: for commands that are rare.

use bytes::{Buf, Bytes, BytesMut};

use super::read::{MAX_LINE, Malformed, Part, line, number, part};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum Value {
    Status(Bytes),
    Error(Bytes),
    Integer(i64),
    Bulk(Bytes),
    Nothing,
    Array(Vec<Self>),
}

/// Nothing that is asked for nests deeper.
const MAX_DEPTH: usize = 6;
/// Values in one array, where ours have some tens.
const MAX_VALUES: usize = 65_536;

impl Value {
    /// Takes the next value out of a buffer; `None` if it is not all there yet.
    ///
    /// # Errors
    /// If it is none, or larger than `limit`.
    pub(in crate::redis) fn take(buffer: &mut BytesMut, limit: usize) -> Result<Option<Self>, Malformed> {
        if buffer.is_empty() {
            return Ok(None);
        }
        let Some((value, end)) = read(buffer, 0, limit, MAX_DEPTH)? else { return Ok(None) };
        buffer.advance(end);
        Ok(Some(value))
    }

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

fn read(buffer: &[u8], at: usize, limit: usize, depth: usize) -> Result<Option<(Value, usize)>, Malformed> {
    let Some(kind) = buffer.get(at) else { return Ok(None) };
    if at > limit {
        return Err(Malformed("an answer that is too large"));
    }
    let rest = &buffer[at..];
    let own = |text: std::ops::Range<usize>| Bytes::copy_from_slice(&rest[text]);
    Ok(Some(match kind {
        b'+' | b'-' => {
            let Some((text, end)) = line(rest, MAX_LINE)? else { return Ok(None) };
            let text = own(text);
            (if *kind == b'+' { Value::Status(text) } else { Value::Error(text) }, at + end)
        }
        b':' => {
            let Some((number, end)) = number(rest)? else { return Ok(None) };
            (Value::Integer(number), at + end)
        }
        b'$' => {
            if rest.starts_with(b"$-1\r\n") {
                return Ok(Some((Value::Nothing, at + 5)));
            }
            match part(rest, 0, limit)? {
                Part::Unfinished => return Ok(None),
                Part::Whole(content, end) => (Value::Bulk(own(content)), at + end),
                Part::TooLarge { .. } => return Err(Malformed("an answer that is too large")),
            }
        }
        b'*' => {
            let Some((count, end)) = number(rest)? else { return Ok(None) };
            let mut at = at + end;
            let Ok(count) = usize::try_from(count) else { return Ok(Some((Value::Nothing, at))) };
            if depth == 0 || count > MAX_VALUES {
                return Err(Malformed("an array that no answer has"));
            }
            let mut values = Vec::new();
            for _ in 0..count {
                let Some((value, end)) = read(buffer, at, limit, depth - 1)? else { return Ok(None) };
                values.push(value);
                at = end;
            }
            (Value::Array(values), at)
        }
        _ => return Err(Malformed("a reply that begins with no known character")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_cut_anywhere() {
        let bytes = b"*5\r\n+OK\r\n*2\r\n$1\r\na\r\n:-7\r\n*-1\r\n$-1\r\n-ERR no\r\n";
        for size in 1..=bytes.len() {
            let mut buffer = BytesMut::new();
            let mut found = None;
            for piece in bytes.chunks(size) {
                assert_eq!(found, None);
                buffer.extend_from_slice(piece);
                found = Value::take(&mut buffer, 1000).expect("a value");
            }
            let found = found.expect("a value");
            let values = found.array().expect("an array");
            assert_eq!(values[0], Value::Status(Bytes::from_static(b"OK")));
            assert_eq!(values[1].get(b"a"), Some(&Value::Integer(-7)));
            assert_eq!(values[2..4], [Value::Nothing, Value::Nothing]);
            assert_eq!(values[4], Value::Error(Bytes::from_static(b"ERR no")));
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn what_is_too_deep_too_long_or_no_value_is_refused() {
        let deep = "*1\r\n".repeat(MAX_DEPTH + 1);
        for bytes in [deep.as_bytes(), b"*9999999\r\n", b"$2000\r\n", b"?\r\n", b"HTTP/1.1"] {
            let mut buffer = BytesMut::from(bytes);
            assert!(Value::take(&mut buffer, 1000).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
