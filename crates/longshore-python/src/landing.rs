//! Memory that Python owns and the runtime fills or reads.
//!
//! The object stands on the operation's shelf, on the attached side. The runtime side gets its address, together with a clone
//! of the operation's [`Mailbox`]. What is on the shelf is let go only after the last clone is gone, so the address is good for
//! as long as anybody can use it, also when the call was cancelled or interrupted.
#![expect(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::slice;

use bytes::Bytes;
use longshore_engine::{Buffer, Context, Error, ErrorKind, Refusal, Sink};
use longshore_runtime::{Mailbox, Shelf};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::oneshot;

use crate::errors::{invalid, wrong_type};

/// Below this a copy costs less than asking the attached side for memory.
const IN_PLACE_FROM: usize = 64 << 10;
/// Other threads get a turn after this many copied bytes.
const TURN: usize = 1 << 20;

/// Gives each object the memory of the `bytes` that it becomes.
pub(crate) struct IntoBytes(pub(crate) Mailbox);

/// Where one object lands.
pub(crate) enum Landing {
    /// A small one in Rust's memory first.
    Copied(Vec<u8>),
    /// A large one where it stays.
    InPlace(Region),
}

/// A landed object.
pub(crate) enum Landed {
    /// To be copied into a `bytes`.
    Copied(Vec<u8>),
    /// It is on the shelf, under this index.
    OnShelf(usize),
}

impl Buffer for Landing {
    fn append(&mut self, chunk: &[u8]) {
        match self {
            Self::Copied(buffer) => buffer.extend_from_slice(chunk),
            Self::InPlace(region) => region.append(chunk),
        }
    }
}

impl Sink for IntoBytes {
    type Buffer = Landing;
    type Output = Landed;

    async fn reserve(&self, index: usize, size: usize) -> Result<Landing, Refusal> {
        if size < IN_PLACE_FROM {
            return Ok(Landing::Copied(Vec::with_capacity(size)));
        }
        let (reply, answer) = oneshot::channel();
        let mailbox = self.0.clone();
        self.0.send(move |py, shelf| {
            // Nobody receives when the call is being cancelled.
            let _ = match Region::in_new_bytes(py, shelf, index, size, mailbox) {
                Ok(region) => reply.send(Ok(region)),
                Err(error) if error.is_instance_of::<PyMemoryError>(py) => reply.send(Err(Refusal::OutOfMemory)),
                Err(error) => return Err(error),
            };
            Ok(())
        });
        answer.await.unwrap_or(Err(Refusal::Abandoned)).map(Landing::InPlace)
    }

    fn finish(&self, index: usize, buffer: Landing) -> Landed {
        match buffer {
            Landing::Copied(bytes) => Landed::Copied(bytes),
            Landing::InPlace(_) => Landed::OnShelf(index),
        }
    }
}

/// The landed objects as `bytes`, in order.
pub(crate) fn into_bytes<'py>(
    py: Python<'py>,
    landed: Vec<Landed>,
    shelf: &mut Shelf,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let mut on_shelf: HashMap<usize, Py<PyAny>> = shelf.objects.drain(..).collect();
    let mut copied = 0;
    let take = |landed| match landed {
        Landed::Copied(bytes) => {
            copied += bytes.len();
            if copied > TURN {
                copied = 0;
                py.detach(|| {});
            }
            Ok(PyBytes::new(py, &bytes))
        }
        Landed::OnShelf(index) => {
            let object = on_shelf.remove(&index).ok_or_else(missing)?;
            Ok(object.into_bound(py).cast_into()?)
        }
    };
    landed.into_iter().map(take).collect()
}

/// What should have been on the shelf is not.
pub(crate) fn missing() -> PyErr {
    PyRuntimeError::new_err("a result is missing from the operation; this is a bug in longshore")
}

/// Part of a Python object's memory, filled from front to back.
pub(crate) struct Region {
    start: NonNull<u8>,
    length: usize,
    filled: usize,
    /// Keeps the shelf, and with it the object.
    _mailbox: Mailbox,
}

// SAFETY: a region is the only one that uses its memory until it is dropped (`in_new_bytes` and `of_writable` say why), so it
// may move between threads like the `&mut [u8]` that it stands for.
unsafe impl Send for Region {}

impl Region {
    /// The memory of a new `bytes` object, which goes on the shelf under `index`.
    fn in_new_bytes(
        py: Python<'_>,
        shelf: &mut Shelf,
        index: usize,
        length: usize,
        mailbox: Mailbox,
    ) -> PyResult<Self> {
        let size = ffi::Py_ssize_t::try_from(length).map_err(|_| PyMemoryError::new_err("the object is too large"))?;
        // SAFETY: we are attached. With a null pointer CPython makes an uninitialised object of our own, which its
        // documentation lets us fill as long as no one else has seen it; `length` is never 0 here, so it is not the shared
        // empty object. It stays on the shelf, unseen, until the operation's last letter.
        let (object, start) = unsafe {
            let object = Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(ptr::null(), size))?;
            let start = NonNull::new(ffi::PyBytes_AsString(object.as_ptr()).cast::<u8>());
            (object, start.ok_or_else(|| PyErr::fetch(py))?)
        };
        shelf.objects.push((index, object.unbind()));
        Ok(Self { start, length, filled: 0, _mailbox: mailbox })
    }

    /// The memory of `buffer`, which goes on the shelf. It must be writable, contiguous, initialised, and known to nobody
    /// else.
    pub(crate) fn of_writable(shelf: &mut Shelf, object: &Bound<'_, PyAny>, mailbox: Mailbox) -> PyResult<Self> {
        let export = Export::new(object, ffi::PyBUF_WRITABLE)?;
        let (start, length) = export.memory();
        shelf.exports.push(Box::new(export));
        Ok(Self { start, length, filled: 0, _mailbox: mailbox })
    }

    fn append(&mut self, chunk: &[u8]) {
        let chunk = &chunk[..chunk.len().min(self.length - self.filled)];
        // SAFETY: `filled + chunk.len() <= length`, and `start` is good for `length` bytes while the mailbox lives. Nobody
        // else uses this memory (see `Send`), so it does not overlap `chunk`.
        unsafe { self.start.add(self.filled).copy_from_nonoverlapping(NonNull::from(chunk).cast(), chunk.len()) }
        self.filled += chunk.len();
    }

    /// All of it. Only for a region [`of_writable`](Self::of_writable) memory, which is initialised.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `append`; the memory is initialised, as the one function that hands such regions out demands.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

/// The caller's own memory, lent to an upload.
struct Lent {
    start: NonNull<u8>,
    length: usize,
    /// Keeps the shelf, and with it the buffer's export.
    _mailbox: Mailbox,
}

// SAFETY: the memory is only read, and the export on the shelf keeps it where it is.
unsafe impl Send for Lent {}
// SAFETY: as above; shared reads do not disturb each other.
unsafe impl Sync for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the buffer export on the shelf keeps `length` bytes at `start` until the last mailbox is gone. That nobody
        // writes to them meanwhile is the caller's promise, written down where the function is documented; CPython itself
        // relies on it when `file.write` releases the interpreter.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

/// Takes the memory of `data` onto the shelf. What it returns makes the body once there is a mailbox.
pub(crate) fn lend(
    name: &str,
    data: &Bound<'_, PyAny>,
    shelf: &mut Shelf,
) -> PyResult<impl FnOnce(&Mailbox) -> Bytes + use<>> {
    let py = data.py();
    // Some arrays, such as NumPy's of dates, give their memory only to who does not ask what is in it.
    let export = Export::new(data, ffi::PyBUF_ND | ffi::PyBUF_FORMAT).or_else(|_| Export::new(data, ffi::PyBUF_SIMPLE));
    let export = export.map_err(|error| {
        let found = data.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
        if error.is_instance_of::<PyTypeError>(py) {
            return wrong_type(py, &format!("{name} must be bytes or another object with a buffer, not {found}"));
        }
        let reason = error.value(py);
        invalid(py, &format!("{name}, a {found}, does not give contiguous memory ({reason}); pass a contiguous copy"))
    })?;
    if export.holds_objects(py) {
        return Err(wrong_type(py, &format!("{name} holds Python objects, whose addresses mean nothing elsewhere")));
    }
    let memory = export.memory();
    shelf.exports.push(Box::new(export));
    Ok(move |mailbox: &Mailbox| {
        let (start, length) = memory;
        Bytes::from_owner(Lent { start, length, _mailbox: mailbox.clone() })
    })
}

/// The memory of a Python object, contiguous, kept where it is until this is dropped.
struct Export(Box<ffi::Py_buffer>);

// SAFETY: an export may be released by any attached thread; the pointers in it are not used without its owner's promise.
unsafe impl Send for Export {}

impl Export {
    fn new(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: we are attached, `object` is alive, and `view` is an empty structure that stays at its address.
        match unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } {
            0 => Ok(Self(view)),
            _ => Err(PyErr::fetch(object.py())),
        }
    }

    fn memory(&self) -> (NonNull<u8>, usize) {
        (NonNull::new(self.0.buf.cast()).unwrap_or(NonNull::dangling()), usize::try_from(self.0.len).unwrap_or(0))
    }

    fn holds_objects(&self, py: Python<'_>) -> bool {
        if self.0.format.is_null() {
            // Nobody has said what is in it, because some of it, such as a date, has no code. NumPy says it of the array.
            // SAFETY: we are attached, and the export keeps its exporter, where it has one.
            let exporter = unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.obj) };
            let said = exporter.and_then(|exporter| exporter.getattr("dtype").ok()?.getattr("hasobject").ok());
            return said.is_some_and(|said| said.is_truthy().unwrap_or(true));
        }
        // SAFETY: the exporter promises a NUL-terminated text that lives as long as the export.
        let format = unsafe { CStr::from_ptr(self.0.format) }.to_bytes();
        // Names of fields stand between colons, and may have an O too.
        format.split(|byte| *byte == b':').step_by(2).any(|codes| codes.contains(&b'O'))
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        // Shelves are let go of by attached threads, so this attaches to what is attached already.
        Python::attach(|_attached| {
            // SAFETY: `new` filled the structure, and nothing has released it.
            unsafe { ffi::PyBuffer_Release(&raw mut *self.0) }
        });
    }
}

/// A body for a store that keeps it: a copy, made off the runtime's workers.
///
/// # Errors
///
/// There is not enough memory for another one.
pub(crate) async fn keepable(body: Bytes, context: &Context) -> Result<Bytes, Error> {
    let size = body.len();
    let copying = tokio::task::spawn_blocking(move || {
        let mut copy = Vec::new();
        copy.try_reserve_exact(body.len()).ok()?;
        copy.extend_from_slice(&body);
        Some(Bytes::from(copy))
    });
    copying.await.ok().flatten().ok_or_else(|| {
        context.error(ErrorKind::Generic, format!("there is not enough memory for another {size} bytes"))
    })
}
