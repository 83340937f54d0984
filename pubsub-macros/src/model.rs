//! What an enum declares: its topics, with their names, ids and payloads.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, GenericArgument, LitStr, Path, PathArguments, Type,
    TypeArray, TypeGroup, TypeParen, TypeReference, TypeSlice, parse_quote,
};

use crate::errors::Errors;
use crate::naming;
use crate::parse::{MapOptions, VariantOptions};
use crate::spelling::type_text;

pub(crate) struct Map<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    /// The same, as if it stood at the enum's name. Of an impl whose trait is spelt by a derive, the compiler says that
    /// it had better be written by hand.
    pub(crate) krate_at_enum: TokenStream,
    pub(crate) prefix: Option<LitStr>,
    pub(crate) topics: Vec<Topic<'a>>,
}

/// A variant of the map.
pub(crate) struct Topic<'a> {
    pub(crate) index: usize,
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
    pub(crate) id_text: String,
    pub(crate) payload: Payload<'a>,
    pub(crate) payload_text: String,
}

pub(crate) enum Payload<'a> {
    Unit,
    Newtype(&'a Type),
    /// The span is that of the parentheses.
    Tuple(Span, Vec<&'a Type>),
    /// With names, or with a reference whose lifetime is elided. Refused, but expanded as if it were `Unit`, so that the
    /// topic exists.
    Refused(&'a Fields),
}

impl<'a> Map<'a> {
    pub(crate) fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let options = MapOptions::parse(&input.attrs, errors);
        let topics = match &input.data {
            Data::Enum(data) => data
                .variants
                .iter()
                .enumerate()
                .map(|(index, variant)| Topic::new(index, variant, &options, errors))
                .collect(),
            // Refused, but expanded as a map without topics: what names it as an event map is no mistake.
            Data::Struct(_) | Data::Union(_) => Vec::new(),
        };
        let krate_at_enum = krate_at(input.ident.span(), options.krate.as_ref());
        Self { input, krate: facade(options.krate), krate_at_enum, prefix: options.prefix, topics }
    }

    /// The types of the ids other than `str`, each once.
    pub(crate) fn distinct_ids(&self) -> impl Iterator<Item = &Type> {
        let mut seen = HashSet::new();
        self.topics
            .iter()
            .filter(move |topic| seen.insert(&topic.id_text))
            .filter_map(|topic| topic.id.as_ref())
    }

    /// The types of the payloads, each once.
    pub(crate) fn distinct_payloads(&self) -> impl Iterator<Item = &Payload<'_>> {
        let mut seen = HashSet::new();
        self.topics.iter().filter(move |topic| seen.insert(&topic.payload_text)).map(|topic| &topic.payload)
    }
}

/// The crate that the expansion names.
pub(crate) fn facade(given: Option<Path>) -> Path {
    given.unwrap_or_else(|| parse_quote!(::pubsub))
}

fn krate_at(span: Span, given: Option<&Path>) -> TokenStream {
    let Some(path) = given else { return quote_spanned!(span=> ::pubsub) };
    let locate = |mut token: TokenTree| {
        // Located only: a `$crate` has to keep what it resolves to.
        token.set_span(token.span().located_at(span));
        token
    };
    path.to_token_stream().into_iter().map(locate).collect()
}

impl<'a> Topic<'a> {
    fn new(index: usize, variant: &'a syn::Variant, map: &MapOptions, errors: &mut Errors) -> Self {
        let options = VariantOptions::parse(variant, errors);
        let name = match &options.topic {
            Some(literal) => literal.value(),
            None => {
                let prefix = map.prefix.as_ref().map_or_else(String::new, LitStr::value);
                prefix + &map.rename_all.unwrap_or_default().apply(&variant.ident.unraw().to_string())
            }
        };
        let id = options.id.or_else(|| map.id.clone());
        let payload = Payload::new(&variant.fields);
        Self {
            index,
            variant: &variant.ident,
            attrs: &variant.attrs,
            name,
            literal: options.topic,
            constant: options.constant.unwrap_or_else(|| naming::constant(&variant.ident)),
            has_constant: true,
            id_text: id.as_ref().map_or_else(|| "str".to_owned(), type_text),
            id,
            payload_text: type_text(payload.ty()),
            payload,
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
            Fields::Named(_) => Self::Refused(fields),
            _ if fields.iter().any(|field| elided(&field.ty).is_some()) => Self::Refused(fields),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Self::Newtype(&fields.unnamed[0].ty),
            Fields::Unnamed(fields) => {
                Self::Tuple(fields.paren_token.span.join(), fields.unnamed.iter().map(types).collect())
            }
        }
    }

    /// Whether it is made of a reference, which nothing can be decoded to.
    pub(crate) fn is_borrowed(&self) -> bool {
        let is_reference = |ty: &Type| matches!(ty, Type::Reference(_));
        match self {
            Self::Unit | Self::Refused(_) => false,
            Self::Newtype(ty) => is_reference(ty),
            Self::Tuple(_, types) => types.iter().any(|ty| is_reference(ty)),
        }
    }

    /// The type of the payload: the field's, or a tuple of the fields'.
    pub(crate) fn ty(&self) -> TokenStream {
        match self {
            Self::Unit | Self::Refused(_) => quote!(()),
            Self::Newtype(ty) => ty.to_token_stream(),
            Self::Tuple(span, types) => quote_spanned!(*span=> (#(#types),*)),
        }
    }
}

/// A reference without a lifetime, which is a mistake anywhere but in the signature of a function.
pub(crate) fn elided(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) if reference.lifetime.is_none() => Some(reference),
        Type::Reference(TypeReference { elem, .. })
        | Type::Array(TypeArray { elem, .. })
        | Type::Slice(TypeSlice { elem, .. })
        | Type::Paren(TypeParen { elem, .. })
        | Type::Group(TypeGroup { elem, .. }) => elided(elem),
        Type::Tuple(tuple) => tuple.elems.iter().find_map(elided),
        Type::Path(path) => path.path.segments.iter().find_map(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => elided(ty),
                    _ => None,
                })
            }
            _ => None,
        }),
        _ => None,
    }
}
