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
mod environment;
mod error;
mod gcs;
mod given;
mod guarded;
mod location;
mod masked;
mod memory;
mod oauth;
mod options;
mod pattern;
mod profile;
mod program;
mod registry;
mod s3;
mod specs;
mod store;
mod transport;
mod web;
mod wire;

pub use azure::{AzureAccess, AzureSettings};
pub use environment::Environment;
pub use error::ConfigError;
pub use gcs::{GcsAccess, GcsSettings};
pub use given::{Origin, Setting, Spec};
pub use guarded::CredentialsError;
pub use location::{Location, Scheme};
pub use masked::masked;
pub use options::Options;
pub use pattern::Pattern;
pub use registry::{Resolver, explain, open};
pub use s3::{Encryption, S3Settings};
pub use specs::{specs, table};
pub use store::{Live, S3Access, Store, WebAccess};
pub use transport::{Certificate, Greeting, NoConnection, Observed, Requests, Route, TlsFailure, Trace};
pub use web::{WebSettings, canonical};
