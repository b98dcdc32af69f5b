//! Runs an operation on the exporter's runtime, and calls back once, whatever becomes of it.

use std::ffi::c_void;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use longshore_abi::raw::{self, ALLOW_INLINE, Complete, DONE, ERROR_INVALID_ARGUMENT, PENDING};
use tokio::task::AbortHandle;

use super::Shared;
use super::callback::{Beginning, Callback};
use super::failure::Failure;
use super::gate::{Cancel, Ticket};
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
pub(super) fn submit(
    shared: &Arc<Shared>,
    mut ticket: Ticket<AbortHandle>,
    flags: u32,
    caller: Caller,
    mut work: Work,
) -> i32 {
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
    // SAFETY: the interface promises that the callback may be called once, by any thread, and owns what it is called with.
    let callback = unsafe { Callback::new(caller.complete, caller.user, cancelled, ticket) };
    let task = Beginning::during(|| shared.runtime.spawn(Task { work: Some(work), callback }).abort_handle());
    stub.cancelled_by(task.clone());
    if !caller.operation_out.is_null() {
        let operation = handle(Running { shared: Arc::clone(shared), task });
        // SAFETY: as for `inline_out`.
        unsafe { caller.operation_out.write(operation) };
    }
    PENDING
}

fn cancelled() -> raw::Result {
    pack(Err(Failure::cancelled()))
}

impl Cancel for AbortHandle {
    fn cancel(&self) {
        self.abort();
    }
}

/// An operation under way. The work is dropped before the callback, so what it held is free when the callback comes.
struct Task {
    work: Option<Work>,
    callback: Callback<AbortHandle>,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let Poll::Ready(reply) = poll(work, context) else { return Poll::Pending };
        if let Some(work) = self.work.take() {
            dropped(work);
        }
        self.callback.send(|| pack(reply));
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
