//! One attribute of the derives: what it may hold, and how its keys are read.

use proc_macro2::{Ident, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Meta, Token};

use super::value::{Entry, example, value_tokens};
use crate::errors::{Errors, Mistake, at, closest};

/// One attribute: where it belongs and what it may hold.
pub(super) struct Namespace {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) keys: &'static [&'static str],
    /// What belongs in another attribute, and what to do about it.
    pub(super) hints: &'static [(&'static str, &'static str)],
}

impl Namespace {
    /// Reports an attribute of the same derive that stands where this one belongs.
    pub(super) fn refuse(&self, attrs: &[Attribute], other: &Self, errors: &mut Errors) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(other.name)) {
            let Self { name, place, .. } = self;
            let message = format!("`#[{}(..)]` belongs on {}, not on {place}", other.name, other.place);
            errors.push(
                at(attr.path(), message).help(format_args!("options for {place} go in `#[{name}(..)]`")),
            );
        }
    }

    /// Calls `apply` for each `key = value` whose key is known.
    pub(super) fn parse(
        &self,
        attrs: &[Attribute],
        errors: &mut Errors,
        mut apply: impl FnMut(&Entry) -> syn::Result<()>,
    ) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(self.name)) {
            let Meta::List(list) = &attr.meta else {
                let example = self.example();
                let mistake =
                    at(&attr.meta, format_args!("`#[{}(..)]` needs its options in parentheses", self.name));
                errors.push(mistake.help(format_args!("write for example `{example}`")));
                continue;
            };
            let entries = |input: ParseStream| self.parse_entries(input, errors, &mut apply);
            if let Err(error) = entries.parse2(list.tokens.clone()) {
                errors.push(error);
            }
        }
    }

    fn parse_entries(
        &self,
        input: ParseStream,
        errors: &mut Errors,
        apply: &mut impl FnMut(&Entry) -> syn::Result<()>,
    ) -> syn::Result<()> {
        while !input.is_empty() {
            let start = input.fork();
            match self.parse_entry(input, apply) {
                Ok(entry) => {
                    if let Some(mistake) = entry.forgotten_comma(&start) {
                        errors.push(mistake);
                    }
                }
                Err(error) => {
                    errors.push(error);
                    value_tokens(input);
                }
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    }

    fn parse_entry<'a>(
        &self,
        input: ParseStream<'a>,
        apply: &mut impl FnMut(&Entry) -> syn::Result<()>,
    ) -> syn::Result<Entry<'a>> {
        let Ok(key) = input.call(Ident::parse_any) else {
            let mut found = value_tokens(input);
            if found.is_empty() {
                // A comma with nothing before it.
                found = input.fork().parse::<TokenTree>()?.into();
            }
            let mistake = at(found, format_args!("expected `key = value` in `#[{}(..)]`", self.name));
            return Err(mistake.help(format_args!("write for example `{}`", self.example())).into());
        };
        let entry = Entry { name: key.to_string(), key, input };
        if self.keys.contains(&entry.name.as_str()) {
            apply(&entry)?;
            Ok(entry)
        } else {
            Err(self.unknown(&entry).into())
        }
    }

    fn unknown(&self, entry: &Entry) -> Mistake {
        let mistake = at(&entry.key, format_args!("unknown key `{}` in `#[{}(..)]`", entry.name, self.name));
        if let Some((_, hint)) = self.hints.iter().find(|(key, _)| *key == entry.name) {
            mistake.help(hint)
        } else if let Some(near) = closest(&entry.name, self.keys.iter().copied()) {
            mistake.help(format_args!("did you mean `{near}`?"))
        } else if let Some(value) = entry.keyless(self.keys[0]) {
            mistake.help(format_args!("write `{} = {value}`", self.keys[0]))
        } else {
            mistake.help(format_args!("the keys are `{}`", self.keys.join("`, `")))
        }
    }

    fn example(&self) -> String {
        format!("#[{}({})]", self.name, example(self.keys[0]))
    }
}
