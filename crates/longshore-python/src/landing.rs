//! Memory that Python owns and the runtime fills or reads.
//!
//! The object stands on the operation's shelf, on the attached side. The runtime side gets its address, together with a clone
//! of the operation's [`Mailbox`]. The shelf is emptied only after the last clone is gone, so the address is good for as
//! long as anybody can use it, also when the call was cancelled or interrupted.
#![expect(unsafe_code)]

use std::ptr::{self, NonNull};
use std::slice;

use bytes::Bytes;
use longshore_engine::{Buffer, Sink};
use longshore_runtime::{Mailbox, Shelf};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::oneshot;

use crate::errors::{invalid, wrong_type};

/// Below this a copy costs less than asking the attached side for memory.
const IN_PLACE_FROM: usize = 64 << 10;

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
    /// It is on the shelf, under its index.
    OnShelf,
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

    async fn reserve(&self, index: usize, size: usize) -> Option<Landing> {
        if size < IN_PLACE_FROM {
            return Some(Landing::Copied(Vec::with_capacity(size)));
        }
        let (reply, answer) = oneshot::channel();
        let mailbox = self.0.clone();
        self.0.send(move |py, shelf| {
            // Nobody receives when the call is being cancelled.
            let _ = reply.send(Region::in_new_bytes(py, shelf, index, size, mailbox)?);
            Ok(())
        });
        answer.await.ok().map(Landing::InPlace)
    }

    fn finish(&self, _index: usize, buffer: Landing) -> Landed {
        match buffer {
            Landing::Copied(bytes) => Landed::Copied(bytes),
            Landing::InPlace(_) => Landed::OnShelf,
        }
    }
}

/// The landed objects as `bytes`, in order.
pub(crate) fn into_bytes<'py>(py: Python<'py>, landed: Vec<Landed>, shelf: &mut Shelf) -> Vec<Bound<'py, PyBytes>> {
    let mut on_shelf: Vec<(usize, Py<PyAny>)> = std::mem::take(&mut shelf.objects);
    on_shelf.sort_unstable_by_key(|(index, _)| *index);
    let mut on_shelf = on_shelf.into_iter();
    let take = |landed| match landed {
        Landed::Copied(bytes) => Some(PyBytes::new(py, &bytes)),
        // Each was put on the shelf under its own index, so they come off in the order of the objects.
        Landed::OnShelf => on_shelf.next().and_then(|(_, object)| object.into_bound(py).cast_into().ok()),
    };
    landed.into_iter().filter_map(take).collect()
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
    pub(crate) fn of_writable(
        py: Python<'_>,
        shelf: &mut Shelf,
        object: &Bound<'_, PyAny>,
        mailbox: Mailbox,
    ) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(object)?;
        if buffer.readonly() || !buffer.is_c_contiguous() {
            return Err(wrong_type(py, "the array's memory must be writable and contiguous"));
        }
        let length = buffer.len_bytes();
        let start = NonNull::new(buffer.buf_ptr().cast()).unwrap_or(NonNull::dangling());
        shelf.buffers.push(buffer);
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

/// Takes the buffer of `data` onto the shelf. What it returns makes the body once there is a mailbox.
///
/// The body is lent until the store lets go of it, and the operation does not end before. For a store that keeps it the body is
/// a copy.
pub(crate) fn lend(
    name: &str,
    data: &Bound<'_, PyAny>,
    store_keeps_it: bool,
    shelf: &mut Shelf,
) -> PyResult<impl FnOnce(&Mailbox) -> Bytes + use<>> {
    let py = data.py();
    let buffer = PyUntypedBuffer::get(data).map_err(|_| {
        let found = data.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
        wrong_type(py, &format!("{name} must be bytes or another object with a buffer, not {found}"))
    })?;
    if !buffer.is_c_contiguous() {
        return Err(invalid(py, &format!("{name} is not contiguous in memory; pass a contiguous copy")));
    }
    let (start, length) = (buffer.buf_ptr(), buffer.len_bytes());
    shelf.buffers.push(buffer);
    Ok(move |mailbox: &Mailbox| {
        let start = NonNull::new(start.cast()).unwrap_or(NonNull::dangling());
        let lent = Lent { start, length, _mailbox: mailbox.clone() };
        if store_keeps_it { Bytes::copy_from_slice(lent.as_ref()) } else { Bytes::from_owner(lent) }
    })
}
