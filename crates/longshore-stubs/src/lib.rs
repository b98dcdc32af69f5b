//! Type hints for extension modules that have longshore's store classes.
//!
//! An extension module that registers the classes of `longshore-store` under its own name needs stubs under that name.
//! [`write()`] puts them into its package, and [`write_bytes()`] those of the class `Bytes` of `longshore-bytes`; a build script
//! may do so, or the command `longshore stubs`.
//!
//! ```no_run
//! // build.rs of a package whose Python sources are in python/my_module
//! longshore_stubs::write("python/my_module", "my_module", "store", "exceptions").unwrap();
//! longshore_stubs::write_bytes("python/my_module", "_bytes").unwrap();
//! ```
//!
//! In a build script both tell Cargo which files they have written, so that the script runs again when one of them is gone or
//! was changed, or when `build.rs` was, and not for whatever else changes in the package.

#![forbid(unsafe_code)]

use std::path::Path;
use std::{env, fs, io};

/// The hints of the store module, for the package `my_module`.
const STORE: &str = include_str!("../hints/store.pyi");
/// The hints of the exceptions module, likewise.
const EXCEPTIONS: &str = include_str!("../hints/exceptions.pyi");

/// The hints of the class `Bytes`. They are those of `longshore-bytes`, by a link.
const BYTES: &str = include_str!("../hints/bytes.pyi");

/// Writes `store.pyi` and `exceptions.pyi`, or whatever the modules are called, into `package_dir`.
///
/// The names are those that `register_store_module` and `register_exceptions_module` were given: `module` is what the parent
/// module is imported as. A file that says the same already is left alone, so that nothing is built again for it. Type
/// checkers read stubs of a package that has a file `py.typed`; one is made where there is none.
///
/// # Errors
///
/// What the operating system says about the files, and [`io::ErrorKind::InvalidInput`] for a name that no module can have.
pub fn write(package_dir: impl AsRef<Path>, module: &str, store: &str, exceptions: &str) -> io::Result<()> {
    module.split('.').chain([store, exceptions]).try_for_each(check)?;
    let hints = [(store, STORE), (exceptions, EXCEPTIONS)];
    put(package_dir.as_ref(), &hints.map(|(name, hints)| (name, named(hints, module, store, exceptions))))
}

/// Writes the hints of the class `Bytes` into `package_dir`, for its module `name`: `_bytes.pyi`, where that is `_bytes`.
///
/// Next to it belongs a `_bytes.py` with `from ._native import Bytes as Bytes`, whatever the native module is called; its own stub
/// says `from ._bytes import Bytes as Bytes`. So there is nothing to copy by hand. As for [`write()`], a file that says the same
/// already is left alone, and `py.typed` is made where there is none.
///
/// # Errors
///
/// Those of [`write()`].
pub fn write_bytes(package_dir: impl AsRef<Path>, name: &str) -> io::Result<()> {
    check(name)?;
    put(package_dir.as_ref(), &[(name, BYTES.to_owned())])
}

/// The hints of the store module, as [`write()`] writes them.
pub fn store(module: &str, store: &str, exceptions: &str) -> String {
    named(STORE, module, store, exceptions)
}

/// The hints of the exceptions module, as [`write()`] writes them.
pub fn exceptions(module: &str, store: &str, exceptions: &str) -> String {
    named(EXCEPTIONS, module, store, exceptions)
}

fn named(hints: &str, module: &str, store: &str, exceptions: &str) -> String {
    hints
        .replace("my_module.store", &format!("{module}.{store}"))
        .replace("my_module.exceptions", &format!("{module}.{exceptions}"))
}

/// The hints of the class `Bytes`, as [`write_bytes()`] writes them.
pub fn bytes() -> &'static str {
    BYTES
}

fn check(name: &str) -> io::Result<()> {
    if is_name(name) {
        return Ok(());
    }
    let reason = format!("{name:?} cannot be the name of a Python module");
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

fn put(package_dir: &Path, hints: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(package_dir)?;
    // Cargo sets it for build scripts, and reads what they print.
    let in_build_script = env::var_os("OUT_DIR").is_some() && env::var_os("CARGO_CFG_TARGET_OS").is_some();
    if in_build_script {
        println!("cargo::rerun-if-changed=build.rs");
    }
    for (name, hints) in hints {
        let path = package_dir.join(format!("{name}.pyi"));
        replace(&path, hints)?;
        if in_build_script {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let marker = package_dir.join("py.typed");
    if marker.exists() { Ok(()) } else { fs::write(marker, "") }
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
}

fn replace(path: &Path, content: &str) -> io::Result<()> {
    match fs::read_to_string(path) {
        Ok(found) if found == content => Ok(()),
        _ => fs::write(path, content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_have_the_names_of_whoever_they_are_for() {
        let hints = store("their._native", "_store", "errors");
        assert!(!hints.contains("my_module"), "{hints}");
        assert!(hints.contains("their._native._store") && hints.contains("their._native.errors"));
    }

    #[test]
    fn hints_of_bytes_are_written_once_and_left_alone_then() {
        let folder = env::temp_dir().join(format!("longshore-stubs-{}", std::process::id()));
        write_bytes(&folder, "_bytes").unwrap();
        let written = folder.join("_bytes.pyi");
        let first = fs::metadata(&written).unwrap().modified().unwrap();
        assert_eq!(fs::read_to_string(&written).unwrap(), bytes());
        assert!(bytes().contains("class Bytes(") && folder.join("py.typed").exists());
        write_bytes(&folder, "_bytes").unwrap();
        assert_eq!(fs::metadata(&written).unwrap().modified().unwrap(), first);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_name_that_no_module_can_have_is_refused() {
        for name in ["", "a-b", "1a", "a..b"] {
            let error = write("nowhere", name, "store", "exceptions").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
            let error = write_bytes("nowhere", name).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        assert!(!Path::new("nowhere").exists());
    }
}
