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

/// Puts a copy of `value` into a new capsule, for `__capsule__`; null with Python's error set where that fails.
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

/// Takes a copy of the value in a capsule, for `__from_capsule__`.
///
/// # Errors
///
/// What to raise: this is no such capsule, or one of another version. The version is in the capsule, so that it does not matter what
/// Python code did to `__version__`.
///
/// # Safety
///
/// This thread must be attached, and `capsule` alive.
pub unsafe fn from_capsule<T: SharedValue>(capsule: *mut PyObject, package: Package) -> Result<T, String> {
    // SAFETY: attached and alive, by the caller.
    let parcel = unsafe { python::capsule_pointer(capsule, CAPSULE) }.cast::<ValueHead>();
    let refuse =
        |reason: &str| format!("{} {} cannot take the value {}: {reason}", package.name, package.version, T::NAME);
    let least = u32::try_from(size_of::<ValueHead>()).unwrap_or(u32::MAX);
    let expected = Expected { magic: MAGIC, abi_major: FORMAT, abi_minor: 0, struct_size: least };
    // SAFETY: null, or in a capsule of our name, which begins with a header and lives as long as the capsule, which is held.
    unsafe { Header::check(parcel.cast(), &expected) }.map_err(|error| refuse(&error.to_string()))?;
    // SAFETY: a header of our kind and format with the size of a head.
    let head = unsafe { &*parcel };
    let text = |part: Str| {
        // SAFETY: a checked head has static texts.
        unsafe { part.as_str() }.unwrap_or("?")
    };
    let name = text(head.name);
    let differs = if name != T::NAME {
        "the names"
    } else if head.abi != T::ABI {
        "the ABI numbers"
    } else if head.layout != T::LAYOUT || (head.header.struct_size as usize) < size_of::<Parcel<T>>() {
        "the layouts"
    } else {
        // SAFETY: the same layout and a size that has it all.
        return Ok(unsafe { (*parcel.cast::<Parcel<T>>()).value });
    };
    let [[a, b, c], [x, y, z]] = [head.version, T::VERSION];
    Err(refuse(&format!(
        "{differs} differ; it is {name} of {} {}, built with {} {a}.{b}.{c} (ABI {}), and {} was built with {} {x}.{y}.{z} (ABI {}). \
         Install releases of both that go together",
        text(head.package),
        text(head.package_version),
        text(head.core),
        head.abi,
        package.name,
        T::CORE,
        T::ABI,
    )))
}
