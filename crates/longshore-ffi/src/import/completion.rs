//! Where a callback, on a thread of the exporter, meets the future that waits for it.
//!
//! The two may come in any order, and the future may be gone before the callback comes: then the value is dropped with the last
//! of the two. Its own file and generic, so that every order can be tried.

use std::task::{Poll, Waker};

#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(loom)]
use loom::sync::{Mutex, MutexGuard};

/// A value that comes once.
pub(super) struct Completion<T> {
    state: Mutex<State<T>>,
}

enum State<T> {
    Waiting(Option<Waker>),
    Here(T),
    /// It was taken, or nobody waits any more.
    Over,
}

impl<T> Completion<T> {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::Waiting(None)) }
    }

    /// Leaves the value for whoever waits. A second one is dropped, as is one that nobody waits for.
    ///
    /// Returns who is to be woken: outside of the lock, since waking may run anything, and may panic.
    pub(super) fn complete(&self, value: T) -> Option<Waker> {
        let mut state = self.lock();
        match &mut *state {
            State::Waiting(waker) => {
                let waker = waker.take();
                *state = State::Here(value);
                waker
            }
            State::Here(_) | State::Over => {
                drop(state);
                drop(value);
                None
            }
        }
    }

    /// The value, or the promise to wake `waker` when it is here.
    pub(super) fn poll(&self, waker: &Waker) -> Poll<T> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Here(value) => Poll::Ready(value),
            State::Waiting(old) => {
                let kept = old.filter(|old| old.will_wake(waker)).unwrap_or_else(|| waker.clone());
                *state = State::Waiting(Some(kept));
                Poll::Pending
            }
            State::Over => Poll::Pending,
        }
    }

    /// Nobody waits any more. Returns whether the value is still to come.
    pub(super) fn abandon(&self) -> bool {
        // What is dropped is dropped outside of the lock: it may be a waker, or a value that calls the exporter.
        let state = std::mem::replace(&mut *self.lock(), State::Over);
        matches!(state, State::Waiting(_))
    }

    #[cfg(not(loom))]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(loom)]
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics under the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_comes_first_is_there_at_once_and_only_once() {
        let completion = Completion::new();
        assert!(completion.complete(1).is_none());
        assert!(completion.complete(2).is_none());
        assert_eq!(completion.poll(Waker::noop()), Poll::Ready(1));
        assert_eq!(completion.poll(Waker::noop()), Poll::Pending);
    }

    #[test]
    fn whoever_waits_is_woken_and_the_last_waker_counts() {
        let completion = Completion::new();
        assert_eq!(completion.poll(Waker::noop()), Poll::Pending);
        assert!(completion.complete(1).is_some());
        assert_eq!(completion.poll(Waker::noop()), Poll::Ready(1));
    }

    #[test]
    fn a_value_that_nobody_waits_for_is_dropped_at_once() {
        let value = std::sync::Arc::new(());
        let completion = Completion::new();
        assert!(completion.abandon());
        assert!(completion.complete(std::sync::Arc::clone(&value)).is_none());
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
        assert!(!completion.abandon());
    }
}
