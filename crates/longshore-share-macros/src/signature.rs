//! The types that a method may take and return, and how each crosses.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Error, FnArg, GenericArgument, Pat, PathArguments, ReturnType, TraitItemFn, Type};

const NUMBERS: [&str; 12] = ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64"];

const TAKEN: &str = "a method of a shared class takes numbers, bool, &str and slices of numbers";
const RETURNED: &str =
    "a method of a shared class returns numbers, bool, String, SharedVec<number>, Self, or a Result of these";

/// How a method takes its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// None: a function that makes an object, or asks the module for something.
    None,
    /// `&self`: a shared borrow.
    Shared,
    /// `&mut self`: an exclusive borrow.
    Exclusive,
}

/// One declared method.
pub(crate) struct Method {
    pub(crate) documentation: Vec<syn::Attribute>,
    pub(crate) name: syn::Ident,
    pub(crate) receiver: Receiver,
    pub(crate) arguments: Vec<(syn::Ident, Type)>,
    /// What is returned, without the `Result` around it; `None` for `Self`.
    pub(crate) returned: Option<Type>,
    /// Whether it was a `Result`.
    pub(crate) fallible: bool,
}

impl Method {
    /// Reads a declaration, and refuses what cannot cross.
    pub(crate) fn read(function: TraitItemFn) -> syn::Result<Self> {
        let signature = function.sig;
        if let Some(body) = &function.default {
            return Err(Error::new(body.span(), "a shared class only declares its methods: end this one with `;`"));
        }
        if !signature.generics.params.is_empty() {
            return Err(Error::new(
                signature.generics.span(),
                "a shared method has one address, so it cannot be generic: declare one method for each type",
            ));
        }
        if signature.asyncness.is_some() {
            return Err(Error::new(
                signature.asyncness.span(),
                "a future cannot cross between modules: declare a method that returns when it is done",
            ));
        }
        let mut receiver = Receiver::None;
        let mut arguments = Vec::new();
        for input in signature.inputs {
            match input {
                FnArg::Receiver(given) => receiver = read_receiver(&given)?,
                FnArg::Typed(given) => {
                    let Pat::Ident(name) = *given.pat else {
                        return Err(Error::new(given.pat.span(), "name the argument: `name: type`"));
                    };
                    check_argument(&given.ty)?;
                    arguments.push((name.ident, *given.ty));
                }
            }
        }
        let (returned, fallible) = read_returned(signature.output)?;
        Ok(Self { documentation: function.attrs, name: signature.ident, receiver, arguments, returned, fallible })
    }

    /// What the layout remembers of it: everything that two modules must agree on.
    pub(crate) fn text(&self) -> String {
        let receiver = match self.receiver {
            Receiver::None => "",
            Receiver::Shared => "&self",
            Receiver::Exclusive => "&mut self",
        };
        let mut text = format!("fn {}({receiver}", self.name);
        for (_, argument) in &self.arguments {
            text.push(',');
            text.push_str(&plain(argument));
        }
        text.push_str(")->");
        text.push_str(&self.returned.as_ref().map_or_else(|| "Self".to_owned(), plain));
        text
    }

    /// The type of the slot in the table.
    pub(crate) fn slot(&self) -> TokenStream {
        let object = (self.receiver != Receiver::None).then(|| quote!(*mut ::longshore_share::PyObject,));
        let arguments = self.arguments.iter().map(|(_, taken)| Self::argument_wire(taken));
        let out = self.wire();
        quote!(unsafe extern "C" fn(#object #(#arguments,)* *mut #out) -> i32)
    }

    /// The type in which an argument crosses.
    pub(crate) fn argument_wire(taken: &Type) -> TokenStream {
        match taken {
            Type::Reference(_) => quote!(::longshore_share::Slice),
            _ if plain(taken) == "bool" => quote!(u8),
            _ => quote!(#taken),
        }
    }

    /// The type in which the result crosses.
    pub(crate) fn wire(&self) -> TokenStream {
        match &self.returned {
            Some(returned) => quote!(<#returned as ::longshore_share::Returned>::Wire),
            None => quote!(*mut ::longshore_share::PyObject),
        }
    }
}

/// The tokens of a type, without the spaces that printing puts between them.
pub(crate) fn plain(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().split_whitespace().collect()
}

fn read_receiver(given: &syn::Receiver) -> syn::Result<Receiver> {
    match plain(given).as_str() {
        "&self" => Ok(Receiver::Shared),
        "&mutself" => Ok(Receiver::Exclusive),
        _ => Err(Error::new(given.span(), "the object belongs to Python: take `&self`, or `&mut self` to change it")),
    }
}

fn check_argument(taken: &Type) -> syn::Result<()> {
    if is_number(taken) || plain(taken) == "bool" {
        return Ok(());
    }
    if let Type::Reference(reference) = taken
        && reference.mutability.is_none()
        && reference.lifetime.is_none()
    {
        match &*reference.elem {
            Type::Slice(slice) if is_number(&slice.elem) => return Ok(()),
            lent if plain(lent) == "str" => return Ok(()),
            _ => {}
        }
    }
    let hint = match plain(taken).as_str() {
        "String" | "&String" => "write `&str`".to_owned(),
        text if text.starts_with("Vec<") || text.starts_with("&Vec<") => "write a slice, such as `&[f64]`".to_owned(),
        text if text.contains("Bound<") || text.contains("Py<") => {
            "Rust types of PyO3 differ between its versions: take the numbers or the text that the method needs"
                .to_owned()
        }
        text => format!("take the parts of `{text}` one by one"),
    };
    Err(Error::new(taken.span(), format!("{TAKEN}; {hint}")))
}

fn read_returned(output: ReturnType) -> syn::Result<(Option<Type>, bool)> {
    let ReturnType::Type(_, given) = output else {
        return Ok((Some(syn::parse_quote!(())), false));
    };
    let (returned, fallible) = match inside("Result", &given) {
        Some(result) => (result, true),
        None => (*given, false),
    };
    let text = plain(&returned);
    if text == "Self" {
        return Ok((None, fallible));
    }
    let vector = inside("SharedVec", &returned).is_some_and(|element| is_number(&element));
    if is_number(&returned) || vector || ["()", "bool", "String"].contains(&text.as_str()) {
        return Ok((Some(returned), fallible));
    }
    let hint = match text.as_str() {
        "&str" => "write `String`".to_owned(),
        text if text.starts_with("Vec<") => {
            format!("write `Shared{text}`, which is freed by the module that made it")
        }
        text if text.starts_with("&[") => "write `SharedVec<…>`, or lend it in a `lend struct`".to_owned(),
        text if text.starts_with("Result<") => "write `Result<…>` of one type: the error is the exception".to_owned(),
        text => format!("return the parts of `{text}` by methods of their own"),
    };
    Err(Error::new(returned.span(), format!("{RETURNED}; {hint}")))
}

/// The one type between the brackets of `outer<…>`.
fn inside(outer: &str, given: &Type) -> Option<Type> {
    let Type::Path(path) = given else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(brackets) = &last.arguments else { return None };
    match brackets.args.first() {
        Some(GenericArgument::Type(inner)) if last.ident == outer && brackets.args.len() == 1 => Some(inner.clone()),
        _ => None,
    }
}

fn is_number(given: &Type) -> bool {
    NUMBERS.contains(&plain(given).as_str())
}
