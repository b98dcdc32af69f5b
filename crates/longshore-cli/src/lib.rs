//! The command `longshore`: objects in any store, from a shell. One implementation behind the binary and the Python wheel.
//!
//! [`run`] is all there is to call. It parses arguments, runs a command on longshore's runtime, and gives the exit code.
//!
//! ```text
//! entry        arguments in, exit code out; signals
//!   └ commands   a file for each: its arguments with their help, and what it does
//!       ├ place      what an argument names: a URI, a local path, `-`; wildcards
//!       ├ select     the objects that a source stands for
//!       ├ plan       which object goes where, and whether it must
//!       ├ transfer   moves what was planned, a line for each
//!       ├ bench      measures a store
//!       └ session    stores, output, progress, failures and what they mean for the exit code
//! ```

#![forbid(unsafe_code)]

mod arguments;
mod bench;
mod commands;
mod compare;
mod copying;
mod entry;
mod error;
mod exit;
mod hints;
mod markdown;
mod output;
mod place;
mod plan;
mod presence;
mod progress;
mod select;
mod session;
mod signals;
mod size;
mod template;
mod transfer;
mod twins;
mod walk;

pub use entry::run;
