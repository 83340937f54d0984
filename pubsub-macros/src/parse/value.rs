//! The values of an attribute's keys.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Lit, LitStr, Path, Token, Type};

use crate::errors::{Mistake, at, closest};
use crate::grammar;
use crate::naming::{RULES, Rule};
use crate::spelling::type_text;

/// A key that was read, and the input after it.
pub(super) struct Entry<'a> {
    pub(super) key: Ident,
    pub(super) name: String,
    pub(super) input: ParseStream<'a>,
}

impl Entry<'_> {
    pub(super) fn set<T>(&self, slot: &mut Option<T>, value: fn(&Self) -> syn::Result<T>) -> syn::Result<()> {
        let start = self.input.fork();
        let value = value(self)?;
        if !self.has_ended() {
            let mut given = tokens_between(&start, self.input);
            given.extend(value_tokens(self.input));
            // Without its `=`.
            return Err(self.needs(&given.into_iter().skip(1).collect()).into());
        }
        if slot.is_some() {
            let mistake = at(&self.key, format_args!("`{}` is given more than once", self.name));
            return Err(mistake.help("keep one of them").into());
        }
        *slot = Some(value);
        Ok(())
    }

    fn equals(&self) -> syn::Result<()> {
        let input = self.input;
        let is_equals = input.peek(Token![=]) && !input.peek(Token![==]) && !input.peek(Token![=>]);
        if is_equals {
            input.parse::<Token![=]>()?;
        }
        if input.is_empty() || input.peek(Token![,]) {
            // At the end of the input a span would be that of the whole derive.
            let mistake = at(&self.key, format_args!("`{}` needs a value", self.name));
            return Err(mistake.help(format_args!("write for example `{}`", example(&self.name))).into());
        }
        if is_equals { Ok(()) } else { Err(self.no_equals().into()) }
    }

    /// The mistake of `key: value`, `key == value`, `key => value`, `key(value)` and `key value`.
    fn no_equals(&self) -> Mistake {
        let input = self.input;
        let found = value_tokens(&input.fork());
        let mistake = at(found, format_args!("`{}` is not followed by `=`", self.name));
        while input.peek(Token![:]) || input.peek(Token![=]) || input.peek(Token![>]) {
            // Never fails: there is a token.
            let _ = input.parse::<TokenTree>();
        }
        let mut value = value_tokens(input);
        if let Ok(TokenTree::Group(group)) = syn::parse2(value.clone()) {
            value = group.stream();
        }
        mistake.help(if is_value(&self.name, &value) {
            format!("a key is followed by `=`: write `{} = {}`", self.name, type_text(value))
        } else {
            format!("a key is followed by `=`: write for example `{}`", example(&self.name))
        })
    }

    /// Whether the value that was read is all of it.
    fn has_ended(&self) -> bool {
        self.input.is_empty() || self.input.peek(Token![,]) || self.next_key().is_some()
    }

    /// The key after a forgotten comma, or after a semicolon in its place.
    fn next_key(&self) -> Option<(Option<Token![;]>, Ident)> {
        let next = self.input.fork();
        let semicolon = next.parse().ok()?;
        let key = next.call(Ident::parse_any).ok()?;
        next.peek(Token![=]).then_some((semicolon, key))
    }

    /// The mistake of a forgotten comma; `start` is where the key stands. The next key is left to be read in its turn.
    pub(super) fn forgotten_comma(&self, start: ParseStream) -> Option<Mistake> {
        let (semicolon, key) = self.next_key()?;
        let read = tokens_between(start, self.input);
        let place = match semicolon {
            Some(_) => self.input.parse::<TokenTree>().ok()?.into(),
            None => key.to_token_stream(),
        };
        let (read, next) = (type_text(read), type_text(value_tokens(&self.input.fork())));
        let mistake = at(place, format_args!("expected `,` before `{key}`"));
        Some(mistake.help(format_args!("a comma stands between keys: `{read}, {next}`")))
    }

    /// The value of `#[event_subset(AppEvent)]`, if it could be that of `key`, which may be forgotten only if any type
    /// is its value.
    pub(super) fn keyless(&self, key: &str) -> Option<String> {
        let mut value = self.key.to_token_stream();
        value.extend(value_tokens(&self.input.fork()));
        (key == "of" && is_value(key, &value)).then(|| type_text(value))
    }

    pub(super) fn string(&self) -> syn::Result<LitStr> {
        self.equals()?;
        if self.input.peek(LitStr) {
            return self.input.parse();
        }
        let found = value_tokens(self.input);
        Err(self.needs(&found).into())
    }

    pub(super) fn rule(&self) -> syn::Result<Rule> {
        let literal = self.string()?;
        let given = literal.value();
        if let Some((_, rule)) = RULES.iter().find(|(name, _)| *name == given) {
            return Ok(*rule);
        }
        let names = RULES.map(|(name, _)| name);
        let mistake = at(&literal, format_args!("unknown rename rule `{given}`"));
        Err(match closest(&given, names) {
            Some(near) => mistake.help(format_args!("did you mean `{near}`?")),
            None => mistake.help(format_args!("the rules are `{}`", names.join("`, `"))),
        }
        .into())
    }

    /// The type of an id. `&str`, which is what `publish` takes, means `str`.
    pub(super) fn id(&self) -> syn::Result<Type> {
        let mut ty: Type = self.unquoted()?;
        loop {
            ty = match ty {
                Type::Group(group) => *group.elem,
                Type::Reference(reference) if reference.mutability.is_none() => *reference.elem,
                ty if is_string(&ty) => {
                    let text = type_text(&ty);
                    let mistake = at(ty, format_args!("an id of text has the type `str`, not `{text}`"));
                    let help = format!(
                        "ids are text by default: remove `id = {text}`, or write `id = str` where the enum has another"
                    );
                    return Err(mistake.help(help).into());
                }
                ty => return Ok(ty),
            }
        }
    }

    pub(super) fn map(&self) -> syn::Result<Type> {
        self.unquoted()
    }

    pub(super) fn constant(&self) -> syn::Result<Ident> {
        let next = self.input.fork();
        let given = next.parse::<Token![=]>().and_then(|_| next.call(Ident::parse_any));
        match given {
            Ok(given) if syn::parse2::<Ident>(given.to_token_stream()).is_err() && can_be_raw(&given) => {
                let mistake = at(&given, format_args!("`{given}` is a keyword, and no name"));
                Err(mistake.help(format_args!("write `{} = r#{given}`", self.name)).into())
            }
            _ => self.unquoted(),
        }
    }

    pub(super) fn path(&self) -> syn::Result<Path> {
        self.equals()?;
        let found = value_tokens(&self.input.fork());
        // Where other derives take a string, so does this one.
        let path = if self.input.peek(LitStr) {
            self.input.parse::<LitStr>()?.parse_with(Path::parse_mod_style)
        } else {
            self.input.call(Path::parse_mod_style)
        };
        path.map_err(|_| self.needs(&found).into())
    }

    /// A value that is no string, though other derives spell such values as one.
    fn unquoted<T: Parse>(&self) -> syn::Result<T> {
        self.equals()?;
        let found = value_tokens(&self.input.fork());
        match literal(&found) {
            (_, None) => self.input.parse().map_err(|_| self.needs(&found).into()),
            _ => Err(self.needs(&found).into()),
        }
    }

    /// The mistake of a value of another kind.
    fn needs(&self, found: &TokenStream) -> Mistake {
        let key = &self.name;
        let (kind, text) = literal(found);
        let needed = match key.as_str() {
            "rename_all" | "prefix" | "topic" => "a string literal",
            "id" => "a type",
            "of" => "the type of an event map",
            "constant" => "a name without quotes",
            _ => "a path",
        };
        let mistake = at(found, format_args!("`{key}` needs {needed}, found {kind}"));
        let proposal = match (needed, text) {
            ("a string literal", None) => {
                return mistake.note("a derive runs before macros are expanded and constants evaluated");
            }
            ("a string literal", Some(text)) => {
                Some(("write", format!("{:?}", text.split_whitespace().collect::<String>())))
            }
            (_, Some(text)) if kind == "a string literal" => Some(("remove the quotes:", text)),
            _ => None,
        };
        let is_right = |text: &String| text.parse().is_ok_and(|tokens| is_value(key, &tokens));
        mistake.help(match proposal.filter(|(_, text)| is_right(text)) {
            Some((what, text)) => format!("{what} `{key} = {text}`"),
            None => format!("write for example `{}`", example(key)),
        })
    }
}

/// Whether these tokens are a value that the key takes: nothing else is proposed.
fn is_value(key: &str, tokens: &TokenStream) -> bool {
    let tokens = tokens.clone();
    match key {
        "rename_all" => syn::parse2::<LitStr>(tokens)
            .is_ok_and(|text| RULES.iter().any(|(name, _)| *name == text.value())),
        "prefix" | "topic" => syn::parse2::<LitStr>(tokens)
            .is_ok_and(|text| grammar::mistake(&text.value(), key, &text).is_none()),
        "id" => syn::parse2::<Type>(tokens).is_ok_and(|ty| !is_string(&ty)),
        "of" => syn::parse2::<Type>(tokens).is_ok(),
        "constant" => syn::parse2::<Ident>(tokens).is_ok(),
        _ => Path::parse_mod_style.parse2(tokens).is_ok(),
    }
}

/// `String` as it is mostly spelt.
fn is_string(ty: &Type) -> bool {
    let text = type_text(ty);
    matches!(text.trim_start_matches("::"), "String" | "std::string::String" | "alloc::string::String")
}

fn can_be_raw(name: &Ident) -> bool {
    !["_", "crate", "self", "super", "Self"].iter().any(|reserved| name == reserved)
}

/// A key with the value that a user could mean by it.
pub(super) fn example(key: &str) -> String {
    let value = match key {
        "rename_all" => "\"kebab-case\"",
        "prefix" => "\"app.\"",
        "topic" => "\"session.status\"",
        "id" => "SessionId",
        "constant" => "NAME",
        "of" => "AppEvent",
        _ => "::pubsub",
    };
    format!("{key} = {value}")
}

/// The tokens up to the next comma, which are left out of what is parsed next.
pub(super) fn value_tokens(input: ParseStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        // Never fails: the input is not empty.
        if let Ok(token) = input.parse::<TokenTree>() {
            token.to_tokens(&mut tokens);
        }
    }
    tokens
}

/// The tokens from the one place to the other, which is after it.
fn tokens_between(start: ParseStream, end: ParseStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    while start.cursor() != end.cursor() {
        match start.parse::<TokenTree>() {
            Ok(token) => token.to_tokens(&mut tokens),
            Err(_) => break,
        }
    }
    tokens
}

/// The kind of a value and, of a literal, its text.
fn literal(tokens: &TokenStream) -> (&'static str, Option<String>) {
    match syn::parse2::<Lit>(tokens.clone()) {
        Ok(Lit::Str(text)) => ("a string literal", Some(text.value())),
        Ok(Lit::Int(_)) => ("an integer", Some(tokens.to_string())),
        Ok(Lit::Float(_)) => ("a float", Some(tokens.to_string())),
        Ok(Lit::Bool(_)) => ("a boolean", Some(tokens.to_string())),
        Ok(Lit::Char(char)) => ("a character", Some(char.value().to_string())),
        Ok(Lit::ByteStr(bytes)) => {
            ("a byte string", Some(String::from_utf8_lossy(&bytes.value()).into_owned()))
        }
        Ok(_) => ("another literal", None),
        Err(_) => ("an expression", None),
    }
}
