//! Stores of files below one folder.

use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;

use crate::ConfigError;
use crate::options::invalid;

/// How a store of files is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LocalOptions {
    /// The folder that keys are below; without one they are paths from the root of the file system.
    pub root: Option<PathBuf>,
    /// Whether folders that a deletion leaves empty are deleted as well.
    pub automatic_cleanup: bool,
    /// Whether the folder is made where there is none.
    pub mkdir: bool,
}

/// A folder that is there, and what is done in it. Equal ones share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Folder {
    /// Absolute, without links.
    pub(crate) path: PathBuf,
    pub(crate) automatic_cleanup: bool,
}

impl Folder {
    /// The folder that `options` name. It makes one where that is wanted.
    pub(crate) fn find(options: &LocalOptions) -> Result<Self, ConfigError> {
        let root = options.root.as_deref().unwrap_or(Path::new("/"));
        let refused = |reason: String| invalid("prefix", format!("{}: {reason}", root.display()));
        if options.mkdir {
            std::fs::create_dir_all(root).map_err(|error| refused(format!("the folder cannot be made: {error}")))?;
        }
        let path = root.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refused("there is no such folder; pass mkdir=True to have it made".into()),
            _ => refused(format!("the folder cannot be opened: {error}")),
        })?;
        if !path.is_dir() {
            return Err(refused("this is no folder".into()));
        }
        if path.to_str().is_none() {
            return Err(refused("its path is no valid Unicode, and keys are".into()));
        }
        Ok(Self { path, automatic_cleanup: options.automatic_cleanup })
    }

    /// What stands before a key in the store of all files.
    pub(crate) fn prefix(&self) -> String {
        let path = self.path.to_str().unwrap_or_default().trim_start_matches('/');
        if path.is_empty() { String::new() } else { format!("{path}/") }
    }

    pub(crate) fn connect(&self) -> Result<LocalFileSystem, ConfigError> {
        Ok(LocalFileSystem::new_with_prefix(&self.path)?.with_automatic_cleanup(self.automatic_cleanup))
    }
}
