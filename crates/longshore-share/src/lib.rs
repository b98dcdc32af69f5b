//! Share your own `#[pyclass]` between extension modules, and between Python and a Rust host that embeds it.
//!
//! A `#[pyclass]` that is compiled into two modules is two types, and an object of the one is not an object of the other. Here one
//! module has the class, and the others reach it through a table of functions, which travels in a capsule. What crosses is plain C
//! data, so the modules may have different compilers and different PyO3s, from 0.23 on.
//!
//! # Three crates
//!
//! A small crate declares the class. It has no `#[pyclass]` and no PyO3:
//!
//! ```
//! longshore_share::shared_class! {
//!     module = "series_base";
//!     abi = 1;
//!
//!     /// Numbers with a name.
//!     pub class Series;
//!
//!     /// How many there are.
//!     fn length(&self) -> usize;
//!     /// One of them.
//!     fn at(&self, index: usize) -> Result<f64>;
//!     /// Makes a series of `values`.
//!     fn of(values: &[f64]) -> Result<Self>;
//! }
//! # fn main() {}
//! ```
//!
//! The *base* module has the class: `impl series_core::SeriesBase for PySeries`, then `export_shared!(PySeries as
//! series_core::Series)`, and `PySeries::export_shared(module)?` where it makes its module. A *derived* module says
//! `import_shared!(pub series_core::Series as Series)`: its `Series` is an argument and a result of functions, and has the
//! declared methods by `use series_core::SeriesMethods`.
//!
//! # What a class may declare
//!
//! | declared | the base module's class |
//! |---|---|
//! | `fn name(&self, …) -> …;` | takes the object by the borrow flag of PyO3, shared |
//! | `fn name(&mut self, …) -> …;` | by the borrow flag, exclusive; not for a frozen class |
//! | `fn name(…) -> Self;` | makes an object |
//! | `field x: i32;` | is `fn x(&self) -> i32;` and `fn set_x(&mut self, value: i32);` |
//! | `lend struct Data { … }` | lends a struct that every module reads in place (`cast`), and takes one to make an object (`create`); the class must be frozen, because a lent reference does not know of the borrow flag |
//!
//! Arguments are numbers, `bool`, `&str` and slices of numbers; results are numbers, `bool`, `String`, [`SharedVec`], `Self`, or a
//! `Result` of these. An error is a Python exception in both modules. A panic becomes a `RuntimeError`.
//!
//! # Without a table
//!
//! Where classes are small values, there is a lighter way, with more Python in it. A crate of both modules declares the value:
//! `shared_value! { abi = 1; pub struct Input { pub x: i32, pub y: i32 } }`. A class has `__capsule__`, by [`into_capsule!`], and the
//! static method `__from_capsule__`, by [`from_capsule!`]; whoever has a value calls the other module's `__from_capsule__` through
//! Python. The version is in each capsule.
//!
//! # Versions
//!
//! The table begins with a [`longshore_abi::Header`], then the version of the declaring crate, the class's ABI number, and the
//! hashes of its layout. An importer reads these as data, and calls nothing before all of them fit: another ABI number, another
//! layout or an older version than its own is an `ImportError` that names both packages and both versions. Methods may be added at
//! the end without a new ABI number; older importers go on working. Python code cannot change any of this.

#![warn(missing_docs)]
#![expect(
    unsafe_code,
    reason = "what crosses between modules is called and read through pointers; each block says what it relies on"
)]

#[cfg(feature = "embed")]
pub mod embed;

mod export;
mod import;
#[doc(hidden)]
pub mod layout;
mod python;
mod table;
mod value;
mod wire;

pub use longshore_share_macros::{export_shared, import_shared, shared_class, shared_value};

pub use crate::table::{Package, SharedClass};
pub use crate::value::SharedValue;
pub use crate::wire::{Number, SharedVec};

#[doc(hidden)]
pub use crate::export::{Exporter, Lending, Settable, export, slot};
#[doc(hidden)]
pub use crate::import::{Imported, Loaded, answer, wrong_type};
#[doc(hidden)]
pub use crate::python::PyObject;
#[doc(hidden)]
pub use crate::table::{Common, Head};
#[doc(hidden)]
pub use crate::value::{Refused, from_capsule, into_capsule};
#[doc(hidden)]
pub use crate::wire::{Argument, Returned, Slice};
