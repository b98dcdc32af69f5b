//! A plain value in a capsule: the other known route, where a class has `__capsule__` and `__from_capsule__`, and no table.

use std::ffi::CStr;

use longshore_abi::{Expected, Header, Str};

use crate::python::{self, PyObject};
use crate::table::Package;

const MAGIC: u64 = u64::from_ne_bytes(*b"LSVALUE\x01");
const FORMAT: u16 = 1;
const CAPSULE: &CStr = c"longshore.shared_value";

/// A value that crosses in a capsule of its own. [`shared_value!`](crate::shared_value) writes this.
///
/// # Safety
///
/// The layout is that of C, every pattern of bits is a value, and `LAYOUT` tells all of it.
pub unsafe trait SharedValue: Copy + Send + Sync + 'static {
    /// The value's name.
    const NAME: &'static str;
    /// The crate that declares it.
    const CORE: &'static str;
    /// That crate's version.
    const VERSION: [u32; 3];
    /// Raised with every change of its meaning.
    const ABI: u32;
    /// The hash of its fields.
    const LAYOUT: u64;
}

/// What a capsule leads to.
#[repr(C)]
struct Parcel<T> {
    head: ValueHead,
    value: T,
}

/// Checked as data before the value behind it is read.
#[repr(C)]
struct ValueHead {
    header: Header,
    version: [u32; 3],
    abi: u32,
    layout: u64,
    name: Str,
    core: Str,
    package: Str,
    package_version: Str,
}

/// Why a value cannot be taken.
#[doc(hidden)]
#[derive(Debug)]
pub struct Refused {
    /// What to say.
    pub message: String,
    /// Whether it is a value of that name: else this is a `TypeError`.
    pub is_value: bool,
}

/// Puts a copy of a [`SharedValue`] into a new capsule: `into_capsule!(py, value)` is a `PyResult<Bound<PyAny>>`, and what
/// `__capsule__` returns.
#[macro_export]
macro_rules! into_capsule {
    ($py:expr, $value:expr) => {{
        let py: ::pyo3::Python<'_> = $py;
        // SAFETY: the token says that this thread is attached; the function gives a reference away, or null with an error set.
        unsafe {
            ::pyo3::Bound::<::pyo3::PyAny>::from_owned_ptr_or_err(
                py,
                $crate::into_capsule($value, $crate::package!()).cast(),
            )
        }
    }};
}

/// Takes a copy of the [`SharedValue`] in a capsule: `from_capsule!(Input, &capsule)` is a `PyResult<Input>`.
///
/// What is no capsule of a value of that name is a `TypeError`. A value of another ABI number, or with another layout, is an `ImportError` that names
/// both packages and both versions. These are in the capsule: it does not matter what Python code did to `__version__`.
#[macro_export]
macro_rules! from_capsule {
    ($value:ty, $capsule:expr) => {{
        let capsule: &::pyo3::Bound<'_, ::pyo3::PyAny> = $capsule;
        // SAFETY: a bound object is alive, and says that this thread is attached.
        let taken = unsafe { $crate::from_capsule::<$value>(capsule.as_ptr().cast(), $crate::package!()) };
        taken.map_err(|refused| {
            if refused.is_value {
                ::pyo3::exceptions::PyImportError::new_err(refused.message)
            } else {
                ::pyo3::exceptions::PyTypeError::new_err(refused.message)
            }
        })
    }};
}

/// Puts a copy of `value` into a new capsule; null with Python's error set where that fails.
///
/// # Safety
///
/// This thread must be attached.
pub unsafe fn into_capsule<T: SharedValue>(value: T, package: Package) -> *mut PyObject {
    unsafe extern "C" fn release<T>(capsule: *mut PyObject) {
        // SAFETY: Python calls this once, with a capsule made below.
        drop(unsafe { Box::from_raw(python::capsule_pointer(capsule, CAPSULE).cast::<Parcel<T>>()) });
    }
    let header = Header {
        magic: MAGIC,
        abi_major: FORMAT,
        abi_minor: 0,
        struct_size: u32::try_from(size_of::<Parcel<T>>()).unwrap_or(u32::MAX),
        features: 0,
        exporter: CAPSULE.as_ptr().cast(),
        info: Str::new(package.name),
    };
    let head = ValueHead {
        header,
        version: T::VERSION,
        abi: T::ABI,
        layout: T::LAYOUT,
        name: Str::new(T::NAME),
        core: Str::new(T::CORE),
        package: Str::new(package.name),
        package_version: Str::new(package.version),
    };
    let parcel = Box::into_raw(Box::new(Parcel { head, value }));
    // SAFETY: attached, by the caller; the name is static.
    let capsule = unsafe { python::PyCapsule_New(parcel.cast(), CAPSULE.as_ptr(), Some(release::<T>)) };
    if capsule.is_null() {
        // SAFETY: made above, and Python did not take it.
        drop(unsafe { Box::from_raw(parcel) });
    }
    capsule
}

/// Takes a copy of the value in a capsule.
///
/// # Errors
///
/// Where this is no such capsule, or one of another version.
///
/// # Safety
///
/// This thread must be attached, and `capsule` alive.
pub unsafe fn from_capsule<T: SharedValue>(capsule: *mut PyObject, package: Package) -> Result<T, Refused> {
    // SAFETY: attached and alive, by the caller.
    let parcel = unsafe { python::capsule_pointer(capsule, CAPSULE) }.cast::<ValueHead>();
    let refuse = |is_value, reason: &str| Refused {
        is_value,
        message: format!("{} {} cannot take the value {}: {reason}", package.name, package.version, T::NAME),
    };
    if parcel.is_null() {
        return Err(refuse(false, "this is no capsule of a shared value"));
    }
    let least = u32::try_from(size_of::<ValueHead>()).unwrap_or(u32::MAX);
    let expected = Expected { magic: MAGIC, abi_major: FORMAT, abi_minor: 0, struct_size: least };
    // SAFETY: null, or in a capsule of our name, which begins with a header; what `check` returns is not kept, so that
    // it is enough that the capsule is held.
    unsafe { Header::check(parcel.cast(), &expected) }.map_err(|error| refuse(true, &error.to_string()))?;
    // SAFETY: a header of our kind and format with the size of a head.
    let head = unsafe { &*parcel };
    let text = |part: Str| {
        // SAFETY: a checked head has static texts.
        unsafe { part.as_str() }.unwrap_or("?")
    };
    let name = text(head.name);
    if name != T::NAME {
        let found = format!("it is the value {name} of {} {}", text(head.package), text(head.package_version));
        return Err(refuse(false, &found));
    }
    let differs = if head.abi != T::ABI {
        "the ABI numbers"
    } else if head.layout != T::LAYOUT || (head.header.struct_size as usize) < size_of::<Parcel<T>>() {
        "the layouts"
    } else {
        // SAFETY: the same layout and a size that has it all.
        return Ok(unsafe { (*parcel.cast::<Parcel<T>>()).value });
    };
    let [[a, b, c], [x, y, z]] = [head.version, T::VERSION];
    Err(refuse(
        true,
        &format!(
            "{differs} differ; it is {name} of {} {}, built with {} {a}.{b}.{c} (ABI {}), and {} was built with {} {x}.{y}.{z} (ABI {}). \
         Install releases of both that go together",
            text(head.package),
            text(head.package_version),
            text(head.core),
            head.abi,
            package.name,
            T::CORE,
            T::ABI,
        ),
    ))
}
