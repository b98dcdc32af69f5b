//! Makes objects of an exact size.
//!
//! Every format is made in the same three steps. The whole buffer is filled with content, as if it were raw; the
//! format's frame, laid out once for the size, is written over it; and the checksums are computed last. So content is
//! written where it stays, no payload is ever copied, and blocks of content stand at the same offsets in every format.

mod content;
mod hdf5;
mod npz;
mod tfrecord;

use std::sync::Arc;

use bytes::Bytes;

use crate::ObjectType;
use content::Content;

/// What the content of generated objects is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataOptions {
    /// Where the pseudo-random content starts. The same seed gives the same bytes, in every version of this crate.
    pub seed: u64,
    /// How many times the average 4096-byte block of an object occurs within it; 1.0 means that no block repeats.
    /// Repeats are as far apart as the object allows, so a compressor's window does not see them. Blocks count from
    /// the start of the object. Objects never share blocks with each other.
    pub dedup: f64,
    /// How many times smaller a general compressor makes the content; 1.0 means incompressible. Every block of 4096
    /// bytes compresses alike. Holds up to about 150, since every block stays unlike every other.
    pub compress: f64,
}

impl Default for DataOptions {
    /// Seed 0, no repeats, incompressible.
    fn default() -> Self {
        Self { seed: 0, dedup: 1.0, compress: 1.0 }
    }
}

/// An object that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The format's own frame needs more room.
    #[error("a size of {size} bytes is too small for {object_type}: the least is {minimum} bytes")]
    TooSmall {
        /// The format that was asked for.
        object_type: ObjectType,
        /// The size that was asked for.
        size: u64,
        /// The least size that the format allows.
        minimum: u64,
    },
    /// The object would not fit in memory, where it is made.
    #[error("a size of {size} bytes is too large: an object is made in memory, and there is not that much")]
    TooLarge {
        /// The size that was asked for.
        size: u64,
    },
    /// `dedup` or `compress` is not a number from 1.0 up.
    #[error("{option} must be a number of at least 1.0, not {value}")]
    InvalidRatio {
        /// Which option it is.
        option: &'static str,
        /// The value that was given.
        value: f64,
    },
    /// The HDF5 writer refused or produced something other than was asked of it: a defect.
    #[error("an HDF5 frame of {size} bytes could not be laid out: {reason}")]
    Hdf5Layout {
        /// The size that was asked for.
        size: u64,
        /// What the writer said.
        reason: String,
    },
}

/// Makes objects of one format, size and kind of content.
///
/// Cheap to clone and free to share between threads; every object is made from its index alone, so any thread can
/// make any object in any order.
///
/// ```
/// use longshore_formats::{DataOptions, FormatError, Generator, ObjectType};
///
/// let generator = Generator::new(ObjectType::TfRecord, 1_000_003, DataOptions::default())?;
/// assert_eq!(generator.generate(0).len(), 1_000_003);
/// assert_eq!(generator.generate(0), generator.generate(0));
/// assert_ne!(generator.generate(0), generator.generate(1));
///
/// let error = Generator::new(ObjectType::Npz, 10, DataOptions::default()).unwrap_err();
/// assert!(error.to_string().contains("the least is"));
/// # Ok::<(), FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generator {
    object_type: ObjectType,
    size: usize,
    content: Content,
    frame: Arc<Frame>,
}

/// The bytes of a format around its content, for one size.
#[derive(Debug)]
enum Frame {
    Raw,
    Npz(npz::Frame),
    TfRecord(tfrecord::Frame),
    Hdf5(hdf5::Frame),
}

impl Generator {
    /// Lays out objects of exactly `size` bytes.
    ///
    /// Costs a little (for HDF5 about as much as one page fault per 4 KiB of `size`), so make one generator per data
    /// set rather than one per object.
    ///
    /// # Errors
    ///
    /// [`FormatError::TooSmall`] under [`minimum_size`](Self::minimum_size), [`FormatError::TooLarge`] where the
    /// allocator refuses `size` bytes, [`FormatError::InvalidRatio`] for a ratio that is below one or not finite.
    pub fn new(object_type: ObjectType, size: u64, options: DataOptions) -> Result<Self, FormatError> {
        for (option, value) in [("dedup", options.dedup), ("compress", options.compress)] {
            if !(value.is_finite() && value >= 1.0) {
                return Err(FormatError::InvalidRatio { option, value });
            }
        }
        let minimum = Self::minimum_size(object_type);
        if size < minimum {
            return Err(FormatError::TooSmall { object_type, size, minimum });
        }
        let size = allocatable(size)?;
        let mut unique_blocks = content::unique_blocks(size, options.dedup);
        let frame = match object_type {
            ObjectType::Npz => Frame::Npz(npz::Frame::new(size)),
            ObjectType::TfRecord => {
                let (blocks, unique) = tfrecord::record_blocks(unique_blocks);
                unique_blocks = unique;
                Frame::TfRecord(tfrecord::Frame::new(size, blocks))
            }
            ObjectType::Hdf5 => Frame::Hdf5(hdf5::Frame::new(size)?),
            ObjectType::Raw => Frame::Raw,
        };
        Ok(Self {
            object_type,
            size,
            content: Content::new(object_type, size, unique_blocks, options),
            frame: Arc::new(frame),
        })
    }

    /// The least size that the format allows: its frame and one byte of content. Every size from there up can be made.
    pub fn minimum_size(object_type: ObjectType) -> u64 {
        match object_type {
            ObjectType::Npz => npz::MINIMUM_SIZE,
            ObjectType::TfRecord => tfrecord::MINIMUM_SIZE,
            ObjectType::Hdf5 => hdf5::MINIMUM_SIZE,
            ObjectType::Raw => 0,
        }
    }

    /// The format of the objects.
    pub fn object_type(&self) -> ObjectType {
        self.object_type
    }

    /// The size of every object, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Makes object number `index`.
    ///
    /// The bytes follow from the format, the size, the [`DataOptions`] and `index` alone. The label of an NPZ or HDF5
    /// object is its index. Allocates the object and nothing else of its size.
    pub fn generate(&self, index: u64) -> Bytes {
        let mut object = vec![0; self.size];
        self.generate_into(index, &mut object);
        Bytes::from(object)
    }

    /// Makes object number `index` in memory that the caller owns, whatever it held before.
    ///
    /// # Panics
    ///
    /// When `object` is not [`size`](Self::size) bytes long.
    pub fn generate_into(&self, index: u64, object: &mut [u8]) {
        assert_eq!(object.len(), self.size, "the buffer is of another size");
        self.content.fill(index, object);
        match &*self.frame {
            Frame::Raw => {}
            Frame::Npz(frame) => frame.write(index, object),
            Frame::TfRecord(frame) => frame.write(object),
            Frame::Hdf5(frame) => frame.write(index, object),
        }
    }
}

/// Asks the allocator whether it would hand out `size` bytes, so that an absurd size is an error and not an abort.
fn allocatable(size: u64) -> Result<usize, FormatError> {
    let too_large = FormatError::TooLarge { size };
    let length = usize::try_from(size).map_err(|_| too_large.clone())?;
    match Vec::<u8>::new().try_reserve_exact(length) {
        Ok(()) => Ok(length),
        Err(_) => Err(too_large),
    }
}
