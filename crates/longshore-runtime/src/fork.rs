//! What a forked child may keep, and what it must make anew.
//!
//! `fork` copies memory but only the calling thread. A runtime, a connection pool or a lock that another thread held is
//! useless in the child, and dropping it there would reach into the parent's sockets and epoll set. So every such
//! value is stamped with the process generation that made it; a child, whose generation differs, builds a new value
//! and leaks the inherited one.
//!
//! Data that a child may keep, such as the contents of a memory store, is only touched inside [`shared`]. A fork waits
//! for those sections to end, so the child never finds a lock held by a thread it does not have.

use std::cell::RefCell;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GENERATION: AtomicU64 = AtomicU64::new(0);
static HANDLERS: Once = Once::new();
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    // The forking thread is the one that runs all three handlers, so the guard can wait for its release here.
    static HELD: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// How many forks lie between this process and the first one that used longshore.
///
/// Values made under another generation belong to a parent process. The first call registers the fork handlers.
pub fn generation() -> u64 {
    register();
    GENERATION.load(Ordering::Acquire)
}

/// Keeps a fork out while the guard lives.
///
/// For short sections that take a lock whose data a child keeps. Sections must not nest, wait for another thread, or
/// call into Python.
pub fn shared() -> RwLockReadGuard<'static, ()> {
    register();
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

fn register() {
    #[expect(unsafe_code)]
    HANDLERS.call_once(|| {
        // SAFETY: the three handlers are `extern "C"`, do not unwind, and live as long as the program; POSIX asks no
        // more of them. They only touch statics of this module.
        unsafe {
            libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
        }
    });
}

extern "C" fn before() {
    let guard = GATE.write().unwrap_or_else(PoisonError::into_inner);
    // `try_with` fails only on a thread that is being torn down; then the fork goes on ungated.
    let _ = HELD.try_with(|held| held.borrow_mut().replace(guard));
}

extern "C" fn in_parent() {
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
    let _ = HELD.try_with(|held| held.borrow_mut().take());
}

/// A value that each process makes for itself, at first use.
///
/// Inside one process all callers get the same value. In a forked child the next access makes a new one; the value
/// inherited from the parent is leaked, because its parts may still be in use by threads that only the parent has.
pub struct PerProcess<T> {
    current: AtomicPtr<Stamped<T>>,
}

struct Stamped<T> {
    generation: u64,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// An empty cell; nothing is made yet.
    pub const fn new() -> Self {
        Self { current: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value of this process, made with `make` where there is none yet.
    ///
    /// Two threads may both run `make`; one result is kept, the other is dropped.
    ///
    /// # Errors
    ///
    /// Whatever `make` fails with; the cell is then unchanged.
    #[expect(unsafe_code)]
    pub fn get_or_try_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let generation = generation();
        let seen = self.current.load(Ordering::Acquire);
        // SAFETY: `current` is null or came from `Box::into_raw` below. It is freed only in `drop`, which needs
        // `&mut self` and so outlives every `&T` handed out; a replaced value is never freed.
        if let Some(stamped) = unsafe { seen.as_ref() }
            && stamped.generation == generation
        {
            return Ok(&stamped.value);
        }
        let fresh = Box::into_raw(Box::new(Stamped { generation, value: make()? }));
        match self.current.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `fresh` was just made by `Box::into_raw`, and is now published; see above.
            Ok(_) => Ok(unsafe { &(*fresh).value }),
            Err(winner) => {
                // SAFETY: the exchange failed, so nobody else has seen `fresh`.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: a published pointer, as above. It was published after `seen` was read, by a thread of this
                // process, so its generation is this one.
                Ok(unsafe { &(*winner).value })
            }
        }
    }

    /// As [`get_or_try_make`](Self::get_or_try_make), for a `make` that cannot fail.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        match self.get_or_try_make(|| Ok::<_, std::convert::Infallible>(make())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// The value of this process, if one was made.
    #[expect(unsafe_code)]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: as in `get_or_try_make`.
        let stamped = unsafe { self.current.load(Ordering::Acquire).as_ref() }?;
        (stamped.generation == generation()).then_some(&stamped.value)
    }
}

impl<T: Send + Sync> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for PerProcess<T> {
    #[expect(unsafe_code)]
    fn drop(&mut self) {
        let current = *self.current.get_mut();
        // SAFETY: as in `get_or_try_make`; `&mut self` shows that no reference is left.
        if let Some(stamped) = unsafe { current.as_ref() }
            && stamped.generation == generation()
        {
            // SAFETY: the pointer came from `Box::into_raw` and is freed only here.
            drop(unsafe { Box::from_raw(current) });
        }
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerProcess").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `body` in a forked child and returns its exit code.
    #[expect(unsafe_code)]
    fn in_child_process(body: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child only runs `body`, which takes no lock that another test thread could hold, and leaves
        // with `_exit`.
        unsafe {
            match libc::fork() {
                0 => libc::_exit(body()),
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    assert!(libc::WIFEXITED(status), "the child died of signal {}", libc::WTERMSIG(status));
                    libc::WEXITSTATUS(status)
                }
            }
        }
    }

    #[test]
    fn a_child_makes_its_own_value_and_the_parent_keeps_its_own() {
        static CELL: PerProcess<u32> = PerProcess::new();
        assert_eq!(*CELL.get_or_make(|| 1), 1);
        assert_eq!(*CELL.get_or_make(|| 2), 1);
        let child = in_child_process(|| i32::from(CELL.get().is_none()) * 10 + *CELL.get_or_make(|| 3) as i32);
        assert_eq!(child, 13);
        assert_eq!(*CELL.get_or_make(|| 4), 1);
    }

    #[test]
    fn a_failed_make_leaves_the_cell_empty() {
        let cell = PerProcess::<u32>::new();
        assert_eq!(cell.get_or_try_make(|| Err("no")), Err("no"));
        assert_eq!(cell.get(), None);
        assert_eq!(cell.get_or_try_make(|| Ok::<_, ()>(5)), Ok(&5));
    }

    #[test]
    fn a_fork_waits_for_shared_sections_and_the_child_can_enter_one() {
        let (entered, wait) = std::sync::mpsc::channel();
        let holder = std::thread::spawn(move || {
            let guard = shared();
            entered.send(()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(100));
            drop(guard);
        });
        wait.recv().unwrap();
        let started = std::time::Instant::now();
        let child = in_child_process(|| {
            drop(shared());
            7
        });
        assert_eq!(child, 7);
        assert!(started.elapsed().as_millis() >= 90, "forked after {:?}", started.elapsed());
        holder.join().unwrap();
    }
}
