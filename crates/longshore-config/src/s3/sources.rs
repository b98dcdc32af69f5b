//! Keywords about who gives keys, where they count like the variables of the same meaning.

use std::borrow::Cow;

use super::credentials::Source;
use super::specs::{
    CONTAINER_FULL_URI, CONTAINER_RELATIVE_URI, CONTAINER_TOKEN, CONTAINER_TOKEN_FILE, FILES, IMDSV1, METADATA,
    NO_METADATA, ROLE, SECRETS, SESSION_NAME, STS, TOKEN_FILE,
};
use crate::given::{Given, Origin, Spec, Value};
use crate::options::invalid;
use crate::{ConfigError, Environment, address};

/// The agent of a container is named by one set of these.
const CONTAINER: [&Spec; 4] = [&CONTAINER_RELATIVE_URI, &CONTAINER_FULL_URI, &CONTAINER_TOKEN_FILE, &CONTAINER_TOKEN];

/// What was said by keyword.
pub(super) struct Sources {
    /// The role, and the file with the token that proves who asks.
    pub(super) identity: Option<(String, String)>,
    /// Whether the agent of a container was named.
    pub(super) container: bool,
    /// By the names of variables: what they are, or that they do not count.
    instead: Vec<(&'static str, Option<String>)>,
}

impl Sources {
    /// What says where the profiles are, before they are read.
    pub(super) fn files(given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let mut instead = Vec::new();
        for spec in [&FILES, &SECRETS] {
            if let Some(value) = keyword(given, spec)? {
                instead.push((spec.variables[0], Some(value.text)));
            }
        }
        Ok(Self { identity: None, container: false, instead })
    }

    /// The rest, once the profile is known.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidOption`] for what cannot be used, and for two who give keys.
    pub(super) fn take(self, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let mut instead = self.instead;
        for spec in [&SESSION_NAME, &STS, &METADATA, &IMDSV1, &NO_METADATA] {
            if let Some(value) = keyword(given, spec)? {
                if [STS.name, METADATA.name].contains(&spec.name) {
                    address::endpoint(spec.name, &value.text)?;
                }
                instead.push((spec.variables[0], Some(value.text)));
            }
        }
        let [relative, full, token_file, token] = CONTAINER.map(|spec| keyword(given, spec));
        let agent = [relative?, full?];
        let proof = [token_file?, token?];
        let container = agent.iter().any(Option::is_some);
        // One that is named here brings nothing along from elsewhere.
        for (named, values, specs) in [(container, agent, &CONTAINER[..2]), (true, proof, &CONTAINER[2..])] {
            let said = values.iter().any(Option::is_some);
            for (spec, value) in specs.iter().zip(values) {
                if (container && named) || said {
                    instead.push((spec.variables[0], value.map(|value| value.text)));
                }
            }
        }
        let identity = match (keyword(given, &ROLE)?, keyword(given, &TOKEN_FILE)?) {
            (Some(role), Some(file)) => Some((role.text, file.text)),
            (Some(role), None) => {
                let reason = "needs web_identity_token_file as well; a role that keys ask for is named in a profile";
                return Err(invalid(&role.key, reason.into()));
            }
            (None, Some(file)) => {
                return Err(invalid(ROLE.name, format!("is missing, though there is a {}", file.key)));
            }
            (None, None) => None,
        };
        if container && identity.is_some() {
            let reason = "is given beside container_credentials_relative_uri or container_credentials_full_uri; give one of them";
            return Err(invalid(ROLE.name, reason.into()));
        }
        Ok(Self { identity, container, instead })
    }

    /// What was named outright, by keyword.
    pub(super) fn named(&self) -> Option<&'static str> {
        match (&self.identity, self.container) {
            (Some(_), _) => Some(ROLE.name),
            (None, true) => Some("container_credentials_relative_uri or container_credentials_full_uri"),
            (None, false) => None,
        }
    }

    /// The environment as if the keywords were variables.
    pub(super) fn environment<'a>(&self, environment: &'a Environment) -> Cow<'a, Environment> {
        if self.instead.is_empty() {
            return Cow::Borrowed(environment);
        }
        Cow::Owned(environment.with(&self.instead))
    }

    /// Leaves of what was said what counts where keys come from `source`; nobody is asked where there is none.
    pub(super) fn note(&self, given: &mut Given<'_>, source: Option<&Source>, chosen: bool) {
        let asks = source.map(Source::asks).unwrap_or_default();
        let by_variables = !chosen && [ROLE, TOKEN_FILE].iter().all(|spec| given.by_variable(spec).is_some());
        if !(asks.identity && (self.identity.is_some() || by_variables)) {
            given.disregard(&[&ROLE, &TOKEN_FILE]);
        }
        if !asks.identity {
            given.disregard(&[&SESSION_NAME]);
        }
        if !asks.sts {
            given.disregard(&[&STS]);
        }
        if !asks.instance {
            given.disregard(&[&METADATA, &IMDSV1, &NO_METADATA]);
        }
        let elsewhere = |spec: &&Spec| given.origin(&[spec]) != Some(Origin::Keyword);
        let others: Vec<&Spec> = CONTAINER.into_iter().filter(elsewhere).collect();
        if !asks.container {
            given.disregard(&CONTAINER);
        } else if self.container {
            given.disregard(&others);
        } else if given.origin(&[&CONTAINER_RELATIVE_URI]).is_some() {
            given.disregard(&[&CONTAINER_FULL_URI]);
        }
        // The file counts before the text, wherever both were said.
        if let Some(Origin::Keyword) = given.origin(&[&CONTAINER_TOKEN]) {
            return;
        }
        if given.origin(&[&CONTAINER_TOKEN_FILE]).is_some() {
            given.disregard(&[&CONTAINER_TOKEN]);
        }
    }
}

/// The keyword alone; the trail tells whoever counts.
fn keyword(given: &mut Given<'_>, spec: &Spec) -> Result<Option<Value>, ConfigError> {
    let own = given.by_keyword(spec)?;
    match &own {
        Some(value) => given.note(spec, Some(value)),
        None => {
            let other = given.by_variable(spec).or_else(|| given.by_profile(spec));
            given.note(spec, other.as_ref());
        }
    }
    Ok(own)
}
