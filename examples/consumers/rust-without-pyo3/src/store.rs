//! A store of another module: its operations, waited for, and their errors as Python's exceptions.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex};

use longshore_abi::raw::{self, GetArgs, NextArgs, PutArgs, Submit, Vtable};
use longshore_abi::{Answer, Buffer, OwnedBuffer, StoreError, StoreRef, Str, StreamHandle, UploadHandle};

use crate::python::{
    detached, raise, PyExc_FileExistsError, PyExc_FileNotFoundError, PyExc_OSError, PyExc_PermissionError,
    PyExc_RuntimeError, PyExc_ValueError, PyObject, Raised, Result,
};

/// Who asks for a store, in the messages of errors.
const IMPORTER: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// Takes the store out of any object that has one.
///
/// # Safety
///
/// `object` must be an object, and this thread must have the interpreter.
pub(crate) unsafe fn taken(object: *mut PyObject) -> Result<StoreRef> {
    // SAFETY: handed on.
    unsafe {
        longshore_capsule::store_of(object, IMPORTER).map_err(|error| {
            error.raise();
            Raised
        })
    }
}

/// An operation that has begun.
pub(crate) struct Operation(Arc<Completion>);

struct Completion {
    answer: Mutex<Option<Answer>>,
    came: Condvar,
}

/// What the callback is called with.
struct Pending {
    completion: Arc<Completion>,
    vtable: &'static Vtable,
}

impl Operation {
    /// # Safety
    ///
    /// `target` must be alive, and what `slot` works on; what the arguments point to must be good, and buffers the caller's to give. They
    /// are given unless this raises.
    pub(crate) unsafe fn begin<Args>(
        vtable: &'static Vtable,
        slot: Option<Submit<Args>>,
        target: *mut c_void,
        arguments: &Args,
    ) -> Result<Self> {
        let slot = slot.ok_or_else(|| raise_code(vtable, raw::ERROR_NOT_IMPLEMENTED))?;
        let completion = Arc::new(Completion { answer: Mutex::new(None), came: Condvar::new() });
        let user = Box::into_raw(Box::new(Pending { completion: Arc::clone(&completion), vtable }));
        // SAFETY: handed on; `complete` takes what `user` leads to. Nothing is asked for inline.
        let code = unsafe { slot(target, arguments, Some(complete), user.cast(), ptr::null_mut(), ptr::null_mut()) };
        if code == raw::PENDING {
            return Ok(Self(completion));
        }
        // SAFETY: it was refused, so no callback comes.
        drop(unsafe { Box::from_raw(user) });
        Err(raise_code(vtable, code.wrapping_neg()))
    }

    /// Waits for the answer. `is_attached` holds on to the interpreter meanwhile.
    pub(crate) fn finish(self, is_attached: bool) -> Result<Answer> {
        let wait = || {
            let mut answer = self.0.answer.lock().unwrap();
            loop {
                match answer.take() {
                    Some(answer) => break answer,
                    None => answer = self.0.came.wait(answer).unwrap(),
                }
            }
        };
        let answer = if is_attached { wait() } else { detached(wait) };
        if answer.status() == 0 {
            Ok(answer)
        } else {
            Err(raise_answer(&answer))
        }
    }
}

/// Called by a thread of the exporter, without the interpreter.
unsafe extern "C" fn complete(user: *mut c_void, result: *const raw::Result) {
    // SAFETY: `begin` made it, and this is called once.
    let Pending { completion, vtable } = *unsafe { Box::from_raw(user.cast::<Pending>()) };
    // SAFETY: the exporter gives the result to its callback.
    let answer = unsafe { Answer::from_raw(result, vtable) };
    // Nobody panics with the lock, and a panic must not reach the exporter.
    if let Ok(mut place) = completion.answer.lock() {
        *place = Some(answer);
    }
    completion.came.notify_one();
}

/// Begins to read an object, all of which comes with the first answer.
pub(crate) fn begin_get(store: &StoreRef, path: &str, prefetch_bytes: u64) -> Result<Operation> {
    let mut args = GetArgs::EMPTY;
    args.path = Str::new(path);
    args.prefetch_bytes = prefetch_bytes;
    // SAFETY: the store is alive, and the path is lent for the call.
    unsafe { Operation::begin(store.vtable(), store.vtable().get, store.data(), &args) }
}

/// What is next of a stream.
pub(crate) fn next(stream: &StreamHandle) -> Result<Answer> {
    let vtable = stream.vtable();
    // SAFETY: the stream is alive, and the arguments point to nothing.
    unsafe { Operation::begin(vtable, vtable.stream_next, stream.as_ptr(), &NextArgs::EMPTY) }?.finish(false)
}

/// All buffers of an answer, which are now ours.
pub(crate) fn buffers(answer: &mut Answer) -> Vec<OwnedBuffer> {
    std::iter::from_fn(|| answer.take_buffer()).collect()
}

/// Writes an object.
pub(crate) fn put(store: &StoreRef, path: &str, content: Box<[u8]>, mode: u64) -> Result<()> {
    let buffer = lent(content);
    let mut args = PutArgs::EMPTY;
    args.path = Str::new(path);
    args.mode = mode;
    (args.buffers, args.buffer_count) = (&buffer, 1);
    // SAFETY: the store is alive, the rest is lent for the call, and the buffer is ours to give.
    let operation = unsafe { Operation::begin(store.vtable(), store.vtable().put, store.data(), &args) };
    given(buffer, operation)?.finish(false).map(drop)
}

/// Writes the next part of an upload.
pub(crate) fn upload_part(upload: &UploadHandle, content: Box<[u8]>) -> Result<()> {
    let buffer = lent(content);
    let mut args = raw::PartArgs::EMPTY;
    (args.buffers, args.buffer_count) = (&buffer, 1);
    let vtable = upload.vtable();
    // SAFETY: the upload is alive, and the buffer is ours to give.
    let operation = unsafe { Operation::begin(vtable, vtable.upload_part, upload.as_ptr(), &args) };
    given(buffer, operation)?.finish(false).map(drop)
}

/// Completes an upload, or calls it off.
pub(crate) fn upload_end(upload: &UploadHandle, slot: Option<Submit<raw::EndArgs>>) -> Result<()> {
    // SAFETY: the upload is alive, and the arguments point to nothing.
    unsafe { Operation::begin(upload.vtable(), slot, upload.as_ptr(), &raw::EndArgs::EMPTY) }?.finish(false).map(drop)
}

/// Bytes that are freed by whoever gets them.
fn lent(content: Box<[u8]>) -> Buffer {
    unsafe extern "C" fn release(owner: *mut c_void) {
        // SAFETY: made below, and released once.
        drop(unsafe { Box::from_raw(owner.cast::<Box<[u8]>>()) });
    }
    let (ptr, len) = (content.as_ptr(), content.len());
    Buffer { ptr, len, owner: Box::into_raw(Box::new(content)).cast(), release: Some(release) }
}

/// What a refused call did not take is freed.
fn given(buffer: Buffer, operation: Result<Operation>) -> Result<Operation> {
    if operation.is_err() {
        // SAFETY: nobody took it.
        drop(unsafe { OwnedBuffer::from_raw(buffer) });
    }
    operation
}

/// The kind of an error crosses with it, so code that branches on it goes on to work.
fn exception_of(code: i32) -> *mut PyObject {
    // SAFETY: Python's own classes, which are there as soon as it runs.
    unsafe {
        match code {
            raw::ERROR_NOT_FOUND => PyExc_FileNotFoundError,
            raw::ERROR_ALREADY_EXISTS => PyExc_FileExistsError,
            raw::ERROR_PERMISSION_DENIED | raw::ERROR_UNAUTHENTICATED => PyExc_PermissionError,
            raw::ERROR_INVALID_PATH => PyExc_ValueError,
            raw::ERROR_FORKED | raw::ERROR_SHUTDOWN | raw::ERROR_CANCELLED => PyExc_RuntimeError,
            _ => PyExc_OSError,
        }
    }
}

/// Raises what a refused call means.
pub(crate) fn raise_code(vtable: &'static Vtable, code: i32) -> Raised {
    // SAFETY: the `info` of a good header lives as long as the process.
    let info = unsafe { vtable.header.info.as_str() }.unwrap_or_default();
    let reason = match code {
        raw::ERROR_FORKED => "belongs to the process that this one was forked from; ask for it again here",
        raw::ERROR_SHUTDOWN => "has shut down",
        raw::ERROR_BUSY => "has too much under way; try again later",
        _ => "refuses what was asked",
    };
    raise(exception_of(code), &format!("{IMPORTER}: the store of {info} {reason} (error {code})"))
}

/// Raises why a store cannot be used any more.
pub(crate) fn raise_store(store: &StoreRef, error: StoreError) -> Raised {
    match error {
        StoreError::Refused(code) => raise_code(store.vtable(), code),
        other => raise(exception_of(raw::ERROR_GENERIC), &format!("{IMPORTER} cannot use this store: {other}")),
    }
}

/// Raises what an answer says, with its reasons.
fn raise_answer(answer: &Answer) -> Raised {
    let mut failure = answer.failure();
    let mut message = failure.and_then(|failure| failure.path()).unwrap_or("a store").to_owned();
    while let Some(said) = failure {
        message = format!("{message}: {}", said.message());
        failure = said.source();
    }
    raise(exception_of(answer.status()), &format!("{message} (error {})", answer.status()))
}
