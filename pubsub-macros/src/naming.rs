//! Names made from a variant's name: topics by a rename rule, and the topic's constant.

use proc_macro2::Ident;
use syn::ext::IdentExt;

/// A value of `rename_all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rule {
    /// No rule given: the variant's name as it is.
    #[default]
    Verbatim,
    Camel,
    Pascal,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
    Dot,
    Path,
    Lower,
    Upper,
}

/// Every rule as the attribute spells it.
pub(crate) const RULES: [(&str, Rule); 10] = [
    ("camelCase", Rule::Camel),
    ("PascalCase", Rule::Pascal),
    ("snake_case", Rule::Snake),
    ("SCREAMING_SNAKE_CASE", Rule::ScreamingSnake),
    ("kebab-case", Rule::Kebab),
    ("SCREAMING-KEBAB-CASE", Rule::ScreamingKebab),
    ("dot.case", Rule::Dot),
    ("path/case", Rule::Path),
    ("lowercase", Rule::Lower),
    ("UPPERCASE", Rule::Upper),
];

impl Rule {
    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        match self {
            Self::Verbatim => name.to_owned(),
            Self::Camel => {
                let (first, rest) = words.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
                first.to_owned() + &rest.iter().map(|word| capitalized(word)).collect::<String>()
            }
            Self::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Self::Snake => words.join("_"),
            Self::ScreamingSnake => words.join("_").to_uppercase(),
            Self::Kebab => words.join("-"),
            Self::ScreamingKebab => words.join("-").to_uppercase(),
            Self::Dot => words.join("."),
            Self::Path => words.join("/"),
            Self::Lower => words.concat(),
            Self::Upper => words.concat().to_uppercase(),
        }
    }
}

/// The name of the topic's constant, spanned like the variant: an editor that looks for its definition goes there.
pub(crate) fn constant(variant: &Ident) -> Ident {
    let mut name = Rule::ScreamingSnake.apply(&variant.unraw().to_string());
    // `_2` is a variant's name, `2` no constant's; `__` has no words at all.
    if !name.starts_with(|first: char| first.is_alphabetic()) {
        name.insert(0, '_');
    }
    if name == "_" {
        name.push('_');
    }
    Ident::new(&name, variant.span())
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The words of a name, in lower case. One starts after `_`, at the capital of `aB` and `1B`, and at the last capital
/// of `ABc`; digits belong to the word before them.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (place, &char) in chars.iter().enumerate() {
        let previous = place.checked_sub(1).map(|place| chars[place]);
        if char == '_' || (char.is_uppercase() && starts_word(previous, chars.get(place + 1))) {
            words.push(String::new());
        }
        if char != '_' {
            words.last_mut().expect("starts with one word").extend(char.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a capital between these two starts a word.
fn starts_word(previous: Option<char>, next: Option<&char>) -> bool {
    previous.is_some_and(|previous| {
        previous.is_lowercase()
            || previous.is_numeric()
            || (previous.is_uppercase() && next.is_some_and(|next| next.is_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn words_start_at_capitals_and_underscores() {
        let cases: [(&str, &[&str]); 9] = [
            ("SessionStatus", &["session", "status"]),
            ("HTTPServerStarted", &["http", "server", "started"]),
            ("UserID", &["user", "id"]),
            ("UserJoinedV2Now", &["user", "joined", "v2", "now"]),
            ("snake_and_Pascal", &["snake", "and", "pascal"]),
            ("A", &["a"]),
            ("ÜberGröße", &["über", "größe"]),
            ("_2__3", &["2", "3"]),
            ("__", &[]),
        ];
        for (name, expected) in cases {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn every_rule() {
        let expected = [
            "httpServerUp2",
            "HttpServerUp2",
            "http_server_up2",
            "HTTP_SERVER_UP2",
            "http-server-up2",
            "HTTP-SERVER-UP2",
            "http.server.up2",
            "http/server/up2",
            "httpserverup2",
            "HTTPSERVERUP2",
        ];
        for ((spelling, rule), expected) in RULES.into_iter().zip(expected) {
            assert_eq!(rule.apply("HTTPServerUp2"), expected, "{spelling}");
        }
        assert_eq!(Rule::Verbatim.apply("HTTPServer_up2"), "HTTPServer_up2");
    }

    #[test]
    fn a_constant_is_always_an_identifier() {
        let name = |variant| constant(&Ident::new(variant, Span::call_site())).to_string();
        assert_eq!(name("SessionStatus"), "SESSION_STATUS");
        assert_eq!(name("_2"), "_2");
        assert_eq!(name("__"), "__");
        assert_eq!(constant(&Ident::new_raw("type", Span::call_site())).to_string(), "TYPE");
    }
}
