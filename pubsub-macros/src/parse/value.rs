//! The values of an attribute's keys.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Lit, LitStr, Path, Token, Type};

use crate::errors::{at, closest};
use crate::naming::{RULES, Rule};

/// A key that was read, and the input after it.
pub(super) struct Entry<'a> {
    pub(super) key: Ident,
    pub(super) name: String,
    pub(super) input: ParseStream<'a>,
}

impl Entry<'_> {
    pub(super) fn set<T>(&self, slot: &mut Option<T>, value: fn(&Self) -> syn::Result<T>) -> syn::Result<()> {
        let value = value(self)?;
        if slot.is_some() {
            let mistake = at(&self.key, format_args!("`{}` is given more than once", self.name));
            return Err(mistake.help("keep one of them").into());
        }
        *slot = Some(value);
        Ok(())
    }

    fn equals(&self) -> syn::Result<()> {
        if self.input.parse::<Option<Token![=]>>()?.is_some() && !self.input.is_empty() {
            return Ok(());
        }
        // At the end of the input a span would be that of the whole derive.
        let mistake = at(&self.key, format_args!("`{}` needs a value", self.name));
        Err(mistake.help(format_args!("write for example `{}`", example(&self.name))).into())
    }

    pub(super) fn string(&self) -> syn::Result<LitStr> {
        self.equals()?;
        if self.input.peek(LitStr) {
            return self.input.parse();
        }
        let key = &self.name;
        let found = value_tokens(self.input);
        let (kind, text) = literal(&found);
        let mistake = at(found, format_args!("`{key}` needs a string literal, found {kind}"));
        Err(match text {
            Some(text) => mistake.help(format_args!("write `{key} = {text:?}`")),
            None => mistake.note("a derive runs before macros are expanded and constants evaluated"),
        }
        .into())
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
        let mut ty: Type = self.unquoted("a type")?;
        loop {
            ty = match ty {
                Type::Group(group) => *group.elem,
                Type::Reference(reference) if reference.mutability.is_none() => *reference.elem,
                ty => return Ok(ty),
            }
        }
    }

    pub(super) fn map(&self) -> syn::Result<Type> {
        self.unquoted("the type of an event map")
    }

    pub(super) fn constant(&self) -> syn::Result<Ident> {
        self.unquoted("a name without quotes")
    }

    pub(super) fn path(&self) -> syn::Result<Path> {
        self.equals()?;
        // Where other derives take a string, so does this one.
        if self.input.peek(LitStr) {
            return self.input.parse::<LitStr>()?.parse_with(Path::parse_mod_style);
        }
        let found = value_tokens(&self.input.fork());
        self.input.call(Path::parse_mod_style).map_err(|_| self.needs(&found, "a path"))
    }

    /// A value that is no string, though other derives spell such values as one.
    fn unquoted<T: Parse>(&self, what: &str) -> syn::Result<T> {
        self.equals()?;
        let found = value_tokens(&self.input.fork());
        match literal(&found) {
            (_, None) => self.input.parse().map_err(|_| self.needs(&found, what)),
            ("a string literal", Some(text)) => {
                let mistake =
                    at(&found, format_args!("`{}` needs {what}, found a string literal", self.name));
                Err(mistake.help(format_args!("remove the quotes: `{} = {text}`", self.name)).into())
            }
            _ => Err(self.needs(&found, what)),
        }
    }

    fn needs(&self, found: &TokenStream, what: &str) -> syn::Error {
        let (kind, _) = literal(found);
        let mistake = at(found, format_args!("`{}` needs {what}, found {kind}", self.name));
        mistake.help(format_args!("write for example `{}`", example(&self.name))).into()
    }
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
