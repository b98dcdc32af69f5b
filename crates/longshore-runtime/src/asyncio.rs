//! Completes `asyncio` futures in batches.
//!
//! Each event loop has one [`Bridge`]: a queue of letters and one file descriptor that the loop watches. A runtime thread
//! pushes its letter and, only if nobody did since the loop last looked, writes eight bytes to the descriptor. The loop
//! wakes once, and [`Bridge::drain`] completes every future that became ready by then. So the cost of waking is shared
//! by a batch, and no runtime thread touches the interpreter.
//!
//! Python makes the future (a subclass whose `cancel` calls [`Bridge::abort`]); the bridge keeps it in a slot until the
//! operation's last letter. A slot's key carries a counter, so a late `abort` cannot reach a later operation.

use std::collections::VecDeque;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::fork;
use crate::operation::{Address, Errand, Finish, Letter, Mailbox, launch, lost};
use crate::shelf::{Held, Shelf, sweep};
use waker::Waker;

/// One drain handles at most this much, so that a flood of results cannot starve the loop's other callbacks.
const DRAIN_LETTERS: usize = 256;
const DRAIN_TIME: Duration = Duration::from_millis(2);

struct Queue {
    /// `None` once the bridge is gone.
    letters: Mutex<Option<VecDeque<(u64, Letter)>>>,
    /// True from the write to the waker until the loop has read it.
    signalled: AtomicBool,
    waker: Waker,
}

impl Queue {
    fn letters(&self) -> MutexGuard<'_, Option<VecDeque<(u64, Letter)>>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self) {
        if !self.signalled.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }
}

struct LoopAddress {
    queue: Arc<Queue>,
    slot: u64,
}

impl Address for LoopAddress {
    fn post(&self, letter: Letter) {
        let unread = match &mut *self.queue.letters() {
            Some(letters) => {
                letters.push_back((self.slot, letter));
                None
            }
            // Dropped outside the lock: a letter can hold a mailbox.
            None => Some(letter),
        };
        drop(unread);
        self.queue.signal();
    }
}

/// One pending operation.
struct Slot {
    future: Py<PyAny>,
    /// Absent while an errand uses it.
    shelf: Option<Held>,
    /// Absent only while the operation is being started.
    abort: Option<AbortHandle>,
    failure: Option<PyErr>,
    /// Letters that came while an errand was running: Python code in it may have run the loop again.
    deferred: VecDeque<Letter>,
}

/// Slots by index, with a counter for each index that makes keys unique.
#[derive(Default)]
struct Slots {
    entries: Vec<(u32, Option<Slot>)>,
    free: Vec<u32>,
}

impl Slots {
    fn insert(&mut self, slot: Slot) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            self.entries.len() as u32 - 1
        });
        let (counter, entry) = &mut self.entries[index as usize];
        *entry = Some(slot);
        u64::from(*counter) << 32 | u64::from(index)
    }

    fn get(&mut self, key: u64) -> Option<&mut Slot> {
        match self.entries.get_mut(key as u32 as usize) {
            Some((counter, entry)) if *counter == (key >> 32) as u32 => entry.as_mut(),
            _ => None,
        }
    }

    fn remove(&mut self, key: u64) -> Option<Slot> {
        self.get(key)?;
        let (counter, entry) = &mut self.entries[key as u32 as usize];
        *counter = counter.wrapping_add(1);
        self.free.push(key as u32);
        entry.take()
    }

    fn pending(&self) -> impl Iterator<Item = &Slot> {
        self.entries.iter().filter_map(|(_, slot)| slot.as_ref())
    }
}

/// Connects one event loop with the runtime. The loop owns it, through the callback that watches its descriptor.
#[pyclass(frozen, weakref, module = "longshore._native")]
pub struct Bridge {
    queue: Arc<Queue>,
    slots: Mutex<Slots>,
    generation: u64,
}

impl Bridge {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the future that `start` makes; `future`, a pending `asyncio.Future` of this loop, gets what `convert` makes
    /// of its output. Returns the key that `abort` takes.
    ///
    /// # Errors
    ///
    /// The runtime cannot be started. Every later failure reaches `future`.
    pub fn launch<F>(
        &self,
        future: Bound<'_, PyAny>,
        shelf: Shelf,
        start: impl FnOnce(&Mailbox) -> F,
        convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<u64>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        sweep(future.py());
        let future = future.unbind();
        let deferred = VecDeque::new();
        let slot = self.slots().insert(Slot { future, shelf: None, abort: None, failure: None, deferred });
        let address: Arc<dyn Address> = Arc::new(LoopAddress { queue: Arc::clone(&self.queue), slot });
        let (mailbox, released) = Mailbox::new(Arc::clone(&address));
        let shelf = Held::new(shelf, released);
        let work = start(&mailbox);
        drop(mailbox);
        let started = launch(address, work, convert);
        // The slot is still there: only `drain` removes it, and `drain` runs on this thread.
        let refused = match started {
            Ok(abort) => {
                if let Some(entry) = self.slots().get(slot) {
                    (entry.abort, entry.shelf) = (Some(abort), Some(shelf));
                }
                return Ok(slot);
            }
            Err(error) => error,
        };
        let removed = self.slots().remove(slot);
        drop(removed);
        Err(refused)
    }

    fn deliver(&self, py: Python<'_>, key: u64, letter: Letter) {
        let mut next = Some(letter);
        while let Some(letter) = next.take() {
            match self.slots().get(key) {
                None => return,
                // An errand of this operation is running further up the stack, and has run the loop again.
                Some(slot) if slot.shelf.is_none() => return slot.deferred.push_back(letter),
                Some(_) => {}
            }
            match letter {
                Letter::Errand(errand) => {
                    self.run(py, key, errand);
                    next = self.slots().get(key).and_then(|slot| slot.deferred.pop_front());
                }
                Letter::Done(finish) => self.finish(py, key, finish),
            }
        }
    }

    fn run(&self, py: Python<'_>, key: u64, errand: Errand) {
        let taken = match self.slots().get(key) {
            Some(slot) if slot.failure.is_none() => {
                // Taken out of the slot while Python code runs, because that code may call back into this bridge.
                slot.shelf.take().map(|shelf| (shelf, slot.future.clone_ref(py)))
            }
            _ => None,
        };
        let Some((mut shelf, future)) = taken else { return };
        // For a cancelled future there is nothing more to do, and nobody to tell.
        let outcome = if is_done(future.bind(py)) { Ok(()) } else { errand(py, &mut shelf) };
        if let Some(slot) = self.slots().get(key) {
            slot.shelf = Some(shelf);
            if let Err(error) = outcome {
                slot.failure = Some(error);
                slot.abort.iter().for_each(AbortHandle::abort);
            }
        }
    }

    fn finish(&self, py: Python<'_>, key: u64, finish: Option<Finish>) {
        let Some(mut slot) = self.slots().remove(key) else { return };
        let future = slot.future.bind(py);
        if is_done(future) {
            return;
        }
        let result = match (slot.failure.take(), finish, &mut slot.shelf) {
            (Some(error), _, _) => Err(error),
            (None, Some(finish), Some(shelf)) => finish(py, shelf),
            (None, _, _) => Err(lost()),
        };
        complete(future, result);
    }
}

/// A cancelled future needs no result. The check also keeps `set_result` from raising.
fn is_done(future: &Bound<'_, PyAny>) -> bool {
    let done = future.call_method0(intern!(future.py(), "done"));
    done.and_then(|done| done.is_truthy()).unwrap_or(true)
}

/// Gives a pending future its result. A future is never left pending.
fn complete(future: &Bound<'_, PyAny>, result: PyResult<Py<PyAny>>) {
    let py = future.py();
    let set_exception = intern!(py, "set_exception");
    let outcome = match result {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,)),
        Err(error) => {
            let value = error.clone_ref(py).into_value(py);
            future.call_method1(set_exception, (value,)).or_else(|_| {
                // `asyncio` refuses `StopIteration`, which a progress callback may raise.
                let wrapped = PyRuntimeError::new_err(format!("a callback raised {error}"));
                wrapped.set_cause(py, Some(error));
                future.call_method1(set_exception, (wrapped.into_value(py),))
            })
        }
    };
    if let Err(error) = outcome {
        // Setting a result schedules callbacks, which a closed loop refuses. Nobody is left to be told.
        error.write_unraisable(py, Some(future));
    }
}

#[pymethods]
impl Bridge {
    #[new]
    fn new() -> PyResult<Self> {
        let letters = Mutex::new(Some(VecDeque::new()));
        let queue = Queue { letters, signalled: AtomicBool::new(false), waker: Waker::new()? };
        Ok(Self { queue: Arc::new(queue), slots: Mutex::default(), generation: fork::generation() })
    }

    /// The descriptor that becomes readable when there is something to drain.
    fn fileno(&self) -> i32 {
        self.queue.waker.reader().as_raw_fd()
    }

    /// Whether this process made the bridge; one inherited through a fork shares its descriptor with the parent.
    fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Runs waiting errands and completes finished futures. Called by the event loop.
    fn drain(&self, py: Python<'_>) {
        if !self.is_ours() {
            return;
        }
        self.queue.waker.clear();
        self.queue.signalled.store(false, Ordering::Release);
        let started = Instant::now();
        for handled in 0.. {
            if handled == DRAIN_LETTERS || (handled % 16 == 15 && started.elapsed() > DRAIN_TIME) {
                self.queue.signal();
                break;
            }
            let letter = self.queue.letters().as_mut().and_then(VecDeque::pop_front);
            match letter {
                Some((key, letter)) => self.deliver(py, key, letter),
                None => break,
            }
        }
        sweep(py);
    }

    /// Cancels the operation behind `slot`; one that has ended is left alone.
    fn abort(&self, slot: u64) {
        if !self.is_ours() {
            return;
        }
        if let Some(slot) = self.slots().get(slot) {
            slot.abort.iter().for_each(AbortHandle::abort);
        }
    }

    /// How many operations are pending.
    fn pending(&self) -> usize {
        self.slots().pending().count()
    }

    // A pending future refers to its loop, and the loop to this bridge. Where a loop is dropped unclosed, the collector
    // has to see that circle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(slots) = self.slots.try_lock() {
            for slot in slots.pending() {
                visit.call(&slot.future)?;
                if let Some(progress) = slot.shelf.as_ref().and_then(|shelf| shelf.progress.as_ref()) {
                    visit.call(progress)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let slots = std::mem::take(&mut *self.slots());
        if self.is_ours() {
            slots.pending().flat_map(|slot| &slot.abort).for_each(AbortHandle::abort);
        }
        let unread = self.queue.letters().take();
        // Both outside their locks: letters hold mailboxes, and slots hold Python objects. Shelves that are still in use
        // are laid aside.
        drop(unread);
        drop(slots);
    }
}

/// One descriptor to write to from any thread and to watch in the event loop.
mod waker {
    use std::fs::File;
    use std::io::{self, Read, Write};

    /// An eventfd: a counter in the kernel, readable while it is not zero.
    #[cfg(target_os = "linux")]
    pub(super) struct Waker(File);

    #[cfg(target_os = "linux")]
    impl Waker {
        #[expect(unsafe_code)]
        pub(super) fn new() -> io::Result<Self> {
            use std::os::fd::{FromRawFd, OwnedFd};
            // SAFETY: `eventfd` takes no pointer.
            let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the kernel just gave us this descriptor, and nobody else knows it.
            Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) })))
        }

        pub(super) fn reader(&self) -> &File {
            &self.0
        }

        pub(super) fn wake(&self) {
            // Fails only when the counter is full, and then it is readable already.
            let _ = (&self.0).write(&1u64.to_ne_bytes());
        }

        pub(super) fn clear(&self) {
            // Fails only when the counter is zero already.
            let _ = (&self.0).read(&mut [0; 8]);
        }
    }

    /// A pipe, where there is no eventfd.
    #[cfg(not(target_os = "linux"))]
    pub(super) struct Waker {
        reader: std::os::unix::net::UnixStream,
        writer: std::os::unix::net::UnixStream,
    }

    #[cfg(not(target_os = "linux"))]
    impl Waker {
        pub(super) fn new() -> io::Result<Self> {
            let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self { reader, writer })
        }

        pub(super) fn reader(&self) -> &std::os::unix::net::UnixStream {
            &self.reader
        }

        pub(super) fn wake(&self) {
            let _ = (&self.writer).write(&[1]);
        }

        pub(super) fn clear(&self) {
            while matches!((&self.reader).read(&mut [0; 64]), Ok(64)) {}
        }
    }
}
