//! The derive of `EventSubset`: its model, its rules and its expansion, which are those of a map but smaller.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Path, Type};

use crate::errors::{Errors, at};
use crate::model::{Payload, facade};
use crate::parse::{SubsetOptions, VariantOptions};
use crate::{bounds, expand, naming, validate};

struct Subset<'a> {
    input: &'a DeriveInput,
    krate: Path,
    of: Option<Type>,
    variants: Vec<Variant<'a>>,
}

struct Variant<'a> {
    ident: &'a Ident,
    /// The map's constant for the topic.
    constant: Ident,
    payload: Payload<'a>,
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let subset = Subset::new(input, &mut errors);
    subset.validate(&mut errors);
    let mut tokens = subset.all();
    if let Some(of) = &subset.of {
        tokens.extend(subset.event_subset(of));
    }
    tokens.extend(errors.into_compile_errors());
    tokens
}

impl<'a> Subset<'a> {
    fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let options = SubsetOptions::parse(&input.attrs, errors);
        // If another key is wrong, it may be this one that was meant.
        if options.of.is_none() && errors.is_empty() {
            let mistake = at(&input.ident, format_args!("which event map is `{}` a subset of?", input.ident));
            errors.push(mistake.help("name it: `#[event_subset(of = AppEvent)]`"));
        }
        let variants = match &input.data {
            Data::Enum(data) => data.variants.iter().map(|variant| Variant::new(variant, errors)).collect(),
            Data::Struct(_) | Data::Union(_) => Vec::new(),
        };
        Self { input, krate: facade(options.krate), of: options.of, variants }
    }

    fn validate(&self, errors: &mut Errors) {
        self.is_an_enum(errors);
        validate::owns_its_data("a subset", &self.input.generics, errors);
        self.variants
            .iter()
            .for_each(|variant| validate::payload_is_a_type(variant.ident, &variant.payload, errors));
        self.topics_differ(errors);
        self.leaves_room_for_all(errors);
    }

    fn is_an_enum(&self, errors: &mut Errors) {
        let ident = &self.input.ident;
        if let Some(mistake) = validate::not_an_enum(self.input, "EventSubset") {
            errors.push(mistake.help(
                "name the topics as the event map does: `enum Presence { SessionStatus(SessionStatus) }`",
            ));
        } else if self.variants.is_empty() {
            let mistake =
                at(ident, format_args!("a subset needs at least one variant, and `{ident}` has none"));
            errors.push(mistake.help("repeat the variants of the event map that you want"));
        }
    }

    fn topics_differ(&self, errors: &mut Errors) {
        let mut first = HashMap::new();
        for Variant { ident, constant, .. } in &self.variants {
            let &mut other = first.entry(constant.to_string()).or_insert(*ident);
            if other != *ident {
                let message =
                    format!("the variants `{other}` and `{ident}` both stand for the topic `{constant}`");
                let help = "remove one, or name another constant of the map: `#[event(constant = NAME)]`";
                errors.push(at(constant, message).help(help));
            }
        }
    }

    fn leaves_room_for_all(&self, errors: &mut Errors) {
        for Variant { ident, .. } in self.variants.iter().filter(|variant| variant.ident.unraw() == "ALL") {
            let mistake = at(ident, "the constant `ALL` of a subset would have the name of this variant");
            errors.push(
                mistake.help("name the variant `All` and the topic's constant `#[event(constant = ALL)]`"),
            );
        }
    }

    fn all(&self) -> TokenStream {
        let Self { input, krate, .. } = self;
        let (ident, vis, lints) = (&input.ident, &input.vis, expand::lints());
        let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
        quote! {
            #[automatically_derived]
            #lints
            impl #impl_generics #ident #ty_generics #where_clause {
                /// Selects the topics of this subset.
                #vis const ALL: #krate::SubsetOf<Self> = #krate::__private::subset();
            }
        }
    }

    fn event_subset(&self, of: &Type) -> TokenStream {
        let Self { input, krate, variants, .. } = self;
        let (ident, lints, bounds) = (&input.ident, expand::lints(), self.bounds());
        let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
        let topics = variants.iter().map(|variant| variant.topic(of));
        let takes = variants.iter().map(|variant| variant.take(krate, of));
        quote! {
            #[automatically_derived]
            #lints
            impl #impl_generics #krate::EventSubset for #ident #ty_generics where #(#bounds,)* {
                type Map = #of;
                const __TOPICS: &'static [::core::primitive::usize] = &[#(#krate::__private::index(#topics)),*];
                fn __from_stored(__stored: #krate::__private::Stored) -> Self {
                    let __index = __stored.topic();
                    #(#takes)*
                    #krate::__private::no_such_topic(__index)
                }
            }
        }
    }

    /// Payloads of a generic subset are `Clone` where it is used; those of others are, or that is an error here.
    fn bounds(&self) -> Vec<TokenStream> {
        let Self { input, krate, variants, .. } = self;
        let mut bounds = bounds::of_generics(&input.generics);
        if input.generics.type_params().next().is_some() {
            let bound = quote!(#krate::__private::ClonePayload);
            bounds.extend(variants.iter().map(|variant| bounds::for_any(&variant.payload.ty(), &bound)));
        }
        bounds
    }
}

impl<'a> Variant<'a> {
    fn new(variant: &'a syn::Variant, errors: &mut Errors) -> Self {
        let options = VariantOptions::parse_in_subset(variant, errors);
        Self {
            ident: &variant.ident,
            constant: options.constant.unwrap_or_else(|| naming::constant(&variant.ident)),
            payload: Payload::new(&variant.fields),
        }
    }

    /// The map's topic; that there is none is an error at the variant, but its name is not the user's: the compiler
    /// proposes no edit then.
    fn topic(&self, of: &Type) -> TokenStream {
        let mut constant = self.constant.clone();
        let span = constant.span();
        constant.set_span(Span::call_site().located_at(span));
        quote_spanned!(span=> <#of>::#constant)
    }

    fn take(&self, krate: &Path, of: &Type) -> TokenStream {
        let (topic, ty) = (self.topic(of), self.payload.ty());
        let place = match self.payload {
            Payload::Unit => self.ident.span(),
            Payload::Newtype(_) | Payload::Tuple(..) => ty.span(),
            // Reported.
            Payload::Refused(_) => return TokenStream::new(),
        };
        let same = quote_spanned!(place=> #krate::__private::same::<_, #ty>);
        // The call is located there too, but is not the user's: the compiler proposes no edit then.
        let span = Span::call_site().located_at(place);
        let payload = quote_spanned!(span=> #same(#krate::__private::take(#topic, __stored)));
        let value = expand::build(self.ident, &self.payload, &payload);
        quote! {
            if __index == #krate::__private::index(#topic) {
                return #value;
            }
        }
    }
}
