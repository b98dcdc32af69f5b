//! The few functions of Python's stable ABI that we call. Every process that loads an extension module has them, and they are the
//! same for every PyO3.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

/// A Python object. What PyO3 calls `Py<T>` is one pointer to one, never null, and `Option<Py<T>>` one that may be null: PyO3
/// documents it, and the macros assert it at compile time.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    pub(crate) fn Py_IncRef(object: *mut PyObject);
    pub(crate) fn Py_DecRef(object: *mut PyObject);
    pub(crate) fn PyCapsule_GetPointer(capsule: *mut PyObject, name: *const c_char) -> *mut c_void;
    pub(crate) fn PyCapsule_IsValid(capsule: *mut PyObject, name: *const c_char) -> c_int;
    pub(crate) fn PyCapsule_New(
        pointer: *mut c_void,
        name: *const c_char,
        destructor: Option<unsafe extern "C" fn(*mut PyObject)>,
    ) -> *mut PyObject;
    pub(crate) fn PyObject_GetAttrString(object: *mut PyObject, name: *const c_char) -> *mut PyObject;
    fn PyErr_SetString(class: *mut PyObject, message: *const c_char);
    fn PyImport_ImportModule(name: *const c_char) -> *mut PyObject;
    static PyExc_RuntimeError: *mut PyObject;
}

/// A reference of our own to an object.
pub(crate) struct Owned(*mut PyObject);

impl Owned {
    /// Takes over the reference in `object`; none where it is null, and then Python has an error.
    ///
    /// # Safety
    ///
    /// This thread must stay attached to the interpreter until this is dropped; `object` is null or a reference given away.
    pub(crate) unsafe fn new(object: *mut PyObject) -> Option<Self> {
        (!object.is_null()).then_some(Self(object))
    }

    pub(crate) fn as_ptr(&self) -> *mut PyObject {
        self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `new` was promised a reference and an attached thread.
        unsafe { Py_DecRef(self.0) };
    }
}

/// The text for C. What is behind a zero is cut off.
pub(crate) fn c_text(text: &str) -> CString {
    let whole = text.split('\0').next().unwrap_or_default();
    CString::new(whole).unwrap_or_default()
}

/// Imports the module of that dotted name.
///
/// # Safety
///
/// As for [`Owned::new`].
pub(crate) unsafe fn import(module: &str) -> Option<Owned> {
    // SAFETY: attached, by the caller; the text ends with a zero, and Python copies it.
    unsafe { Owned::new(PyImport_ImportModule(c_text(module).as_ptr())) }
}

/// The object's attribute. Where there is none, Python has an error.
///
/// # Safety
///
/// As for [`Owned::new`].
pub(crate) unsafe fn attribute(object: &Owned, name: &str) -> Option<Owned> {
    // SAFETY: attached, by the caller; the object is held.
    unsafe { Owned::new(PyObject_GetAttrString(object.as_ptr(), c_text(name).as_ptr())) }
}

/// What is in the capsule, or null where the object is no capsule of that name. Sets no error.
///
/// # Safety
///
/// This thread must be attached, and `object` alive.
pub(crate) unsafe fn capsule_pointer(object: *mut PyObject, name: &CStr) -> *mut c_void {
    // SAFETY: attached, and alive, by the caller. A valid capsule of that name gives its pointer.
    unsafe {
        if PyCapsule_IsValid(object, name.as_ptr()) == 0 {
            return std::ptr::null_mut();
        }
        PyCapsule_GetPointer(object, name.as_ptr())
    }
}

/// Sets a `RuntimeError`.
///
/// # Safety
///
/// This thread must be attached.
pub(crate) unsafe fn raise_runtime_error(message: &str) {
    // SAFETY: attached, by the caller; the class lives as long as the interpreter.
    unsafe { PyErr_SetString(PyExc_RuntimeError, c_text(message).as_ptr()) };
}
