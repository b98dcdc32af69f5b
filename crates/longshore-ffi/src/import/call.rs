//! One operation, from its beginning to its result.

use std::ffi::c_void;
use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use longshore_abi::arguments::Args;
use longshore_abi::raw::{self, DONE, PENDING, Submit, Vtable};
use longshore_abi::{Answer, Operation};

use super::completion::Completion;
use crate::unwind::caught;

/// An operation that has begun. Dropped before its end, it is cancelled; what still comes of it is given back.
pub(super) enum Call {
    /// It was done at once.
    Done(Option<Answer>),
    /// The callback will come.
    Under { pending: Arc<Pending>, operation: Option<Operation> },
}

/// What the callback is called with.
pub(super) struct Pending {
    completion: Completion<Answer>,
    vtable: &'static Vtable,
}

impl Call {
    /// Begins an operation, or says why not, as an error's code: then nothing was consumed.
    ///
    /// # Safety
    ///
    /// `target` must be alive and of the kind that `slot` works on, both of `vtable`; `arguments` must be good, and the buffers in
    /// them the caller's to give.
    pub(super) unsafe fn begin<T: Args>(
        vtable: &'static Vtable,
        slot: Option<Submit<T>>,
        target: *mut c_void,
        arguments: &T,
    ) -> Result<Self, i32> {
        let slot = slot.ok_or(raw::ERROR_NOT_IMPLEMENTED)?;
        let pending = Arc::new(Pending { completion: Completion::new(), vtable });
        let user = Arc::into_raw(Arc::clone(&pending)).cast_mut();
        let mut inline = MaybeUninit::<raw::Result>::uninit();
        let mut operation = ptr::null_mut();
        // SAFETY: handed on; `complete` takes what `user` leads to, and the other two can be written.
        let code =
            unsafe { slot(target, arguments, Some(complete), user.cast(), inline.as_mut_ptr(), &raw mut operation) };
        if code == PENDING {
            // SAFETY: written by the exporter, and ours.
            let operation = unsafe { Operation::from_raw(vtable, operation) };
            return Ok(Self::Under { pending, operation });
        }
        // SAFETY: no callback comes, so nobody else has it.
        drop(unsafe { Arc::from_raw(user) });
        if code == DONE {
            // SAFETY: written by the exporter, and ours.
            return Ok(Self::Done(Some(unsafe { Answer::from_raw(inline.as_ptr(), vtable) })));
        }
        Err(if code < 0 { code.wrapping_neg() } else { raw::ERROR_GENERIC })
    }
}

unsafe extern "C" fn complete(user: *mut c_void, result: *const raw::Result) {
    // SAFETY: `begin` made it, and the exporter calls back once.
    let pending = unsafe { Arc::from_raw(user.cast_const().cast::<Pending>()) };
    // SAFETY: the exporter gives the result to its callback.
    let answer = unsafe { Answer::from_raw(result, pending.vtable) };
    // Whoever is woken is not ours, and may panic, which must not reach the exporter.
    let _ = caught(|| {
        if let Some(waker) = pending.completion.complete(answer) {
            waker.wake();
        }
    });
}

impl Future for Call {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match &mut *self {
            Self::Done(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Self::Under { pending, operation } => {
                let answer = pending.completion.poll(context.waker());
                if answer.is_ready() {
                    *operation = None;
                }
                answer
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Self::Under { pending, operation } = self
            && pending.completion.abandon()
            && let Some(operation) = operation.take()
        {
            operation.cancel();
        }
    }
}
