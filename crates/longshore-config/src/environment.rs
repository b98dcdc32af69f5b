//! The process environment, read in one place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// How the names of families of variables begin.
const FAMILIES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Variables that belong to no such family: of Google's and Azure's tools and platforms, and where files and programs are.
const OTHERS: [&str; 15] = [
    "APPDATA",
    "AZURITE_BLOB_STORAGE_URL",
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_CORE_PROJECT",
    "GCE_METADATA_HOST",
    "GCE_METADATA_IP",
    "GCLOUD_PROJECT",
    "HOME",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "METADATA_HOST",
    "MSI_ENDPOINT",
    "NO_GCE_CHECK",
    "PATH",
    "STORAGE_EMULATOR_HOST",
];

/// Variables that describe the machine, and choose nothing.
const MACHINE: [&str; 4] = ["APPDATA", "CLOUDSDK_CONFIG", "HOME", "PATH"];

/// A snapshot of the variables that configure stores.
///
/// Read it while no other thread can change the environment; from Python, that is while attached to the interpreter.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables that begin with `AWS_`, `AZURE_` or `GOOGLE_`, and a few others that configure stores.
    pub fn read() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| FAMILIES.iter().any(|start| name.starts_with(start)) || OTHERS.contains(&&**name))
            .collect()
    }

    /// What the machine says: where programs and a person's files are. In it nothing counts but what is said outright, as where a
    /// store is opened by the configuration of another.
    pub fn of_machine() -> Self {
        let read = Self::read();
        read.0.into_iter().filter(|(name, _)| MACHINE.contains(&&**name)).collect()
    }

    /// The same with other values for some variables, and without others.
    pub(crate) fn with(&self, changes: &[(&'static str, Option<String>)]) -> Self {
        let mut changed = self.clone();
        for (name, value) in changes {
            match value {
                Some(value) => changed.0.insert((*name).to_owned(), value.clone()),
                None => changed.0.remove(*name),
            };
        }
        changed
    }

    /// One variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Values lose the white space around them. Empty ones count as absent, as in the AWS command line.
impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        let trimmed = variables.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// Where the program `name` is, by the `PATH` of the snapshot.
pub(crate) fn program(environment: &Environment, name: &str) -> Option<PathBuf> {
    let path = environment.get("PATH")?;
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
