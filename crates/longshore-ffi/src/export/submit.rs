//! Runs an operation on the exporter's runtime, and calls back once, whatever becomes of it.
//!
//! The callback belongs to a [`Completion`], which belongs to the task. It is sent with the operation's outcome, or, where the task is
//! dropped before that, with the news that it was cancelled: by whoever cancels, by the exporter's end, or by that of the runtime.

use std::cell::Cell;
use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use longshore_abi::raw::{self, ALLOW_INLINE, Complete, DONE, ERROR_INVALID_ARGUMENT, PENDING};
use tokio::task::AbortHandle;

use super::Shared;
use super::failure::Failure;
use super::gate::Ticket;
use super::parcel::{Reply, handle, pack};
use crate::unwind::{caught, dropped};

/// What an operation does.
pub(super) type Work = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The end of a call's arguments: where the result goes.
pub(super) struct Caller {
    complete: Complete,
    user: *mut c_void,
    inline_out: *mut raw::Result,
    operation_out: *mut *mut c_void,
}

impl Caller {
    /// # Safety
    ///
    /// The pointers must be those of a call, for the duration of which this is used.
    pub(super) unsafe fn new(
        complete: Option<Complete>,
        user: *mut c_void,
        inline_out: *mut raw::Result,
        operation_out: *mut *mut c_void,
    ) -> Result<Self, i32> {
        let complete = complete.ok_or(-ERROR_INVALID_ARGUMENT)?;
        if !operation_out.is_null() {
            // SAFETY: the caller promised that it can be written.
            unsafe { operation_out.write(std::ptr::null_mut()) };
        }
        Ok(Self { complete, user, inline_out, operation_out })
    }
}

/// What an operation's handle leads to.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) task: AbortHandle,
}

/// Begins `work`. From here on the call answers `PENDING` or `DONE`: what it consumed stays consumed.
pub(super) fn submit(shared: &Arc<Shared>, mut ticket: Ticket, flags: u32, caller: Caller, mut work: Work) -> i32 {
    // A thread that is being torn down cannot enter the runtime. Then a thread of the runtime does the work.
    if flags & ALLOW_INLINE != 0
        && !caller.inline_out.is_null()
        && let Ok(_entered) = caught(|| shared.runtime.enter())
    {
        match poll(&mut work, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(reply) => {
                dropped(work);
                // SAFETY: the caller of the call promised that it can be written.
                unsafe { caller.inline_out.write(pack(reply)) };
                drop(ticket);
                return DONE;
            }
            // The task polls it anew, with its own waker.
            Poll::Pending => {}
        }
    }
    let stub = ticket.stub();
    let completion = Completion { complete: caller.complete, user: caller.user, ticket: Some(ticket) };
    let task = Beginning::during(|| shared.runtime.spawn(Task { work: Some(work), completion }).abort_handle());
    stub.cancelled_by(task.clone());
    if !caller.operation_out.is_null() {
        let operation = handle(Running { shared: Arc::clone(shared), task });
        // SAFETY: as for `inline_out`.
        unsafe { caller.operation_out.write(operation) };
    }
    PENDING
}

/// An operation under way. The work is dropped before the completion, so what it held is free when the callback comes.
struct Task {
    work: Option<Work>,
    completion: Completion,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let Poll::Ready(reply) = poll(work, context) else { return Poll::Pending };
        if let Some(work) = self.work.take() {
            dropped(work);
        }
        self.completion.send(reply);
        Poll::Ready(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            dropped(work);
        }
    }
}

/// As the future's own, with a panic as an outcome.
fn poll(work: &mut Work, context: &mut Context<'_>) -> Poll<Reply> {
    caught(|| work.as_mut().poll(context)).unwrap_or_else(|panicked| Poll::Ready(Err(Failure::panicked(&panicked))))
}

/// The one call of a callback.
struct Completion {
    complete: Complete,
    user: *mut c_void,
    /// Gone when the callback was called.
    ticket: Option<Ticket>,
}

// SAFETY: the interface promises that `user` may be used on any thread. The other fields are `Send`.
unsafe impl Send for Completion {}

impl Completion {
    fn send(&mut self, reply: Reply) {
        let Some(ticket) = self.ticket.take() else { return };
        let result = pack(reply);
        // SAFETY: the interface promises that the callback may be called once, by any thread; the ticket was there, so this is
        // the first time. Whoever is called owns what the result leads to.
        unsafe { (self.complete)(self.user, &raw const result) };
        // Not earlier: whoever waits for the last ticket relies on the callback's end.
        drop(ticket);
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if self.ticket.is_none() {
            return;
        }
        if !Beginning::is_now() {
            return self.send(Err(Failure::cancelled()));
        }
        let mut late = Self { complete: self.complete, user: self.user, ticket: self.ticket.take() };
        let later = move || {
            // All of it goes along, and not only what is used.
            let late = &mut late;
            late.send(Err(Failure::cancelled()));
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
struct Beginning;

impl Beginning {
    fn during<T>(begin: impl FnOnce() -> T) -> T {
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
