//! The Python objects of an operation, and what becomes of them when it ends before its memory is free.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

/// The Python objects of one operation, held by the side that is attached to the interpreter.
#[derive(Default)]
pub struct Shelf {
    /// What the operation fills or returns, by an index that the operation chose.
    pub objects: Vec<(usize, Py<PyAny>)>,
    /// Exports of memory that the operation reads or writes: what must be let go of, attached, when it does so no more.
    pub exports: Vec<Box<dyn Send>>,
    /// The caller's progress callback.
    pub progress: Option<Py<PyAny>>,
}

/// Shelves whose memory may still be touched, though nobody waits for their operations. Never emptied at exit: then the
/// runtime's threads may outlive the interpreter.
static LAID_ASIDE: Mutex<Vec<Held>> = Mutex::new(Vec::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A shelf that is let go only after the last clone of its operation's mailbox.
pub(crate) struct Held {
    shelf: ManuallyDrop<Shelf>,
    released: Arc<AtomicBool>,
}

impl Held {
    pub(crate) fn new(shelf: Shelf, released: Arc<AtomicBool>) -> Self {
        Self { shelf: ManuallyDrop::new(shelf), released }
    }

    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }
}

impl Deref for Held {
    type Target = Shelf;

    fn deref(&self) -> &Shelf {
        &self.shelf
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Shelf {
        &mut self.shelf
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let shelf = std::mem::take(&mut *self.shelf);
        if self.is_released() {
            drop(shelf);
            return;
        }
        // Python objects without memory need not wait.
        let aside = Shelf { progress: None, ..shelf };
        if aside.objects.is_empty() && aside.exports.is_empty() {
            return;
        }
        let aside = Self::new(aside, Arc::clone(&self.released));
        LAID_ASIDE.lock().unwrap_or_else(PoisonError::into_inner).push(aside);
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets go of shelves laid aside whose memory has become free. Called now and then, attached.
pub(crate) fn sweep(_attached: Python<'_>) {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return;
    }
    let free: Vec<Held> = {
        let mut aside = LAID_ASIDE.lock().unwrap_or_else(PoisonError::into_inner);
        aside.extract_if(.., |held| held.is_released()).collect()
    };
    COUNT.fetch_sub(free.len(), Ordering::Relaxed);
    // Dropped outside the lock: letting go of an object can run Python code.
    drop(free);
}
