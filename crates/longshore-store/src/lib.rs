//! Stores.
#![forbid(unsafe_code)]

mod on_runtime;
mod path;
mod prefix;

pub use on_runtime::{Inherited, OnRuntime};
pub use path::{PyPath, PyUrl};
pub use prefix::MaybePrefixedStore;
