//! The frame of an HDF5 file: all of its metadata, which stands in front of the data.
//!
//! The format's details are left to the crate `hdf5-pure`, whose contiguous data sets have no checksum over their
//! values. So the metadata depends on the size alone: it is written once, around a payload of zeros that is never
//! touched and never kept, and every object gets a copy of it. Its length does not depend on the payload's, so every
//! size can be reached.

use std::io::{self, Write};

use hdf5_pure::{FileBuilder, make_u8_type};

use super::FormatError;

/// The frame and one byte.
pub(super) const MINIMUM_SIZE: u64 = FRAME_BYTES as u64 + 1;

/// Superblock version 3, the root group, two data set headers, and the label.
const FRAME_BYTES: usize = 280;

/// Stands where the label will be, and nowhere else.
const LABEL_MARK: i64 = i64::from_le_bytes(*b"longlabl");

#[derive(Debug)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    label: usize,
}

impl Frame {
    pub(super) fn new(size: usize) -> Result<Self, FormatError> {
        let failed = |reason: String| FormatError::Hdf5Layout { size: size as u64, reason };
        let payload = size - FRAME_BYTES;
        let mut builder = FileBuilder::new();
        builder.create_dataset("labels").with_i64_data(&[LABEL_MARK]);
        // Zeroed pages that nobody writes to take no memory.
        builder.create_dataset("records").with_raw_data(make_u8_type(), vec![0; payload], payload as u64);
        let mut front = Front::default();
        builder.finish_to(&mut front).map_err(|error| failed(error.to_string()))?;
        if front.written != size {
            return Err(failed(format!("the file came to {} bytes", front.written)));
        }
        let bytes = front.bytes;
        let mark = LABEL_MARK.to_le_bytes();
        let mut found = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&mark));
        match (found.next(), found.next()) {
            (Some(label), None) => Ok(Self { bytes, label }),
            _ => Err(failed("the label is not where it was written".into())),
        }
    }

    pub(super) fn write(&self, index: u64, object: &mut [u8]) {
        let front = &mut object[..FRAME_BYTES];
        front.copy_from_slice(&self.bytes);
        front[self.label..self.label + 8].copy_from_slice(&index.to_le_bytes());
    }
}

/// Keeps the first [`FRAME_BYTES`] of what is written and counts the rest.
#[derive(Default)]
struct Front {
    bytes: Vec<u8>,
    written: usize,
}

impl Write for Front {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let kept = buffer.len().min(FRAME_BYTES - self.bytes.len());
        self.bytes.extend_from_slice(&buffer[..kept]);
        self.written += buffer.len();
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
