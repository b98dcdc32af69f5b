//! Live object stores across the C interface of `longshore-abi`.
//!
//! With the feature `export`, an `Exporter` makes a table of any store of `object_store` 0.14, which then works on the exporter's own
//! runtime, whoever calls. With the features `object-store-0-11` to `object-store-0-14`, a table is a store of that version:
//! `v0_11::ForeignStore` to `v0_14::ForeignStore`. No executor is needed for that, nor the same one as the exporter's.
//!
//! What crosses is said in `SPEC.md` of `longshore-abi`. Below, both sides are in one program; as a rule, each is in its own, with
//! what it was compiled with, and a PyCapsule (`longshore-capsule`) lies between.
//!
#![cfg_attr(
    all(feature = "export", feature = "object-store-0-12"),
    doc = r##"
```
# fn main() -> Result<(), Box<dyn std::error::Error>> {
use std::sync::Arc;

use longshore_ffi::{Exported, Exporter, Settings};
use object_store_014::memory::InMemory;

// The module that has the store. Its runtime does the work, whoever asks.
let runtime = tokio::runtime::Runtime::new()?;
let settings = Settings { info: "harbour 1.2", ..Settings::default() };
let exporter = Exporter::new(runtime.handle().clone(), settings);
let table = exporter.export(Exported::new(Arc::new(InMemory::new())));

// A module that was built years ago.
use object_store_012::ObjectStore;

let store = longshore_ffi::v0_12::ForeignStore::new(table);
assert_eq!(store.to_string(), "InMemory of harbour 1.2");
futures_executor::block_on(async {
    store.put(&"greeting".into(), "hello".into()).await?;
    let greeting = store.get(&"greeting".into()).await?.bytes().await?;
    assert_eq!(greeting, "hello");
    Ok::<_, object_store_012::Error>(())
})?;
# Ok(())
# }
```
"##
)]
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
