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
    // The third number is for what no module sees.
    if head.version[..2] < C::VERSION[..2] {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What an importer was built for. The functions are never called here.
    struct Wanted;

    // SAFETY: the table has only its beginning.
    unsafe impl SharedClass for Wanted {
        type Table = Bare;
        const NAME: &'static str = "Series";
        const MODULE: &'static str = "base";
        const ATTRIBUTE: &'static str = "_shared_Series";
        const CORE: &'static str = "series-core";
        const VERSION: [u32; 3] = [1, 2, 3];
        const ABI: u32 = 4;
        const LAYOUTS: &'static [u64] = &[10, 11, 12];
        const SLOTS: &'static [&'static str] = &["first", "second"];
    }

    #[repr(C)]
    struct Bare {
        head: Head,
        common: Common,
    }

    unsafe extern "C" fn type_object() -> *mut PyObject {
        unreachable!("a table that is checked is not called")
    }

    unsafe extern "C" fn is_instance(_: *mut PyObject) -> i32 {
        unreachable!("a table that is checked is not called")
    }

    type Change = fn(&mut Head);

    /// The answer for a table with that change.
    fn answer(change: impl FnOnce(&mut Head)) -> Result<(), String> {
        let mut head = Head::of::<Wanted>(Package { name: "base-package", version: "7.0.0" });
        change(&mut head);
        let table = Box::leak(Box::new(Bare { head, common: Common { type_object, is_instance } }));
        let importer = Package { name: "derived-package", version: "0.5.0" };
        // SAFETY: a table of ours, which is never freed.
        unsafe { check::<Wanted>(std::ptr::from_ref(table).cast(), &importer) }.map(|_| ())
    }

    #[test]
    fn a_table_of_the_same_declaration_or_one_that_grew_is_good() {
        assert_eq!(answer(|_| ()), Ok(()));
        static LONGER: [u64; 4] = [10, 11, 12, 13];
        let grown = |head: &mut Head| {
            (head.layouts, head.layout_count, head.version) = (LONGER.as_ptr(), 4, [1, 3, 0]);
        };
        assert_eq!(answer(grown), Ok(()));
        assert_eq!(answer(|head| head.version = [1, 2, 0]), Ok(()));
        assert_eq!(answer(|head| head.version = [2, 0, 0]), Ok(()));
    }

    #[test]
    fn every_refusal_says_what_differs_and_names_both_packages_and_both_versions() {
        static DATA: [u64; 3] = [9, 11, 12];
        static METHOD: [u64; 3] = [10, 11, 9];
        let cases: [(&str, Change); 8] = [
            ("the ABI numbers of the class differ", |head| head.abi = 5),
            ("the layout of the class's data differs", |head| head.layouts = DATA.as_ptr()),
            ("the declarations of the method `second` differ", |head| head.layouts = METHOD.as_ptr()),
            ("has no method `second` yet", |head| head.layout_count = 2),
            ("older than what this one was built for", |head| head.version = [1, 1, 9]),
            ("older than what this one was built for", |head| head.version = [0, 9, 9]),
            ("the capsule is that of base.Window", |head| head.class = Str::new("Window")),
            ("the capsule is that of other.Series", |head| head.module = Str::new("other")),
        ];
        for (says, change) in cases {
            let message = answer(change).expect_err(says);
            for part in
                [says, "base-package 7.0.0", "derived-package 0.5.0", "series-core 1.2.3 (ABI 4)", "base.Series"]
            {
                assert!(message.contains(part), "{part:?} is not in {message:?}");
            }
        }
    }

    #[test]
    fn a_header_of_another_kind_or_format_or_size_is_refused_before_anything_else_is_read() {
        let broken = |head: &mut Head| {
            head.class = Str { ptr: std::ptr::without_provenance(1), len: 1 };
            (head.layouts, head.layout_count) = (std::ptr::without_provenance(8), 1);
        };
        let cases: [(&str, Change); 3] = [
            ("this is no such table", |head| head.header.magic = 1),
            ("its interface has version 2, and version 1 is needed", |head| head.header.abi_major = 2),
            ("its table has 48 bytes", |head| head.header.struct_size = 48),
        ];
        for (says, change) in cases {
            let message = answer(|head| {
                broken(head);
                change(head);
            })
            .expect_err(says);
            assert!(message.contains(says), "{message}");
        }
    }
}
