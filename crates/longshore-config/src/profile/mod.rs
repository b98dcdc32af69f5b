//! The files that AWS's tools share: `~/.aws/config` and `~/.aws/credentials`.
//!
//! [`ini`] reads their dialect, [`files`] finds and keeps them. A [`Profile`] is what both files say under one name.

mod files;
mod ini;

use std::collections::BTreeMap;

pub(crate) use files::{KnownFiles, SharedFiles};

use crate::ConfigError;
use crate::given::Layer;
use crate::options::invalid;

/// What the files say under one name. Settings that stand below another are called `s3.addressing_style`; those of a
/// `services` section `services.s3.endpoint_url`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    values: BTreeMap<String, String>,
}

impl Profile {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// A value that the profile must have, for `why`.
    pub(crate) fn require(&self, key: &str, why: &str) -> Result<&str, ConfigError> {
        self.get(key).ok_or_else(|| self.invalid(key, format!("is missing, though {why}")))
    }

    pub(crate) fn invalid(&self, key: &str, reason: String) -> ConfigError {
        invalid(&format!("{key} (profile {})", self.name), reason)
    }

    /// The profile as one of the places that settings come from.
    pub(crate) fn layer(&self) -> Layer {
        let mut values = self.values.clone();
        // What we ask the other way round.
        if let Some(signed) = values.get("s3.payload_signing_enabled") {
            let opposite = match signed.to_ascii_lowercase().as_str() {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                _ => signed.clone(),
            };
            values.insert("s3.payload_signing_enabled".into(), opposite);
        }
        Layer { label: self.name.clone(), values }
    }
}
