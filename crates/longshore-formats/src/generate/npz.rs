//! The frame of an NPZ file: two stored members, `x` and `y`.
//!
//! Our own writer rather than a ZIP crate's, because the size must come out exactly and the payload must stay where it
//! was made; both are a matter of every byte of a fixed layout. A test reads the result with a ZIP crate.
//!
//! ```text
//! local header x │ extra field │ .npy header x │ payload … │ local header y │ .npy header y │ label │ directory
//! └───────────────── head ────────────────────┘           └──────────────────── tail ──────────────────────┘
//! ```
//!
//! The format is PKWARE's APPNOTE 6.3. The extra field is the one Android's `zipalign` uses (0xD935), which readers
//! skip; it moves the payload to a page boundary, so that a mapped or cached object can be used in place.

use crate::npy;

/// The frame without padding, and one byte.
pub(super) const MINIMUM_SIZE: u64 = 459;

/// From this size on the payload starts at a multiple of [`PAGE_BYTES`].
const PAGE_ALIGNED_FROM: usize = 64 << 10;
const PAGE_BYTES: usize = 4096;
/// Where objects are small, the payload starts at a multiple of this.
const LINE_BYTES: usize = 64;

const ALIGNMENT_FIELD: u16 = 0xd935;
const ZIP64_FIELD: u16 = 0x0001;
/// 1 January 1980, the first date there is: the same seed gives the same bytes.
const DOS_DATE: u16 = 0x0021;
/// A number that stands in a ZIP64 field instead.
const IN_ZIP64: u32 = u32::MAX;

/// Offset of the CRC-32 in a local header.
const CRC_IN_LOCAL: usize = 14;
/// Offset of the CRC-32 in a directory header.
const CRC_IN_DIRECTORY: usize = 16;

#[derive(Debug)]
pub(super) struct Frame {
    head: Vec<u8>,
    /// Where the member `x` starts in `head`, after its local header.
    x_start: usize,
    tail: Vec<u8>,
    /// Where the member `y` starts in `tail`.
    y_start: usize,
    /// Where the label starts in `tail`; the member `y` ends after it.
    label: usize,
    /// Where the directory starts in `tail`.
    directory: usize,
    /// Where the second header of the directory starts in `tail`.
    directory_y: usize,
}

impl Frame {
    /// The layout for `size` bytes, which is at least [`MINIMUM_SIZE`].
    pub(super) fn new(size: usize) -> Self {
        // ZIP64 only where the numbers need it, since not every reader knows it.
        let zip64 = size >= IN_ZIP64 as usize;
        let alignments = if size >= PAGE_ALIGNED_FROM { [PAGE_BYTES, LINE_BYTES, 1] } else { [LINE_BYTES, 1, 1] };
        // The lengths of the frame do not depend on the payload's, so a frame for an empty one tells its room.
        alignments
            .into_iter()
            .find_map(|alignment| {
                let empty = Self::layout(0, alignment, zip64);
                let payload = size.checked_sub(empty.head.len() + empty.tail.len())?;
                (payload > 0).then(|| Self::layout(payload, alignment, zip64))
            })
            .expect("the caller checked the size against the minimum")
    }

    fn layout(payload: usize, alignment: usize, zip64: bool) -> Self {
        let x_header = npy::write_header("|u1", payload as u64);
        let y_header = npy::write_header("<i8", 1);
        let x_size = (x_header.len() + payload) as u64;
        let y_size = (y_header.len() + 8) as u64;

        let mut x_extra = Vec::new();
        if zip64 {
            zip64_field(&mut x_extra, &[x_size, x_size]);
        }
        let unpadded = LOCAL_HEADER_BYTES + X_NAME.len() + x_extra.len() + x_header.len();
        alignment_field(&mut x_extra, unpadded, alignment);

        let mut head = Vec::new();
        let x = Entry { name: X_NAME, size: x_size, offset: 0, zip64 };
        x.local_header(&mut head, &x_extra);
        let x_start = head.len();
        head.extend_from_slice(&x_header);

        let tail_offset = (head.len() + payload) as u64;
        let mut tail = Vec::new();
        let y = Entry { name: Y_NAME, size: y_size, offset: tail_offset, zip64 };
        let mut y_extra = Vec::new();
        if zip64 {
            zip64_field(&mut y_extra, &[y_size, y_size]);
        }
        y.local_header(&mut tail, &y_extra);
        let y_start = tail.len();
        tail.extend_from_slice(&y_header);
        let label = tail.len();
        tail.extend_from_slice(&[0; 8]);

        let directory = tail.len();
        x.directory_header(&mut tail);
        let directory_y = tail.len();
        y.directory_header(&mut tail);
        end_of_directory(&mut tail, tail_offset, directory, zip64);
        Self { head, x_start, tail, y_start, label, directory, directory_y }
    }

    pub(super) fn write(&self, index: u64, object: &mut [u8]) {
        let (front, tail) = object.split_at_mut(object.len() - self.tail.len());
        front[..self.head.len()].copy_from_slice(&self.head);
        let x_crc = crc32fast::hash(&front[self.x_start..]);
        put(front, CRC_IN_LOCAL, x_crc);

        tail.copy_from_slice(&self.tail);
        tail[self.label..self.label + 8].copy_from_slice(&index.to_le_bytes());
        let y_crc = crc32fast::hash(&tail[self.y_start..self.label + 8]);
        put(tail, CRC_IN_LOCAL, y_crc);
        put(tail, self.directory + CRC_IN_DIRECTORY, x_crc);
        put(tail, self.directory_y + CRC_IN_DIRECTORY, y_crc);
    }
}

const X_NAME: &str = "x.npy";
const Y_NAME: &str = "y.npy";
const LOCAL_HEADER_BYTES: usize = 30;

/// What both headers of a member say.
struct Entry {
    name: &'static str,
    size: u64,
    offset: u64,
    zip64: bool,
}

impl Entry {
    fn local_header(&self, out: &mut Vec<u8>, extra: &[u8]) {
        out.extend_from_slice(b"PK\x03\x04");
        self.common(out, extra.len());
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(extra);
    }

    fn directory_header(&self, out: &mut Vec<u8>) {
        let mut extra = Vec::new();
        if self.zip64 {
            zip64_field(&mut extra, &[self.size, self.size, self.offset]);
        }
        out.extend_from_slice(b"PK\x01\x02");
        // Made by UNIX (3), so that the permissions below count.
        out.extend_from_slice(&(3 << 8 | self.version()).to_le_bytes());
        self.common(out, extra.len());
        out.extend_from_slice(&[0; 6]); // no comment, disk 0, binary
        out.extend_from_slice(&(0o100_644_u32 << 16).to_le_bytes());
        out.extend_from_slice(&self.narrow(self.offset).to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&extra);
    }

    /// The fields that both headers share, from the version to the extra field's length.
    fn common(&self, out: &mut Vec<u8>, extra_bytes: usize) {
        let size = self.narrow(self.size).to_le_bytes();
        out.extend_from_slice(&self.version().to_le_bytes());
        out.extend_from_slice(&[0; 6]); // no flags, stored, midnight
        out.extend_from_slice(&DOS_DATE.to_le_bytes());
        out.extend_from_slice(&[0; 4]); // the CRC-32, once it is known
        out.extend_from_slice(&size);
        out.extend_from_slice(&size);
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(extra_bytes as u16).to_le_bytes());
    }

    fn version(&self) -> u16 {
        if self.zip64 { 45 } else { 20 }
    }

    fn narrow(&self, number: u64) -> u32 {
        if self.zip64 { IN_ZIP64 } else { number as u32 }
    }
}

fn zip64_field(out: &mut Vec<u8>, numbers: &[u64]) {
    out.extend_from_slice(&ZIP64_FIELD.to_le_bytes());
    out.extend_from_slice(&(8 * numbers.len() as u16).to_le_bytes());
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Adds the field that brings `unpadded` bytes to a multiple of `alignment`. Needs six bytes itself.
fn alignment_field(out: &mut Vec<u8>, unpadded: usize, alignment: usize) {
    if alignment == 1 {
        return;
    }
    let field = (unpadded + 6).next_multiple_of(alignment) - unpadded;
    out.extend_from_slice(&ALIGNMENT_FIELD.to_le_bytes());
    out.extend_from_slice(&(field as u16 - 4).to_le_bytes());
    out.extend_from_slice(&(alignment as u16).to_le_bytes());
    out.resize(out.len() + field - 6, 0);
}

fn end_of_directory(tail: &mut Vec<u8>, tail_offset: u64, directory: usize, zip64: bool) {
    let length = (tail.len() - directory) as u64;
    let offset = tail_offset + directory as u64;
    if zip64 {
        let end = tail_offset + tail.len() as u64;
        tail.extend_from_slice(b"PK\x06\x06");
        tail.extend_from_slice(&44_u64.to_le_bytes()); // what follows of this record
        tail.extend_from_slice(&(3_u16 << 8 | 45).to_le_bytes());
        tail.extend_from_slice(&45_u16.to_le_bytes());
        tail.extend_from_slice(&[0; 8]); // disk 0
        for number in [2, 2, length, offset] {
            tail.extend_from_slice(&number.to_le_bytes());
        }
        tail.extend_from_slice(b"PK\x06\x07");
        tail.extend_from_slice(&[0; 4]);
        tail.extend_from_slice(&end.to_le_bytes());
        tail.extend_from_slice(&1_u32.to_le_bytes());
    }
    tail.extend_from_slice(b"PK\x05\x06");
    tail.extend_from_slice(&[0; 4]);
    tail.extend_from_slice(&2_u16.to_le_bytes());
    tail.extend_from_slice(&2_u16.to_le_bytes());
    tail.extend_from_slice(&(length as u32).to_le_bytes());
    let offset = if zip64 { IN_ZIP64 } else { offset as u32 };
    tail.extend_from_slice(&offset.to_le_bytes());
    tail.extend_from_slice(&[0; 2]); // no comment
}

fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}
