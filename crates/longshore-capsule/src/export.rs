//! A store as a capsule: what the method `__object_store_capsule__` returns.

use std::ffi::{c_long, c_void};
use std::ptr;

use longshore_abi::StoreRef;
use longshore_abi::raw::{self, CAPSULE_NAME, MAJOR, MINOR};

use crate::python::{
    _Py_NoneStruct, Owned, Py_IsInitialized, PyCapsule_GetPointer, PyCapsule_New, PyErr_Occurred, PyExc_BufferError,
    PyLong_AsLong, PyObject, PySequence_GetItem, raise,
};

/// A capsule of `store`, as a new reference; null where a Python exception is set.
///
/// `max_abi` is what the method was given: null or `None`, or the newest version that the importer knows, as a pair of numbers. The method
/// itself refuses positional arguments and other keywords, as Python does for `def method(self, *, max_abi=None)`.
///
/// # Safety
///
/// The thread must be attached to the interpreter, and `max_abi` null or an object.
pub unsafe fn capsule_of(store: StoreRef, max_abi: *mut PyObject) -> *mut PyObject {
    if !max_abi.is_null() && max_abi.cast_const() != &raw const _Py_NoneStruct {
        // SAFETY: an object, and the thread is attached.
        let Some(major) = (unsafe { major_of(max_abi) }) else { return ptr::null_mut() };
        if major < c_long::from(MAJOR) {
            let message = format!(
                "the importer knows version {major} of the object store interface at most, and {} has version {MAJOR}.{MINOR}: \
                 update the importer",
                store.info()
            );
            // SAFETY: Python's own class, and the thread is attached.
            unsafe { raise(PyExc_BufferError, &message) };
            return ptr::null_mut();
        }
    }
    let content = Box::into_raw(Box::new(store.into_raw()));
    // SAFETY: the name is static, the content stays until the destructor, and the thread is attached.
    let capsule = unsafe { PyCapsule_New(content.cast::<c_void>(), CAPSULE_NAME.as_ptr(), Some(destroy)) };
    if capsule.is_null() {
        // SAFETY: just made, and no capsule has it.
        unsafe { give_back(content) };
    }
    capsule
}

/// The first of a pair of numbers; `None` where an exception is set.
///
/// # Safety
///
/// `pair` must be an object, and the thread attached.
unsafe fn major_of(pair: *mut PyObject) -> Option<c_long> {
    // SAFETY: handed on. What is not a sequence, or has no number in it, raises.
    unsafe {
        let major = Owned::new(PySequence_GetItem(pair, 0))?;
        let number = PyLong_AsLong(major.as_ptr());
        PyErr_Occurred().is_null().then_some(number)
    }
}

unsafe extern "C" fn destroy(capsule: *mut PyObject) {
    // SAFETY: Python calls this once, attached, with a capsule made above, whose name nobody changes without becoming its owner.
    unsafe {
        let content = PyCapsule_GetPointer(capsule, CAPSULE_NAME.as_ptr()).cast::<raw::Store>();
        // At the very end the exporter may be gone already; what is left then is left.
        if !content.is_null() && Py_IsInitialized() != 0 {
            give_back(content);
        }
    }
}

/// # Safety
///
/// `content` must come from `capsule_of`, and not be used again.
unsafe fn give_back(content: *mut raw::Store) {
    // SAFETY: handed on.
    let store = unsafe { *Box::from_raw(content) };
    // SAFETY: the reference was handed over when the capsule was made.
    drop(unsafe { StoreRef::from_raw(store) });
}
