//! Where the shared files are, and what was read from them last.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::Profile;
use super::ini::{self, Sections};
use crate::options::invalid;
use crate::{ConfigError, Context, Environment};

/// Both files, as they were when a call began.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedFiles {
    config: Arc<Sections>,
    credentials: Arc<Sections>,
    /// Where was looked, for messages.
    places: Vec<String>,
}

/// What tells one version of a file from the next.
type Stamp = (u64, Option<SystemTime>);

/// What was read from a file, and which version of it that was.
type Known = (Stamp, Arc<Sections>);

/// A file is read again when its size or time has changed. Each process has its own, so that a fork finds no lock held.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles(Mutex<HashMap<PathBuf, Known>>);

impl SharedFiles {
    /// Reads the files that `environment` names, or those below its home folder. A file that is not there is empty.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for a file that cannot be read.
    pub(crate) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut places = Vec::new();
        let mut read = |variable: &str, name: &str| {
            let path = match (environment.get(variable), environment.get("HOME")) {
                (Some(path), home) => expanded(path, home),
                (None, Some(home)) => PathBuf::from(home).join(".aws").join(name),
                (None, None) => return Ok(Arc::default()),
            };
            places.push(path.display().to_string());
            sections(variable, &path)
        };
        let config = read("AWS_CONFIG_FILE", "config")?;
        let credentials = read("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
        Ok(Self { config, credentials, places })
    }

    /// The profile called `name`. What the credentials file says of it counts before the other. `default` is always there.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where neither file has it; `key` names what asked for it.
    pub(crate) fn profile(&self, key: &str, name: &str) -> Result<Profile, ConfigError> {
        let own = self.config.get(&format!("profile {name}"));
        let own = own.or_else(|| self.config.get(name).filter(|_| name == "default"));
        let secret = self.credentials.get(name);
        if own.is_none() && secret.is_none() && name != "default" {
            let places = if self.places.is_empty() {
                "there is no home folder to look for AWS's files in".to_owned()
            } else {
                format!("there is no profile {name:?} in {}", self.places.join(" or "))
            };
            return Err(invalid(key, places));
        }
        let mut profile = Profile { name: name.to_owned(), ..Profile::default() };
        for (key, value) in own.into_iter().chain(secret).flatten().filter(|(_, value)| !value.is_empty()) {
            profile.values.insert(key.clone(), value.clone());
        }
        if let Some(services) = profile.get("services").map(str::to_owned) {
            let section = self
                .config
                .get(&format!("services {services}"))
                .ok_or_else(|| profile.invalid("services", format!("there is no section [services {services}]")))?;
            for (key, value) in section.iter().filter(|(_, value)| !value.is_empty()) {
                profile.values.insert(format!("services.{key}"), value.clone());
            }
        }
        Ok(profile)
    }

    /// A section `[kind name]` of the configuration file.
    pub(crate) fn section(&self, kind: &str, name: &str) -> Option<Profile> {
        let values = self.config.get(&format!("{kind} {name}"))?.clone();
        Some(Profile { name: name.to_owned(), values })
    }
}

fn expanded(path: &str, home: Option<&str>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn sections(variable: &str, path: &PathBuf) -> Result<Arc<Sections>, ConfigError> {
    // Whatever stands in the way of a file, such as a home folder of somebody else, AWS's tools take it for none.
    let Ok(about) = std::fs::metadata(path) else { return Ok(Arc::default()) };
    let stamp = (about.len(), about.modified().ok());
    let known = &Context::process().files().0;
    if let Some((of, sections)) = known.lock().unwrap_or_else(PoisonError::into_inner).get(path)
        && *of == stamp
    {
        return Ok(Arc::clone(sections));
    }
    let shown = path.display();
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| invalid(variable, format!("{shown} is not UTF-8")))?,
        Err(error) => return Err(invalid(variable, format!("cannot read {shown}: {error}"))),
    };
    let parsed = ini::parse(&text).map_err(|problem| {
        // The line itself may hold a secret.
        invalid(variable, format!("{shown}, line {}: {}", problem.line, problem.reason))
    })?;
    let parsed = Arc::new(parsed);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(path.clone(), (stamp, Arc::clone(&parsed)));
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(config: &str, credentials: &str) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("config"), config).unwrap();
        std::fs::write(folder.join("credentials"), credentials).unwrap();
        let environment = [("HOME".to_owned(), home.path().to_str().unwrap().to_owned())].into_iter().collect();
        (home, environment)
    }

    #[test]
    fn a_profile_is_what_both_files_say_of_it() {
        let config = "[default]\nregion = d\n[profile a]\nregion = r\naws_access_key_id = OLD\nservices = s\n[b]\nregion = x\n\
                      [services s]\ns3 =\n  endpoint_url = http://s3\nsts =\n  endpoint_url = http://sts\n";
        let (_home, environment) = files(config, "[a]\naws_access_key_id = NEW\n[c]\naws_access_key_id = C\n");
        let files = SharedFiles::read(&environment).unwrap();
        let a = files.profile("profile", "a").unwrap();
        let found = ["region", "aws_access_key_id", "services.s3.endpoint_url", "services.sts.endpoint_url"];
        assert_eq!(found.map(|key| a.get(key).unwrap()), ["r", "NEW", "http://s3", "http://sts"]);
        assert_eq!(files.profile("profile", "default").unwrap().get("region"), Some("d"));
        assert_eq!(files.profile("profile", "c").unwrap().get("aws_access_key_id"), Some("C"));
        let message = files.profile("AWS_PROFILE", "b").unwrap_err().to_string();
        assert!(
            message.starts_with("AWS_PROFILE: there is no profile \"b\"") && message.contains(".aws/config"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_changes_is_read_again() {
        let (home, environment) = files("[default]\nregion = one\n", "");
        let region = || {
            let files = SharedFiles::read(&environment).unwrap();
            files.profile("profile", "default").unwrap().get("region").unwrap().to_owned()
        };
        assert_eq!((region(), region()), ("one".into(), "one".into()));
        std::fs::write(home.path().join(".aws/config"), "[default]\nregion = another\n").unwrap();
        assert_eq!(region(), "another");
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_but_not_its_text() {
        let (_home, environment) = files("", "[default]\nhunter2\n");
        let message = SharedFiles::read(&environment).unwrap_err().to_string();
        assert!(message.contains("credentials, line 2") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn no_files_and_no_home_leave_an_empty_default() {
        let files = SharedFiles::read(&Environment::default()).unwrap();
        assert_eq!(files.profile("profile", "default").unwrap().get("region"), None);
        assert!(files.profile("profile", "work").unwrap_err().to_string().contains("no home folder"));
    }
}
