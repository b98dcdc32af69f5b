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

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::fork;
use crate::operation::{Address, Letter, Mailbox, Shelf, launch, lost};
use waker::Waker;

/// One drain handles at most this much, so that a flood of results cannot starve the loop's other callbacks.
const DRAIN_LETTERS: usize = 256;
const DRAIN_TIME: Duration = Duration::from_millis(2);

struct Queue {
    letters: Mutex<VecDeque<(u64, Letter)>>,
    /// True from the write to the waker until the loop has read it.
    signalled: AtomicBool,
    waker: Waker,
}

impl Queue {
    fn letters(&self) -> MutexGuard<'_, VecDeque<(u64, Letter)>> {
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
        self.queue.letters().push_back((self.slot, letter));
        self.queue.signal();
    }
}

/// One pending operation. `abort` is absent only while it is being started.
struct Slot {
    future: Py<PyAny>,
    shelf: Shelf,
    abort: Option<AbortHandle>,
    failure: Option<PyErr>,
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
}

/// Connects one event loop with the runtime.
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
    /// of its output. Returns the key that [`abort`](Self::abort) takes.
    ///
    /// # Errors
    ///
    /// The runtime cannot be started. Every later failure reaches `future`.
    pub fn launch<F>(
        &self,
        future: Py<PyAny>,
        shelf: Shelf,
        start: impl FnOnce(&Mailbox) -> F,
        convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<u64>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let slot = self.slots().insert(Slot { future, shelf, abort: None, failure: None });
        let mailbox = Mailbox::new(LoopAddress { queue: Arc::clone(&self.queue), slot });
        let work = start(&mailbox);
        match launch(mailbox, work, convert) {
            Ok(abort) => {
                // The slot is still there: only `drain` removes it, and `drain` runs on this thread.
                if let Some(entry) = self.slots().get(slot) {
                    entry.abort = Some(abort);
                }
                Ok(slot)
            }
            Err(error) => {
                let removed = self.slots().remove(slot);
                drop(removed);
                Err(error)
            }
        }
    }

    fn deliver(&self, py: Python<'_>, key: u64, letter: Letter) {
        match letter {
            Letter::Errand(errand) => {
                // The shelf is taken out while Python code runs, because that code may call back into this bridge.
                let Some(mut shelf) = self.slots().get(key).filter(|slot| slot.failure.is_none()).map(take_shelf)
                else {
                    return;
                };
                let outcome = errand(py, &mut shelf);
                if let Some(slot) = self.slots().get(key) {
                    slot.shelf = shelf;
                    if let Err(error) = outcome {
                        slot.failure = Some(error);
                        slot.abort.iter().for_each(AbortHandle::abort);
                    }
                }
            }
            Letter::Done(finish) => {
                let Some(mut slot) = self.slots().remove(key) else { return };
                let future = slot.future.bind(py);
                // A cancelled future needs no result. The check also keeps `set_result` from raising.
                if future.call_method0(intern!(py, "done")).and_then(|done| done.is_truthy()).unwrap_or(true) {
                    return;
                }
                let result = match (slot.failure.take(), finish) {
                    (Some(error), _) => Err(error),
                    (None, Some(finish)) => finish(py, &mut slot.shelf),
                    (None, None) => Err(lost()),
                };
                let set = match result {
                    Ok(value) => future.call_method1(intern!(py, "set_result"), (value,)),
                    Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),)),
                };
                if let Err(error) = set {
                    // Setting a result schedules callbacks, which a closed loop refuses. Nobody is left to be told.
                    error.write_unraisable(py, Some(future));
                }
            }
        }
    }
}

fn take_shelf(slot: &mut Slot) -> Shelf {
    std::mem::take(&mut slot.shelf)
}

#[pymethods]
impl Bridge {
    #[new]
    fn new() -> PyResult<Self> {
        let queue = Queue { letters: Mutex::default(), signalled: AtomicBool::new(false), waker: Waker::new()? };
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
        self.queue.waker.clear();
        self.queue.signalled.store(false, Ordering::Release);
        let started = Instant::now();
        for handled in 0.. {
            if handled == DRAIN_LETTERS || (handled % 16 == 15 && started.elapsed() > DRAIN_TIME) {
                self.queue.signal();
                return;
            }
            let letter = self.queue.letters().pop_front();
            match letter {
                Some((key, letter)) => self.deliver(py, key, letter),
                None => return,
            }
        }
    }

    /// Cancels the operation behind `slot`; one that has ended is left alone.
    fn abort(&self, slot: u64) {
        if let Some(slot) = self.slots().get(slot) {
            slot.abort.iter().for_each(AbortHandle::abort);
        }
    }

    /// How many operations are pending.
    fn pending(&self) -> usize {
        self.slots().entries.iter().filter(|(_, slot)| slot.is_some()).count()
    }

    // A pending future refers to its loop and the loop to this bridge. Where a loop is dropped unclosed, the collector
    // has to see that circle.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Ok(slots) = self.slots.try_lock() {
            for slot in slots.entries.iter().filter_map(|(_, slot)| slot.as_ref()) {
                visit.call(&slot.future)?;
                if let Some(progress) = &slot.shelf.progress {
                    visit.call(progress)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        for slot in self.slots().entries.iter().filter_map(|(_, slot)| slot.as_ref()) {
            slot.abort.iter().for_each(AbortHandle::abort);
        }
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
