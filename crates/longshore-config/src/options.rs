//! Keyword options: a list of names and texts, each taken once by whoever knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::{ConfigError, Spec};

/// Options as the caller gave them, for example `region = "eu-north-1"`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds or replaces an option. Names are compared without case.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_ascii_lowercase(), value.into());
    }

    /// Removes and returns the option called one of `names`, without white space around it. An empty one counts as absent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where it was given under two names.
    pub(crate) fn take(&mut self, names: &[&str]) -> Result<Option<String>, ConfigError> {
        let mut taken: Option<(&str, String)> = None;
        for &name in names {
            let Some(value) = self.0.remove(name) else { continue };
            let value = value.trim();
            match &taken {
                _ if value.is_empty() => {}
                None => taken = Some((name, value.to_owned())),
                Some((first, _)) => {
                    return Err(invalid(name, format!("is the same option as {first:?}; give one of them")));
                }
            }
        }
        Ok(taken.map(|(_, value)| value))
    }

    /// Refuses what is a keyword of none of `known`, and tells the nearest name there is.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`].
    pub(crate) fn refuse_unknown(&self, store: &'static str, known: &[&'static Spec]) -> Result<(), ConfigError> {
        let is_known =
            |key: &str| known.iter().any(|spec| spec.keyword && (spec.name == key || spec.also.contains(&key)));
        let Some(key) = self.0.keys().find(|key| !is_known(key)).cloned() else { return Ok(()) };
        let suggestion = known
            .iter()
            .filter(|spec| spec.keyword)
            .map(|spec| (strsim::jaro_winkler(spec.name, &key), spec.name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name);
        Err(ConfigError::UnknownOption { key, store, suggestion })
    }
}

/// The names alone: values may be secrets.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(options: I) -> Self {
        let mut all = Self::default();
        for (name, value) in options {
            all.set(name.as_ref(), value);
        }
        all
    }
}

/// Reads `true`, `1`, `yes`, `on` and their opposites.
pub(crate) fn boolean(key: &str, value: &str) -> Result<bool, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid(key, format!("{value:?} is neither true nor false"))),
    }
}

pub(crate) fn number(key: &str, value: &str) -> Result<usize, ConfigError> {
    value.parse().map_err(|_| invalid(key, format!("{value:?} is not a whole number of zero or more")))
}

/// Longer than any transfer, and short enough to be added to any point in time.
pub(crate) const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads seconds, with an optional unit: `30`, `1.5`, `250ms`, `10s`, `2m`. More than [`FOREVER`] counts as that.
pub(crate) fn duration(key: &str, value: &str) -> Result<Duration, ConfigError> {
    let value = value.trim();
    let (digits, scale) = if let Some(digits) = value.strip_suffix("ms") {
        (digits, 0.001)
    } else if let Some(digits) = value.strip_suffix('m') {
        (digits, 60.0)
    } else {
        (value.strip_suffix('s').unwrap_or(value), 1.0)
    };
    digits
        .trim()
        .parse()
        .ok()
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds * scale).ok())
        .map(|length| length.min(FOREVER))
        .ok_or_else(|| invalid(key, format!("{value:?} is not a length of time; write seconds, or 250ms, 10s, 2m")))
}

pub(crate) fn invalid(key: &str, reason: String) -> ConfigError {
    ConfigError::InvalidOption { key: key.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::S3Settings;

    #[test]
    fn lengths_of_time_take_units() {
        for (text, millis) in [("30", 30_000), ("1.5", 1500), ("250ms", 250), ("10s", 10_000), ("2m", 120_000)] {
            assert_eq!(duration("timeout", text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        assert_eq!(duration("timeout", "1e18").unwrap(), FOREVER);
        for text in ["", "-1", "soon", "1h", "nan", "inf"] {
            assert!(duration("timeout", text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_option_given_under_two_names_is_refused_and_an_empty_one_is_absent() {
        let mut options: Options = [("region", "a"), ("aws_region", "b")].into_iter().collect();
        let message = options.take(&["region", "aws_region"]).unwrap_err().to_string();
        assert_eq!(message, r#"aws_region: is the same option as "region"; give one of them"#);
        let mut options: Options = [("region", " \n"), ("aws_region", " b\n")].into_iter().collect();
        assert_eq!(options.take(&["region", "aws_region"]).unwrap().as_deref(), Some("b"));
        assert!(options.is_empty());
    }

    #[test]
    fn a_misspelt_option_is_refused_with_a_suggestion() {
        let options: Options = [("regoin", "x"), ("aws_region", "y")].into_iter().collect();
        let message = options.refuse_unknown("S3Store", &S3Settings::specs()).unwrap_err().to_string();
        assert_eq!(message, r#"unknown option "regoin" for S3Store; did you mean "region"?"#);
        // What only variables and profiles set is no keyword.
        let options: Options = [("role_arn", "x")].into_iter().collect();
        assert!(options.refuse_unknown("S3Store", &S3Settings::specs()).is_err());
    }
}
