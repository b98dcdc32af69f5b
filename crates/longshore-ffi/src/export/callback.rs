//! The one call of a callback, whatever becomes of its operation.
//!
//! A [`Callback`] belongs to the task of its operation. It is sent with the outcome, or, where the task is dropped before that, with the
//! news that it was cancelled: by whoever cancels, by the exporter's end, or by that of the runtime. Its own file, and of no runtime, so
//! that every order can be tried.

use std::cell::Cell;
use std::ffi::c_void;

use longshore_abi::raw::{self, Complete};

use super::gate::{Cancel, Ticket};

/// Whom to call, once.
pub(super) struct Callback<Handle: Cancel> {
    complete: Complete,
    user: *mut c_void,
    /// Makes the result of an operation that was cancelled.
    cancelled: fn() -> raw::Result,
    /// Gone when the callback was called.
    ticket: Option<Ticket<Handle>>,
}

// SAFETY: the interface promises that `user` may be used on any thread. The other fields are `Send`.
unsafe impl<Handle: Cancel> Send for Callback<Handle> {}

impl<Handle: Cancel> Callback<Handle> {
    /// # Safety
    ///
    /// `complete` must be a function that may be called once with `user`, by any thread, and that owns what a result leads to.
    pub(super) unsafe fn new(
        complete: Complete,
        user: *mut c_void,
        cancelled: fn() -> raw::Result,
        ticket: Ticket<Handle>,
    ) -> Self {
        Self { complete, user, cancelled, ticket: Some(ticket) }
    }

    /// Calls back with what `result` makes, unless that was done before.
    pub(super) fn send(&mut self, result: impl FnOnce() -> raw::Result) {
        let Some(ticket) = self.ticket.take() else { return };
        let result = result();
        // SAFETY: `new` promised that the callback may be called once; the ticket was there, so this is the first time.
        unsafe { (self.complete)(self.user, &raw const result) };
        // Not earlier: whoever waits for the last ticket relies on the callback's end.
        drop(ticket);
    }
}

impl<Handle: Cancel> Drop for Callback<Handle> {
    fn drop(&mut self) {
        if self.ticket.is_none() {
            return;
        }
        let cancelled = self.cancelled;
        if !Beginning::is_now() {
            return self.send(cancelled);
        }
        let mut late = Self { complete: self.complete, user: self.user, cancelled, ticket: self.ticket.take() };
        let later = move || {
            // All of it goes along, and not only what is used.
            let late = &mut late;
            late.send(late.cancelled);
        };
        // Without another thread it is better to call back now than never, which is what dropping `later` does.
        BEGINNING.set(false);
        let _ = std::thread::Builder::new().spawn(later);
    }
}

thread_local! {
    static BEGINNING: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread is in a call that begins an operation. A runtime that has ended drops a new task at once, but nobody is called
/// back inside the call.
pub(super) struct Beginning;

impl Beginning {
    pub(super) fn during<T>(begin: impl FnOnce() -> T) -> T {
        BEGINNING.set(true);
        let _beginning = Self;
        begin()
    }

    /// A thread that is being torn down has no such state, and begins nothing.
    fn is_now() -> bool {
        BEGINNING.try_with(Cell::get).unwrap_or(false)
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        BEGINNING.set(false);
    }
}
