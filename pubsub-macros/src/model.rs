//! What an enum declares: its topics, with their names, ids and payloads.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Field, Fields, LitStr, Path, Type, parse_quote};

use crate::errors::{Errors, Mistake, at};
use crate::naming;
use crate::parse::{MapOptions, VariantOptions};

pub(crate) struct Map<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) topics: Vec<Topic<'a>>,
}

/// A variant of the map.
pub(crate) struct Topic<'a> {
    pub(crate) variant: &'a Ident,
    pub(crate) attrs: &'a [Attribute],
    pub(crate) name: String,
    /// The literal that names the topic, if there is one; else the name is the variant's.
    pub(crate) literal: Option<LitStr>,
    pub(crate) constant: Ident,
    /// False if another topic's constant has that name; then there is none.
    pub(crate) has_constant: bool,
    /// `str` if none.
    pub(crate) id: Option<Type>,
    pub(crate) payload: Payload<'a>,
}

pub(crate) enum Payload<'a> {
    Unit,
    Newtype(&'a Type),
    Tuple(Vec<&'a Type>),
    /// Refused, but expanded as if it were `Unit`, so that the topic exists.
    Named(&'a Fields),
}

impl<'a> Map<'a> {
    pub(crate) fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let options = MapOptions::parse(&input.attrs, errors);
        let topics = match &input.data {
            Data::Enum(data) => {
                data.variants.iter().map(|variant| Topic::new(variant, &options, errors)).collect()
            }
            // Refused, but expanded as a map without topics: what names it as an event map is no mistake.
            Data::Struct(_) | Data::Union(_) => Vec::new(),
        };
        Self { input, krate: facade(options.krate), prefix: options.prefix, topics }
    }
}

/// The crate that the expansion names.
pub(crate) fn facade(given: Option<Path>) -> Path {
    given.unwrap_or_else(|| parse_quote!(::pubsub))
}

/// The mistake of a derive on a struct or a union.
pub(crate) fn not_an_enum(input: &DeriveInput, derive: &str) -> Option<Mistake> {
    let (keyword, kind) = match &input.data {
        Data::Enum(_) => return None,
        Data::Struct(data) => (data.struct_token.to_token_stream(), "struct"),
        Data::Union(data) => (data.union_token.to_token_stream(), "union"),
    };
    let ident = &input.ident;
    Some(at(keyword, format_args!("`{derive}` can only be derived for an enum, and `{ident}` is a {kind}")))
}

impl<'a> Topic<'a> {
    fn new(variant: &'a syn::Variant, map: &MapOptions, errors: &mut Errors) -> Self {
        let options = VariantOptions::parse(variant, errors);
        let name = match &options.topic {
            Some(literal) => literal.value(),
            None => {
                let prefix = map.prefix.as_ref().map_or_else(String::new, LitStr::value);
                prefix + &map.rename_all.unwrap_or_default().apply(&variant.ident.unraw().to_string())
            }
        };
        Self {
            variant: &variant.ident,
            attrs: &variant.attrs,
            name,
            literal: options.topic,
            constant: options.constant.unwrap_or_else(|| naming::constant(&variant.ident)),
            has_constant: true,
            id: options.id.or_else(|| map.id.clone()),
            payload: Payload::new(&variant.fields),
        }
    }

    /// What to point at when the name is wrong.
    pub(crate) fn named_at(&self) -> TokenStream {
        match &self.literal {
            Some(literal) => literal.to_token_stream(),
            None => self.variant.to_token_stream(),
        }
    }
}

impl<'a> Payload<'a> {
    pub(crate) fn new(fields: &'a Fields) -> Self {
        let types = |field: &'a Field| &field.ty;
        match fields {
            Fields::Unit => Self::Unit,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Self::Newtype(&fields.unnamed[0].ty),
            Fields::Unnamed(fields) => Self::Tuple(fields.unnamed.iter().map(types).collect()),
            Fields::Named(_) => Self::Named(fields),
        }
    }

    /// The type of the payload: the field's, or a tuple of the fields'.
    pub(crate) fn ty(&self) -> TokenStream {
        match self {
            Self::Unit | Self::Named(_) => quote!(()),
            Self::Newtype(ty) => ty.to_token_stream(),
            Self::Tuple(types) => quote!((#(#types),*)),
        }
    }
}
