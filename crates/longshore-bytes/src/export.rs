//! Memory of Python objects as [`Bytes`].
//!
//! CPython lends memory as a `Py_buffer`, which must be released exactly once, by an attached thread. [`Export`] is a Python
//! object that holds one: when its count of references reaches zero, which can only happen on an attached thread, the buffer is
//! released. So what a `Bytes` has to hold is a reference. A thread that Python has never seen puts it [`aside`]; on any other
//! PyO3 knows whether it is attached, and gives the reference back at once, or when the thread attaches again.

use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;
use std::slice;

use bytes::Bytes;
use pyo3::exceptions::{PyBufferError, PyMemoryError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::aside;

/// The memory of `object`, not copied.
pub(crate) fn borrow(object: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let py = object.py();
    aside::give_back(py);
    let export = Export::contiguous(object)?;
    let memory = export.memory();
    if memory.is_empty() {
        return Ok(Bytes::new());
    }
    let keeper = Some(Py::new(py, export)?);
    aside::prepare(py);
    Ok(Bytes::from_owner(Lent { memory, keeper }))
}

/// A copy of the memory of `object`, in C order.
pub(crate) fn copy(object: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let export = match Export::contiguous(object) {
        Ok(export) => return copy_of(export.as_slice()),
        Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => return Err(error),
        Err(_) => Export::new(object, ffi::PyBUF_FULL_RO)?,
    };
    let mut copied = reserved(export.length())?;
    // SAFETY: we are attached, the export describes its own memory, and `copied` has room for all of it.
    let code =
        unsafe { ffi::PyBuffer_ToContiguous(copied.as_mut_ptr().cast(), &raw const *export.0, export.0.len, C_ORDER) };
    if code != 0 {
        return Err(PyErr::fetch(object.py()));
    }
    // SAFETY: CPython has written that many bytes.
    unsafe { copied.set_len(export.length()) };
    Ok(copied.into())
}

/// A copy of `bytes`, or `MemoryError`.
pub(crate) fn copy_of(bytes: &[u8]) -> PyResult<Bytes> {
    let mut copied = reserved(bytes.len())?;
    copied.extend_from_slice(bytes);
    Ok(copied.into())
}

/// Room for `length` bytes, or `MemoryError`.
pub(crate) fn reserved(length: usize) -> PyResult<Vec<u8>> {
    let mut room = Vec::new();
    room.try_reserve_exact(length)
        .map_err(|_| PyMemoryError::new_err(format!("there is not enough memory for {length} bytes")))?;
    Ok(room)
}

const C_ORDER: std::ffi::c_char = b'C' as std::ffi::c_char;

/// A `Py_buffer`, released when this is dropped. Made, used and dropped by attached threads only.
#[pyclass(frozen, name = "Export")]
pub(crate) struct Export(Box<ffi::Py_buffer>);

// SAFETY: a `Py_buffer` may be used and released by any attached thread, and every use of this is on one.
unsafe impl Send for Export {}
// SAFETY: nothing changes it after it is made, but its only owner.
unsafe impl Sync for Export {}

impl Export {
    /// The buffer of `object`, as `flags` ask for it.
    pub(crate) fn new(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: we are attached, `object` is alive, and `view` is an empty structure that stays at its address.
        match unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } {
            0 => Ok(Self(view)),
            _ => Err(PyErr::fetch(object.py())),
        }
    }

    /// The buffer of `object`, one piece of memory that holds no Python objects.
    fn contiguous(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        // Some arrays, such as NumPy's of dates, give their memory only to who does not ask what is in it.
        let export = Self::new(object, ffi::PyBUF_ND | ffi::PyBUF_FORMAT)
            .or_else(|_| Self::new(object, ffi::PyBUF_SIMPLE))
            .and_then(|export| if export.is_contiguous() { Ok(export) } else { Err(scattered(object)) })
            .map_err(|error| explain(object, error))?;
        if export.holds_objects(object.py()) {
            return Err(objects(object));
        }
        Ok(export)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the export keeps this memory where it is while `self` is there. That nobody writes to it meanwhile is the
        // promise of the Python caller, which the crate's documentation asks for.
        unsafe { self.memory().as_ref() }
    }

    fn memory(&self) -> NonNull<[u8]> {
        let start = NonNull::new(self.0.buf.cast::<u8>()).unwrap_or(NonNull::dangling());
        NonNull::slice_from_raw_parts(start, self.length())
    }

    fn length(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(0)
    }

    fn is_contiguous(&self) -> bool {
        // SAFETY: we are attached, and the structure was filled by its exporter.
        unsafe { ffi::PyBuffer_IsContiguous(&raw const *self.0, C_ORDER) == 1 }
    }

    fn holds_objects(&self, py: Python<'_>) -> bool {
        if self.0.format.is_null() {
            // Nobody has said what is in it, because some of it, such as a date, has no code. NumPy says it of the array.
            // SAFETY: we are attached, and the export keeps its exporter, where it has one.
            let exporter = unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.obj) };
            let said = exporter.and_then(|exporter| exporter.getattr("dtype").ok()?.getattr("hasobject").ok());
            return said.is_some_and(|said| said.is_truthy().unwrap_or(true));
        }
        // SAFETY: the exporter promises a text that ends with NUL and lives as long as the export.
        let format = unsafe { CStr::from_ptr(self.0.format) }.to_bytes();
        // Names of fields stand between colons, and may have an O too.
        format.split(|byte| *byte == b':').step_by(2).any(|codes| codes.contains(&b'O'))
    }
}

thread_local! {
    /// How many exports this thread has released: what tells whether a reference was given back, or put aside.
    static RELEASED: Cell<usize> = const { Cell::new(0) };
}

impl Drop for Export {
    fn drop(&mut self) {
        // SAFETY: we are attached, and nothing else releases it.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
        RELEASED.set(RELEASED.get().wrapping_add(1));
    }
}

/// Why `object` gave no memory, in words that say what to do.
fn explain(object: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    // SAFETY: we are attached, and `object` is alive.
    if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
        let advice = if object.is_instance_of::<pyo3::types::PyString>() { "; encode the text" } else { "" };
        let message = format!("expected bytes or another object with a buffer, not {}{advice}", described(object));
        return PyTypeError::new_err(message);
    }
    match Export::new(object, ffi::PyBUF_FULL_RO) {
        Ok(whole) if whole.holds_objects(object.py()) => objects(object),
        Ok(whole) if !whole.is_contiguous() => scattered(object),
        // Such as a memoryview that was released, which says so itself.
        _ => error,
    }
}

fn objects(object: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "cannot take the memory of {}: it holds Python objects, whose addresses mean nothing elsewhere; pass an array of numbers",
        described(object)
    ))
}

fn scattered(object: &Bound<'_, PyAny>) -> PyErr {
    PyBufferError::new_err(format!(
        "cannot take the memory of {} without copying: it is not C-contiguous; pass np.ascontiguousarray(..) of an array, or \
         make a copy with Bytes(.., copy=True)",
        described(object)
    ))
}

fn described(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// Memory that a Python object keeps where it is.
struct Lent {
    memory: NonNull<[u8]>,
    /// `None` only while this is dropped.
    keeper: Option<Py<Export>>,
}

// SAFETY: the memory is only read, and the keeper, which may be dropped anywhere, keeps it where it is.
unsafe impl Send for Lent {}
// SAFETY: as above; shared reads do not disturb each other.
unsafe impl Sync for Lent {}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the keeper keeps this memory where it is. That nobody writes to it meanwhile is the promise of the Python
        // caller, which the crate's documentation asks for.
        unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), self.memory.len()) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        // SAFETY: asks for a thread-local value of CPython, which is null for a thread that Python has never seen.
        if unsafe { ffi::PyGILState_GetThisThreadState() }.is_null() {
            return aside::put(keeper);
        }
        let before = RELEASED.get();
        drop(keeper);
        // A thread that is attached without PyO3 knowing may not come back to it.
        if RELEASED.get() == before {
            aside::ask();
        }
    }
}
