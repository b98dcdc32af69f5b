//! Keys that a program prints: `credential_process` of a profile.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::process::Command;

use super::kept::{Fetch, Fresh, keys, told};
use crate::ConfigError;
use crate::given::Secret;
use crate::profile::Profile;
use crate::program;

/// A program may ask a service in its turn, or a person.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// So much of what it says on standard error is passed on.
const SHOWN: usize = 600;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Process {
    profile: String,
    program: String,
    /// They may hold secrets.
    arguments: Vec<Secret>,
}

impl Process {
    pub(super) fn find(profile: &Profile) -> Result<Option<Self>, ConfigError> {
        let Some(command) = profile.get("credential_process") else { return Ok(None) };
        // Words as a shell reads them, but there is no shell: nothing is expanded.
        let mut words = shlex::split(command)
            .ok_or_else(|| profile.invalid("credential_process", "a quote is not closed".into()))?
            .into_iter();
        let program = words.next();
        let program = program.ok_or_else(|| profile.invalid("credential_process", "names no program".into()))?;
        let arguments = words.map(Secret).collect();
        Ok(Some(Self { profile: profile.name.clone(), program, arguments }))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, the credential_process of profile {},", self.program, self.profile)
    }
}

#[async_trait]
impl Fetch for Process {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|argument| &argument.0));
        let output = program::run(command).await.map_err(|error| told(format!("cannot be run: {error}")))?;
        let said = String::from_utf8_lossy(&output.said);
        let said = match said.trim() {
            "" => String::new(),
            said => {
                let start = said.char_indices().rev().nth(SHOWN - 1).map_or(0, |(index, _)| index);
                format!("; it says: {}", &said[start..])
            }
        };
        if !output.status.success() {
            return Err(told(format!("failed ({}){said}", output.status)));
        }
        let document: Value = serde_json::from_slice(&output.printed)
            .map_err(|_| told(format!("printed something that is not JSON{said}")))?;
        if document.get("Version").and_then(Value::as_i64) != Some(1) {
            return Err(told("printed a document that has not Version 1"));
        }
        keys(&document, ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"])
            .map_err(|problem| told(format!("printed no keys: {problem}")))
    }
}
