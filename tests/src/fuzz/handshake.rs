//! The opening handshake: what a hub is asked, by whomever, and what a spoke is answered.

use pubsub_transports::__private::seen::{self, Handshake, MESSAGE};

use super::{in_proportion, pieces};

/// How long what a spoke reads may be, and what a hub reads of one.
const LONGEST: usize = 16 * 1024;
/// What a spoke offers.
const SUBPROTOCOL: &str = "pubsub.v1.json";

/// The first byte says who reads, and how long a request may be; the second in how large pieces it comes.
pub fn handshake(input: &[u8]) {
    let [how, size, bytes @ ..] = input else { return };
    let size = usize::from(*size).max(1);
    match how % 3 {
        0 => asked(bytes, 16 * usize::from(how / 3), size),
        1 => answered(bytes, size),
        _ => both(bytes, size),
    }
}

/// A hub lets in, refuses in HTTP, or says nothing as the request has no end; and makes up nothing.
fn asked(bytes: &[u8], limit: usize, size: usize) {
    let Handshake { said, written: answer, .. } =
        read(bytes, size, limit, true, |pieces| seen::hub(limit, pieces));
    match said {
        Ok(said) => {
            assert!(answer.starts_with("HTTP/1.1 101 ") && head(answer.as_bytes()) == Some(answer.len()));
            for (name, value) in said {
                let is_there = |text: &str| contains(bytes, text.as_bytes());
                assert!(
                    match name {
                        "token" => is_there(&value) || is_there(&format!("bearer.{}", base64_url(&value))),
                        "malformed" => true,
                        _ => is_there(&value),
                    },
                    "{name}: {value}"
                );
            }
        }
        Err(_) if answer.is_empty() => assert!(head(bytes).is_none() && bytes.len() <= limit),
        Err(error) => {
            let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has an end");
            let status = head.strip_prefix("HTTP/1.1 ").and_then(|head| head.get(..3));
            assert!(matches!(status, Some("400" | "405" | "426" | "431")), "{head}");
            assert!(error.ends_with(body) && head.ends_with(&format!("Content-Length: {}", body.len())));
        }
    }
}

/// A spoke goes on only where its own key was answered, and with what it offered.
fn answered(bytes: &[u8], size: usize) {
    let Handshake { said, written, .. } = read(bytes, size, LONGEST, false, seen::spoke);
    assert!(written.is_empty());
    let Ok(said) = said else { return };
    assert!(contains(bytes, b"HTTP/1.1 101") && contains(bytes, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(said.is_empty() || said == [("subprotocol", SUBPROTOCOL.to_owned())], "{said:?}");
}

/// A line is the URL that a spoke is given, the other its header `Authorization`: whatever it takes a hub understands, and the spoke the
/// answer.
fn both(bytes: &[u8], size: usize) {
    let Some((url, authorization)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    let Some(request) = seen::request(url, authorization) else { return };
    let hub = read(&request, size, LONGEST, true, |pieces| seen::hub(LONGEST, pieces));
    let said = hub.said.expect("a spoke asks as it should");
    let of = |name| said.iter().find(|(own, _)| *own == name).map(|(_, value)| &**value);
    let url = seen::url(url).expect("it was one");
    assert!(of("path").is_some_and(|path| url.ends_with(path)), "{said:?}");
    assert_eq!(of("subprotocol"), Some(SUBPROTOCOL));
    let token =
        authorization.trim().split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    assert_eq!(of("token"), token.map(|(_, token)| token.trim()));
    assert_eq!(of("malformed"), None);
    let spoke = read(hub.written.as_bytes(), size, LONGEST, false, seen::spoke);
    assert_eq!(spoke.said, Ok(vec![("subprotocol", SUBPROTOCOL.to_owned())]));
}

/// In pieces as at once, no byte of the frames behind the head is lost, and nobody is listened to for longer than is allowed.
fn read(
    bytes: &[u8],
    size: usize,
    limit: usize,
    is_hub: bool,
    read: impl Fn(&[&[u8]]) -> (Handshake, usize),
) -> Handshake {
    let (at_once, taken) = read(&[bytes]);
    let (in_pieces, taken_in_pieces) =
        in_proportion(bytes.len(), 128, 128 * 1024, || read(&pieces(bytes, size)));
    assert_eq!(in_pieces, at_once, "in pieces of {size}");
    for taken in [taken, taken_in_pieces] {
        assert!(taken <= 2 * (limit + 1024), "{taken} bytes, where {limit} are allowed");
    }
    if at_once.said.is_ok() {
        let head = head(bytes).expect("a head has an end");
        assert!(head <= limit, "{head} bytes, where {limit} are allowed");
        let frames = seen::frames(is_hub, MESSAGE, &[&bytes[head..]]);
        let messages = frames
            .items
            .iter()
            .filter_map(|found| found.strip_prefix("Text ").or_else(|| found.strip_prefix("Binary ")));
        let escaped: Vec<_> = at_once.messages.iter().map(|bytes| bytes.escape_ascii().to_string()).collect();
        assert_eq!(escaped, messages.collect::<Vec<_>>());
    }
    at_once
}

/// How long the head is: it ends with the first empty line that is not one of those before it.
fn head(bytes: &[u8]) -> Option<usize> {
    let mut at = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    loop {
        let line = 1 + bytes[at..].iter().position(|byte| *byte == b'\n')?;
        at += line;
        if matches!(&bytes[at - line..at], b"\n" | b"\r\n") {
            return Some(at);
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// RFC 4648, section 5, without padding.
fn base64_url(text: &str) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let encode = |bytes: &[u8]| {
        let bits =
            bytes.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - bytes.len()));
        let character = |place| char::from(CHARACTERS[bits >> (18 - 6 * place) & 63]);
        (0..=bytes.len()).map(character).collect::<String>()
    };
    text.as_bytes().chunks(3).map(encode).collect()
}
