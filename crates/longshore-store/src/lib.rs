//! Stores.
#![forbid(unsafe_code)]

mod on_runtime;

pub use on_runtime::{Inherited, OnRuntime};
