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
    fn every_length_is_written_whole() {
        for count in [0, 9, 10, 512, 65_536, usize::MAX] {
            let mut out = Vec::new();
            header(&mut out, b'$', count);
            assert_eq!(out, format!("${count}\r\n").into_bytes());
        }
    }
}
