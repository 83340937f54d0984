//! Mistakes: collected, so that one build reports all of them, each at its token and with what to write instead.

use std::fmt::{Display, Write};

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: impl Into<syn::Error>) {
        let error = error.into();
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }
}

/// One mistake: a message and `help:` and `note:` lines, which are part of the text because a stable macro has no
/// other place for them.
pub(crate) struct Mistake {
    tokens: TokenStream,
    text: String,
}

/// A mistake at these tokens.
pub(crate) fn at(tokens: impl ToTokens, message: impl Display) -> Mistake {
    Mistake { tokens: tokens.into_token_stream(), text: message.to_string() }
}

impl Mistake {
    pub(crate) fn help(self, text: impl Display) -> Self {
        self.line("help", text)
    }

    pub(crate) fn note(self, text: impl Display) -> Self {
        self.line("note", text)
    }

    fn line(mut self, kind: &str, text: impl Display) -> Self {
        write!(self.text, "\n{kind}: {text}").expect("writing to a string");
        self
    }
}

impl From<Mistake> for syn::Error {
    fn from(mistake: Mistake) -> Self {
        Self::new_spanned(mistake.tokens, mistake.text)
    }
}

/// The candidate most like `given`, or which starts with it, if it is like enough to be what was meant.
pub(crate) fn closest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str, IntoIter: Clone>,
) -> Option<&'a str> {
    let (candidates, given) = (candidates.into_iter(), given.to_lowercase());
    candidates
        .clone()
        .map(|candidate| (distance(&given, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(given.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
        .or_else(|| candidates.clone().find(|candidate| starts(candidate, &given)))
}

fn starts(candidate: &str, given: &str) -> bool {
    given.len() >= 3 && candidate.to_lowercase().starts_with(given)
}

/// How many characters have to be put in, taken out or replaced to get from one to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    // One row of the usual table: the distances from the prefix of `from` read so far to each prefix of `to`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (read, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = read + 1;
        for (place, &to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("topic", "topic"), 0);
        assert_eq!(distance("topc", "topic"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_what_looks_like_a_typing_error_or_an_abbreviation_is_proposed() {
        let keys = ["topic", "id", "constant"];
        assert_eq!(closest("topc", keys), Some("topic"));
        assert_eq!(closest("Constants", keys), Some("constant"));
        assert_eq!(closest("const", keys), Some("constant"));
        assert_eq!(closest("payload", keys), None);
        assert_eq!(closest("x", keys), None);
    }
}
