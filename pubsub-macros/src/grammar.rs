//! The grammar of topics: ASCII letters, digits and `. - _ /`; not empty; no `__` at the start.

use quote::ToTokens;

use crate::errors::{Mistake, at};

/// What is wrong with this text of a topic or a prefix.
pub(crate) fn mistake(text: &str, what: &str, tokens: impl ToTokens) -> Option<Mistake> {
    let mistake = at(tokens, problem(text, what)?);
    Some(match proposal(text) {
        Some(proposal) => mistake.help(format_args!("use for example `{proposal}`")),
        None => mistake,
    })
}

fn problem(text: &str, what: &str) -> Option<String> {
    if text.is_empty() {
        return Some(format!("a {what} cannot be empty"));
    }
    if text.starts_with("__") {
        return Some(format!("{what} `{text}` starts with `__`, which is reserved for control messages"));
    }
    if text.contains(':') {
        return Some(format!("{what} `{text}` contains `:`, which separates a topic from its id"));
    }
    let char = text.chars().find(|&char| !is_allowed(char))?;
    Some(format!("{what} `{text}` contains {char:?}; topics have ASCII letters, digits and `. - _ /`"))
}

fn is_allowed(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | '/')
}

/// A text like this one that is a topic. Of a word in other letters there is none that would be like it.
fn proposal(text: &str) -> Option<String> {
    if text.contains(|char: char| char.is_alphabetic() && !char.is_ascii()) {
        return None;
    }
    let replaced = |char| match char {
        ':' => '.',
        char if is_allowed(char) => char,
        _ => '-',
    };
    let text: String = text.chars().map(replaced).collect();
    let text = text.trim_start_matches('_').trim_matches('-');
    Some(if text.is_empty() { "session.status".to_owned() } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        for topic in ["a", "A.b-c_d/9", "_", "_a", "a__b", "/", "-"] {
            assert_eq!(problem(topic, "topic"), None, "{topic}");
        }
        for text in ["", "__", "__ping", "a:b", ":", "a b", "a\tb", "*", "é", "a#", "a\0"] {
            assert!(problem(text, "topic").is_some(), "{text:?}");
        }
    }

    #[test]
    fn proposals_are_topics() {
        for text in ["", "__ping", "__", "a:b", "::", "a b*", "__ *", "app:"] {
            let proposal = proposal(text).unwrap();
            assert_eq!(problem(&proposal, "topic"), None, "{text:?}: {proposal}");
        }
        assert_eq!(proposal("a:b c"), Some("a.b-c".to_owned()));
        assert_eq!(proposal("größe"), None);
    }
}
