//! Keyword options: a list of names and texts, each taken once by whoever knows it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::provided::Provided;
use crate::{ConfigError, CredentialSource, Spec};

/// Options as the caller gave them, for example `region = "eu-north-1"`, and whoever gives credentials, where somebody does.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options {
    texts: BTreeMap<String, String>,
    provided: Option<Provided>,
}

impl Options {
    /// Whether no option was given.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.provided.is_none()
    }

    /// Adds or replaces an option. Names are compared without case.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.texts.insert(name.to_ascii_lowercase(), value.into());
    }

    /// Sets what `spec` is about, where it was not given already.
    pub(crate) fn name(&mut self, spec: &Spec, value: &str) -> Result<(), ConfigError> {
        let names: Vec<&str> = std::iter::once(spec.name).chain(spec.also.iter().copied()).collect();
        if let Some(other) = self.take(&names)?.filter(|other| other != value) {
            return Err(invalid(spec.name, format!("is given twice, as {value:?} and as {other:?}")));
        }
        self.set(spec.name, value);
        Ok(())
    }

    /// Has `source` asked for credentials, instead of whoever else would be.
    pub fn credentials(&mut self, source: Arc<dyn CredentialSource>) {
        self.provided = Some(Provided(source));
    }

    /// Whether credentials come from somebody who was given.
    pub(crate) fn is_provided(&self) -> bool {
        self.provided.is_some()
    }

    /// Removes and returns whoever gives credentials.
    pub(crate) fn take_provided(&mut self) -> Option<Provided> {
        self.provided.take()
    }

    /// Removes and returns the option called one of `names`, without white space around it. An empty one counts as absent.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where it was given under two names.
    pub(crate) fn take(&mut self, names: &[&str]) -> Result<Option<String>, ConfigError> {
        let mut taken: Option<(&str, String)> = None;
        for &name in names {
            let Some(value) = self.texts.remove(name) else { continue };
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

    /// One that nobody took, unless it is empty.
    pub(crate) fn left(&self) -> Option<&str> {
        self.texts.iter().find(|(_, text)| !text.trim().is_empty()).map(|(name, _)| name.as_str())
    }

    /// For stores that have no options.
    ///
    /// # Errors
    ///
    /// As [`refuse_unknown`](Self::refuse_unknown), and [`ConfigError::InvalidOption`] for credentials.
    pub(crate) fn refuse_all(&self, store: &'static str) -> Result<(), ConfigError> {
        if self.provided.is_some() {
            return Err(invalid(PROVIDER, format!("{store} is reached without credentials; leave it out")));
        }
        self.refuse_unknown(store, &[])
    }

    /// Calls options that begin with `prefix` by their plain names, where only those are among `known`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where one was given under both names.
    pub(crate) fn strip(&mut self, prefix: &str, known: &[&'static Spec]) -> Result<(), ConfigError> {
        let is_known = |key: &str| known.iter().any(|spec| spec.name == key || spec.also.contains(&key));
        let plain = |key: &String| {
            let plain = key.strip_prefix(prefix)?;
            (!is_known(key) && is_known(plain)).then(|| (key.clone(), plain.to_owned()))
        };
        for (key, plain) in self.texts.keys().filter_map(plain).collect::<Vec<_>>() {
            if self.texts.contains_key(&plain) {
                return Err(invalid(&key, format!("is the same option as {plain:?}; give one of them")));
            }
            if let Some(value) = self.texts.remove(&key) {
                self.texts.insert(plain, value);
            }
        }
        Ok(())
    }

    /// Refuses what is a keyword of none of `known`, and tells the nearest name there is.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`].
    pub(crate) fn refuse_unknown(&self, store: &'static str, known: &[&'static Spec]) -> Result<(), ConfigError> {
        let is_known =
            |key: &str| known.iter().any(|spec| spec.keyword && (spec.name == key || spec.also.contains(&key)));
        let Some(key) = self.texts.keys().find(|key| !is_known(key)).cloned() else { return Ok(()) };
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
        f.debug_set().entries(self.texts.keys()).entries(self.provided.iter().map(|_| PROVIDER)).finish()
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

/// How errors name whoever gives credentials.
pub(crate) const PROVIDER: &str = "credential_provider";

/// Longer than any transfer, and short enough to be added to any point in time.
pub(crate) const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Units of time, by all their names, in seconds.
const UNITS: [(&[&str], f64); 10] = [
    (&["ns", "nsec"], 1e-9),
    (&["us", "µs", "usec"], 1e-6),
    (&["ms", "msec"], 1e-3),
    (&["s", "sec", "second", "seconds"], 1.0),
    (&["m", "min", "minute", "minutes"], 60.0),
    (&["h", "hr", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86_400.0),
    (&["w", "week", "weeks"], 604_800.0),
    (&["M", "month", "months"], 2_630_016.0),
    (&["y", "year", "years"], 31_557_600.0),
];

/// Reads seconds, with an optional unit, or several lengths one after the other: `30`, `1.5`, `250ms`, `2m`, `2h 37min`. More
/// than [`FOREVER`] counts as that.
pub(crate) fn duration(key: &str, value: &str) -> Result<Duration, ConfigError> {
    length(value).ok_or_else(|| {
        invalid(key, format!("{value:?} is not a length of time; write seconds, or 250ms, 10s, 2m, 1h 30min"))
    })
}

/// The length of time that an option's `text` says.
pub fn length(text: &str) -> Option<Duration> {
    let length = span(text.trim()).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    length.map(|length| length.min(FOREVER))
}

fn span(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut rest, mut total) = (text, None);
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let tail = tail.trim_start();
        let (unit, tail) = tail.split_at(tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len()));
        let (_, scale) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        total = Some(total.unwrap_or(0.0) + digits.parse::<f64>().ok()? * scale);
        rest = tail.trim_start();
    }
    total
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
        assert_eq!(duration("timeout", "2h 37min").unwrap(), Duration::from_secs(157 * 60));
        assert_eq!(duration("timeout", "1 hour 5s").unwrap(), Duration::from_secs(3605));
        assert_eq!(duration("timeout", "1d").unwrap(), Duration::from_secs(86_400));
        for text in ["", "-1", "soon", "1x", "nan", "inf", "h", "1h -5m", "5 5s"] {
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
        let options: Options = [("source_profile", "x")].into_iter().collect();
        assert!(options.refuse_unknown("S3Store", &S3Settings::specs()).is_err());
    }
}
