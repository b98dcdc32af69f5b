//! The HTTP client beneath every store of a process.
//!
//! [`client`] gives equal settings the same client, hence one connection pool. A client sends a request through
//! `reqwest`, watches that something moves ([`idle`]), puts failures into `object_store`'s words ([`failure`]) and people's
//! ([`connection`]), and notes
//! every request and answer in the [`Trace`] of the operation that sends it.

mod client;
mod connection;
mod dressed;
mod failure;
mod idle;
mod names;
mod redirects;
mod route;
mod seats;
mod trace;
mod trust;

pub(crate) use client::{ClientSettings, Clients, Fixed, client, following};
pub use connection::NoConnection;
pub(crate) use dressed::Dressed;
pub(crate) use redirects::Redirects;
pub use route::{Certificate, Greeting, Route, TlsFailure};
pub use trace::{Observed, Requests, Trace};
