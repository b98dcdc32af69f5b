//! What the table of every shared class begins with, and what an importer checks of it before it calls anything.

use std::fmt::Write;

use longshore_abi::{Expected, Header, Str};

use crate::export::Exporter;
use crate::python::PyObject;

/// The kind of the table.
const MAGIC: u64 = u64::from_ne_bytes(*b"LSCLASS\x01");
/// What `Head` and `Common` look like.
const FORMAT: u16 = 1;
/// The name of the capsules.
pub(crate) const CAPSULE: &std::ffi::CStr = c"longshore.shared_class";

/// A class that modules share. [`shared_class!`](crate::shared_class) writes this.
///
/// # Safety
///
/// `Table` is `repr(C)`, begins with [`Head`] and [`Common`], and `LAYOUTS` tells all else of it.
pub unsafe trait SharedClass: 'static {
    /// The functions.
    type Table: Sync + 'static;
    /// The class.
    const NAME: &'static str;
    /// The module that has it.
    const MODULE: &'static str;
    /// The module's attribute with the capsule.
    const ATTRIBUTE: &'static str;
    /// The crate that declares it.
    const CORE: &'static str;
    /// That crate's version.
    const VERSION: [u32; 3];
    /// Raised with every change that breaks importers.
    const ABI: u32;
    /// Hashes of the data, and of everything up to and with each method.
    const LAYOUTS: &'static [u64];
    /// The names of the methods.
    const SLOTS: &'static [&'static str];
}

/// The package that a macro is written in.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name, as Cargo has it.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The package that this is written in.
#[doc(hidden)]
#[macro_export]
macro_rules! package {
    () => {
        $crate::Package { name: ::core::env!("CARGO_PKG_NAME"), version: ::core::env!("CARGO_PKG_VERSION") }
    };
}

/// Who exports what. Its layout is the same for every class.
#[repr(C)]
#[derive(Debug)]
pub struct Head {
    header: Header,
    version: [u32; 3],
    abi: u32,
    layouts: *const u64,
    layout_count: usize,
    class: Str,
    module: Str,
    core: Str,
    package: Str,
    package_version: Str,
}

// SAFETY: all it leads to is static, and nobody writes it.
unsafe impl Sync for Head {}
// SAFETY: as above.
unsafe impl Send for Head {}

impl Head {
    /// The head of a table of this binary.
    #[must_use]
    pub const fn of<C: SharedClass>(package: Package) -> Self {
        static HERE: u8 = 0;
        assert!(size_of::<C::Table>() <= u32::MAX as usize);
        Self {
            header: Header {
                magic: MAGIC,
                abi_major: FORMAT,
                abi_minor: 0,
                #[expect(clippy::cast_possible_truncation, reason = "compared above")]
                struct_size: size_of::<C::Table>() as u32,
                features: 0,
                exporter: (&raw const HERE).cast(),
                info: Str::new(package.name),
            },
            version: C::VERSION,
            abi: C::ABI,
            layouts: C::LAYOUTS.as_ptr(),
            layout_count: C::LAYOUTS.len(),
            class: Str::new(C::NAME),
            module: Str::new(C::MODULE),
            core: Str::new(C::CORE),
            package: Str::new(package.name),
            package_version: Str::new(package.version),
        }
    }
}

/// What every class has.
#[repr(C)]
#[derive(Debug)]
pub struct Common {
    /// A reference to the Python type, for the caller: what a `Py<PyType>` is.
    pub(crate) type_object: unsafe extern "C" fn() -> *mut PyObject,
    /// 1 where the object has the class.
    pub(crate) is_instance: unsafe extern "C" fn(*mut PyObject) -> i32,
}

impl Common {
    /// The functions of an exported class.
    #[must_use]
    pub const fn of<B: Exporter>() -> Self {
        unsafe extern "C" fn type_object<B: Exporter>() -> *mut PyObject {
            // SAFETY: the importer is attached.
            unsafe { B::type_object() }
        }
        unsafe extern "C" fn is_instance<B: Exporter>(object: *mut PyObject) -> i32 {
            // SAFETY: the importer is attached, and holds the object.
            i32::from(unsafe { B::is_instance(object) })
        }
        Self { type_object: type_object::<B>, is_instance: is_instance::<B> }
    }
}

/// What stands at the beginning of every table, and is checked as data.
#[repr(C)]
pub(crate) struct Beginning {
    head: Head,
    pub(crate) common: Common,
}

/// Checks that `table` is one of class `C` that `importer` can use.
///
/// # Errors
///
/// What to tell the author of the importer.
///
/// # Safety
///
/// `table` is null, or lies in a capsule of our name, which promises a header and, where its format is ours, a head.
pub(crate) unsafe fn check<C: SharedClass>(
    table: *const Beginning,
    importer: &Package,
) -> Result<&'static C::Table, String> {
    let [major, minor, patch] = C::VERSION;
    let ours = format!("{} {major}.{minor}.{patch} (ABI {})", C::CORE, C::ABI);
    let refuse = |exporter: &str, reason: &str| {
        let mut message = refusal::<C>(importer, exporter);
        let _ = write!(message, ": {reason}");
        message
    };
    let least = u32::try_from(size_of::<Beginning>()).unwrap_or(u32::MAX);
    let expected = Expected { magic: MAGIC, abi_major: FORMAT, abi_minor: 0, struct_size: least };
    // SAFETY: the caller's promise.
    if let Err(error) = unsafe { Header::check(table.cast(), &expected) } {
        return Err(refuse("", &format!("{error}; build both with the same longshore-share")));
    }
    // SAFETY: a header of our kind and format with the size of a beginning.
    let head = unsafe { &(*table).head };
    let text = |part: Str| {
        // SAFETY: a checked head has static texts.
        unsafe { part.as_str() }.unwrap_or("?")
    };
    let [major, minor, patch] = head.version;
    let theirs = format!("{} {major}.{minor}.{patch} (ABI {})", text(head.core), head.abi);
    let exporter = format!("{} {}", text(head.package), text(head.package_version));
    let both = |what: &str, cure: &str| {
        refuse(&exporter, &format!("{what}; that module was built with {theirs}, and this one with {ours}. {cure}"))
    };
    if (text(head.class), text(head.module)) != (C::NAME, C::MODULE) {
        let found = format!("the capsule is that of {}.{}", text(head.module), text(head.class));
        return Err(both(&found, "Import the class that the module has"));
    }
    let cure = format!("Install releases of {} and {} that go together", text(head.package), importer.name);
    if head.abi != C::ABI {
        return Err(both("the ABI numbers of the class differ", &cure));
    }
    // SAFETY: a checked head says how many static hashes there are.
    let layouts = unsafe { std::slice::from_raw_parts(head.layouts, head.layout_count) };
    if let Some(differing) = (0..C::LAYOUTS.len()).find(|index| layouts.get(*index) != C::LAYOUTS.get(*index)) {
        let part = match (differing.checked_sub(1).and_then(|slot| C::SLOTS.get(slot)), layouts.get(differing)) {
            (None, _) => "the layout of the class's data differs".to_owned(),
            (Some(slot), Some(_)) => format!("the declarations of the method `{slot}` differ"),
            (Some(slot), None) => format!("that module has no method `{slot}` yet"),
        };
        return Err(both(&part, &cure));
    }
    if head.version < C::VERSION {
        let cure = format!("Install a newer release of {}", text(head.package));
        return Err(both("that module is older than what this one was built for", &cure));
    }
    if (head.header.struct_size as usize) < size_of::<C::Table>() {
        return Err(both("the table is too short", &cure));
    }
    // SAFETY: every part of the layout is the same, and it is as long as ours.
    Ok(unsafe { &*table.cast() })
}

/// The beginning of every refusal.
pub(crate) fn refusal<C: SharedClass>(importer: &Package, exporter: &str) -> String {
    let of = if exporter.is_empty() { String::new() } else { format!(" of {exporter}") };
    format!("{} {} cannot use the class {}.{}{of}", importer.name, importer.version, C::MODULE, C::NAME)
}
