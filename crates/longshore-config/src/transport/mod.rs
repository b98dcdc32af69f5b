//! The HTTP client beneath every store of a process.
//!
//! [`client`] gives equal settings the same client, hence one connection pool. A client sends a request through
//! `reqwest`, watches that something moves ([`idle`]), puts failures into `object_store`'s words ([`failure`]), and notes
//! every request and answer in the [`Trace`] of the operation that sends it.

mod client;
mod dressed;
mod failure;
mod idle;
mod names;
mod route;
mod seats;
mod trace;

pub(crate) use client::{ClientSettings, Clients, Fixed, Redirects, client, following};
pub(crate) use dressed::Dressed;
pub use route::{Certificate, Greeting, Route, TlsFailure};
pub use trace::{Observed, Requests, Trace};
