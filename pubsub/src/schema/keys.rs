//! Names in an AsyncAPI document, which are made of ASCII letters, digits and `. - _` alone.

use std::collections::HashSet;

/// Makes names that the document takes, each once.
#[derive(Default)]
pub(super) struct Keys {
    used: HashSet<String>,
}

impl Keys {
    /// None of these, which mean something else.
    pub(super) fn reserving(names: &[&str]) -> Self {
        Self { used: names.iter().map(|&name| name.to_owned()).collect() }
    }

    /// The name itself where it can be; else one that is like it.
    pub(super) fn key(&mut self, name: &str) -> String {
        let key = clean(name);
        let mut unique = key.clone();
        let mut number = 2;
        while !self.used.insert(unique.clone()) {
            unique = format!("{key}_{number}");
            number += 1;
        }
        unique
    }
}

/// The name with `_` for a run of what a document does not take.
pub(super) fn clean(name: &str) -> String {
    let is_taken = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    let mut key = String::with_capacity(name.len());
    for char in name.chars() {
        match is_taken(char) {
            true => key.push(char),
            false if !key.ends_with('_') => key.push('_'),
            false => {}
        }
    }
    let trimmed = key.trim_end_matches('_');
    if trimmed.is_empty() { "_".to_owned() } else { trimmed.to_owned() }
}

/// A name from the last part of a JSON Pointer in a URI fragment ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901),
/// section 6).
pub(super) fn decode_pointer(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = match (first, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).replace("~1", "/").replace("~0", "~")
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_decoded() {
        for (part, name) in [
            ("Page%3CNote%3e", "Page<Note>"),
            ("a~1b~0c~01", "a/b~c~1"),
            ("%C3%BC", "ü"),
            ("100%", "100%"),
            ("%zz", "%zz"),
        ] {
            assert_eq!(decode_pointer(part), name);
        }
    }

    #[test]
    fn a_name_stays_what_it_is_where_it_can() {
        let mut keys = Keys::default();
        assert_eq!(keys.key("SessionStatus"), "SessionStatus");
        assert_eq!(keys.key("session.status-2_b"), "session.status-2_b");
    }

    #[test]
    fn no_two_names_give_one_key() {
        let mut keys = Keys::default();
        let made: Vec<String> = ["Page<Note>", "Page_Note", "Page/Note>", "ü", "ö", ""]
            .iter()
            .map(|name| keys.key(name))
            .collect();
        assert_eq!(made, ["Page_Note", "Page_Note_2", "Page_Note_3", "_", "__2", "__3"]);
    }
}
