//! What `shared_class!` becomes: the table, the trait that the base module implements, and the trait that importers call.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, ItemStruct};

use crate::declaration::Class;
use crate::signature::{Method, Receiver};

/// The names of what is made.
struct Names {
    table: Ident,
    base: Ident,
    methods: Ident,
}

pub(crate) fn class(class: &Class) -> TokenStream {
    let name = &class.name;
    let names = Names {
        table: format_ident!("{name}Table"),
        base: format_ident!("{name}Base"),
        methods: format_ident!("{name}Methods"),
    };
    let data = class.data.as_ref().map(data);
    let declared = declared(class, &names);
    let table = table(class, &names);
    let base = base(class, &names);
    let methods = methods(class, &names);
    quote!(#data #declared #table #base #methods)
}

/// The lent struct, with the layout of C. That its types have one, too, is what makes its hash.
pub(crate) fn data(data: &ItemStruct) -> TokenStream {
    quote! {
        #[repr(C)]
        #data
    }
}

/// An expression that goes on from `hash` over every field of `data`.
pub(crate) fn data_hash(data: &ItemStruct) -> TokenStream {
    let name = &data.ident;
    let fields = data.fields.iter().map(|field| {
        let (field_name, kind) = (field.ident.as_ref(), &field.ty);
        let text = field_name.map(ToString::to_string).unwrap_or_default();
        quote!(hash = ::longshore_share::layout::field::<#kind>(hash, #text, ::core::mem::offset_of!(#name, #field_name));)
    });
    quote!(#(#fields)*)
}

/// The declaration itself, which is a type without values.
fn declared(class: &Class, names: &Names) -> TokenStream {
    let Class { module, abi, documentation, visibility, name, .. } = class;
    let table = &names.table;
    let text = name.to_string();
    let attribute = format!("_shared_{name}");
    let count = Literal::usize_unsuffixed(class.methods.len() + 1);
    let hashed = class.data.as_ref().map(data_hash);
    let data = class.data.as_ref().map_or_else(String::new, |data| data.ident.to_string());
    let slots = class.methods.iter().map(|method| method.name.to_string());
    let methods = class.methods.iter().enumerate().map(|(index, method)| {
        let (text, next) = (method.text(), index + 1);
        quote! {
            hash = ::longshore_share::layout::text(hash, #text);
            layouts[#next] = hash;
        }
    });
    quote! {
        #(#documentation)*
        #visibility enum #name {}

        // SAFETY: this macro writes the table and its layout from one declaration.
        unsafe impl ::longshore_share::SharedClass for #name {
            type Table = #table;
            const NAME: &'static str = #text;
            const MODULE: &'static str = #module;
            const ATTRIBUTE: &'static str = #attribute;
            const CORE: &'static str = ::core::env!("CARGO_PKG_NAME");
            const VERSION: [u32; 3] = [
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_MAJOR")),
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_MINOR")),
                ::longshore_share::layout::number(::core::env!("CARGO_PKG_VERSION_PATCH")),
            ];
            const ABI: u32 = #abi;
            const LAYOUTS: &'static [u64] = &{
                let mut layouts = [0; #count];
                let mut hash = ::longshore_share::layout::start(#text, #data);
                #hashed
                layouts[0] = hash;
                #(#methods)*
                layouts
            };
            const SLOTS: &'static [&'static str] = &[#(#slots),*];
        }
    }
}

/// The table, and how the base module fills it.
fn table(class: &Class, names: &Names) -> TokenStream {
    let Names { table, base, .. } = names;
    let (visibility, name) = (&class.visibility, &class.name);
    let lent = class.data.as_ref().map(|data| {
        let data = &data.ident;
        quote! {
            create: unsafe extern "C" fn(*mut #data, *mut *mut ::longshore_share::PyObject) -> i32,
            cast: unsafe extern "C" fn(*mut ::longshore_share::PyObject, *mut *const #data) -> i32,
        }
    });
    let slots = class.methods.iter().map(|method| {
        let (slot_name, slot) = (slot_name(method), method.slot());
        quote!(#slot_name: #slot)
    });
    let lent_values = class.data.as_ref().map(|_| quote!(create: create::<B>, cast: cast::<B>,));
    let values = class.methods.iter().map(|method| {
        let slot_name = slot_name(method);
        quote!(#slot_name: #slot_name::<B>)
    });
    let bounds = bounds(class, names);
    let lent_functions = class.data.as_ref().map(|data| lent_functions(name, data, base, &bounds));
    let functions = class.methods.iter().map(|method| slot_function(class, method, base, &bounds));
    let documentation = format!("The functions of [`{name}`] that cross between modules.");
    quote! {
        #[doc = #documentation]
        #[doc(hidden)]
        #[repr(C)]
        #visibility struct #table {
            head: ::longshore_share::Head,
            common: ::longshore_share::Common,
            #lent
            #(#slots,)*
        }

        const _: () = {
            impl #table {
                #[doc(hidden)]
                pub const fn of<B>(package: ::longshore_share::Package) -> Self
                where
                    #bounds
                {
                    Self {
                        head: ::longshore_share::Head::of::<#name>(package),
                        common: ::longshore_share::Common::of::<B>(),
                        #lent_values
                        #(#values,)*
                    }
                }
            }
            #lent_functions
            #(#functions)*
        };
    }
}

/// The name of a method's slot, which is no name of ours.
fn slot_name(method: &Method) -> Ident {
    format_ident!("method_{}", method.name)
}

/// What the base module's side must be able to do.
fn bounds(class: &Class, names: &Names) -> TokenStream {
    let base = &names.base;
    let settable = class
        .methods
        .iter()
        .any(|method| method.receiver == Receiver::Exclusive)
        .then(|| quote!(+ ::longshore_share::Settable));
    let lending = class.data.as_ref().map(|_| quote!(+ ::longshore_share::Lending));
    quote! {
        B: ::longshore_share::Exporter #settable #lending,
        B::Class: #base,
        B::Error: ::core::convert::From<<B::Class as #base>::Error>,
    }
}

fn lent_functions(class: &Ident, data: &ItemStruct, base: &Ident, bounds: &TokenStream) -> TokenStream {
    let data = &data.ident;
    let (create, cast) = (format!("{class}.create"), format!("{class}.cast"));
    quote! {
        unsafe extern "C" fn create<B>(data: *mut #data, out: *mut *mut ::longshore_share::PyObject) -> i32
        where
            #bounds
        {
            // SAFETY: the importer gives its value away, whatever comes of it.
            let data = unsafe { data.read() };
            ::longshore_share::slot::<B>(#create, move || {
                let class = <B::Class as #base>::create(data).map_err(B::Error::from)?;
                // SAFETY: the importer is attached, and `out` is its own.
                unsafe { out.write(B::create(class)?) };
                Ok(())
            })
        }

        unsafe extern "C" fn cast<B>(object: *mut ::longshore_share::PyObject, out: *mut *const #data) -> i32
        where
            #bounds
        {
            ::longshore_share::slot::<B>(#cast, move || {
                // SAFETY: the importer is attached and holds the object. `Lending` says that nobody writes what it lends.
                unsafe { out.write(<B::Class as #base>::lend(&*B::lend(object)?)) };
                Ok(())
            })
        }
    }
}

/// The function behind one slot: takes the object by its borrow flag, calls the base's method, and hands over the result.
fn slot_function(class: &Class, method: &Method, base: &Ident, bounds: &TokenStream) -> TokenStream {
    let (name, slot) = (&method.name, slot_name(method));
    let label = format!("{}.{name}", class.name);
    let wires = method.arguments.iter().map(|(argument, kind)| {
        let wire = Method::argument_wire(kind);
        quote!(#argument: #wire)
    });
    let conversions = method.arguments.iter().map(|(argument, kind)| {
        quote! {
            // SAFETY: an importer lends what it passes for as long as the call takes.
            let #argument = unsafe { <#kind as ::longshore_share::Argument>::from_wire(#argument) };
        }
    });
    let arguments = method.arguments.iter().map(|(argument, _)| argument);
    let arguments = quote!(#(#arguments),*);
    let result = |call: TokenStream| {
        if method.fallible { quote!(#call.map_err(B::Error::from)) } else { quote!(Ok::<_, B::Error>(#call)) }
    };
    let (object, call) = match method.receiver {
        Receiver::None => (None, result(quote!(<B::Class as #base>::#name(#arguments)))),
        Receiver::Shared | Receiver::Exclusive => {
            let borrow =
                if method.receiver == Receiver::Shared { format_ident!("borrow") } else { format_ident!("borrow_mut") };
            let call = result(quote!(<B::Class as #base>::#name(__object, #arguments)));
            (
                Some(quote!(__object: *mut ::longshore_share::PyObject,)),
                // SAFETY: the importer is attached, and holds the object.
                quote!(unsafe { B::#borrow(__object, |__object| #call) }),
            )
        }
    };
    let wire = method.wire();
    let handed = match &method.returned {
        Some(_) => quote!(::longshore_share::Returned::into_wire(__returned)),
        None => quote!(B::create(__returned)?),
    };
    quote! {
        unsafe extern "C" fn #slot<B>(#object #(#wires,)* __out: *mut #wire) -> i32
        where
            #bounds
        {
            ::longshore_share::slot::<B>(#label, move || {
                #(#conversions)*
                let __returned = #call?;
                // SAFETY: `__out` is the importer's own, and it is attached.
                unsafe { __out.write(#handed) };
                Ok(())
            })
        }
    }
}

/// The trait of the base module's class.
fn base(class: &Class, names: &Names) -> TokenStream {
    let (visibility, name, base) = (&class.visibility, &class.name, &names.base);
    let documentation = format!("What the class must do that is exported as [`{name}`].");
    let lent = class.data.as_ref().map(|data| {
        let data = &data.ident;
        quote! {
            /// Makes an object of what another module gives.
            ///
            /// # Errors
            ///
            /// Where this is no such object.
            fn create(data: #data) -> ::core::result::Result<Self, Self::Error>;

            /// What every module reads in place. It never changes: the class is frozen.
            fn lend(&self) -> &#data;
        }
    });
    let methods = class.methods.iter().map(|method| {
        let Method { documentation, name, arguments, .. } = method;
        let receiver = match method.receiver {
            Receiver::None => None,
            Receiver::Shared => Some(quote!(&self,)),
            Receiver::Exclusive => Some(quote!(&mut self,)),
        };
        let arguments = arguments.iter().map(|(name, kind)| quote!(#name: #kind));
        let returned = method.returned.as_ref().map_or_else(|| quote!(Self), |returned| quote!(#returned));
        let returned = if method.fallible { quote!(::core::result::Result<#returned, Self::Error>) } else { returned };
        quote! {
            #(#documentation)*
            #[allow(clippy::missing_errors_doc, missing_docs)]
            fn #name(#receiver #(#arguments),*) -> #returned;
        }
    });
    quote! {
        #[doc = #documentation]
        #visibility trait #base: ::core::marker::Sized {
            /// What its functions raise: the `PyErr` of the base module's PyO3, or what becomes one.
            type Error;
            #lent
            #(#methods)*
        }
    }
}

/// The trait of importers.
fn methods(class: &Class, names: &Names) -> TokenStream {
    let (visibility, name, trait_name) = (&class.visibility, &class.name, &names.methods);
    let documentation = format!("What another module can do with [`{name}`].");
    let lent = class.data.as_ref().map(|data| {
        let data = &data.ident;
        quote! {
            /// Makes an object of the other module's class.
            ///
            /// # Errors
            ///
            /// What the other module raises.
            fn create(py: Self::Token, data: #data) -> ::core::result::Result<Self, Self::Error> {
                let table = <Self as ::longshore_share::Imported>::table(py)?;
                let mut data = ::core::mem::ManuallyDrop::new(data);
                // SAFETY: the slot takes the value over in any case; the token says that this thread is attached.
                unsafe {
                    let created = ::longshore_share::answer::<Self, _>(py, |out| (table.create)(&raw mut *data, out))?;
                    Ok(<Self as ::longshore_share::Imported>::from_owned_ptr(py, created))
                }
            }

            /// The other module's data, in place.
            ///
            /// # Errors
            ///
            /// What the other module raises.
            fn cast(&self) -> ::core::result::Result<&#data, Self::Error> {
                let (py, object) = (<Self as ::longshore_share::Imported>::token(self), <Self as ::longshore_share::Imported>::as_ptr(self));
                let table = <Self as ::longshore_share::Imported>::table(py)?;
                // SAFETY: this object has the class, and keeps what it lends alive and unchanged.
                unsafe { Ok(&*::longshore_share::answer::<Self, _>(py, |out| (table.cast)(object, out))?) }
            }
        }
    });
    let functions = class.methods.iter().map(|method| {
        let Method { documentation, name, arguments, .. } = method;
        let slot = slot_name(method);
        let (receiver, token, object) = match method.receiver {
            Receiver::None => (quote!(py: Self::Token,), quote!(py), None),
            Receiver::Shared | Receiver::Exclusive => (
                quote!(&self,),
                quote!(<Self as ::longshore_share::Imported>::token(self)),
                Some(quote!(<Self as ::longshore_share::Imported>::as_ptr(self),)),
            ),
        };
        let taken = arguments.iter().map(|(name, kind)| quote!(#name: #kind));
        let passed = arguments.iter().map(|(name, _)| quote!(::longshore_share::Argument::into_wire(#name),));
        let (returned, made) = match &method.returned {
            Some(returned) => {
                (quote!(#returned), quote!(<#returned as ::longshore_share::Returned>::from_wire(__answer)))
            }
            None => (quote!(Self), quote!(<Self as ::longshore_share::Imported>::from_owned_ptr(#token, __answer))),
        };
        quote! {
            #(#documentation)*
            ///
            /// # Errors
            ///
            /// What the other module raises.
            fn #name(#receiver #(#taken),*) -> ::core::result::Result<#returned, Self::Error> {
                let __table = <Self as ::longshore_share::Imported>::table(#token)?;
                // SAFETY: the table was checked, the object has the class, and this thread is attached.
                unsafe {
                    let __answer = ::longshore_share::answer::<Self, _>(
                        #token, |__out| (__table.#slot)(#object #(#passed)* __out),
                    )?;
                    Ok(#made)
                }
            }
        }
    });
    quote! {
        #[doc = #documentation]
        #visibility trait #trait_name: ::longshore_share::Imported<Class = #name> {
            #lent
            #(#functions)*
        }

        impl<T: ::longshore_share::Imported<Class = #name>> #trait_name for T {}
    }
}
