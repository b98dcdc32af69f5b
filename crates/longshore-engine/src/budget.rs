//! How much a call may do at once: a number of objects and a number of bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this size, because a semaphore counts in 32 bits.
const UNIT: u64 = 4096;

/// What one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects in flight at once; at least 1.
    pub in_flight: usize,
    /// Bytes of bodies held at once. An object larger than that is handled alone.
    pub memory: u64,
}

impl Limits {
    /// The given window over a gibibyte of bodies.
    pub fn in_flight(in_flight: usize) -> Self {
        Self { in_flight, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 64, memory: 1 << 30 }
    }
}

/// Bytes that may be held at once. Who wants more waits until others have let go.
#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    total: u32,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
        Self { units: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits for `bytes`, or for the whole budget where `bytes` exceeds it. Given back when the share is dropped.
    pub async fn take(&self, bytes: u64) -> Share {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total);
        // The semaphore is never closed.
        Share { _permit: Arc::clone(&self.units).acquire_many_owned(units).await.ok() }
    }
}

/// A part of a [`Budget`], held while the bytes it stands for are.
#[derive(Debug)]
pub struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_second_share_waits_for_the_first_and_an_oversized_one_takes_all() {
        let budget = Budget::new(10 * UNIT);
        let first = budget.take(6 * UNIT).await;
        let waiting = tokio::time::timeout(Duration::from_millis(20), budget.take(5 * UNIT)).await;
        assert!(waiting.is_err(), "11 of 10 units were given out");
        drop(first);
        let all = budget.take(1000 * UNIT).await;
        assert!(tokio::time::timeout(Duration::from_millis(20), budget.take(1)).await.is_err());
        drop(all);
        drop(budget.take(10 * UNIT).await);
    }
}
