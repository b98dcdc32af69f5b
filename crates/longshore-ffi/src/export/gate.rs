//! Who may begin, who is under way, and the end of it all.
//!
//! An operation enters with a [`Ticket`] and leaves when that is dropped, which is after its callback. Whoever closes the gate cancels
//! those inside and waits until they have left. The count is explicit: references to the exporter say nothing about what is under way.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use longshore_abi::raw::{ERROR_BUSY, ERROR_SHUTDOWN};

#[cfg(not(loom))]
use std::collections::HashMap;
#[cfg(not(loom))]
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

#[cfg(loom)]
use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
/// A hash map has another order each time, and whoever tries every order of threads needs the same.
#[cfg(loom)]
use std::collections::BTreeMap as HashMap;

/// How an operation is cancelled: any number of times, and also when it has ended.
pub(super) trait Cancel: Clone + Send + 'static {
    /// May drop the operation at once, on this thread.
    fn cancel(&self);
}

/// Lets operations in, until it is closed.
pub(super) struct Gate<Handle> {
    inside: Arc<Inside<Handle>>,
}

struct Inside<Handle> {
    state: Mutex<State<Handle>>,
    left: Condvar,
    most: usize,
}

struct State<Handle> {
    is_closed: bool,
    entered: u64,
    in_flight: usize,
    /// Of those that wait, by number: how to cancel it, once that is known.
    under_way: HashMap<u64, Option<Handle>>,
}

/// The right to be under way.
pub(super) struct Ticket<Handle> {
    inside: Arc<Inside<Handle>>,
    number: u64,
    /// Whether its number is noted.
    is_noted: bool,
}

/// What has gone through a gate.
pub(super) struct Counts {
    pub(super) entered: u64,
    pub(super) in_flight: usize,
}

impl<Handle: Cancel> Gate<Handle> {
    pub(super) fn new(most: usize) -> Self {
        let state = State { is_closed: false, entered: 0, in_flight: 0, under_way: HashMap::new() };
        Self { inside: Arc::new(Inside { state: Mutex::new(state), left: Condvar::new(), most }) }
    }

    /// Lets one more in, or says why not, as an error's code.
    pub(super) fn enter(&self) -> Result<Ticket<Handle>, i32> {
        let mut state = self.inside.lock();
        if state.is_closed {
            return Err(ERROR_SHUTDOWN);
        }
        if state.in_flight >= self.inside.most {
            return Err(ERROR_BUSY);
        }
        let number = state.entered;
        state.entered += 1;
        state.in_flight += 1;
        Ok(Ticket { inside: Arc::clone(&self.inside), number, is_noted: false })
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.inside.lock();
        Counts { entered: state.entered, in_flight: state.in_flight }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.counts().in_flight
    }

    /// Lets nobody in any more, cancels those inside, and waits for them. Returns how many are left.
    pub(super) fn close(&self, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        let mut state = self.inside.lock();
        state.is_closed = true;
        let handles: Vec<_> = state.under_way.values().flatten().cloned().collect();
        drop(state);
        // Outside of the lock: a runtime that has ended drops the task at once, and with it the ticket.
        for handle in handles {
            handle.cancel();
        }
        let mut state = self.inside.lock();
        while state.in_flight > 0 {
            let Some(rest) = deadline.checked_duration_since(Instant::now()) else { break };
            state = self.inside.left.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.in_flight
    }
}

impl<Handle> Inside<Handle> {
    fn lock(&self) -> MutexGuard<'_, State<Handle>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Handle> Ticket<Handle> {
    /// The gate's side of the ticket of an operation that is to wait, for whoever learns only later how to cancel it.
    pub(super) fn stub(&mut self) -> Stub<Handle> {
        self.inside.lock().under_way.insert(self.number, None);
        self.is_noted = true;
        Stub { inside: Arc::clone(&self.inside), number: self.number }
    }
}

/// Says how an operation is cancelled, where it is still under way.
pub(super) struct Stub<Handle> {
    inside: Arc<Inside<Handle>>,
    number: u64,
}

impl<Handle: Cancel> Stub<Handle> {
    pub(super) fn cancelled_by(self, handle: Handle) {
        let mut state = self.inside.lock();
        let is_closed = state.is_closed;
        if let Some(entry) = state.under_way.get_mut(&self.number) {
            *entry = Some(handle.clone());
        }
        drop(state);
        // The gate was closed after this one had entered, and did not know how to cancel it.
        if is_closed {
            handle.cancel();
        }
    }
}

impl<Handle> Drop for Ticket<Handle> {
    fn drop(&mut self) {
        let mut state = self.inside.lock();
        let handle = if self.is_noted { state.under_way.remove(&self.number) } else { None };
        state.in_flight -= 1;
        let is_last = state.is_closed && state.in_flight == 0;
        drop(state);
        // Dropping the last handle of a task may drop the task.
        drop(handle);
        if is_last {
            self.inside.left.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Nothing;

    impl Cancel for Nothing {
        fn cancel(&self) {}
    }

    #[test]
    fn as_many_enter_as_there_is_room_for() {
        let gate = Gate::<Nothing>::new(2);
        let first = gate.enter().ok();
        let second = gate.enter();
        assert_eq!(gate.enter().err(), Some(ERROR_BUSY));
        drop(first);
        assert!(gate.enter().is_ok());
        assert_eq!((gate.counts().entered, gate.in_flight()), (3, 1));
        drop(second);
        assert_eq!(gate.in_flight(), 0);
    }

    #[test]
    fn a_closed_gate_lets_nobody_in_and_waits_no_longer_than_it_may() {
        let gate = Gate::<Nothing>::new(9);
        let ticket = gate.enter();
        assert_eq!(gate.close(Duration::from_millis(5)), 1);
        assert_eq!(gate.enter().err(), Some(ERROR_SHUTDOWN));
        let inside = ticket.expect("entered before the end");
        std::thread::scope(|scope| {
            scope.spawn(|| drop(inside));
            assert_eq!(gate.close(Duration::from_secs(60)), 0);
        });
    }
}
