//! `export_shared!` and `import_shared!`: what stands in the crates that have a PyO3, written for the one they have.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Path, Token, Visibility};

use crate::author::Pyo3;

mod keyword {
    syn::custom_keyword!(pyo3);
}

/// `PySeries as series_core::Series`
pub(crate) struct Export {
    class: Path,
    declaration: Path,
    pyo3: Pyo3,
}

/// `pub series_core::Series as Series`
pub(crate) struct Import {
    attributes: Vec<syn::Attribute>,
    visibility: Visibility,
    declaration: Path,
    name: Ident,
    pyo3: Pyo3,
}

impl Parse for Export {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let class = input.parse()?;
        parse_as(input, "`export_shared!(PySeries as core_crate::Series)`")?;
        Ok(Self { class, declaration: input.parse()?, pyo3: parse_pyo3(input)? })
    }
}

impl Parse for Import {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(syn::Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let declaration = input.parse()?;
        parse_as(input, "`import_shared!(pub core_crate::Series as Series)`")?;
        Ok(Self { attributes, visibility, declaration, name: input.parse()?, pyo3: parse_pyo3(input)? })
    }
}

fn parse_as(input: ParseStream<'_>, form: &str) -> syn::Result<()> {
    input
        .parse::<Token![as]>()
        .map(|_| ())
        .map_err(|error| Error::new(error.span(), format!("{error}; the form is {form}")))
}

/// `, pyo3 = "0.23"`, for a build without a lock file.
pub(crate) fn parse_pyo3(input: ParseStream<'_>) -> syn::Result<Pyo3> {
    if !input.peek(Token![,]) {
        return Ok(Pyo3::of_this_crate());
    }
    input.parse::<Token![,]>()?;
    if input.is_empty() {
        return Ok(Pyo3::of_this_crate());
    }
    input.parse::<keyword::pyo3>()?;
    input.parse::<Token![=]>()?;
    let version: LitStr = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    match Pyo3::parse(&version.value()) {
        Some(pyo3) if pyo3 >= Pyo3::OLDEST => Ok(pyo3),
        _ => Err(Error::new(version.span(), "say which PyO3 this crate has, from \"0.23\" on")),
    }
}

/// The token of this thread, in a slot: whoever calls one is attached.
pub(crate) fn token(pyo3: Pyo3) -> TokenStream {
    if pyo3 >= Pyo3::ATTACHED {
        quote!(::pyo3::Python::assume_attached())
    } else {
        quote!(::pyo3::Python::assume_gil_acquired())
    }
}

/// The promise on which every reference that crosses rests.
fn layout() -> TokenStream {
    quote! {
        const _: () = ::core::assert!(
            ::core::mem::size_of::<::core::option::Option<::pyo3::Py<::pyo3::PyAny>>>()
                == ::core::mem::size_of::<*mut ::longshore_share::PyObject>()
                && ::core::mem::size_of::<::pyo3::Py<::pyo3::PyAny>>()
                    == ::core::mem::size_of::<*mut ::longshore_share::PyObject>()
                && ::core::mem::align_of::<::pyo3::Py<::pyo3::PyAny>>()
                    == ::core::mem::align_of::<*mut ::longshore_share::PyObject>(),
            "a `Py` of this PyO3 is not one pointer, so it cannot cross between modules",
        );
    }
}

pub(crate) fn export(bound: &Export) -> TokenStream {
    let Export { class, declaration, pyo3 } = bound;
    let (layout, token) = (layout(), token(*pyo3));
    quote! {
        const _: () = {
            #layout

            struct Export<C>(::core::marker::PhantomData<C>);

            #[diagnostic::on_unimplemented(
                message = "a class that lends its data to other modules must be frozen",
                label = "this class is not frozen",
                note = "write `#[pyclass(frozen)]`; or, where its fields are to be set, declare them with `field` instead of `lend struct`"
            )]
            trait Frozen {}
            impl Frozen for ::pyo3::pyclass::boolean_struct::True {}

            #[diagnostic::on_unimplemented(
                message = "a class whose fields are set by other modules must not be frozen",
                label = "this class is frozen",
                note = "write `#[pyclass]` without `frozen`; or declare the methods with `&self`, and no `field`"
            )]
            trait NotFrozen {}
            impl NotFrozen for ::pyo3::pyclass::boolean_struct::False {}

            // SAFETY: by the borrow flag of PyO3, each of these; the types are checked.
            unsafe impl<C> ::longshore_share::Exporter for Export<C>
            where
                C: ::pyo3::PyClass + ::core::convert::Into<::pyo3::PyClassInitializer<C>>,
            {
                type Class = C;
                type Error = ::pyo3::PyErr;

                unsafe fn borrow<R>(
                    object: *mut ::longshore_share::PyObject,
                    action: impl ::core::ops::FnOnce(&C) -> ::pyo3::PyResult<R>,
                ) -> ::pyo3::PyResult<R> {
                    // SAFETY: the caller is attached, and holds the object.
                    let object = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_borrowed_ptr(#token, object.cast())
                    };
                    let class = ::pyo3::types::PyAnyMethods::extract::<::pyo3::PyRef<'_, C>>(&object)
                        .map_err(::pyo3::PyErr::from)?;
                    action(&class)
                }

                unsafe fn create(class: C) -> ::pyo3::PyResult<*mut ::longshore_share::PyObject> {
                    // SAFETY: the caller is attached.
                    let py = unsafe { #token };
                    ::pyo3::Py::new(py, class).map(|object| object.into_ptr().cast())
                }

                unsafe fn type_object() -> *mut ::longshore_share::PyObject {
                    // SAFETY: the caller is attached.
                    let py = unsafe { #token };
                    <C as ::pyo3::PyTypeInfo>::type_object(py).into_ptr().cast()
                }

                unsafe fn is_instance(object: *mut ::longshore_share::PyObject) -> bool {
                    // SAFETY: the caller is attached, and holds the object.
                    let object = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_borrowed_ptr(#token, object.cast())
                    };
                    <C as ::pyo3::PyTypeInfo>::is_type_of(&object)
                }

                unsafe fn restore(error: ::pyo3::PyErr) {
                    // SAFETY: the caller is attached.
                    error.restore(unsafe { #token });
                }
            }

            // SAFETY: as above; the borrow is exclusive.
            unsafe impl<C> ::longshore_share::Settable for Export<C>
            where
                C: ::pyo3::PyClass<Frozen = ::pyo3::pyclass::boolean_struct::False>
                    + ::core::convert::Into<::pyo3::PyClassInitializer<C>>,
                <C as ::pyo3::PyClass>::Frozen: NotFrozen,
            {
                unsafe fn borrow_mut<R>(
                    object: *mut ::longshore_share::PyObject,
                    action: impl ::core::ops::FnOnce(&mut C) -> ::pyo3::PyResult<R>,
                ) -> ::pyo3::PyResult<R> {
                    // SAFETY: the caller is attached, and holds the object.
                    let object = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_borrowed_ptr(#token, object.cast())
                    };
                    let mut class = ::pyo3::types::PyAnyMethods::extract::<::pyo3::PyRefMut<'_, C>>(&object)
                        .map_err(::pyo3::PyErr::from)?;
                    action(&mut class)
                }
            }

            // SAFETY: a frozen class has no exclusive borrow, so what is lent does not change.
            unsafe impl<C> ::longshore_share::Lending for Export<C>
            where
                C: ::pyo3::PyClass + ::core::convert::Into<::pyo3::PyClassInitializer<C>> + ::core::marker::Sync,
                <C as ::pyo3::PyClass>::Frozen: Frozen,
            {
                unsafe fn lend(object: *mut ::longshore_share::PyObject) -> ::pyo3::PyResult<*const C> {
                    // SAFETY: the caller is attached, and holds the object.
                    let object = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_borrowed_ptr(#token, object.cast())
                    };
                    let class = ::pyo3::types::PyAnyMethods::extract::<::pyo3::PyRef<'_, C>>(&object)
                        .map_err(::pyo3::PyErr::from)?;
                    Ok(&raw const *class)
                }
            }

            impl #class {
                /// Puts into `module` what other modules need in order to use this class.
                ///
                /// # Errors
                ///
                /// What Python raises.
                pub fn export_shared(module: &::pyo3::Bound<'_, ::pyo3::types::PyModule>) -> ::pyo3::PyResult<()> {
                    static TABLE: <#declaration as ::longshore_share::SharedClass>::Table =
                        <<#declaration as ::longshore_share::SharedClass>::Table>::of::<Export<#class>>(
                            ::longshore_share::package!(),
                        );
                    // SAFETY: the module's lifetime says that this thread is attached; the table is that of the declaration.
                    let capsule = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_owned_ptr_or_err(
                            module.py(),
                            ::longshore_share::export::<#declaration>(&TABLE).cast(),
                        )
                    }?;
                    // Into `__all__` as well: a package takes what is in its native module by `import *`.
                    ::pyo3::types::PyModuleMethods::add(
                        module,
                        <#declaration as ::longshore_share::SharedClass>::ATTRIBUTE,
                        capsule,
                    )
                }
            }
        };
    }
}

pub(crate) fn import(bound: &Import) -> TokenStream {
    let Import { attributes, visibility, declaration, name, pyo3 } = bound;
    let layout = layout();
    let extract = if *pyo3 >= Pyo3::BORROWED {
        quote! {
            impl<'a, 'py> ::pyo3::FromPyObject<'a, 'py> for #name<'py> {
                type Error = ::pyo3::PyErr;

                fn extract(object: ::pyo3::Borrowed<'a, 'py, ::pyo3::PyAny>) -> ::pyo3::PyResult<Self> {
                    Self::checked(&object)
                }
            }
        }
    } else {
        quote! {
            impl<'py> ::pyo3::FromPyObject<'py> for #name<'py> {
                fn extract_bound(object: &::pyo3::Bound<'py, ::pyo3::PyAny>) -> ::pyo3::PyResult<Self> {
                    Self::checked(object)
                }
            }
        }
    };
    let documentation = format!("An object of [`{name}`], which another module has.");
    let loaded = format_ident!("LOADED");
    quote! {
        #[doc = #documentation]
        #(#attributes)*
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #visibility struct #name<'py>(::pyo3::Bound<'py, ::pyo3::PyAny>);

        const _: () = {
            #layout

            static #loaded: ::longshore_share::Loaded<#declaration> = ::longshore_share::Loaded::new();

            impl<'py> #name<'py> {
                /// Asks the other module for its class, and checks that it is the one this module was built for. Without this
                /// the first use does.
                ///
                /// # Errors
                ///
                /// `ImportError`, which names both packages and both versions.
                pub fn import(py: ::pyo3::Python<'py>) -> ::pyo3::PyResult<()> {
                    Self::loaded(py).map(|_| ())
                }

                /// The one Python type.
                ///
                /// # Errors
                ///
                /// As of `import`.
                pub fn type_object(
                    py: ::pyo3::Python<'py>,
                ) -> ::pyo3::PyResult<::pyo3::Bound<'py, ::pyo3::types::PyType>> {
                    Self::loaded(py)?;
                    // SAFETY: this thread is attached, and the function gives a reference away.
                    let object = unsafe {
                        ::pyo3::Bound::<::pyo3::PyAny>::from_owned_ptr(py, #loaded.type_object().cast())
                    };
                    ::pyo3::types::PyAnyMethods::extract(&object).map_err(::pyo3::PyErr::from)
                }

                /// Whether `object` has the class, or one that inherits from it.
                ///
                /// # Errors
                ///
                /// As of `import`.
                pub fn is_type_of(object: &::pyo3::Bound<'_, ::pyo3::PyAny>) -> ::pyo3::PyResult<bool> {
                    #name::loaded(object.py())?;
                    // SAFETY: this thread is attached, and holds the object.
                    Ok(unsafe { #loaded.is_instance(object.as_ptr().cast()) })
                }

                /// The object.
                pub fn as_any(&self) -> &::pyo3::Bound<'py, ::pyo3::PyAny> {
                    &self.0
                }

                /// The object.
                pub fn into_any(self) -> ::pyo3::Bound<'py, ::pyo3::PyAny> {
                    self.0
                }

                fn loaded(
                    py: ::pyo3::Python<'_>,
                ) -> ::pyo3::PyResult<&'static <#declaration as ::longshore_share::SharedClass>::Table> {
                    // SAFETY: the token says that this thread is attached.
                    unsafe { #loaded.table(&::longshore_share::package!()) }.map_err(|failure| {
                        let cause = failure.raised.then(|| ::pyo3::PyErr::fetch(py));
                        // Whoever is interrupted while importing is to hear that, and not that an import failed.
                        let cause = match cause {
                            ::core::option::Option::Some(cause)
                                if !cause.is_instance_of::<::pyo3::exceptions::PyException>(py) =>
                            {
                                return cause;
                            }
                            cause => cause,
                        };
                        let error = ::pyo3::exceptions::PyImportError::new_err(failure.message);
                        error.set_cause(py, cause);
                        error
                    })
                }

                fn checked(object: &::pyo3::Bound<'py, ::pyo3::PyAny>) -> ::pyo3::PyResult<Self> {
                    if Self::is_type_of(object)? {
                        return Ok(Self(object.clone()));
                    }
                    let wanted = Self::type_object(object.py())?;
                    let found = ::pyo3::types::PyAnyMethods::get_type(object);
                    ::core::result::Result::Err(::pyo3::exceptions::PyTypeError::new_err(
                        ::longshore_share::wrong_type(&wanted.to_string(), &found.to_string()),
                    ))
                }
            }

            // SAFETY: the object's type is checked before one is made, and its lifetime says that this thread is attached.
            unsafe impl<'py> ::longshore_share::Imported for #name<'py> {
                type Class = #declaration;
                type Token = ::pyo3::Python<'py>;
                type Error = ::pyo3::PyErr;

                fn token(&self) -> ::pyo3::Python<'py> {
                    self.0.py()
                }

                fn as_ptr(&self) -> *mut ::longshore_share::PyObject {
                    self.0.as_ptr().cast()
                }

                fn table(
                    token: ::pyo3::Python<'py>,
                ) -> ::pyo3::PyResult<&'static <#declaration as ::longshore_share::SharedClass>::Table> {
                    Self::loaded(token)
                }

                unsafe fn from_owned_ptr(
                    token: ::pyo3::Python<'py>,
                    object: *mut ::longshore_share::PyObject,
                ) -> Self {
                    // SAFETY: the caller gives the reference away.
                    Self(unsafe { ::pyo3::Bound::from_owned_ptr(token, object.cast()) })
                }

                fn raised(token: ::pyo3::Python<'py>) -> ::pyo3::PyErr {
                    ::pyo3::PyErr::fetch(token)
                }
            }

            #extract

            impl<'py> ::pyo3::IntoPyObject<'py> for #name<'py> {
                type Target = ::pyo3::PyAny;
                type Output = ::pyo3::Bound<'py, ::pyo3::PyAny>;
                type Error = ::core::convert::Infallible;

                fn into_pyobject(self, _: ::pyo3::Python<'py>) -> ::core::result::Result<Self::Output, Self::Error> {
                    Ok(self.0)
                }
            }

            impl<'a, 'py> ::pyo3::IntoPyObject<'py> for &'a #name<'py> {
                type Target = ::pyo3::PyAny;
                type Output = ::pyo3::Borrowed<'a, 'py, ::pyo3::PyAny>;
                type Error = ::core::convert::Infallible;

                fn into_pyobject(self, _: ::pyo3::Python<'py>) -> ::core::result::Result<Self::Output, Self::Error> {
                    Ok(self.0.as_borrowed())
                }
            }
        };
    }
}
