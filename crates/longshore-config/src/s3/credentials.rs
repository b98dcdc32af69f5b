//! Keys that have to be fetched: from STS, a container's agent or the instance metadata service.
//!
//! `object_store` fetches and caches them, and [`Guarded`] tells their failures from those of the store.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig};

use crate::address;
use crate::guarded::Guarded;
use crate::options::invalid;
use crate::transport::{ClientSettings, Fixed, client};
use crate::{ConfigError, Environment};

/// What to do when there are no keys.
pub(crate) const ADVICE: &str =
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or pass skip_signature=True to send unsigned requests";

const UNREAD_PROFILE: &str = "AWS_PROFILE is set, but profiles are not read yet";

/// Variables that `object_store` reads, by the kind of source they belong to.
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
const STS: &str = "AWS_ENDPOINT_URL_STS";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const METADATA: &str = "AWS_METADATA_ENDPOINT";

/// Who gives out temporary keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// STS, for a token from a file.
    WebIdentity,
    /// The agent of an ECS task.
    Task,
    /// The agent of an EKS pod.
    Pod,
    /// The metadata service of an EC2 instance.
    Instance,
}

/// A source of temporary keys, and the variables that describe it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source {
    kind: Kind,
    variables: BTreeMap<&'static str, String>,
    profile: bool,
}

impl Source {
    /// Who is to be asked for keys, in the order of the AWS clients. The instance metadata service is asked for keys to
    /// AWS only.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoCredentials`] where there is nobody to ask, [`ConfigError::InvalidOption`] for a variable that
    /// cannot be used.
    pub(super) fn find(environment: &Environment, service: &str) -> Result<Self, ConfigError> {
        let has = |name| environment.get(name).is_some();
        let profile = has("AWS_PROFILE");
        let (kind, names): (_, &[&'static str]) = if has(TOKEN_FILE) && has(ROLE) {
            (Kind::WebIdentity, &[TOKEN_FILE, ROLE, STS, "AWS_ROLE_SESSION_NAME"])
        } else if has(RELATIVE_URI) {
            (Kind::Task, &[RELATIVE_URI])
        } else if has(FULL_URI) && has(CONTAINER_TOKEN_FILE) {
            (Kind::Pod, &[FULL_URI, CONTAINER_TOKEN_FILE])
        } else if has(FULL_URI) {
            let reason = "is only read together with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; a token in a variable, or \
                          none, is not supported yet";
            return Err(invalid(FULL_URI, reason.into()));
        } else {
            let disabled =
                environment.get("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            if disabled || !address::is_aws(service) {
                return Err(ConfigError::NoCredentials { note: profile.then_some(UNREAD_PROFILE) });
            }
            (Kind::Instance, &[METADATA, "AWS_IMDSV1_FALLBACK"])
        };
        let mut variables = BTreeMap::new();
        for &name in names {
            let Some(value) = environment.get(name) else { continue };
            let value = match name {
                STS if !value.starts_with("https://") => {
                    return Err(invalid(name, "the address must begin with https://".into()));
                }
                STS | METADATA => address::endpoint(name, value)?,
                FULL_URI => address::parse(name, value)?.into(),
                RELATIVE_URI if !value.starts_with('/') => {
                    return Err(invalid(name, "must begin with a slash".into()));
                }
                RELATIVE_URI => {
                    address::parse(name, &format!("http://169.254.170.2{value}"))?;
                    value.to_owned()
                }
                _ => value.to_owned(),
            };
            variables.insert(name, value);
        }
        Ok(Self { kind, variables, profile })
    }

    /// A provider that fetches and keeps the keys.
    pub(super) fn provider(&self, region: &str, ca_bundle: Option<&str>) -> Result<AwsCredentialProvider, ConfigError> {
        // An agent in reach answers at once or is not there; STS is a service like any other.
        let (silence, max_retries, patience) = match self.kind {
            Kind::WebIdentity => (Duration::from_secs(5), 3, Duration::from_secs(15)),
            Kind::Task | Kind::Pod => (Duration::from_secs(2), 2, Duration::from_secs(5)),
            Kind::Instance => (Duration::from_secs(1), 1, Duration::from_secs(2)),
        };
        let sts = self.variables.get(STS).cloned().unwrap_or_else(|| address::aws_service("sts", region));
        let http = client(&ClientSettings {
            // STS is given a token that lets anyone act in this role.
            allow_http: self.kind != Kind::WebIdentity,
            needs_tls: self.kind == Kind::WebIdentity,
            direct: self.kind != Kind::WebIdentity,
            ca_bundle: ca_bundle.map(str::to_owned),
            connect_timeout: silence,
            timeout: silence,
        })?;
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
            ..BackoffConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            // The builder wants a bucket, though only its chain of providers is of use here.
            .with_bucket_name("credentials")
            .with_region(region)
            .with_http_connector(Fixed(http))
            .with_retry(RetryConfig { backoff, max_retries, retry_timeout: patience })
            .with_config(AmazonS3ConfigKey::StsEndpoint, sts);
        for (name, value) in &self.variables {
            if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase())
                && *name != STS
            {
                builder = builder.with_config(key, value);
            }
        }
        let inner = Arc::clone(builder.build()?.credentials());
        let note = if self.profile { format!(" ({UNREAD_PROFILE})") } else { String::new() };
        Ok(Arc::new(Guarded::new(inner, self.who(), format!("{note}; {ADVICE}"), patience)))
    }

    fn who(&self) -> String {
        let value = |name| self.variables.get(name).map_or("", String::as_str);
        match self.kind {
            Kind::WebIdentity => format!("STS, asked for the role {}", value(ROLE)),
            Kind::Task => "the container's credentials agent".to_owned(),
            Kind::Pod => format!("the container's credentials agent at {}", value(FULL_URI)),
            Kind::Instance => match value(METADATA) {
                "" => "the instance metadata service".to_owned(),
                address => format!("the instance metadata service at {address}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "https://s3.us-east-1.amazonaws.com";

    fn find(variables: &[(&str, &str)], service: &str) -> Result<Kind, String> {
        let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Source::find(&environment, service).map(|source| source.kind).map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_complete_set_of_variables_is_a_source() {
        let elsewhere = "http://127.0.0.1:9";
        assert_eq!(find(&[(TOKEN_FILE, "/t"), (ROLE, "arn")], elsewhere), Ok(Kind::WebIdentity));
        assert_eq!(find(&[(RELATIVE_URI, "/v2/x?id=1")], elsewhere), Ok(Kind::Task));
        assert!(find(&[(RELATIVE_URI, "v2/x")], elsewhere).unwrap_err().contains("slash"));
        assert_eq!(find(&[(FULL_URI, "http://127.0.0.1/x"), (CONTAINER_TOKEN_FILE, "/t")], elsewhere), Ok(Kind::Pod));
        for lone in [TOKEN_FILE, ROLE, "AWS_ROLE_SESSION_NAME", METADATA, CONTAINER_TOKEN_FILE, STS] {
            assert_eq!(find(&[(lone, "http://x")], AWS), Ok(Kind::Instance), "{lone}");
            assert!(find(&[(lone, "http://x")], elsewhere).unwrap_err().contains("AWS_ACCESS_KEY_ID"), "{lone}");
        }
    }

    #[test]
    fn a_container_without_a_token_file_is_not_sent_to_the_metadata_service() {
        let variables = [(FULL_URI, "http://127.0.0.1/x"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2")];
        let message = find(&variables, AWS).unwrap_err();
        assert!(message.contains(CONTAINER_TOKEN_FILE) && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_disabled_metadata_service_is_nobody_to_ask() {
        let message = find(&[("AWS_EC2_METADATA_DISABLED", "True")], AWS).unwrap_err();
        assert!(message.contains("no credentials"), "{message}");
        assert_eq!(find(&[("AWS_EC2_METADATA_DISABLED", "false")], AWS), Ok(Kind::Instance));
    }

    #[test]
    fn a_profile_that_is_not_read_is_mentioned() {
        let message = find(&[("AWS_PROFILE", "work")], "http://127.0.0.1:9").unwrap_err();
        assert!(message.contains("AWS_PROFILE"), "{message}");
    }

    #[test]
    fn an_address_that_would_panic_is_refused() {
        for (name, value) in [(METADATA, "http://[::1"), (METADATA, "http://user:hunter2@x")] {
            let message = find(&[(name, value)], AWS).unwrap_err();
            assert!(message.starts_with(name) && !message.contains("hunter2"), "{message}");
        }
    }
}
