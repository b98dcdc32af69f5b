//! Services that `object_store` asks and whose keys it keeps: STS for a token from a file, and the instance metadata
//! service. [`Guarded`] tells their failures from those of the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::{BackoffConfig, RetryConfig};

use super::ADVICE;
use crate::guarded::Guarded;
use crate::kept::Credentials;
use crate::network::Network;
use crate::transport::{ClientSettings, Fixed, client};
use crate::{ConfigError, Environment, address};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) enum Service {
    /// STS, for a token from a file.
    WebIdentity { role: String, token_file: String, session_name: Option<String>, sts: String },
    /// The metadata service of an EC2 instance.
    Instance { address: Option<String>, version_1: bool },
}

impl Service {
    pub(super) fn instance(environment: &Environment) -> Result<Self, ConfigError> {
        let names = ["AWS_METADATA_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        let given = names.into_iter().find_map(|name| Some((name, environment.get(name)?)));
        let address = given.map(|(name, value)| address::endpoint(name, value)).transpose()?;
        let version_1 = environment.get("AWS_IMDSV1_FALLBACK").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self::Instance { address, version_1 })
    }

    /// A provider that fetches and keeps the keys. Errors call the service `who`.
    pub(super) fn provider(
        &self,
        region: &str,
        network: &Network,
        who: String,
    ) -> Result<Credentials<AwsCredential>, ConfigError> {
        // The metadata service answers at once or is not there; STS is a service like any other.
        let (silence, max_retries, patience) = match self {
            Self::WebIdentity { .. } => (Duration::from_secs(5), 3, Duration::from_secs(15)),
            Self::Instance { .. } => (Duration::from_secs(1), 1, Duration::from_secs(2)),
        };
        let http = client(&ClientSettings {
            // Whether STS may be reached so was decided when its address was read.
            allow_http: true,
            needs_tls: matches!(self, Self::WebIdentity { sts, .. } if sts.starts_with("https://")),
            direct: match self {
                Self::WebIdentity { sts, .. } => address::is_near(sts),
                Self::Instance { .. } => true,
            },
            network: network.clone(),
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
            .with_retry(RetryConfig { backoff, max_retries, retry_timeout: patience });
        match self {
            Self::WebIdentity { role, token_file, session_name, sts } => {
                builder = builder
                    .with_config(AmazonS3ConfigKey::RoleArn, role)
                    .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file)
                    .with_config(AmazonS3ConfigKey::StsEndpoint, sts);
                if let Some(name) = session_name {
                    builder = builder.with_config(AmazonS3ConfigKey::RoleSessionName, name);
                }
            }
            Self::Instance { address, version_1 } => {
                if let Some(address) = address {
                    builder = builder.with_metadata_endpoint(address);
                }
                if *version_1 {
                    builder = builder.with_imdsv1_fallback();
                }
            }
        }
        let inner = Arc::clone(builder.build()?.credentials());
        Ok(Credentials::of(Guarded::new(inner, who, format!("; {ADVICE}"), patience)))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebIdentity { role, .. } => write!(f, "STS, asked for the role {role}"),
            Self::Instance { address: None, .. } => f.write_str("the instance metadata service"),
            Self::Instance { address: Some(address), .. } => write!(f, "the instance metadata service at {address}"),
        }
    }
}
