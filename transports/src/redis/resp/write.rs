//! Commands, as bytes.

/// Appends a command: an array of bulk strings.
pub(in crate::redis) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    header(out, b'*', words.len());
    for word in words {
        bulk(out, &[word]);
    }
}

/// Appends one bulk string, made of several parts.
pub(in crate::redis) fn bulk(out: &mut Vec<u8>, parts: &[&[u8]]) {
    header(out, b'$', parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a number, as a bulk string.
pub(in crate::redis) fn number(out: &mut Vec<u8>, number: u64) {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    header(out, b'$', digits);
    let at = out.len() + digits;
    out.resize(at, b'0');
    let mut rest = number;
    for digit in out[at - digits..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the line that says how much comes.
pub(in crate::redis) fn header(out: &mut Vec<u8>, kind: u8, mut count: usize) {
    // Twenty digits are enough for any `u64`.
    let mut line = [0; 23];
    let mut at = line.len() - 2;
    line[at..].copy_from_slice(b"\r\n");
    loop {
        at -= 1;
        line[at] = b'0' + (count % 10) as u8;
        count /= 10;
        if count == 0 {
            break;
        }
    }
    at -= 1;
    line[at] = kind;
    out.extend_from_slice(&line[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        command(&mut out, &[b"PUBLISH", b"a:\r\n", b""]);
        assert_eq!(out, b"*3\r\n$7\r\nPUBLISH\r\n$4\r\na:\r\n\r\n$0\r\n\r\n");
    }

    #[test]
    fn a_number_is_a_bulk_string() {
        for value in [0, 7, 10, 100_000, u64::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            let text = value.to_string();
            assert_eq!(out, format!("${}\r\n{text}\r\n", text.len()).into_bytes());
        }
    }

    #[test]
    fn every_length_is_written_whole() {
        for count in [0, 9, 10, 512, 65_536, usize::MAX] {
            let mut out = Vec::new();
            header(&mut out, b'$', count);
            assert_eq!(out, format!("${count}\r\n").into_bytes());
        }
    }
}
