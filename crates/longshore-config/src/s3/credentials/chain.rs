//! Whom to ask for keys: the order of AWS's own clients, as boto3 has it.
//!
//! 1. Keys by keyword, which the caller of this module has looked for.
//! 2. Keys in variables, unless a profile was named by keyword.
//! 3. The profile's role, where another profile or service gives the keys that ask for it.
//! 4. A token file and a role: in variables, unless a profile was named by keyword, then in the profile.
//! 5. The profile's single sign-on, its own keys, its `credential_process`.
//! 6. A container's agent, then the instance metadata service.

use super::container::Container;
use super::identity::WebIdentity;
use super::instance::Instance;
use super::process::Process;
use super::role::Role;
use super::sso::SignOn;
use super::{Keys, Source};
use crate::given::Secret;
use crate::options::invalid;
use crate::profile::{Profile, SharedFiles};
use crate::{ConfigError, Environment, address};

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";

/// What decides whom to ask.
pub(in crate::s3) struct Chain<'a> {
    pub(in crate::s3) environment: &'a Environment,
    pub(in crate::s3) files: &'a SharedFiles,
    pub(in crate::s3) profile: &'a Profile,
    /// Whether the profile was named by keyword, so that variables must not give the keys.
    pub(in crate::s3) chosen: bool,
    pub(in crate::s3) region: &'a str,
    /// The address of S3. The instance metadata service is asked for keys to AWS only.
    pub(in crate::s3) service: &'a str,
    /// Whether `allow_http` was said, so that STS may be reached unencrypted.
    pub(in crate::s3) allow_http: bool,
    /// A role and the file with the token that proves who asks, where keywords name them.
    pub(in crate::s3) identity: Option<&'a (String, String)>,
    /// Whether a keyword names the agent of a container.
    pub(in crate::s3) container: bool,
}

impl Chain<'_> {
    /// Whom to ask.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoCredentials`] where there is nobody, [`ConfigError::InvalidOption`] for what cannot be used.
    pub(in crate::s3) fn find(&self) -> Result<Source, ConfigError> {
        if let Some((role, token_file)) = self.identity {
            let sts = self.sts(self.profile)?;
            return self.web_identity(token_file, role, self.environment.get("AWS_ROLE_SESSION_NAME"), sts);
        }
        if self.container
            && let Some(agent) = Container::find(self.environment)?
        {
            return Ok(Source::Container(agent));
        }
        if !self.chosen
            && let Some(keys) = keys_of_variables(self.environment)?
        {
            return Ok(Source::Keys(keys));
        }
        if let Some(role) = self.role(self.profile, &mut Vec::new())? {
            return Ok(role);
        }
        if !self.chosen
            && let Some(identity) = self.identity_of_variables()?
        {
            return Ok(identity);
        }
        if let Some(source) = self.of_profile(self.profile)? {
            return Ok(source);
        }
        if let Some(agent) = Container::find(self.environment)? {
            return Ok(Source::Container(agent));
        }
        if self.is_switched_off() || !address::is_aws(self.service) {
            let named = self.chosen || self.profile.name != "default";
            let note = named.then(|| format!("the profile {:?} has none", self.profile.name));
            return Err(ConfigError::NoCredentials { note });
        }
        Ok(Source::Instance(Instance::new(self.environment)?))
    }

    /// The role of a profile, asked for with the keys of another one or of a service. `seen` are those that led here.
    fn role(&self, profile: &Profile, seen: &mut Vec<String>) -> Result<Option<Source>, ConfigError> {
        if profile.get("role_arn").is_none() || profile.get("web_identity_token_file").is_some() {
            return Ok(None);
        }
        let base = match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(_), Some(_)) => {
                let reason = "give this or credential_source, not both";
                return Err(profile.invalid("source_profile", reason.into()));
            }
            (Some(name), None) => self.source_profile(profile, name, seen)?,
            (None, Some(name)) => self.credential_source(profile, name)?,
            (None, None) => {
                let reason = "a role needs source_profile or credential_source as well: the keys that ask for it";
                return Err(profile.invalid("role_arn", reason.into()));
            }
        };
        Ok(Some(Source::Role(Box::new(Role::new(profile, self.sts(profile)?, base)?))))
    }

    fn source_profile(&self, profile: &Profile, name: &str, seen: &mut Vec<String>) -> Result<Source, ConfigError> {
        let source = self.files.profile(&format!("source_profile (profile {})", profile.name), name)?;
        // A role may be asked for with the profile's own keys.
        if let Some(keys) = keys_of_profile(&source)? {
            return Ok(Source::Keys(keys));
        }
        seen.push(profile.name.clone());
        if seen.iter().any(|seen| seen == name) {
            return Err(profile.invalid("source_profile", format!("{} lead in a circle", seen.join(", "))));
        }
        let source = match self.role(&source, seen)? {
            Some(role) => Some(role),
            None => self.of_profile(&source)?,
        };
        source.ok_or_else(|| profile.invalid("source_profile", format!("the profile {name:?} has no keys")))
    }

    fn credential_source(&self, profile: &Profile, name: &str) -> Result<Source, ConfigError> {
        let missing = |what: &str| profile.invalid("credential_source", format!("is {name}, but {what}"));
        match name {
            "Environment" => keys_of_variables(self.environment)?
                .map(Source::Keys)
                .ok_or_else(|| missing("AWS_ACCESS_KEY_ID is not set")),
            "EcsContainer" => Container::find(self.environment)?
                .map(Source::Container)
                .ok_or_else(|| missing("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set")),
            "Ec2InstanceMetadata" if self.is_switched_off() => Err(missing("AWS_EC2_METADATA_DISABLED is true")),
            "Ec2InstanceMetadata" => Ok(Source::Instance(Instance::new(self.environment)?)),
            _ => Err(missing("must be Environment, EcsContainer or Ec2InstanceMetadata")),
        }
    }

    /// Whether the metadata service is not to be asked, whoever would like to.
    fn is_switched_off(&self) -> bool {
        self.environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// What a profile has besides a role.
    fn of_profile(&self, profile: &Profile) -> Result<Option<Source>, ConfigError> {
        if let (Some(token_file), Some(role)) = (profile.get("web_identity_token_file"), profile.get("role_arn")) {
            let sts = self.sts(profile)?;
            return self.web_identity(token_file, role, profile.get("role_session_name"), sts).map(Some);
        }
        if let Some(sign_on) = SignOn::find(profile, self.files, self.environment)? {
            return Ok(Some(Source::SignOn(sign_on)));
        }
        if let Some(keys) = keys_of_profile(profile)? {
            return Ok(Some(Source::Keys(keys)));
        }
        Ok(Process::find(profile)?.map(Source::Process))
    }

    fn identity_of_variables(&self) -> Result<Option<Source>, ConfigError> {
        let get = |name| self.environment.get(name);
        let (Some(token_file), Some(role)) = (get(TOKEN_FILE), get(ROLE)) else { return Ok(None) };
        let sts = self.sts(self.profile)?;
        self.web_identity(token_file, role, get("AWS_ROLE_SESSION_NAME"), sts).map(Some)
    }

    fn web_identity(
        &self,
        token_file: &str,
        role: &str,
        session_name: Option<&str>,
        sts: String,
    ) -> Result<Source, ConfigError> {
        Ok(Source::WebIdentity(WebIdentity {
            role: role.to_owned(),
            token_file: token_file.to_owned(),
            session_name: session_name.unwrap_or("longshore").to_owned(),
            sts,
        }))
    }

    /// STS's address: its own variable, the variable for all services, the profile, AWS's for the region.
    fn sts(&self, profile: &Profile) -> Result<String, ConfigError> {
        let variables = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];
        let by_variable = variables.into_iter().find_map(|name| Some((name, self.environment.get(name)?)));
        let by_profile = || {
            let keys = ["services.sts.endpoint_url", "endpoint_url"];
            keys.into_iter().find_map(|key| Some((key, profile.get(key)?)))
        };
        let Some((key, value)) = by_variable.or_else(by_profile) else {
            return Ok(address::aws_service("sts", self.region));
        };
        let url = address::endpoint(key, value)?;
        // It is given tokens, and gives keys.
        if url.starts_with("http://") && !address::is_near(&url) && !self.allow_http {
            let reason = "STS must have an address that begins with https://; allow_http=True lifts that";
            return Err(invalid(key, reason.into()));
        }
        Ok(url)
    }
}

/// The keys of the variables, which are one set.
fn keys_of_variables(environment: &Environment) -> Result<Option<Keys>, ConfigError> {
    let get = |name: &'static str| (name.to_owned(), environment.get(name));
    pair(get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY"), get("AWS_SESSION_TOKEN"))
}

/// The keys of a profile, which are one set.
fn keys_of_profile(profile: &Profile) -> Result<Option<Keys>, ConfigError> {
    let get = |name: &str| (format!("{name} (profile {})", profile.name), profile.get(name));
    let token = match get("aws_session_token") {
        (_, None) => get("aws_security_token"),
        token => token,
    };
    pair(get("aws_access_key_id"), get("aws_secret_access_key"), token)
}

/// Keys from a name and a value each. Neither half counts without the other.
pub(in crate::s3) fn pair(
    id: (String, Option<&str>),
    secret: (String, Option<&str>),
    token: (String, Option<&str>),
) -> Result<Option<Keys>, ConfigError> {
    let missing = |one: &str, other: &str| Err(invalid(one, format!("is missing, though there is an {other}")));
    match (id.1, secret.1) {
        (Some(_), None) => missing(&secret.0, &id.0),
        (None, Some(_)) => missing(&id.0, &secret.0),
        (None, None) => Ok(None),
        (Some(key), Some(value)) => Ok(Some(Keys {
            id: sendable(&id.0, key)?,
            secret: Secret(sendable(&secret.0, value)?),
            token: token.1.map(|value| sendable(&token.0, value)).transpose()?.map(Secret),
        })),
    }
}

fn sendable(key: &str, text: &str) -> Result<String, ConfigError> {
    if text.chars().all(|c| matches!(c, ' '..='~')) {
        return Ok(text.to_owned());
    }
    // It may be a secret, so the error does not show it.
    let reason = "contains a character that cannot be sent in a header; was it copied with a line end?";
    Err(invalid(key, reason.into()))
}
