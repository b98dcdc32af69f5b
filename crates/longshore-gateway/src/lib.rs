//! Serves any [`ObjectStore`](object_store::ObjectStore) over the S3 protocol, with scripted faults.
//!
//! It is for demonstrations, for tests of S3 clients, and for looking at a folder through S3 eyes. It listens on a free
//! port, works with or without an async runtime around it, and stops when dropped.
//!
//! ```
//! use longshore_gateway::{FaultAction, FaultRule, Gateway};
//!
//! # fn main() -> std::io::Result<()> {
//! let gateway = Gateway::builder().memory().credentials("key", "secret").start()?;
//! println!("{}", gateway.endpoint());
//!
//! // The second GET of anything under `data/` gets half a body, once.
//! let cut = gateway.faults().add(FaultRule {
//!     method: Some("GET".into()),
//!     path_contains: Some("/data/".into()),
//!     skip: 1,
//!     times: Some(1),
//!     ..FaultRule::new(FaultAction::CutBody { after: 1000 })
//! });
//! // … run a client against it …
//! assert_eq!(gateway.faults().hits(cut), 0);
//! assert_eq!(gateway.stats().operation("HeadObject"), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What it keeps, and where
//!
//! The bytes of an object are one object of the store, under the key's own name. ETag (an MD5, as S3 has it), headers, user
//! metadata and checksums are a small record in a hidden area, `.longshore/`, which no request reaches. Objects that others
//! put into the store are served as well; their ETag is made from the store's own.
//!
//! # What it is not
//!
//! There is one account, no versions, no encryption, no access lists, no TLS, and buckets are named in the path, not in the
//! host. Conditions and overwrites are atomic among the requests of one gateway, not among several over the same store.

#![forbid(unsafe_code)]

mod answer;
mod buckets;
mod builder;
mod conditions;
mod connection;
mod digest;
mod door;
mod failure;
mod faults;
mod gateway;
mod intake;
mod lent;
mod listing;
mod names;
mod outflow;
mod places;
mod record;
mod service;
mod shelf;
mod socket;
mod spoil;
mod stats;
mod unique;
mod unreadable;
mod uploads;

pub use builder::GatewayBuilder;
pub use faults::{FaultAction, FaultRule, Faults};
pub use gateway::Gateway;
pub use stats::Stats;
