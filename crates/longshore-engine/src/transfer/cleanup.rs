//! Knows what is still being put away after a transfer was given up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long a call that has failed waits for what it puts away. A piece of a file is written in less; a server that does not
/// answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Work that goes on after its transfer was dropped, because leaving it undone would leave something behind: a file that is being
/// made at that moment, an upload that has to be called off. Clones know of the same work.
///
/// A program that ends on a signal drops its transfers, and then waits for this, as long as it has patience. A call that ends by
/// itself has waited for its own.
#[derive(Clone, Debug, Default)]
pub struct Cleanup {
    work: Arc<Work>,
    /// Knows of this work, and of other work too.
    outer: Option<Arc<Cleanup>>,
}

#[derive(Debug)]
struct Work(watch::Sender<()>);

impl Default for Work {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

/// Held by a piece of work until it is done.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    _work: watch::Receiver<()>,
    _outer: Option<Box<Guard>>,
}

impl Cleanup {
    /// Waits until nothing is left to put away. Transfers that are under way count, too, so drop them first.
    pub async fn wait(&self) {
        self.work.0.closed().await;
    }

    /// For what one call puts away, which counts here, too.
    pub fn within(&self) -> Self {
        Self { work: Arc::default(), outer: Some(Arc::new(self.clone())) }
    }

    /// As [`wait`](Self::wait), but for some seconds at most.
    pub async fn settle(&self) {
        // What takes longer goes on all the same, and whoever ends the program may wait for it.
        let _ = tokio::time::timeout(PATIENCE, self.wait()).await;
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard { _work: self.work.0.subscribe(), _outer: self.outer.as_ref().map(|outer| Box::new(outer.guard())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn the_work_of_one_call_counts_for_all_and_not_the_other_way_round() {
        let all = Cleanup::default();
        let (one, other) = (all.within(), all.within());
        let guard = one.guard();
        assert!(one.wait().now_or_never().is_none() && all.wait().now_or_never().is_none());
        assert!(other.wait().now_or_never().is_some());
        drop(guard);
        assert!(one.wait().now_or_never().is_some() && all.wait().now_or_never().is_some());
    }
}
