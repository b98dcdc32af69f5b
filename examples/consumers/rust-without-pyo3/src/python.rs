//! The little of Python's stable interface that the module needs, as it is declared in `Python.h`.

use std::ffi::{c_char, c_int, c_ulonglong, c_void, CString};
use std::ptr;

pub(crate) use longshore_capsule::PyObject;

/// A Python exception is set.
pub(crate) struct Raised;

pub(crate) type Result<T, E = Raised> = std::result::Result<T, E>;

pub(crate) type Function = unsafe extern "C" fn(module: *mut PyObject, arguments: *mut PyObject) -> *mut PyObject;

#[repr(C)]
pub(crate) struct MethodDef {
    pub(crate) name: *const c_char,
    pub(crate) function: Option<Function>,
    pub(crate) flags: c_int,
    pub(crate) documentation: *const c_char,
}

/// `PyModuleDef`: its `PyObject` first.
#[repr(C)]
pub(crate) struct ModuleDef {
    pub(crate) references: isize,
    pub(crate) class: *mut c_void,
    pub(crate) init: *mut c_void,
    pub(crate) index: isize,
    pub(crate) copy: *mut c_void,
    pub(crate) name: *const c_char,
    pub(crate) documentation: *const c_char,
    pub(crate) size: isize,
    pub(crate) methods: *mut MethodDef,
    pub(crate) unused: [*mut c_void; 4],
}

pub(crate) const METH_VARARGS: c_int = 1;
pub(crate) const METH_KEYWORDS: c_int = 2;
pub(crate) const METH_O: c_int = 8;
/// `PYTHON_ABI_VERSION`, which stays 3.
pub(crate) const ABI_VERSION: c_int = 3;

extern "C" {
    pub(crate) static PyExc_FileExistsError: *mut PyObject;
    pub(crate) static PyExc_FileNotFoundError: *mut PyObject;
    pub(crate) static PyExc_OSError: *mut PyObject;
    pub(crate) static PyExc_PermissionError: *mut PyObject;
    pub(crate) static PyExc_RuntimeError: *mut PyObject;
    pub(crate) static PyExc_ValueError: *mut PyObject;
    pub(crate) static mut PyList_Type: PyObject;
    static mut _Py_NoneStruct: PyObject;

    pub(crate) fn PyArg_Parse(object: *mut PyObject, format: *const c_char, ...) -> c_int;
    pub(crate) fn PyArg_ParseTuple(arguments: *mut PyObject, format: *const c_char, ...) -> c_int;
    pub(crate) fn PyArg_ParseTupleAndKeywords(
        arguments: *mut PyObject,
        keywords: *mut PyObject,
        format: *const c_char,
        names: *const *const c_char,
        ...
    ) -> c_int;
    fn PyBytes_AsStringAndSize(bytes: *mut PyObject, start: *mut *mut c_char, length: *mut isize) -> c_int;
    fn PyBytes_FromStringAndSize(start: *const c_char, length: isize) -> *mut PyObject;
    fn PyDict_New() -> *mut PyObject;
    fn PyDict_SetItemString(dictionary: *mut PyObject, key: *const c_char, value: *mut PyObject) -> c_int;
    fn PyErr_SetString(class: *mut PyObject, message: *const c_char);
    fn PyEval_SaveThread() -> *mut c_void;
    fn PyList_Append(list: *mut PyObject, item: *mut PyObject) -> c_int;
    pub(crate) fn PyList_GetItem(list: *mut PyObject, index: isize) -> *mut PyObject;
    fn PyList_New(length: isize) -> *mut PyObject;
    pub(crate) fn PyList_Size(list: *mut PyObject) -> isize;
    fn PyLong_FromUnsignedLongLong(number: c_ulonglong) -> *mut PyObject;
    pub(crate) fn PyModule_AddObjectRef(module: *mut PyObject, name: *const c_char, value: *mut PyObject) -> c_int;
    pub(crate) fn PyModule_Create2(definition: *mut ModuleDef, abi: c_int) -> *mut PyObject;
    fn PyTuple_Pack(count: isize, ...) -> *mut PyObject;
    fn PyUnicode_FromStringAndSize(start: *const c_char, length: isize) -> *mut PyObject;
    fn Py_DecRef(object: *mut PyObject);
    fn Py_IncRef(object: *mut PyObject);
}

extern "C-unwind" {
    /// Before Python 3.14, this ends a thread that comes back while the interpreter ends, by unwinding its stack.
    fn PyEval_RestoreThread(state: *mut c_void);
}

/// A reference to a Python object. Only threads that have the interpreter make, use and drop it.
pub(crate) struct Owned(*mut PyObject);

impl Owned {
    /// # Safety
    ///
    /// `object` must be null, with an exception set, or a reference that is the caller's to give.
    pub(crate) unsafe fn new(object: *mut PyObject) -> Result<Self> {
        if object.is_null() {
            Err(Raised)
        } else {
            Ok(Self(object))
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut PyObject {
        self.0
    }

    pub(crate) fn into_ptr(self) -> *mut PyObject {
        std::mem::ManuallyDrop::new(self).0
    }

    pub(crate) fn none() -> Self {
        // SAFETY: there is one `None`, which never goes.
        unsafe {
            let none = ptr::addr_of_mut!(_Py_NoneStruct);
            Py_IncRef(none);
            Self(none)
        }
    }

    pub(crate) fn bytes(content: &[u8]) -> Result<Self> {
        // SAFETY: Python copies the bytes.
        unsafe { Self::new(PyBytes_FromStringAndSize(content.as_ptr().cast(), content.len() as isize)) }
    }

    pub(crate) fn text(text: &str) -> Result<Self> {
        // SAFETY: Python copies the text.
        unsafe { Self::new(PyUnicode_FromStringAndSize(text.as_ptr().cast(), text.len() as isize)) }
    }

    pub(crate) fn number(number: u64) -> Result<Self> {
        // SAFETY: only a number is handed over.
        unsafe { Self::new(PyLong_FromUnsignedLongLong(number)) }
    }

    pub(crate) fn pair(first: &Self, second: &Self) -> Result<Self> {
        // SAFETY: two objects, as is said.
        unsafe { Self::new(PyTuple_Pack(2, first.0, second.0)) }
    }

    pub(crate) fn list(items: impl IntoIterator<Item = Result<Self>>) -> Result<Self> {
        // SAFETY: a new list, to which objects are added.
        unsafe {
            let list = Self::new(PyList_New(0))?;
            for item in items {
                if PyList_Append(list.0, item?.0) < 0 {
                    return Err(Raised);
                }
            }
            Ok(list)
        }
    }

    pub(crate) fn texts<'a>(pairs: impl IntoIterator<Item = (&'a std::ffi::CStr, &'a str)>) -> Result<Self> {
        // SAFETY: a new dictionary, to which objects are added.
        unsafe {
            let dictionary = Self::new(PyDict_New())?;
            for (key, value) in pairs {
                if PyDict_SetItemString(dictionary.0, key.as_ptr(), Self::text(value)?.0) < 0 {
                    return Err(Raised);
                }
            }
            Ok(dictionary)
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the reference was ours.
        unsafe { Py_DecRef(self.0) }
    }
}

/// The content of `bytes`, which its owner keeps alive.
///
/// # Safety
///
/// `bytes` must be an object that lives as long as what is returned is used.
pub(crate) unsafe fn content<'a>(bytes: *mut PyObject) -> Result<&'a [u8]> {
    let (mut start, mut length) = (ptr::null_mut(), 0);
    // SAFETY: an object; what is none of bytes raises. Python says where they are, and how many, and never changes them.
    unsafe {
        if PyBytes_AsStringAndSize(bytes, &mut start, &mut length) < 0 {
            return Err(Raised);
        }
        Ok(std::slice::from_raw_parts(start.cast(), length as usize))
    }
}

/// Waits without holding up Python's other threads.
pub(crate) fn detached<T>(wait: impl FnOnce() -> T) -> T {
    struct Back(*mut c_void);
    impl Drop for Back {
        fn drop(&mut self) {
            let stay = Stay;
            // SAFETY: what `PyEval_SaveThread` gave, once, on the same thread.
            unsafe { PyEval_RestoreThread(self.0) }
            std::mem::forget(stay);
        }
    }
    /// Unwinding would drop what needs the interpreter, and is not let out of functions for C. So the thread stays here, until the
    /// process ends.
    struct Stay;
    impl Drop for Stay {
        fn drop(&mut self) {
            loop {
                std::thread::park();
            }
        }
    }
    // SAFETY: functions of this module are called by threads that have the interpreter.
    let _back = Back(unsafe { PyEval_SaveThread() });
    wait()
}

/// Sets an exception.
pub(crate) fn raise(class: *mut PyObject, message: &str) -> Raised {
    // A zero would end the message early.
    let message = CString::new(message.replace('\0', "?")).unwrap_or_default();
    // SAFETY: `class` is one of Python's own; Python copies the message.
    unsafe { PyErr_SetString(class, message.as_ptr()) };
    Raised
}
