//! Knows what is still being put away after a transfer was given up.

use std::sync::Arc;

use tokio::sync::watch;

/// Work that goes on after its transfer was dropped, because leaving it undone would leave something behind: a file that is being
/// made at that moment, an upload that has to be called off. Clones know of the same work.
///
/// A program that ends on a signal drops its transfers, and then waits for this, as long as it has patience.
#[derive(Clone, Debug)]
pub struct Cleanup(Arc<watch::Sender<()>>);

/// Held by a piece of work until it is done.
pub(crate) type Guard = watch::Receiver<()>;

impl Default for Cleanup {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }
}

impl Cleanup {
    /// Waits until nothing is left to put away. Transfers that are under way count, too, so drop them first.
    pub async fn wait(&self) {
        self.0.closed().await;
    }

    pub(crate) fn guard(&self) -> Guard {
        self.0.subscribe()
    }
}
