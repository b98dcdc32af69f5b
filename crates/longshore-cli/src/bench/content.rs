//! What objects hold: incompressible bytes that anybody can make again from the seed.
//!
//! All bodies are slices of one buffer that is made before anything is measured; making them costs nothing while the clock
//! runs. Each object begins somewhere else in it. So a store that compresses finds nothing, nor one that looks for equal blocks
//! of a fixed size; one that looks for equal contents at any offset does.

use bytes::Bytes;

use super::chance::{self, Chance};

/// Objects begin within so many bytes of the buffer. A constant, because the place must not depend on a run's sizes.
const SPREAD: u64 = 4 << 20;
/// Keeps the draws for contents apart from others of the same seed.
const CONTENT: u64 = 2;

/// The buffer that bodies are slices of.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    seed: u64,
    bytes: Bytes,
}

impl Content {
    /// For objects of up to `largest` bytes. Takes as much memory, and 4 MiB. `None` where there is not so much.
    pub(crate) fn new(seed: u64, largest: u64) -> Option<Self> {
        let words = usize::try_from((SPREAD.checked_add(largest)?).div_ceil(8)).ok()?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(words.checked_mul(8)?).ok()?;
        for index in 0..words as u64 {
            bytes.extend_from_slice(&chance::word(seed, index).to_le_bytes());
        }
        Some(Self { seed, bytes: bytes.into() })
    }

    /// The body of object number `index`.
    pub(crate) fn body(&self, index: u64, size: u64) -> Bytes {
        let start = self.start(index);
        self.bytes.slice(start..start + size as usize)
    }

    /// What stands at `offset` of object number `index`, and `length` bytes on; less where the buffer ends.
    pub(crate) fn expected(&self, index: u64, offset: u64, length: usize) -> &[u8] {
        let start = (self.start(index) as u64).saturating_add(offset).min(self.bytes.len() as u64) as usize;
        &self.bytes[start..self.bytes.len().min(start.saturating_add(length))]
    }

    fn start(&self, index: u64) -> usize {
        Chance::new(self.seed, [CONTENT, index]).below(SPREAD) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_same_whatever_the_buffer_and_any_part_of_it_can_be_made_again() {
        let (small, large) = (Content::new(1, 1000).unwrap(), Content::new(1, 100_000).unwrap());
        assert_eq!(small.body(5, 1000), large.body(5, 100_000).slice(..1000));
        assert_eq!(large.expected(5, 77_000, 500), &large.body(5, 100_000)[77_000..77_500]);
        assert_ne!(small.body(5, 1000), small.body(6, 1000));
        assert_ne!(small.body(5, 1000), Content::new(2, 1000).unwrap().body(5, 1000));
        assert!(small.expected(5, u64::MAX, 10).is_empty());
    }

    #[test]
    fn bytes_are_spread_evenly() {
        let body = Content::new(9, 1 << 20).unwrap().body(0, 1 << 20);
        let mut counts = [0u32; 256];
        body.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| (3700..4500).contains(count)), "{counts:?}");
    }
}
