//! Pseudo-random content with a stated share of repeats and of zeros.
//!
//! Content is made in blocks of 4096 bytes, the unit in which storage finds duplicates. The first blocks of an object
//! are unique, and the rest repeat them in turn: with `u` unique blocks, block `b` equals block `b - u`. That keeps
//! repeats as far apart as they can be, and holds for blocks counted from any offset, so a format's frame in front of
//! the payload does not disturb the ratio. A compressible block is random in its middle and zero around it: a frame
//! covers the edges of blocks, so what tells blocks apart stays.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::DataOptions;
use crate::ObjectType;

/// The unit of repeats and of compressibility.
pub(super) const BLOCK_BYTES: usize = 4096;

/// What the runs of zeros cost in a deflated block, in bytes: the matches, and the turns to literals and back.
const ZERO_RUN_COST: f64 = 10.0;

/// However compressible, a block keeps enough that no two of them are equal by chance.
const RANDOM_BYTES_MINIMUM: f64 = 16.0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    seed: [u64; 3],
    /// Random bytes in the middle of each block, of [`BLOCK_BYTES`].
    random_bytes: usize,
    /// Bytes at the front of the object that repeat nothing; a whole number of blocks, or the object.
    unique_bytes: usize,
}

impl Content {
    /// The content of an object of `size` bytes, of which the first `unique_blocks` repeat nothing.
    pub(super) fn new(object_type: ObjectType, size: usize, unique_blocks: usize, options: DataOptions) -> Self {
        Self {
            seed: [options.seed, object_type as u64, size as u64],
            random_bytes: random_bytes(options.compress),
            unique_bytes: unique_blocks.saturating_mul(BLOCK_BYTES).min(size),
        }
    }

    /// Overwrites all of `object`.
    pub(super) fn fill(&self, index: u64, object: &mut [u8]) {
        let mut random = self.random(index);
        let (unique, _) = object.split_at_mut(self.unique_bytes);
        for block in unique.chunks_mut(BLOCK_BYTES) {
            let length = self.random_bytes * block.len() / BLOCK_BYTES;
            let start = (block.len() - length) / 2;
            block[..start].fill(0);
            random.fill_bytes(&mut block[start..start + length]);
            block[start + length..].fill(0);
        }
        // What is there already is copied to the end of it, so each round doubles it.
        let mut filled = self.unique_bytes;
        while filled < object.len() {
            let length = filled.min(object.len() - filled);
            object.copy_within(..length, filled);
            filled += length;
        }
    }

    /// A stream that no other object shares: each word of the state is a bijection of one of the things that tell
    /// objects apart.
    fn random(&self, index: u64) -> Xoshiro256PlusPlus {
        let words = [self.seed[0], self.seed[1], self.seed[2], index];
        let mut state = [0; 32];
        let mut chain = 0;
        for (bytes, word) in state.chunks_exact_mut(8).zip(words) {
            chain = mix(word ^ chain);
            bytes.copy_from_slice(&chain.to_le_bytes());
        }
        Xoshiro256PlusPlus::from_seed(state)
    }
}

/// How many blocks of an object repeat nothing, for the average one to occur `ratio` times.
pub(super) fn unique_blocks(size: usize, ratio: f64) -> usize {
    let blocks = size.div_ceil(BLOCK_BYTES);
    // `as` saturates, and the quotient is at most the number divided.
    (blocks as f64 / ratio).round().max(1.0) as usize
}

/// How much of a block is random, for it to compress `ratio` times.
fn random_bytes(ratio: f64) -> usize {
    if ratio <= 1.0 {
        return BLOCK_BYTES;
    }
    let block = BLOCK_BYTES as f64;
    (block / ratio - ZERO_RUN_COST).max(RANDOM_BYTES_MINIMUM).round() as usize
}

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014), a bijection.
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
