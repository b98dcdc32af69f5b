//! Live object stores across the C interface of `longshore-abi`.
//!
//! With the feature `export`, an `Exporter` makes a table of any store of `object_store` 0.14, which then works on the exporter's own
//! runtime, whoever calls. With the features `object-store-0-11` to `object-store-0-14`, a table is a store of that version:
//! `v0_11::ForeignStore` to `v0_14::ForeignStore`. No executor is needed for that, nor the same one as the exporter's.
//!
//! What crosses is said in `SPEC.md` of `longshore-abi`.

#![cfg_attr(
    any(feature = "export", feature = "import"),
    expect(
        unsafe_code,
        reason = "what crosses between modules is read through pointers; each block says what it relies on"
    )
)]

#[cfg(feature = "export")]
mod export;
#[cfg(feature = "import")]
mod import;
#[cfg(any(feature = "export", feature = "import"))]
mod unwind;

#[cfg(feature = "export")]
pub use crate::export::{Exported, Exporter, Settings, Sign, SignRequest, Verdict, local};
#[cfg(feature = "import")]
pub use crate::import::ForeignError;
#[cfg(feature = "object-store-0-11")]
pub use crate::import::v0_11;
#[cfg(feature = "object-store-0-12")]
pub use crate::import::v0_12;
#[cfg(feature = "object-store-0-13")]
pub use crate::import::v0_13;
#[cfg(feature = "object-store-0-14")]
pub use crate::import::v0_14;
