//! What `TopicInfo` says of a topic: its types as they are spelt, its docs, and a hash of both ends' agreement.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, Meta};

/// A type as text. It is spaced by rules of its own: how the compiler prints tokens differs between its versions, and
/// between tokens that were written and tokens that a macro made.
pub(crate) fn type_text(ty: impl ToTokens) -> String {
    let mut text = String::new();
    spell(ty.into_token_stream(), &mut text);
    text
}

fn spell(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                spell(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) if punct.as_char() == '-' && punct.spacing() == Spacing::Joint => {
                tokens.next();
                text.push_str(" -> ");
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' | ';' if tokens.peek().is_some() => text.extend([punct.as_char(), ' ']),
                '+' | '=' => text.extend([' ', punct.as_char(), ' ']),
                other => text.push(other),
            },
            word => {
                let word = word.to_string();
                if text.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '>')) {
                    text.push(' ');
                }
                text.push_str(&word);
            }
        }
    }
}

/// The doc comment, without the comment's markers and the indentation that goes with them.
pub(crate) fn doc_text(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs.iter().filter_map(doc_line).collect();
    let lines = lines.iter().flat_map(|text| text.lines());
    let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    text.join("\n").trim().to_owned()
}

fn doc_line(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value() + "\n"),
            _ => None,
        },
        _ => None,
    }
}

/// The note of `#[deprecated]`, empty if it has none; nothing if it is not there.
pub(crate) fn deprecated_note(attrs: &[Attribute]) -> Option<String> {
    let attr = attrs.iter().find(|attr| attr.path().is_ident("deprecated"))?;
    let mut note = String::new();
    match &attr.meta {
        Meta::NameValue(meta) => {
            if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value {
                note = text.value();
            }
        }
        // What is wrong in it, the compiler says.
        Meta::List(_) => drop(attr.parse_nested_meta(|meta| {
            let text: LitStr = meta.value()?.parse()?;
            if meta.path.is_ident("note") {
                note = text.value();
            }
            Ok(())
        })),
        Meta::Path(_) => {}
    }
    Some(note)
}

/// FNV-1a, 64 bits, of the parts without white space, each followed by a zero byte.
pub(crate) fn hash<const N: usize>(parts: [&str; N]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.split_whitespace().flat_map(str::bytes).for_each(&mut add);
        add(0);
    }
    hash
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn types_are_spaced_as_rustfmt_does() {
        let cases = [
            (quote!(Vec<Option<u8>>), "Vec<Option<u8>>"),
            (quote!((u8, [u16; N])), "(u8, [u16; N])"),
            (quote!(&'static str), "&'static str"),
            (
                quote!(Box<dyn for<'a> Fn(&'a str) -> u8 + Send + 'static>),
                "Box<dyn for<'a> Fn(&'a str) -> u8 + Send + 'static>",
            ),
            (quote!(<T as Iterator>::Item), "<T as Iterator>::Item"),
            (quote!(dyn Iterator<Item = u8>), "dyn Iterator<Item = u8>"),
            (quote!(Fixed<{ N + 1 }>), "Fixed<{N + 1}>"),
            (quote!((u8,)), "(u8,)"),
            (quote!(()), "()"),
        ];
        for (tokens, expected) in cases {
            assert_eq!(type_text(tokens), expected);
        }
    }

    #[test]
    fn docs_keep_their_lines_and_lose_their_markers() {
        let variant: syn::Variant = syn::parse_quote! {
            /// First.
            ///
            ///     code
            #[doc = " last"]
            #[deprecated]
            A
        };
        assert_eq!(doc_text(&variant.attrs), "First.\n\n    code\nlast");
        assert_eq!(doc_text(&[]), "");
    }

    #[test]
    fn a_note_is_found_however_it_is_written() {
        let note = |variant: syn::Variant| deprecated_note(&variant.attrs);
        let expected = Some("use B".to_owned());
        assert_eq!(
            note(syn::parse_quote!(
                #[deprecated = "use B"]
                A
            )),
            expected
        );
        assert_eq!(
            note(syn::parse_quote!(
                #[deprecated(since = "1.2.0", note = "use B")]
                A
            )),
            expected
        );
        assert_eq!(
            note(syn::parse_quote!(
                #[deprecated(note = "use B", since = "1.2.0")]
                A
            )),
            expected
        );
        assert_eq!(
            note(syn::parse_quote!(
                #[deprecated]
                A
            )),
            Some(String::new())
        );
        assert_eq!(
            note(syn::parse_quote!(
                #[doc = "deprecated"]
                A
            )),
            None
        );
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // Published test values of the algorithm, for "" and "foobar".
        assert_eq!(hash([]), 0xcbf2_9ce4_8422_2325);
        let last = |text: &str| hash([text]);
        assert_eq!(last("foobar"), (0x8594_4171_f739_67e8_u64).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(hash(["a b", "c"]), hash(["ab", "c"]));
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }
}
