//! Names that no other call gives, in this process or another.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives unique names. Each value is seeded by the operating system.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    random: RandomState,
    count: AtomicU64,
}

impl Unique {
    /// 32 hexadecimal digits.
    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!(
            "{:016x}{:016x}",
            self.random.hash_one(("first half", count)),
            self.random.hash_one(("second half", count))
        )
    }
}
