//! Why an object could not be taken as a store.

use std::fmt;

use longshore_abi::StoreError;
use longshore_abi::raw::MAJOR;

use crate::python::{PyExc_BufferError, PyExc_RuntimeError, PyExc_TypeError, raise};

/// Why an object could not be taken as a store. Its text names both sides.
#[derive(Debug)]
pub struct TakeError {
    pub(crate) importer: String,
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum Reason {
    /// It has no such method.
    NoMethod { class: String },
    /// Its method raised, and the exception is set.
    Raised,
    /// Its method gave something else.
    NoCapsule { class: String, given: String },
    /// A capsule, of something else or of another major version.
    OtherCapsule { name: String },
    /// The store in the capsule cannot be used.
    Store { exporter: Option<String>, error: StoreError },
}

impl TakeError {
    /// Whether the object is no store at all, rather than one that cannot be used: a caller may then try something else.
    pub fn is_no_store(&self) -> bool {
        matches!(self.reason, Reason::NoMethod { .. })
    }

    /// Sets this as Python's exception: `TypeError` for what is no store, `BufferError` for one of an interface that does not fit,
    /// `RuntimeError` for one that is refused, such as in a forked child. What the object itself raised stays as it is.
    ///
    /// # Safety
    ///
    /// The thread must be attached to the interpreter.
    pub unsafe fn raise(&self) {
        // SAFETY: Python's own classes, and the thread is attached.
        unsafe {
            let class = match &self.reason {
                Reason::Raised => return,
                Reason::NoMethod { .. } | Reason::NoCapsule { .. } => PyExc_TypeError,
                Reason::OtherCapsule { .. } => PyExc_BufferError,
                Reason::Store { error: StoreError::Refused(_), .. } => PyExc_RuntimeError,
                Reason::Store { .. } => PyExc_BufferError,
            };
            raise(class, &self.to_string());
        }
    }
}

impl fmt::Display for TakeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let importer = &self.importer;
        match &self.reason {
            Reason::NoMethod { class } => write!(
                formatter,
                "{importer} needs an object store, which is an object with a method __object_store_capsule__, and {class} has none"
            ),
            // Who raised, and what, is in Python's exception.
            Reason::Raised => {
                write!(
                    formatter,
                    "{importer} asked an object for its store, and its method __object_store_capsule__ raised"
                )
            }
            Reason::NoCapsule { class, given } => write!(
                formatter,
                "{importer} needs a capsule, and the method __object_store_capsule__ of {class} returned {given}"
            ),
            Reason::OtherCapsule { name } => write!(
                formatter,
                "{importer} needs a capsule named object_store_v{MAJOR}, and this one is named {name}: update whichever is older"
            ),
            Reason::Store { exporter, error } => write!(
                formatter,
                "{importer} cannot use the store of {}: {error}",
                exporter.as_deref().unwrap_or("an exporter of unknown name")
            ),
        }
    }
}

impl std::error::Error for TakeError {}
