//! What is known of the crate that a macro is written in: which PyO3 it has.
//!
//! Three names differ between the PyO3s that we support. A macro cannot ask the compiler which it meets, and no crate of ours may
//! depend on PyO3, because a module has only one. Cargo's lock file says it; where there is none, the author can.

use std::path::{Path, PathBuf};

/// The minor version of PyO3 0.x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pyo3(pub(crate) u32);

impl Pyo3 {
    /// The first one whose traits this crate writes.
    pub(crate) const OLDEST: Self = Self(23);
    /// `assume_attached` instead of `assume_gil_acquired`.
    pub(crate) const ATTACHED: Self = Self(26);
    /// `FromPyObject` has two lifetimes, and an error of its own.
    pub(crate) const BORROWED: Self = Self(27);
    /// What we take for granted where nothing says which it is.
    const NEWEST: Self = Self(30);

    /// Reads `"0.23"` or `"0.23.5"`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let minor = text.strip_prefix("0.")?.split('.').next()?;
        minor.parse().ok().map(Self)
    }

    /// The one of the crate that is being compiled.
    pub(crate) fn of_this_crate() -> Self {
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        folder.as_deref().and_then(locked).unwrap_or(Self::NEWEST)
    }
}

/// What the lock file says that governs the crate in `folder`: the nearest one above it.
fn locked(folder: &Path) -> Option<Pyo3> {
    let text = folder.ancestors().find_map(|folder| std::fs::read_to_string(folder.join("Cargo.lock")).ok())?;
    version_in(&text)
}

fn version_in(lock: &str) -> Option<Pyo3> {
    let mut lines = lock.lines();
    lines.find(|line| *line == "name = \"pyo3\"")?;
    let version = lines.next()?.strip_prefix("version = \"")?;
    Pyo3::parse(version.trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_says_which_pyo3_a_crate_has() {
        let lock = "[[package]]\nname = \"pyo3-ffi\"\nversion = \"0.9.0\"\n\n[[package]]\nname = \"pyo3\"\nversion = \"0.26.1\"\n";
        assert_eq!(version_in(lock), Some(Pyo3(26)));
        assert_eq!(version_in("[[package]]\nname = \"syn\"\nversion = \"3.0.0\"\n"), None);
    }

    #[test]
    fn a_version_may_have_two_numbers_or_three() {
        assert_eq!((Pyo3::parse("0.23"), Pyo3::parse("0.30.1")), (Some(Pyo3(23)), Some(Pyo3(30))));
        assert_eq!((Pyo3::parse("1.0"), Pyo3::parse("new")), (None, None));
    }
}
