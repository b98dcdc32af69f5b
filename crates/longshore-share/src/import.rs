//! The derived module's side: finding the table, checking it, and calling through it.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use crate::python::{self, PyObject};
use crate::table::{Beginning, CAPSULE, Package, SharedClass, check, refusal};

/// A local type of an imported class. [`import_shared!`](crate::import_shared) writes this.
///
/// # Safety
///
/// A value holds an object of the class, and exists only while this thread is attached.
pub unsafe trait Imported: Sized {
    /// The declaration.
    type Class: SharedClass;
    /// Says that this thread is attached: the PyO3's `Python<'py>`.
    type Token: Copy;
    /// The PyO3's `PyErr`.
    type Error;

    /// The token of this object.
    fn token(&self) -> Self::Token;

    /// The object.
    fn as_ptr(&self) -> *mut PyObject;

    /// The functions.
    ///
    /// # Errors
    ///
    /// Where the other module cannot be used.
    fn table(token: Self::Token) -> Result<&'static <Self::Class as SharedClass>::Table, Self::Error>;

    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `object` is a reference to an object of the class, given away.
    unsafe fn from_owned_ptr(token: Self::Token, object: *mut PyObject) -> Self;

    /// The error that Python has, taken from it.
    fn raised(token: Self::Token) -> Self::Error;
}

/// Calls a slot, and takes what it wrote, or Python's error.
///
/// # Errors
///
/// Where the slot returned anything but 0.
///
/// # Safety
///
/// `call` writes to the place where it returns 0, and sets Python's error where it does not.
pub unsafe fn answer<I: Imported, T>(token: I::Token, call: impl FnOnce(*mut T) -> i32) -> Result<T, I::Error> {
    let mut answer = MaybeUninit::uninit();
    match call(answer.as_mut_ptr()) {
        // SAFETY: the caller's promise.
        0 => Ok(unsafe { answer.assume_init() }),
        _ => Err(I::raised(token)),
    }
}

/// Why the class cannot be used.
#[derive(Debug)]
pub struct Failure {
    /// For the `ImportError`.
    pub message: String,
    /// Whether Python has an error that is the cause.
    pub raised: bool,
}

/// The table of the class, once it was found and checked.
#[derive(Debug)]
pub struct Loaded<C: SharedClass>(OnceLock<&'static C::Table>);

impl<C: SharedClass> Loaded<C> {
    /// None yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is a static of a macro")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// Where there is none that this module can use.
    ///
    /// # Safety
    ///
    /// This thread must be attached.
    pub unsafe fn table(&self, importer: &Package) -> Result<&'static C::Table, Failure> {
        if let Some(table) = self.0.get() {
            return Ok(table);
        }
        // An import may let other threads run, so nobody waits for it here: who comes second finds the same.
        // SAFETY: attached, by the caller.
        let table = unsafe { load::<C>(importer) }?;
        Ok(self.0.get_or_init(|| table))
    }

    /// A reference to the type, given away; null where Python has an error.
    ///
    /// # Safety
    ///
    /// This thread must be attached.
    pub unsafe fn type_object(&self) -> *mut PyObject {
        // SAFETY: attached, by the caller.
        self.common().map_or(std::ptr::null_mut(), |common| unsafe { (common.common.type_object)() })
    }

    /// Whether the object has the class; `false` before there is a table.
    ///
    /// # Safety
    ///
    /// This thread must be attached, and `object` alive.
    pub unsafe fn is_instance(&self, object: *mut PyObject) -> bool {
        // SAFETY: attached and alive, by the caller.
        self.common().is_some_and(|common| unsafe { (common.common.is_instance)(object) } == 1)
    }

    fn common(&self) -> Option<&'static Beginning> {
        // SAFETY: a `SharedClass` promises what its table begins with.
        self.0.get().map(|table| unsafe { &*std::ptr::from_ref::<C::Table>(table).cast() })
    }
}

/// # Safety
///
/// This thread must be attached.
unsafe fn load<C: SharedClass>(importer: &Package) -> Result<&'static C::Table, Failure> {
    // SAFETY: attached, by the caller; what is held is let go before this returns.
    unsafe {
        let Some(module) = python::import(C::MODULE) else {
            let start = refusal::<C>(importer, "");
            let [major, minor, patch] = C::VERSION;
            let message = format!(
                "{start}: the module could not be imported. Install the package that has it, for {} {major}.{minor}.{patch} (ABI {})",
                C::CORE,
                C::ABI,
            );
            return Err(Failure { message, raised: true });
        };
        let Some(capsule) = python::attribute(&module, C::ATTRIBUTE) else {
            let start = refusal::<C>(importer, "");
            let message = format!(
                "{start}: the module has no `{}`. It is older than the shared class, is another module of that name, or does \
                 not call `export_shared`",
                C::ATTRIBUTE
            );
            return Err(Failure { message, raised: true });
        };
        let table = python::capsule_pointer(capsule.as_ptr(), CAPSULE);
        if table.is_null() {
            let message =
                format!("{}: `{}` is not the capsule of a shared class", refusal::<C>(importer, ""), C::ATTRIBUTE);
            return Err(Failure { message, raised: false });
        }
        let checked = check::<C>(table.cast(), importer).map_err(|message| Failure { message, raised: false })?;
        // The capsule stays, and with it whatever it leads to.
        python::Py_IncRef(capsule.as_ptr());
        Ok(checked)
    }
}

/// What a `TypeError` says.
#[must_use]
pub fn wrong_type(wanted: &str, found: &str) -> String {
    let copy =
        if wanted == found { ", which is another copy of the class: it was compiled into two modules" } else { "" };
    format!("expected an object of {wanted}, found one of {found}{copy}")
}
