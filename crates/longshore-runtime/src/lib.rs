//! One tokio runtime per process, and the two ways Python waits for it.
//!
//! * [`fork`] knows whether this process is the one that made a value, and replaces what a child must not inherit.
//! * [`configuration`] is what a process may use at most.
//! * [`runtime`] starts the runtime at first use and gives a forked child one of its own.
//! * With the `python` feature, `operation` runs a future for Python: `wait` blocks a thread for it and
//!   still sees Ctrl-C, `asyncio` completes an `asyncio.Future` with it. No runtime thread ever attaches to the
//!   interpreter: whatever needs Python is sent as an errand to the thread that waits.

pub mod configuration;
pub mod fork;
pub mod runtime;

#[cfg(feature = "python")]
mod asyncio;
#[cfg(feature = "python")]
mod operation;
#[cfg(feature = "python")]
mod shelf;
#[cfg(feature = "python")]
mod wait;

#[cfg(feature = "python")]
pub use asyncio::Bridge;
#[cfg(feature = "python")]
pub use operation::Mailbox;
#[cfg(feature = "python")]
pub use shelf::Shelf;
#[cfg(feature = "python")]
pub use wait::run_blocking;
