//! Where a token is before the first message: in a header, in a subprotocol, in a cookie. Never in the URL, which is written
//! into logs.

use tungstenite::http::{HeaderMap, header};

use crate::websocket::socket::UpgradeRequest;
use crate::websocket::wire::Token;

/// How the subprotocol begins that carries a token, in base64 for URLs without padding.
const BEARER: &str = "bearer.";

/// Something that should be a token, and is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The token of a request to become a WebSocket. The header comes before the subprotocol, which browsers can send.
pub(super) fn of_upgrade(request: &UpgradeRequest) -> Result<Option<Token>, Malformed> {
    if let Some(token) = of_header(request.headers())? {
        return Ok(Some(token));
    }
    let encoded = request.subprotocols().find_map(|name| name.strip_prefix(BEARER));
    encoded.map(|encoded| decode(encoded).map(Token).ok_or(Malformed)).transpose()
}

/// The token of any other request. Where `cookie` names one it may be there, for an `EventSource` cannot send headers.
#[cfg(feature = "axum")]
pub(super) fn of_request(headers: &HeaderMap, cookie: Option<&str>) -> Result<Option<Token>, Malformed> {
    if let Some(token) = of_header(headers)? {
        return Ok(Some(token));
    }
    let Some(name) = cookie else { return Ok(None) };
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(own, _)| *own == name);
    Ok(found.map(|(_, value)| Token(value.trim_matches('"').to_owned())))
}

/// `Authorization: Bearer` and the token. Another scheme is for somebody before us.
fn of_header(headers: &HeaderMap) -> Result<Option<Token>, Malformed> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| Malformed)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(Token(token.trim().to_owned())))
        }
        _ => Ok(None),
    }
}

/// Base64 for URLs, without padding: RFC 4648, section 5.
fn decode(encoded: &str) -> Option<String> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::with_capacity(encoded.len() * 3 / 4));
    for character in encoded.bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    // What is left over is less than a character, and nothing.
    let whole = held < 6 && bits == 0;
    String::from_utf8(bytes).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_for_urls() {
        // The test vectors of RFC 4648, section 10, without their padding; and the two characters that are the URL's.
        for (encoded, text) in [
            ("", ""),
            ("Zg", "f"),
            ("Zm8", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg", "foob"),
            ("Zm9vYmE", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("fn5-fj8_", "~~~~??"),
            ("w7w", "ü"),
        ] {
            assert_eq!(decode(encoded).as_deref(), Some(text), "{encoded}");
        }
        for wrong in ["Z", "Zg==", "Zh", "Zm9", "+/", "Zm9v YmFy", "_w", "ü"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_in_a_header_or_a_cookie() {
        let headers = |pairs: &[(header::HeaderName, &'static str)]| -> HeaderMap {
            let value = |text: &str| header::HeaderValue::from_bytes(text.as_bytes()).unwrap();
            pairs.iter().map(|(name, text)| (name.clone(), value(text))).collect()
        };
        let token = |text: &str| Ok(Some(Token(text.to_owned())));
        let bearer = headers(&[(header::AUTHORIZATION, "bEaReR abc"), (header::COOKIE, "t=def")]);
        assert_eq!(of_header(&bearer), token("abc"));
        assert_eq!(of_header(&headers(&[(header::AUTHORIZATION, "Basic YTpi")])), Ok(None));
        assert_eq!(of_header(&headers(&[(header::AUTHORIZATION, "Bearer \u{fc}")])), Err(Malformed));
        #[cfg(feature = "axum")]
        {
            assert_eq!(of_request(&bearer, Some("t")), token("abc"));
            let cookies = headers(&[(header::COOKIE, "a=1; t=\"d=ef\"; tt=2")]);
            assert_eq!(of_request(&cookies, Some("t")), token("d=ef"));
            assert_eq!(of_request(&cookies, None), Ok(None));
            assert_eq!(of_request(&cookies, Some("x")), Ok(None));
        }
    }
}
