//! How objects are transferred, and what transfers share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::cleanup::Cleanup;
use crate::budget::{Budget, Limits};
use crate::error::{Context, Error};
use crate::progress::Progress;

/// How objects are transferred.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// Whether a transfer that fails leaves what it has done, and begins where an earlier one has left off. For downloads that is a
    /// hidden file beside the target, for uploads to S3 the parts that the server has. Elsewhere it changes nothing.
    pub resume: bool,
    /// Large objects travel in parts of this size, or of a larger one where that would make too many for the store.
    pub part_bytes: u64,
    /// Parts of one object at once.
    pub parts_in_flight: usize,
    /// Whether it is told which version was copied, even where a server copies. That takes one more request for each object, before
    /// its copy, which is then one of that version or fails.
    pub names_version: bool,
    /// Where work is noted that outlives a transfer which was dropped.
    pub cleanup: Cleanup,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            resume: false,
            part_bytes: 16 << 20,
            parts_in_flight: 4,
            names_version: false,
            cleanup: Cleanup::default(),
        }
    }
}

impl TransferOptions {
    /// Downloads of more than this are made in ranges. As much is asked for at first, when the size is not known.
    pub(super) fn whole_download(&self) -> u64 {
        self.part_bytes.max(1).saturating_mul(2)
    }
}

/// What a transfer has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The size of the object; `None` where a server copied it and did not say.
    pub size: Option<u64>,
    /// Bytes that passed through this process. None where a server copied, and fewer than `size` where a transfer was continued.
    pub moved: u64,
    /// The ETag of what was copied; `None` for files, and where a server copied and was not asked.
    pub e_tag: Option<String>,
}

/// What the transfers of one call share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) budget: Budget,
    /// Requests beyond the first of each object.
    pub(super) lanes: Arc<Semaphore>,
    /// What they put away.
    pub(super) cleanup: Cleanup,
}

impl Shared {
    pub(super) fn new(limits: Limits, options: &TransferOptions) -> Self {
        let lanes = limits.in_flight.max(options.parts_in_flight).clamp(1, Semaphore::MAX_PERMITS);
        let cleanup = options.cleanup.within();
        Self { budget: Budget::new(limits.memory), lanes: Arc::new(Semaphore::new(lanes)), cleanup }
    }
}

/// One transfer of a call.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a TransferOptions,
    pub(super) shared: &'a Shared,
    pub(super) progress: &'a Progress,
}

impl Job<'_> {
    /// Ends a call that was about one transfer.
    pub(super) async fn finish(self, outcome: Result<Outcome, Error>) -> Result<Outcome, Error> {
        if outcome.is_ok() {
            self.progress.add(1, 0);
            self.progress.finish();
        } else {
            self.shared.cleanup.settle().await;
        }
        outcome
    }
}
