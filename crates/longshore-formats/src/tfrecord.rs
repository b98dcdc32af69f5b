//! Reads TFRecord files and the `tf.train.Example` messages in them, believing nothing.
//!
//! Format sources: `tensorflow/core/lib/io/record_reader.cc` for the records,
//! `tensorflow/core/example/{example,feature}.proto` for the messages.

mod example;

pub use example::Example;

/// A record's length and the masked CRC-32C of it.
pub(crate) const HEADER_BYTES: usize = 12;
/// The masked CRC-32C of a record's data.
pub(crate) const FOOTER_BYTES: usize = 4;

/// CRC-32C as TensorFlow stores it, so that a checksum over data that hold checksums stays strong.
pub(crate) fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A TFRecord file that breaks the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TfRecordError {
    /// The file ends within a record, or its length is damaged.
    #[error("the record at byte {offset} is cut short")]
    Truncated {
        /// Where the record starts.
        offset: usize,
    },
    /// The checksum over a record's length is wrong.
    #[error("the length of the record at byte {offset} has a wrong checksum")]
    LengthChecksum {
        /// Where the record starts.
        offset: usize,
    },
    /// The checksum over a record's data is wrong.
    #[error("the data of the record at byte {offset} has a wrong checksum")]
    DataChecksum {
        /// Where the record starts.
        offset: usize,
    },
    /// A record is not a protocol buffer of the type `tf.train.Example`.
    #[error("not a tf.train.Example: {0}")]
    Message(&'static str),
    /// An example lacks a feature, or has it with another type.
    #[error("the example has no feature {name:?} with one {kind}")]
    Feature {
        /// The feature's name.
        name: &'static str,
        /// The kind of value that it should have.
        kind: &'static str,
    },
}

/// The records of a TFRecord file, in order.
///
/// Both checksums of a record are verified before it is given out. The iterator ends after the last record, or after
/// the first error; a file that does not end where a record ends is an error.
///
/// ```
/// use longshore_formats::{DataOptions, Example, Generator, ObjectType, TfRecordReader};
///
/// let file = Generator::new(ObjectType::TfRecord, 600_000, DataOptions::default())?.generate(0);
/// for record in TfRecordReader::new(&file) {
///     let example = Example::parse(record?)?;
///     assert_eq!(example.size, example.image.len() as i64);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TfRecordReader<'a> {
    data: &'a [u8],
    offset: usize,
}

impl<'a> TfRecordReader<'a> {
    /// Reads the file that is all of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, offset: 0 }
    }

    fn record(&self) -> Result<(&'a [u8], usize), TfRecordError> {
        let offset = self.offset;
        let truncated = TfRecordError::Truncated { offset };
        let rest = &self.data[offset..];
        let (header, rest) = rest.split_at_checked(HEADER_BYTES).ok_or(truncated)?;
        let (length, checksum) = header.split_first_chunk::<8>().ok_or(truncated)?;
        if *checksum != masked_crc(length).to_le_bytes() {
            return Err(TfRecordError::LengthChecksum { offset });
        }
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| truncated)?;
        let (record, rest) = rest.split_at_checked(length).ok_or(truncated)?;
        let (checksum, rest) = rest.split_at_checked(FOOTER_BYTES).ok_or(truncated)?;
        if *checksum != masked_crc(record).to_le_bytes() {
            return Err(TfRecordError::DataChecksum { offset });
        }
        Ok((record, self.data.len() - rest.len()))
    }
}

impl<'a> Iterator for TfRecordReader<'a> {
    type Item = Result<&'a [u8], TfRecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset == self.data.len() {
            return None;
        }
        let record = self.record();
        self.offset = record.as_ref().map_or(self.data.len(), |&(_, end)| end);
        Some(record.map(|(record, _)| record))
    }
}

impl std::iter::FusedIterator for TfRecordReader<'_> {}
