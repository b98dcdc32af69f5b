//! Export by DLPack, the way NumPy does it.
//!
//! Layouts and meanings are those of DLPack 1.0, `dlpack.h`, and of its Python specification: a consumer renames the capsule and
//! calls the deleter when it is done; a capsule that nobody took calls it itself.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use bytes::Bytes;
use pyo3::exceptions::{PyBufferError, PyRuntimeError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::export as memory;

/// The device of memory that the CPU can use, and its number.
pub(crate) const CPU: (i32, i32) = (1, 0);

const VERSION: Version = Version { major: 1, minor: 0 };
const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 1 << 1;
const UNSIGNED_BYTE: DataType = DataType { code: 1, bits: 8, lanes: 1 };

/// What a consumer asks for.
pub(crate) struct Wanted {
    pub(crate) has_stream: bool,
    pub(crate) max_version: Option<(u32, u32)>,
    pub(crate) device: Option<(i32, i32)>,
    pub(crate) copy: Option<bool>,
}

/// A capsule with `bytes`, or with a copy where that is wanted.
pub(crate) fn export<'py>(py: Python<'py>, bytes: &Bytes, wanted: &Wanted) -> PyResult<Bound<'py, PyAny>> {
    if wanted.has_stream {
        return Err(PyRuntimeError::new_err("cannot export Bytes by DLPack on a stream: they are in the CPU's memory"));
    }
    if let Some((kind, number)) = wanted.device.filter(|device| *device != CPU) {
        return Err(PyBufferError::new_err(format!(
            "cannot export Bytes by DLPack to device ({kind}, {number}): they are in the CPU's memory, which is device (1, 0)"
        )));
    }
    let copied = wanted.copy == Some(true);
    let has_flags = wanted.max_version.is_some_and(|(major, _minor)| major >= VERSION.major);
    if !copied && !has_flags {
        return Err(PyBufferError::new_err(
            "cannot export Bytes by DLPack before version 1.0, which cannot say that they are read-only; ask with \
             max_version=(1, 0), or for a copy",
        ));
    }
    let shape = bytes.len().cast_signed() as i64;
    let memory = if copied {
        let mut own = memory::reserved(bytes.len())?;
        own.extend_from_slice(bytes);
        Memory::Own(own)
    } else {
        Memory::Shared(bytes.clone())
    };
    let mut held = Box::new(Held { shape, memory });
    let start = match &mut held.memory {
        // Without bytes there is no address.
        _ if bytes.is_empty() => ptr::null_mut(),
        Memory::Shared(shared) => shared.as_ptr().cast_mut().cast(),
        Memory::Own(own) => own.as_mut_ptr().cast(),
    };
    let tensor = Tensor {
        data: start,
        device: Device { kind: CPU.0, number: CPU.1 },
        dimensions: 1,
        data_type: UNSIGNED_BYTE,
        shape: &raw mut held.shape,
        // None means that rows follow each other without gaps.
        strides: ptr::null_mut(),
        byte_offset: 0,
    };
    let context = Box::into_raw(held).cast::<c_void>();
    if has_flags {
        let flags = if copied { IS_COPIED } else { READ_ONLY };
        Versioned { version: VERSION, context, deleter: Versioned::delete, flags, tensor }.into_capsule(py)
    } else {
        Legacy { tensor, context, deleter: Legacy::delete }.into_capsule(py)
    }
}

/// What a tensor points to.
struct Held {
    shape: i64,
    memory: Memory,
}

enum Memory {
    Shared(Bytes),
    /// The consumer's alone, which may write to it.
    Own(Vec<u8>),
}

#[repr(C)]
struct Version {
    major: u32,
    minor: u32,
}

#[repr(C)]
struct Device {
    kind: i32,
    number: i32,
}

#[repr(C)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct Tensor {
    data: *mut c_void,
    device: Device,
    dimensions: i32,
    data_type: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    version: Version,
    context: *mut c_void,
    deleter: unsafe extern "C" fn(*mut Self),
    flags: u64,
    tensor: Tensor,
}

/// `DLManagedTensor`.
#[repr(C)]
struct Legacy {
    tensor: Tensor,
    context: *mut c_void,
    deleter: unsafe extern "C" fn(*mut Self),
}

/// A tensor together with who frees it.
trait Managed: Sized {
    /// The name of a capsule that nobody has taken. A consumer changes it.
    const NAME: &'static CStr;

    /// The [`Held`] that it owns.
    fn context(&self) -> *mut c_void;

    /// Frees a tensor.
    ///
    /// # Safety
    ///
    /// `tensor` was made by `into_capsule`, and this is called once.
    unsafe extern "C" fn delete(tensor: *mut Self) {
        // SAFETY: the caller's promise; both boxes were leaked by the functions that made the capsule.
        let held = unsafe { Box::from_raw(Box::from_raw(tensor).context().cast::<Held>()) };
        // SAFETY: asks for a thread-local value of CPython, which is null for a thread that Python has never seen.
        if unsafe { ffi::PyGILState_GetThisThreadState() }.is_null() {
            return;
        }
        // CPython calls this, attached, without PyO3 knowing. Attaching once more tells it, so that the memory is given back now.
        // A thread of Python's that is detached waits here, as it does in NumPy's deleter.
        Python::try_attach(|_attached| drop(held));
    }

    fn into_capsule(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let tensor = Box::into_raw(Box::new(self));
        let name: *const c_char = Self::NAME.as_ptr();
        // SAFETY: we are attached, the name is static, and the pointer is not null.
        let capsule =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyCapsule_New(tensor.cast(), name, Some(destroy::<Self>))) };
        if capsule.is_err() {
            // SAFETY: no capsule was made that could have done it.
            unsafe { Self::delete(tensor) };
        }
        capsule
    }
}

impl Managed for Versioned {
    const NAME: &'static CStr = c"dltensor_versioned";

    fn context(&self) -> *mut c_void {
        self.context
    }
}

impl Managed for Legacy {
    const NAME: &'static CStr = c"dltensor";

    fn context(&self) -> *mut c_void {
        self.context
    }
}

/// Frees the tensor of a capsule that nobody took.
///
/// # Safety
///
/// CPython's promise: it destroys `capsule`, one of `into_capsule`, now.
unsafe extern "C" fn destroy<T: Managed>(capsule: *mut ffi::PyObject) {
    // SAFETY: the capsule is still readable, and under this name its pointer is the tensor, which is still ours.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, T::NAME.as_ptr()) == 1 {
            T::delete(ffi::PyCapsule_GetPointer(capsule, T::NAME.as_ptr()).cast());
        }
    }
}
