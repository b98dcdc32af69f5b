//! Objects that look like training data, made and read in memory.
//!
//! A [`Generator`] makes objects of one [`ObjectType`] and of *exactly* one size, by the format's own means: strict
//! readers accept every file, and no byte follows the format's end. [`NpzArchive`] reads arrays out of NumPy's `.npz`
//! files whatever their type and order, and [`TfRecordReader`] checks and reads TFRecord files.
//!
//! Nothing here does I/O, starts a thread or knows about Python.
//!
//! ```
//! use longshore_formats::{DataOptions, Generator, NpzArchive, ObjectType};
//!
//! let generator = Generator::new(ObjectType::Npz, 10_000, DataOptions::default())?;
//! let object = generator.generate(7);
//! assert_eq!(object.len(), 10_000);
//!
//! let archive = NpzArchive::open(&object)?;
//! assert_eq!(archive.names(), ["x", "y"]);
//! let label = archive.find(Some("y"))?.read()?;
//! assert_eq!(label, 7_i64.to_le_bytes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod generate;
mod npy;
mod npz;
mod object_type;
mod tfrecord;

pub use generate::{DataOptions, FormatError, Generator};
pub use npy::{NpyError, NpyHeader};
pub use npz::{NpzArchive, NpzError, NpzMember};
pub use object_type::{ObjectType, ParseObjectTypeError};
pub use tfrecord::{Example, TfRecordError, TfRecordReader};
