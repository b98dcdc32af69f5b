//! From a URI, options and the environment to a live store.
//!
//! [`Location`] reads a URI. [`S3Settings::resolve`] merges keywords over environment variables over profiles over defaults. [`open`]
//! looks the result up in the registry: equal settings give the same [`Store`], hence one connection pool and one
//! credential cache. [`Store::live`] is what a request uses; a forked child gets a fresh one from it.
//!
//! Environment variables are read in one place, [`Environment::read`], once per call.

#![forbid(unsafe_code)]

mod address;
mod azure;
pub mod bounded;
mod configured;
mod context;
mod credential;
mod credentials_error;
mod environment;
mod error;
mod gcs;
mod given;
mod kept;
mod local;
mod location;
mod masked;
mod memory;
mod oauth;
mod options;
mod pattern;
mod profile;
mod program;
mod provided;
mod registry;
mod s3;
mod specs;
mod store;
mod transport;
mod web;
mod wire;

pub use azure::{AzureAccess, AzureSettings};
pub use configured::Configured;
pub use context::Context;
pub use credential::{Credential, Fetched};
pub use credentials_error::CredentialsError;
pub use environment::Environment;
pub use error::ConfigError;
pub use gcs::{GcsAccess, GcsSettings};
pub use given::{Origin, Secret, Setting, Spec};
pub use local::LocalOptions;
pub use location::{Location, Scheme};
pub use masked::masked;
pub use options::{Options, length};
pub use pattern::Pattern;
pub use provided::CredentialSource;
pub use registry::{
    Resolver, adopt, adopt_for_all_processes, explain, open, open_bucket, open_local, open_memory, open_web,
};
pub use s3::{Encryption, S3Settings};
pub use specs::{specs, table};
pub use store::{Live, S3Access, Store, WebAccess};
pub use transport::{Certificate, Greeting, NoConnection, Observed, Requests, Route, TlsFailure, Trace};
pub use web::{WebSettings, canonical};
