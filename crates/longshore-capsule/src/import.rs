//! A store out of an object, or out of a capsule.

use std::ffi::{CStr, c_long};

use longshore_abi::raw::{self, CAPSULE_NAME, MAGIC, MAJOR, METHOD_NAME, MINOR};
use longshore_abi::{HeaderError, StoreError, StoreRef};

use crate::error::{Reason, TakeError};
use crate::python::{
    Owned, PyCapsule_GetName, PyCapsule_GetPointer, PyCapsule_IsValid, PyDict_New, PyDict_SetItemString, PyErr_Clear,
    PyErr_ExceptionMatches, PyExc_AttributeError, PyLong_FromLong, PyObject, PyObject_Call, PyObject_GetAttrString,
    PyTuple_Pack, type_name,
};

/// The live store of `object`: of anything whose type has the method `__object_store_capsule__`, or of a capsule.
///
/// `importer` says who asks, for people, such as `"package 1.2.3"`. The object stays the caller's.
///
/// # Errors
///
/// Says why there is no store; no Python exception is set, except where the object's own method raised: then it still is, and
/// [`TakeError::raise`] leaves it so.
///
/// # Safety
///
/// `object` must be an object, the thread attached to the interpreter, and no exception set.
pub unsafe fn store_of(object: *mut PyObject, importer: &str) -> Result<StoreRef, TakeError> {
    // SAFETY: handed on.
    unsafe { take(object) }.map_err(|reason| TakeError { importer: importer.to_owned(), reason })
}

/// # Safety
///
/// As for [`store_of`].
unsafe fn take(object: *mut PyObject) -> Result<StoreRef, Reason> {
    // SAFETY: handed on, here and below.
    unsafe {
        if is_capsule(object) {
            return open(object);
        }
        let capsule = asked(object)?;
        if is_capsule(capsule.as_ptr()) {
            open(capsule.as_ptr())
        } else {
            Err(Reason::NoCapsule { class: type_name(object), given: type_name(capsule.as_ptr()) })
        }
    }
}

/// Whether `object` is a capsule of any name.
///
/// # Safety
///
/// As for [`store_of`].
unsafe fn is_capsule(object: *mut PyObject) -> bool {
    // SAFETY: handed on. A subclass of the type cannot be made.
    unsafe { PyCapsule_IsValid(object, CAPSULE_NAME.as_ptr()) != 0 || type_name(object) == "PyCapsule" }
}

/// What the object's method returns.
///
/// # Safety
///
/// As for [`store_of`].
unsafe fn asked(object: *mut PyObject) -> Result<Owned, Reason> {
    // SAFETY: handed on; every object that is made here is checked before it is used.
    unsafe {
        let raised = || Reason::Raised;
        let class = Owned::type_of(object).ok_or_else(raised)?;
        let Some(method) = Owned::new(PyObject_GetAttrString(class.as_ptr(), METHOD_NAME.as_ptr())) else {
            if PyErr_ExceptionMatches(PyExc_AttributeError) == 0 {
                return Err(raised());
            }
            PyErr_Clear();
            return Err(Reason::NoMethod { class: type_name(object) });
        };
        let number = |number: u16| Owned::new(PyLong_FromLong(c_long::from(number))).ok_or_else(raised);
        let (major, minor) = (number(MAJOR)?, number(MINOR)?);
        let known = Owned::new(PyTuple_Pack(2, major.as_ptr(), minor.as_ptr())).ok_or_else(raised)?;
        let arguments = Owned::new(PyTuple_Pack(1, object)).ok_or_else(raised)?;
        let keywords = Owned::new(PyDict_New()).ok_or_else(raised)?;
        if PyDict_SetItemString(keywords.as_ptr(), c"max_abi".as_ptr(), known.as_ptr()) != 0 {
            return Err(raised());
        }
        Owned::new(PyObject_Call(method.as_ptr(), arguments.as_ptr(), keywords.as_ptr())).ok_or_else(raised)
    }
}

/// The store in a capsule.
///
/// # Safety
///
/// As for [`store_of`]; `capsule` must be a capsule.
unsafe fn open(capsule: *mut PyObject) -> Result<StoreRef, Reason> {
    // SAFETY: handed on.
    let store = unsafe { PyCapsule_GetPointer(capsule, CAPSULE_NAME.as_ptr()) }.cast::<raw::Store>();
    if store.is_null() {
        // SAFETY: as above; a capsule's name, if it has one, ends with a zero.
        unsafe {
            PyErr_Clear();
            let name = PyCapsule_GetName(capsule);
            let name =
                if name.is_null() { "nothing".into() } else { CStr::from_ptr(name).to_string_lossy().into_owned() };
            PyErr_Clear();
            return Err(Reason::OtherCapsule { name });
        }
    }
    // SAFETY: what lies in a capsule of this name is such a store, alive while the capsule is.
    unsafe { StoreRef::retain(store) }.map_err(|error| Reason::Store {
        // SAFETY: as above.
        exporter: unsafe { exporter_of(store, &error) },
        error,
    })
}

/// Who made a store that cannot be used: the header is the same for every version, so its maker is known where it is a header.
///
/// # Safety
///
/// `store` must be what lies in a capsule of our name.
unsafe fn exporter_of(store: *const raw::Store, error: &StoreError) -> Option<String> {
    if matches!(error, StoreError::Header(HeaderError::NoTable | HeaderError::Magic { .. })) {
        return None;
    }
    // SAFETY: the check has found a header here, with our magic; its `info` lives as long as the process.
    unsafe {
        let header = &(*(*store).vtable).header;
        debug_assert_eq!(header.magic, MAGIC);
        header.info.as_str().map(str::to_owned)
    }
}
