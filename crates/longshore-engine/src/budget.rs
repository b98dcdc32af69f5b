//! How much a call may do at once: a number of objects and a number of bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_runtime::configuration::Configuration;
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
    /// The given window over as many bytes of bodies as this process allows a call: a gibibyte, unless it is configured.
    pub fn in_flight(in_flight: usize) -> Self {
        Self { in_flight, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 64, memory: Configuration::current().memory.unwrap_or(1 << 30) }
    }
}

/// Bytes that may be held at once. Who wants more waits until others have let go.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
    total: u32,
    /// The size of the object seen last: the best guess for the next one.
    usual: Arc<AtomicU64>,
}

impl Budget {
    /// A budget of `bytes`.
    pub(crate) fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
        Self { units: Arc::new(Semaphore::new(total as usize)), total, usual: Arc::default() }
    }

    /// Waits for `bytes`, or for the whole budget where `bytes` exceeds it. Given back when the share is dropped.
    pub(crate) async fn take(&self, bytes: u64) -> Share {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total);
        // The semaphore is never closed.
        Share { permit: Arc::clone(&self.units).acquire_many_owned(units).await.ok(), units }
    }

    /// What an object of unknown size will probably need.
    pub(crate) fn usual(&self) -> u64 {
        self.usual.load(Ordering::Relaxed)
    }

    /// Notes an object's size.
    pub(crate) fn note(&self, bytes: u64) {
        self.usual.store(bytes, Ordering::Relaxed);
    }

    /// Makes `share` one of `bytes`. Who needs more lets go first and queues again: two that wait for each other's rest
    /// would wait for ever.
    pub(crate) async fn adjust(&self, mut share: Share, bytes: u64) -> Share {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total);
        if units > share.units {
            drop(share);
            return self.take(bytes).await;
        }
        if let Some(permit) = &mut share.permit {
            drop(permit.split((share.units - units) as usize));
            share.units = units;
        }
        share
    }
}

/// A part of a [`Budget`], held while the bytes it stands for are.
#[derive(Debug)]
pub(crate) struct Share {
    permit: Option<OwnedSemaphorePermit>,
    units: u32,
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

    #[tokio::test]
    async fn two_shares_that_both_want_everything_get_it_in_turn() {
        let budget = Budget::new(10 * UNIT);
        let (one, two) = (budget.take(5 * UNIT).await, budget.take(5 * UNIT).await);
        let grow = |share| {
            let budget = budget.clone();
            tokio::spawn(async move { budget.adjust(share, 10 * UNIT).await.units })
        };
        let (one, two) = (grow(one), grow(two));
        let both = async { (one.await.unwrap(), two.await.unwrap()) };
        assert_eq!(tokio::time::timeout(Duration::from_secs(5), both).await.unwrap(), (10, 10));
    }

    #[tokio::test]
    async fn a_share_gives_back_what_it_does_not_need() {
        let budget = Budget::new(10 * UNIT);
        let share = budget.adjust(budget.take(10 * UNIT).await, 4 * UNIT).await;
        drop(tokio::time::timeout(Duration::from_secs(5), budget.take(6 * UNIT)).await.unwrap());
        drop(share);
    }
}
