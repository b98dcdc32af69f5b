//! Type hints for extension modules that have longshore's store classes.
//!
//! An extension module that registers the classes of `longshore-store` under its own name needs stubs under that name.
//! [`write()`] puts them into its package; a build script may do so, or the command `longshore stubs`.
//!
//! ```no_run
//! // build.rs of a package whose Python sources are in python/my_module
//! longshore_stubs::write("python/my_module", "my_module", "store", "exceptions").unwrap();
//! ```

#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::Path;

/// The hints of the store module, for the package `my_module`.
const STORE: &str = include_str!("../hints/store.pyi");
/// The hints of the exceptions module, likewise.
const EXCEPTIONS: &str = include_str!("../hints/exceptions.pyi");

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
    let package_dir = package_dir.as_ref();
    for name in module.split('.').chain([store, exceptions]) {
        if !is_name(name) {
            let reason = format!("{name:?} cannot be the name of a Python module");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
    }
    fs::create_dir_all(package_dir)?;
    for (name, hints) in [(store, STORE), (exceptions, EXCEPTIONS)] {
        replace(&package_dir.join(format!("{name}.pyi")), &named(hints, module, store, exceptions))?;
    }
    let marker = package_dir.join("py.typed");
    if marker.exists() { Ok(()) } else { fs::write(marker, "") }
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
    fn a_name_that_no_module_can_have_is_refused() {
        for name in ["", "a-b", "1a", "a..b"] {
            let error = write("nowhere", name, "store", "exceptions").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        assert!(!Path::new("nowhere").exists());
    }
}
