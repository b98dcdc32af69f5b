//! The base module's side: what its macro writes for its PyO3, and what is called around every function of the table.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::python::{self, PyObject};
use crate::table::{CAPSULE, SharedClass};

/// How the class is reached by the PyO3 of its module. [`export_shared!`](crate::export_shared) writes this.
///
/// # Safety
///
/// `borrow` checks the type, and keeps to the borrow flag.
pub unsafe trait Exporter {
    /// The `#[pyclass]`.
    type Class;
    /// Its PyO3's `PyErr`.
    type Error;
    /// Calls `action` with the object, borrowed.
    ///
    /// # Errors
    ///
    /// Where the object has another class, or is borrowed exclusively; and those of `action`.
    ///
    /// # Safety
    ///
    /// This thread must be attached, and `object` alive.
    unsafe fn borrow<R>(
        object: *mut PyObject,
        action: impl FnOnce(&Self::Class) -> Result<R, Self::Error>,
    ) -> Result<R, Self::Error>;

    /// Makes an object, and gives the reference away.
    ///
    /// # Errors
    ///
    /// What Python raises.
    ///
    /// # Safety
    ///
    /// This thread must be attached.
    unsafe fn create(class: Self::Class) -> Result<*mut PyObject, Self::Error>;

    /// A reference to the type, given away.
    ///
    /// # Safety
    ///
    /// This thread must be attached.
    unsafe fn type_object() -> *mut PyObject;

    /// Whether the object has the class.
    ///
    /// # Safety
    ///
    /// This thread must be attached, and `object` alive.
    unsafe fn is_instance(object: *mut PyObject) -> bool;

    /// Makes the error Python's.
    ///
    /// # Safety
    ///
    /// This thread must be attached.
    unsafe fn restore(error: Self::Error);
}

/// A class that is not frozen.
///
/// # Safety
///
/// As of [`Exporter`].
pub unsafe trait Settable: Exporter {
    /// Calls `action` with the object, borrowed exclusively.
    ///
    /// # Errors
    ///
    /// Where the object has another class, or is borrowed; and those of `action`.
    ///
    /// # Safety
    ///
    /// This thread must be attached, and `object` alive.
    unsafe fn borrow_mut<R>(
        object: *mut PyObject,
        action: impl FnOnce(&mut Self::Class) -> Result<R, Self::Error>,
    ) -> Result<R, Self::Error>;
}

/// A class whose references can be lent for as long as the object lives.
///
/// # Safety
///
/// The class is frozen and `Sync`.
pub unsafe trait Lending: Exporter {
    /// Where the class is, inside the object.
    ///
    /// # Errors
    ///
    /// Where the object has another class.
    ///
    /// # Safety
    ///
    /// This thread must be attached, and `object` alive.
    unsafe fn lend(object: *mut PyObject) -> Result<*const Self::Class, Self::Error>;
}

/// Runs the body of a slot: 0 when it is done, -1 with Python's error set. A panic goes no further.
pub fn slot<B: Exporter>(label: &str, body: impl FnOnce() -> Result<(), B::Error>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            // SAFETY: a slot is called attached.
            unsafe { B::restore(error) };
            -1
        }
        Err(panic) => {
            // SAFETY: a slot is called attached.
            unsafe { python::raise_runtime_error(&format!("{label} panicked: {}", words(&*panic))) };
            -1
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// A capsule with the table, given away; null with Python's error set.
///
/// # Safety
///
/// This thread must be attached; the table must begin with that class's head.
pub unsafe fn export<C: SharedClass>(table: &'static C::Table) -> *mut PyObject {
    let pointer = std::ptr::from_ref(table).cast_mut().cast();
    // SAFETY: attached, by the caller. The name is static, and so is the table, which nobody writes.
    unsafe { python::PyCapsule_New(pointer, CAPSULE.as_ptr(), None) }
}
