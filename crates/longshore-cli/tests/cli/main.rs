//! The binary as it is built, against a gateway of our own that counts requests and can misbehave.

mod copying;
mod deleting;
mod exits;
mod place;
mod signals;
