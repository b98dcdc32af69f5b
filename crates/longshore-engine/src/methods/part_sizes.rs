//! How large the parts of an upload are.

use crate::s3::{MOST_PARTS, SMALLEST_PART};

/// Parts of the same size in a row, where nobody knows how many there will be.
const STEP: u64 = 900;

/// The sizes of an upload's parts: never more than 10,000 of them, whatever the object's size.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartSizes {
    least: u64,
    known: Option<u64>,
}

impl PartSizes {
    /// Parts of `wanted` bytes, or of more where that would be too many or too small. `known` is the size of the whole, where
    /// somebody knows it; then all parts but the last are of one size.
    pub(super) fn new(wanted: u64, small_parts: bool, known: Option<u64>) -> Self {
        let least = if small_parts { wanted.max(1) } else { wanted.max(SMALLEST_PART) };
        Self { least, known }
    }

    /// The size of part number `index`, counted from 0. Where the whole is not known it doubles every 900 parts, so that 10,000
    /// of the smallest parts hold more than S3's largest object.
    pub(super) fn of(&self, index: u64) -> u64 {
        match self.known {
            Some(size) => self.least.max(size.div_ceil(MOST_PARTS)),
            None => self.least << (index / STEP).min(11),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_hold_the_largest_object_whatever_was_asked_for() {
        let largest = 5_u64 << 40;
        let unknown = PartSizes::new(1, false, None);
        let held: u64 = (0..MOST_PARTS).map(|index| unknown.of(index)).sum();
        assert!(held >= largest, "{held}");
        for wanted in [1, 5 << 20, 16 << 20, 1 << 30] {
            let known = PartSizes::new(wanted, false, Some(largest));
            assert!(largest.div_ceil(known.of(0)) <= MOST_PARTS, "{wanted}");
            assert_eq!(known.of(0), known.of(9_999));
        }
        assert_eq!(PartSizes::new(8 << 20, false, None).of(0), 8 << 20);
        // A checkpoint of 78 GiB is where parts of 8 MiB came to an end elsewhere.
        assert_eq!(PartSizes::new(8 << 20, false, Some(78 << 30)).of(0), 8 << 20);
        assert!(PartSizes::new(8 << 20, false, Some(79 << 30)).of(0) > 8 << 20);
    }

    #[test]
    fn only_who_says_so_gets_parts_that_s3_would_refuse() {
        assert_eq!((PartSizes::new(10, true, None).of(0), PartSizes::new(10, false, None).of(0)), (10, 5 << 20));
    }
}
