//! The few functions of Python that are needed, all of them stable since 3.10, and a reference that is given back.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::ptr::NonNull;

/// A Python object. Only pointers to it exist; cast those of your binding tool.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject {
    _opaque: [u8; 0],
}

/// What a capsule calls when it goes.
pub(crate) type Destructor = unsafe extern "C" fn(capsule: *mut PyObject);

#[cfg_attr(windows, link(name = "python3", kind = "raw-dylib"))]
unsafe extern "C" {
    pub(crate) static PyExc_AttributeError: *mut PyObject;
    pub(crate) static PyExc_BufferError: *mut PyObject;
    pub(crate) static PyExc_RuntimeError: *mut PyObject;
    pub(crate) static PyExc_TypeError: *mut PyObject;

    /// `None` itself.
    pub(crate) static _Py_NoneStruct: PyObject;

    fn Py_DecRef(object: *mut PyObject);
    pub(crate) fn Py_IsInitialized() -> c_int;
    pub(crate) fn PyCapsule_GetName(capsule: *mut PyObject) -> *const c_char;
    pub(crate) fn PyCapsule_GetPointer(capsule: *mut PyObject, name: *const c_char) -> *mut c_void;
    pub(crate) fn PyCapsule_IsValid(capsule: *mut PyObject, name: *const c_char) -> c_int;
    pub(crate) fn PyCapsule_New(
        pointer: *mut c_void,
        name: *const c_char,
        destructor: Option<Destructor>,
    ) -> *mut PyObject;
    pub(crate) fn PyDict_New() -> *mut PyObject;
    pub(crate) fn PyDict_SetItemString(dict: *mut PyObject, key: *const c_char, value: *mut PyObject) -> c_int;
    pub(crate) fn PyErr_Clear();
    pub(crate) fn PyErr_ExceptionMatches(class: *mut PyObject) -> c_int;
    pub(crate) fn PyErr_Occurred() -> *mut PyObject;
    fn PyErr_SetString(class: *mut PyObject, message: *const c_char);
    pub(crate) fn PyLong_AsLong(number: *mut PyObject) -> c_long;
    pub(crate) fn PyLong_FromLong(number: c_long) -> *mut PyObject;
    pub(crate) fn PyObject_Call(
        callable: *mut PyObject,
        arguments: *mut PyObject,
        keywords: *mut PyObject,
    ) -> *mut PyObject;
    pub(crate) fn PyObject_GetAttrString(object: *mut PyObject, name: *const c_char) -> *mut PyObject;
    fn PyObject_Type(object: *mut PyObject) -> *mut PyObject;
    pub(crate) fn PySequence_GetItem(sequence: *mut PyObject, index: isize) -> *mut PyObject;
    pub(crate) fn PyTuple_Pack(count: isize, ...) -> *mut PyObject;
    fn PyUnicode_AsUTF8AndSize(text: *mut PyObject, size: *mut isize) -> *const c_char;
}

/// A reference to a Python object, given back when dropped. Lives and goes while the thread is attached.
pub(crate) struct Owned(NonNull<PyObject>);

impl Owned {
    /// Takes over a new reference; `None` where it is null, which says that an exception is set.
    ///
    /// # Safety
    ///
    /// `object` must be null or a reference that is the caller's to give, and the thread attached as long as this lives.
    pub(crate) unsafe fn new(object: *mut PyObject) -> Option<Self> {
        NonNull::new(object).map(Self)
    }

    pub(crate) fn as_ptr(&self) -> *mut PyObject {
        self.0.as_ptr()
    }

    /// The type of `object`.
    ///
    /// # Safety
    ///
    /// `object` must be an object, and the thread attached.
    pub(crate) unsafe fn type_of(object: *mut PyObject) -> Option<Self> {
        // SAFETY: handed on.
        unsafe { Self::new(PyObject_Type(object)) }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: whoever made this promised that the reference was to give, and the thread is attached.
        unsafe { Py_DecRef(self.0.as_ptr()) }
    }
}

/// What the type of `object` is called, with its module. Leaves no exception.
///
/// # Safety
///
/// As for [`Owned::type_of`]; no exception may be set.
pub(crate) unsafe fn type_name(object: *mut PyObject) -> String {
    // SAFETY: handed on.
    let class = unsafe { Owned::type_of(object) };
    let part = |name: &CStr| {
        let class = class.as_ref()?;
        // SAFETY: the class is an object, and the thread is attached.
        unsafe { text(&Owned::new(PyObject_GetAttrString(class.as_ptr(), name.as_ptr()))?) }
    };
    let name = match (part(c"__module__"), part(c"__qualname__")) {
        (Some(module), Some(name)) if module != "builtins" => format!("{module}.{name}"),
        (_, Some(name)) => name,
        _ => "an object of a type without a name".to_owned(),
    };
    // SAFETY: the thread is attached.
    unsafe { PyErr_Clear() };
    name
}

/// The text of a Python string.
///
/// # Safety
///
/// The thread must be attached.
unsafe fn text(object: &Owned) -> Option<String> {
    let mut size = 0;
    // SAFETY: an object, and a size to write.
    let start = unsafe { PyUnicode_AsUTF8AndSize(object.as_ptr(), &raw mut size) };
    if start.is_null() {
        return None;
    }
    // SAFETY: Python says that there are so many bytes, which stay as long as the object.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), usize::try_from(size).ok()?) };
    String::from_utf8(bytes.to_vec()).ok()
}

/// Sets an exception.
///
/// # Safety
///
/// `class` must be an exception class, and the thread attached.
pub(crate) unsafe fn raise(class: *mut PyObject, message: &str) {
    // A zero would end the message early.
    let message = std::ffi::CString::new(message.replace('\0', "?")).unwrap_or_default();
    // SAFETY: handed on; Python copies the message.
    unsafe { PyErr_SetString(class, message.as_ptr()) }
}
