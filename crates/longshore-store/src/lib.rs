#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod abroad;
mod arguments;
mod buckets;
mod classes;
mod client;
mod credentials;
mod error;
mod exceptions;
mod external;
mod given;
mod keys;
mod on_runtime;
mod path;
mod prefix;
mod provider;
mod register;
mod shown;
mod state;
mod store;
mod support;

pub use arguments::{AnyObjectStore, PyExternalObjectStore, PyObjectStore};
pub use classes::{PyAzureStore, PyGCSStore, PyHttpStore, PyLocalStore, PyMemoryStore, PyS3Store, from_url};
pub use client::{PyClientConfigKey, PyClientOptions};
pub use error::{PyObjectStoreError, PyObjectStoreResult};
pub use exceptions::{import_exceptions_from, register_exceptions_module};
pub use given::read_options;
pub use on_runtime::{Inherited, OnRuntime};
pub use path::{PyPath, PyUrl};
pub use prefix::MaybePrefixedStore;
pub use provider::Raised;
pub use register::{name_classes, register_store_module};
pub use store::{Store, use_class};
