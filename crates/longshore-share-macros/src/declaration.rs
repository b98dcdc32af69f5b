//! What stands between the brackets of `shared_class!`.

use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Fields, Ident, ItemStruct, LitInt, LitStr, Token, TraitItemFn, Visibility};

use crate::signature::{Method, Receiver};

mod keyword {
    syn::custom_keyword!(module);
    syn::custom_keyword!(abi);
    syn::custom_keyword!(class);
    syn::custom_keyword!(lend);
    syn::custom_keyword!(field);
}

/// A declared class.
pub(crate) struct Class {
    pub(crate) module: LitStr,
    pub(crate) abi: LitInt,
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// The plain data that is lent to every module, where there is any.
    pub(crate) data: Option<ItemStruct>,
    pub(crate) methods: Vec<Method>,
}

impl Parse for Class {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<keyword::module>().map_err(|error| explain(&error, "`module = \"package.module\";`"))?;
        input.parse::<Token![=]>()?;
        let module = input.parse()?;
        input.parse::<Token![;]>()?;
        let abi = read_abi(input)?;
        let documentation = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        input.parse::<keyword::class>().map_err(|error| explain(&error, "`pub class Name;`"))?;
        let name: Ident = input.parse()?;
        if input.peek(Token![<]) {
            return Err(input
                .error("a shared class is one Python type, so it cannot be generic: declare one class for each type"));
        }
        input.parse::<Token![;]>()?;
        let mut class = Self { module, abi, documentation, visibility, name, data: None, methods: Vec::new() };
        while !input.is_empty() {
            class.read_item(input)?;
        }
        class.check()?;
        Ok(class)
    }
}

impl Class {
    fn read_item(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let attributes = input.call(Attribute::parse_outer)?;
        if input.peek(keyword::field) {
            return self.read_field(input, attributes);
        }
        if input.peek(keyword::lend) {
            let lend = input.parse::<keyword::lend>()?;
            if self.data.is_some() {
                return Err(Error::new(lend.span(), "a class lends one struct: put both into one"));
            }
            let mut data: ItemStruct = input.parse()?;
            data.attrs.extend(attributes);
            check_data(&data)?;
            self.data = Some(data);
            return Ok(());
        }
        let mut function: TraitItemFn = input.parse().map_err(|error| {
            explain(&error, "`fn name(&self, …) -> …;`, `field name: type;` or `lend struct Name { … }`")
        })?;
        function.attrs.extend(attributes);
        self.methods.push(Method::read(function)?);
        Ok(())
    }

    /// What is lent must not change, and has two names of its own.
    fn check(&self) -> syn::Result<()> {
        if self.data.is_none() {
            return Ok(());
        }
        for method in &self.methods {
            let name = &method.name;
            if method.receiver == Receiver::Exclusive {
                let message = "a class that lends its data does not change: make this one of another class, or declare no \
                               `lend struct`";
                return Err(Error::new(name.span(), message));
            }
            if name == "create" || name == "cast" || name == "lend" {
                let message = format!("`lend struct` declares a `{name}` already: give this one another name");
                return Err(Error::new(name.span(), message));
            }
        }
        Ok(())
    }

    /// `field x: i32;` is a getter `x` and a setter `set_x`.
    fn read_field(&mut self, input: ParseStream<'_>, documentation: Vec<Attribute>) -> syn::Result<()> {
        input.parse::<keyword::field>()?;
        let name: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let kind: syn::Type = input.parse()?;
        input.parse::<Token![;]>()?;
        let setter = Ident::new(&format!("set_{name}"), name.span());
        let taken: syn::Type =
            if crate::signature::plain(&kind) == "String" { syn::parse_quote!(&str) } else { kind.clone() };
        let mut getter = Method::read(syn::parse_quote!(fn #name(&self) -> #kind;))?;
        getter.documentation = documentation;
        let mut setter = Method::read(syn::parse_quote!(fn #setter(&mut self, value: #taken);))?;
        let text = format!(" Sets `{name}`.");
        setter.documentation = vec![syn::parse_quote!(#[doc = #text])];
        self.methods.extend([getter, setter]);
        Ok(())
    }
}

/// `abi = 1;`
pub(crate) fn read_abi(input: ParseStream<'_>) -> syn::Result<LitInt> {
    input.parse::<keyword::abi>().map_err(|error| explain(&error, "`abi = 1;`"))?;
    input.parse::<Token![=]>()?;
    let abi: LitInt = input.parse()?;
    abi.base10_parse::<u32>()?;
    input.parse::<Token![;]>()?;
    Ok(abi)
}

/// Plain data has named fields, one layout, and no parameters.
pub(crate) fn check_data(data: &ItemStruct) -> syn::Result<()> {
    if !data.generics.params.is_empty() {
        return Err(Error::new(
            data.generics.span(),
            "data that modules share has one layout, so it cannot be generic: write the types that it has",
        ));
    }
    match &data.fields {
        Fields::Named(_) => Ok(()),
        _ => Err(Error::new(data.ident.span(), "data that modules share has named fields: `{ pub x: f64 }`")),
    }
}

fn explain(error: &Error, form: &str) -> Error {
    Error::new(error.span(), format!("{error}; the form is {form}"))
}
