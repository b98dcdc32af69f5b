//! Settings from keywords, the URI, variables, a profile and defaults, in that order of precedence, each with a note of
//! where it came from.
//!
//! A kind of store describes its settings as [`Spec`]s and asks [`Given`] for each. What was asked for stands in the trail
//! afterwards, so that a person can be shown what counts and why.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::location::check_bucket;
use crate::options::{PROVIDER, boolean, duration, invalid, number};
use crate::{ConfigError, Configured, Environment, Options, masked};

/// One setting of a kind of store, and every name it goes by.
#[derive(Debug)]
pub struct Spec {
    /// The keyword.
    pub name: &'static str,
    /// One line about what it decides.
    pub about: &'static str,
    /// Other keywords for it.
    pub also: &'static [&'static str],
    /// The environment variables that set it; the first that is set counts.
    pub variables: &'static [&'static str],
    /// The keys that set it in a profile; the first that is there counts.
    pub profile: &'static [&'static str],
    /// What counts where nobody says anything, in words.
    pub default: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Whether it can be given by keyword.
    pub keyword: bool,
}

impl Spec {
    pub(crate) const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, also: &[], variables: &[], profile: &[], default: "", secret: false, keyword: true }
    }

    pub(crate) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    pub(crate) const fn variables(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    pub(crate) const fn profile(self, profile: &'static [&'static str]) -> Self {
        Self { profile, ..self }
    }

    pub(crate) const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    pub(crate) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// For what only variables and profiles set.
    pub(crate) const fn no_keyword(self) -> Self {
        Self { keyword: false, ..self }
    }
}

/// Who set a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A keyword of the call.
    Keyword,
    /// The URI itself.
    Uri,
    /// An environment variable, by its name.
    Variable(&'static str),
    /// A profile of a shared configuration file, by its name and file.
    Profile(String),
    /// Nobody: what counts in that case.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword => f.write_str("keyword"),
            Self::Uri => f.write_str("URI"),
            Self::Variable(name) => f.write_str(name),
            Self::Profile(which) => write!(f, "profile {which}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as it was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The keyword it goes by.
    pub name: &'static str,
    /// Its value; `****` for a secret, and the default in words where nobody set it.
    pub value: String,
    /// Who set it.
    pub origin: Origin,
}

/// Settings that the URI or a profile brings along, by [`Spec::name`] or profile key, and how to name their source.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) label: String,
    pub(crate) values: BTreeMap<String, String>,
}

/// What the caller, the URI, the environment and a profile gave.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) options: Options,
    /// What the URI says, by canonical name.
    pub(crate) uri: BTreeMap<&'static str, String>,
    pub(crate) environment: &'a Environment,
    /// The profile in force, once it is known.
    pub(crate) profile: Option<Layer>,
    trail: Vec<Setting>,
    configured: Vec<Configured>,
}

/// Settings with what was said and counts, if they can be used, and the trail in any case.
pub(crate) type Resolved<S> = (Vec<Setting>, Result<(S, Vec<Configured>), ConfigError>);

/// A text, and the option, variable or profile key it came from.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl<'a> Given<'a> {
    pub(crate) fn new(options: Options, environment: &'a Environment) -> Self {
        Self { options, uri: BTreeMap::new(), environment, profile: None, trail: Vec::new(), configured: Vec::new() }
    }

    /// As [`new`](Self::new), with what the URI says.
    pub(crate) fn about<'s>(
        said: impl IntoIterator<Item = (&'s &'static str, &'s Secret)>,
        options: Options,
        environment: &'a Environment,
    ) -> Self {
        let uri = said.into_iter().map(|(name, value)| (*name, value.0.clone())).collect();
        Self { uri, ..Self::new(options, environment) }
    }

    /// Has `merge` ask for the settings of a kind of store, and gives the trail, however that ends, with what was said and
    /// counts, in the order of names. A keyword may begin with `prefix`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`] for a keyword that is none of `known`, before what `merge` says: a setting that seems to
    /// be missing may be the one that is misspelt.
    pub(crate) fn resolve<S>(
        mut self,
        store: &'static str,
        prefix: &str,
        known: &[&'static Spec],
        merge: impl FnOnce(&mut Self) -> Result<S, ConfigError>,
    ) -> Resolved<S> {
        let unknown = self.options.strip(prefix, known).and_then(|()| self.options.refuse_unknown(store, known));
        let settings = unknown.and(merge(&mut self));
        let provided = self.options.take_provided().is_some();
        let settings = match (settings, self.options.left()) {
            (Ok(_), _) if provided => {
                Err(invalid(PROVIDER, format!("{store} is reached with what its own options say; leave it out")))
            }
            (Ok(_), Some(left)) => Err(invalid(left, "has no effect beside the other options; leave it out".into())),
            (settings, _) => settings,
        };
        self.configured.sort_by_key(|one| one.name);
        (self.trail, settings.map(|settings| (settings, self.configured)))
    }

    /// The value of `spec` from whoever comes first. Notes it in the trail.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where a keyword was given under two names.
    pub(crate) fn text(&mut self, spec: &Spec) -> Result<Option<Value>, ConfigError> {
        let value = self.find(spec)?;
        self.note(spec, value.as_ref());
        Ok(value)
    }

    /// As [`text`](Self::text), without a note: for settings that count as a set, where it is not yet known which set does.
    pub(crate) fn find(&mut self, spec: &Spec) -> Result<Option<Value>, ConfigError> {
        Ok(self
            .by_keyword(spec)?
            .or_else(|| self.by_uri(spec))
            .or_else(|| self.by_variable(spec))
            .or_else(|| self.by_profile(spec)))
    }

    /// The keyword alone. It is taken: nobody finds it again.
    pub(crate) fn by_keyword(&mut self, spec: &Spec) -> Result<Option<Value>, ConfigError> {
        if !spec.keyword {
            return Ok(None);
        }
        let names: Vec<&str> = std::iter::once(spec.name).chain(spec.also.iter().copied()).collect();
        let text = self.options.take(&names)?;
        Ok(text.map(|text| Value { key: spec.name.to_owned(), text, origin: Origin::Keyword }))
    }

    pub(crate) fn by_uri(&self, spec: &Spec) -> Option<Value> {
        let text = self.uri.get(spec.name)?.clone();
        Some(Value { key: spec.name.to_owned(), text, origin: Origin::Uri })
    }

    pub(crate) fn by_variable(&self, spec: &Spec) -> Option<Value> {
        spec.variables.iter().find_map(|name| {
            let text = self.environment.get(name)?.to_owned();
            Some(Value { key: (*name).to_owned(), text, origin: Origin::Variable(name) })
        })
    }

    pub(crate) fn by_profile(&self, spec: &Spec) -> Option<Value> {
        let profile = self.profile.as_ref()?;
        spec.profile.iter().find_map(|key| {
            let text = profile.values.get(*key)?.clone();
            let key = format!("{key} (profile {})", profile.label);
            Some(Value { key, text, origin: Origin::Profile(profile.label.clone()) })
        })
    }

    /// Notes in the trail what counts for `spec`.
    pub(crate) fn note(&mut self, spec: &Spec, value: Option<&Value>) {
        let shown = match value {
            Some(_) if spec.secret => "****".to_owned(),
            // Some tools take secrets in addresses. Here they are refused, and shown to nobody.
            Some(value) if value.text.contains("://") => masked(&value.text).into_owned(),
            Some(value) => value.text.clone(),
            None => spec.default.to_owned(),
        };
        let origin = value.map_or(Origin::Default, |value| value.origin.clone());
        if let Some(value) = value {
            self.configure(spec, &value.text, origin.clone());
        }
        self.trail.push(Setting { name: spec.name, value: shown, origin });
    }

    /// Makes `value` what was said for `spec`, where a keyword would be the same as whoever said it.
    pub(crate) fn configure(&mut self, spec: &Spec, value: &str, origin: Origin) {
        self.disregard(&[spec]);
        if spec.keyword && matches!(origin, Origin::Keyword | Origin::Uri | Origin::Variable(_)) {
            self.configured.push(Configured { name: spec.name, value: value.to_owned(), secret: spec.secret, origin });
        }
    }

    /// Who said what is called by one of `specs` and counts so far.
    pub(crate) fn origin(&self, specs: &[&Spec]) -> Option<Origin> {
        let said = |spec: &&Spec| self.configured.iter().find(|one| one.name == spec.name);
        specs.iter().find_map(said).map(|one| one.origin.clone())
    }

    /// For what was said and does not count.
    pub(crate) fn disregard(&mut self, specs: &[&Spec]) {
        self.configured.retain(|one| specs.iter().all(|spec| spec.name != one.name));
    }

    /// The bucket that the caller or the URI has `named`, else a keyword, else a variable.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] where there is none, or two.
    pub(crate) fn bucket(&mut self, spec: &Spec, named: Option<&str>) -> Result<String, ConfigError> {
        let again = self.by_keyword(spec)?;
        let value = match (named, again) {
            (Some(named), Some(again)) if again.text != named => {
                return Err(invalid(&again.key, format!("is {:?}, and the URI names {named:?}", again.text)));
            }
            (None, Some(again)) => again,
            (Some(named), _) => Value { key: spec.name.to_owned(), text: named.to_owned(), origin: Origin::Uri },
            (None, None) => self.by_variable(spec).ok_or_else(|| {
                let or = spec.variables.first().map(|name| format!(", or set {name}")).unwrap_or_default();
                invalid(spec.name, format!("is missing; name it{or}"))
            })?,
        };
        check_bucket(&value.text).map_err(|reason| invalid(&value.key, reason))?;
        self.note(spec, Some(&value));
        Ok(value.text)
    }

    pub(crate) fn flag(&mut self, spec: &Spec) -> Result<Option<bool>, ConfigError> {
        self.text(spec)?.map(|value| boolean(&value.key, &value.text)).transpose()
    }

    pub(crate) fn number(&mut self, spec: &Spec) -> Result<Option<usize>, ConfigError> {
        self.text(spec)?.map(|value| number(&value.key, &value.text)).transpose()
    }

    pub(crate) fn duration(&mut self, spec: &Spec) -> Result<Option<Duration>, ConfigError> {
        self.text(spec)?.map(|value| duration(&value.key, &value.text)).transpose()
    }

    /// A length of time in which something has to happen.
    pub(crate) fn patience(&mut self, spec: &Spec) -> Result<Option<Duration>, ConfigError> {
        match self.text(spec)? {
            None => Ok(None),
            Some(value) => match duration(&value.key, &value.text)? {
                Duration::ZERO => Err(invalid(&value.key, "nothing can happen in no time; write a longer one".into())),
                time => Ok(Some(time)),
            },
        }
    }

    /// Whether somebody set what is called `name`, as far as was asked.
    pub(crate) fn said(&self, name: &str) -> bool {
        self.trail.iter().any(|setting| setting.name == name && setting.origin != Origin::Default)
    }
}

impl Value {
    /// How far away it was said: 0 for a keyword, 1 for the URI, more for the rest. Who is nearer counts.
    pub(crate) fn distance(&self) -> u8 {
        match self.origin {
            Origin::Keyword => 0,
            Origin::Uri => 1,
            Origin::Variable(_) => 2,
            Origin::Profile(_) => 3,
            Origin::Default => 4,
        }
    }

    /// The text, where a header can hold it. It may be a secret, so the error does not show it.
    pub(crate) fn header(self) -> Result<String, ConfigError> {
        if self.text.chars().all(|c| matches!(c, ' '..='~')) {
            return Ok(self.text);
        }
        Err(invalid(
            &self.key,
            "contains a character that cannot be sent in a header; was it copied with a line end?".into(),
        ))
    }
}

/// A text that is compared and used, but never shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(pub(crate) String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGION: Spec = Spec::new("region", "where the bucket is")
        .also(&["aws_region"])
        .variables(&["AWS_REGION", "AWS_DEFAULT_REGION"])
        .profile(&["region"])
        .or("us-east-1");
    const KEY: Spec = Spec::new("secret_access_key", "the secret").variables(&["AWS_SECRET_ACCESS_KEY"]).secret();

    #[test]
    fn a_keyword_wins_over_the_uri_over_a_variable_over_a_profile_over_the_default() {
        let environment: Environment = [("AWS_DEFAULT_REGION".to_owned(), "variable".to_owned())].into_iter().collect();
        let nothing = Environment::default();
        let mut given = Given::new([("aws_region", "keyword")].into_iter().collect(), &environment);
        given.uri.insert("region", "uri".into());
        given.profile = Some(Layer { label: "work".into(), values: [("region".into(), "profile".into())].into() });
        let mut found = vec![given.text(&REGION).unwrap().unwrap().text, given.text(&REGION).unwrap().unwrap().text];
        given.uri.clear();
        found.push(given.text(&REGION).unwrap().unwrap().text);
        given.environment = &nothing;
        found.push(given.text(&REGION).unwrap().unwrap().text);
        given.profile = None;
        assert_eq!(found, ["keyword", "uri", "variable", "profile"]);
        assert!(given.text(&REGION).unwrap().is_none());
        let trail: Vec<_> =
            given.trail.into_iter().map(|setting| (setting.value, setting.origin.to_string())).collect();
        let expected = [
            ("keyword", "keyword"),
            ("uri", "URI"),
            ("variable", "AWS_DEFAULT_REGION"),
            ("profile", "profile work"),
            ("us-east-1", "default"),
        ];
        assert_eq!(trail, expected.map(|(value, origin)| (value.to_owned(), origin.to_owned())));
    }

    #[test]
    fn an_address_in_the_trail_shows_no_secret() {
        let environment = Environment::default();
        let options = [("region", "http://me:hunter2@h/?sig=hunter2")].into_iter().collect();
        let mut given = Given::new(options, &environment);
        given.text(&REGION).unwrap();
        assert_eq!(given.trail[0].value, "http://****@h/?sig=****");
    }

    #[test]
    fn a_secret_is_not_in_the_trail() {
        let environment = Environment::default();
        let mut given = Given::new([("secret_access_key", "hunter2")].into_iter().collect(), &environment);
        assert_eq!(given.text(&KEY).unwrap().unwrap().text, "hunter2");
        assert!(!format!("{:?}", given.trail).contains("hunter2"));
    }
}
