//! Objects on their way from one place to another, whatever their size: nothing here holds a large object in memory.

mod cleanup;
mod copy;
mod download;
mod gather;
mod many;
mod options;
mod parts;
mod spans;
mod upload;

pub use cleanup::Cleanup;
pub(crate) use cleanup::Guard;
pub use download::download;
pub use many::{transfer, transfer_many};
pub use options::{Outcome, TransferOptions};
pub(crate) use spans::Spans;
pub use upload::{upload, upload_reader, upload_stream};
