//! The frame of a TFRecord file: `tf.train.Example` records of about a quarter of a mebibyte each.
//!
//! A record is a length, its masked CRC-32C, a message, and the message's masked CRC-32C. The message holds nested
//! lengths whose own length grows with the image, so some sizes cannot be one record; two records of about half of it
//! then reach every size, with the shortest encoding throughout.
//!
//! Format sources: `tensorflow/core/lib/io/record_writer.h` and `tensorflow/core/example/{example,feature}.proto`;
//! these three messages are fixed, so they are written by hand.

use super::content::BLOCK_BYTES;
use crate::tfrecord::{FOOTER_BYTES, HEADER_BYTES, masked_crc};

/// One record with an image of one byte.
pub(super) const MINIMUM_SIZE: u64 = 49;

/// Records of large objects have at most this many blocks of content: a quarter of a mebibyte.
const BLOCKS_LIMIT: usize = 64;

const BYTES_LIST: u8 = 1 << 3 | 2;
const INT64_LIST: u8 = 3 << 3 | 2;
/// Field 1 with a length: what every other level of these messages starts with.
const FIELD_1: u8 = 1 << 3 | 2;
/// Field 2 with a length: the value of a map entry.
const FIELD_2: u8 = 2 << 3 | 2;

/// How many blocks a record should have, and of how many the unique part of an object then consists.
///
/// Where content repeats, whole records are made to repeat, checksums and all, or else the frames would make two blocks
/// of every record unique. So the unique part becomes a multiple of the record, of the size that changes it least.
pub(super) fn record_blocks(unique: usize) -> (usize, usize) {
    let smallest = (BLOCKS_LIMIT / 2).min(unique.max(1));
    (smallest..=BLOCKS_LIMIT.min(unique.max(1)))
        .rev()
        .map(|blocks| (blocks, (unique + blocks / 2) / blocks * blocks))
        .min_by_key(|&(_, multiple)| multiple.abs_diff(unique))
        .unwrap_or((BLOCKS_LIMIT, unique))
}

/// Runs of records: how many, and the bytes of each one's image.
#[derive(Debug)]
pub(super) struct Frame {
    runs: Vec<(u64, u64)>,
}

impl Frame {
    /// The layout for `size` bytes, which is at least [`MINIMUM_SIZE`], with records of `blocks` blocks.
    pub(super) fn new(size: usize, blocks: usize) -> Self {
        let size = size as u64;
        let record = (blocks * BLOCK_BYTES) as u64;
        let mut runs = Vec::new();
        // Between one and two records remain after the whole ones, unless there are none.
        let mut whole = (size / record).saturating_sub(1);
        match image_bytes(record).filter(|_| whole > 0) {
            Some(image) => runs.push((whole, image)),
            None => whole = 0,
        }
        let rest = size - whole * record;
        match image_bytes(rest).filter(|_| rest <= record) {
            Some(image) => runs.push((1, image)),
            None => {
                let (first, second) = two_images(rest).expect("every size from the minimum is one record or two");
                runs.extend([(1, first), (1, second)]);
            }
        }
        Self { runs }
    }

    pub(super) fn write(&self, object: &mut [u8]) {
        let mut rest = object;
        for &(records, image) in &self.runs {
            let (before, after) = message_around(image);
            let length = before.len() as u64 + image + after.len() as u64;
            let mut header = length.to_le_bytes().to_vec();
            header.extend_from_slice(&masked_crc(&header).to_le_bytes());
            for _ in 0..records {
                // A record's bytes were counted in a `usize`.
                let record = rest
                    .split_off_mut(..HEADER_BYTES + length as usize + FOOTER_BYTES)
                    .expect("the runs add up to the size");
                let (front, footer) = record.split_at_mut(HEADER_BYTES + length as usize);
                front[..HEADER_BYTES].copy_from_slice(&header);
                let message = &mut front[HEADER_BYTES..];
                message[..before.len()].copy_from_slice(&before);
                let end = message.len() - after.len();
                message[end..].copy_from_slice(&after);
                footer.copy_from_slice(&masked_crc(message).to_le_bytes());
            }
        }
        debug_assert!(rest.is_empty(), "the runs add up to the size");
    }
}

/// Two images whose records take `total` bytes together, as equal as they can be.
fn two_images(total: u64) -> Option<(u64, u64)> {
    let half = total / 2;
    (0..half).find_map(|step| {
        let first = image_bytes(half - step)?;
        let second = image_bytes(total - half + step)?;
        Some((first, second))
    })
}

/// The image that makes a record of exactly `record` bytes, where there is one.
fn image_bytes(record: u64) -> Option<u64> {
    // A record grows with its image, by at least a byte per byte.
    let (mut low, mut high) = (1, record);
    while low < high {
        let middle = low + (high - low) / 2;
        if record_bytes(middle) < record {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (record_bytes(low) == record).then_some(low)
}

fn record_bytes(image: u64) -> u64 {
    let (before, after) = message_around(image);
    (HEADER_BYTES + before.len() + after.len() + FOOTER_BYTES) as u64 + image
}

/// The bytes of a `tf.train.Example` in front of and behind an image of `image` bytes.
///
/// ```text
/// Example { features { feature { key: "image" value { bytes_list { value: … } } }
///                      feature { key: "size"  value { int64_list { value: … } } } } }
/// ```
fn message_around(image: u64) -> (Vec<u8>, Vec<u8>) {
    let size_list = nested(FIELD_1, &varint(image));
    let size_value = nested(FIELD_2, &nested(INT64_LIST, &size_list));
    let size_key = nested(FIELD_1, b"size");
    let after = nested(FIELD_1, &[size_key, size_value].concat());

    // From the inside out, with the image itself only counted.
    let mut before = opened(FIELD_1, image, Vec::new());
    for tag in [BYTES_LIST, FIELD_2] {
        before = opened(tag, before.len() as u64 + image, before);
    }
    before = [nested(FIELD_1, b"image"), before].concat();
    before = opened(FIELD_1, before.len() as u64 + image, before);
    let features = before.len() as u64 + image + after.len() as u64;
    (opened(FIELD_1, features, before), after)
}

/// A field of `length` bytes, of which `inner` are the first.
fn opened(tag: u8, length: u64, inner: Vec<u8>) -> Vec<u8> {
    [vec![tag], varint(length), inner].concat()
}

fn nested(tag: u8, inner: &[u8]) -> Vec<u8> {
    opened(tag, inner.len() as u64, inner.to_vec())
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(10);
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_any_number_of_blocks_can_be_made() {
        for blocks in 1..=BLOCKS_LIMIT {
            let record = (blocks * BLOCK_BYTES) as u64;
            let image = image_bytes(record).unwrap();
            assert_eq!(record_bytes(image), record, "{blocks}");
        }
    }

    #[test]
    fn the_unique_part_becomes_a_multiple_of_the_record_and_hardly_changes() {
        for unique in 1..5000 {
            let (blocks, multiple) = record_blocks(unique);
            assert_eq!(multiple % blocks, 0, "{unique}");
            assert!((1..=BLOCKS_LIMIT).contains(&blocks), "{unique}: {blocks}");
            let change = multiple.abs_diff(unique);
            assert!(50 * change <= unique, "{unique}: {multiple}");
        }
    }

    #[test]
    fn varints_are_those_of_protocol_buffers() {
        assert_eq!(varint(0), [0]);
        assert_eq!(varint(127), [127]);
        assert_eq!(varint(128), [0x80, 1]);
        assert_eq!(varint(300), [0xac, 2]);
        assert_eq!(varint(u64::MAX).len(), 10);
    }
}
