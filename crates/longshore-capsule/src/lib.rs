//! Live object stores in and out of PyCapsules.
//!
//! A store in Python says what it is by its method `__object_store_capsule__`, which gives a capsule named `object_store_v1`; what lies
//! in it is said in `SPEC.md` of `longshore-abi`. [`store_of`] asks an object for it, and [`capsule_of`] is what such a method
//! returns.
//!
//! Everything here takes and gives raw pointers to Python objects, and calls no more than a few functions of Python's stable interface. So it
//! works together with any version of PyO3, or of another binding tool, and with none.

#![expect(unsafe_code, reason = "Python's interface is one of C; each block says what it relies on")]

mod error;
mod export;
mod import;
mod python;

pub use crate::error::TakeError;
pub use crate::export::capsule_of;
pub use crate::import::store_of;
pub use crate::python::PyObject;
