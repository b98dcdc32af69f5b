//! Moves objects between stores and memory, many at once, by URI.
//!
//! ```
//! use longshore::ObjectType;
//!
//! # fn main() -> longshore::Result<()> {
//! let uris: Vec<String> = (0..4).map(|i| format!("memory://readme/set/object_{i}.npz")).collect();
//! longshore::put_objects_with_random_data_and_type(&uris, 20_000, 32, ObjectType::Npz)?;
//! let objects = longshore::get_objects_parallel(&uris, 64)?;
//! assert!(objects.iter().all(|(_, bytes)| bytes.len() == 20_000));
//! assert_eq!(longshore::list_objects("memory://readme", "set/")?.len(), 4);
//! # Ok(())
//! # }
//! ```
//!
//! URIs are `s3://bucket/key`, `gs://bucket/key`, `az://container/key`, `file:///path`, `memory:///key`, `memory://name/key`, and
//! `https://host/path` to read from. The clouds are configured by the variables of their own tools, such as `AWS_*`. Stores with
//! equal configuration share one connection pool.
//!
//! Every function comes twice: blocking as written, and with `_async` at the end of its name. Both run on longshore's own
//! runtime, so the blocking ones may be called on any thread and the async ones awaited on any executor. Dropping an async
//! call cancels it.
//!
//! [`Configuration`] says what the process may use at most; apply it once, before the first call.
//!
//! Every failure is an [`Error`] that says what was attempted, on which URI, and what the server answered.

#![forbid(unsafe_code)]

mod bulk;
mod call;

pub use bulk::{
    delete_objects, delete_objects_async, get_object_uri, get_object_uri_async, get_objects_parallel,
    get_objects_parallel_async, list_objects, list_objects_async, put_object_with_random_data,
    put_object_with_random_data_async, put_objects_parallel, put_objects_parallel_async,
    put_objects_with_random_data_and_type, put_objects_with_random_data_and_type_async,
};
pub use longshore_engine::{Error, ErrorKind};
pub use longshore_formats::ObjectType;
pub use longshore_runtime::configuration::{Configuration, Refusal};

/// What every function here returns.
pub type Result<T> = std::result::Result<T, Error>;
