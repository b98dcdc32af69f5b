//! The metadata service of an EC2 instance, which `object_store` asks and whose keys it keeps. [`Guarded`] tells its failures
//! from those of the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig};

use super::ADVICE;
use crate::guarded::Guarded;
use crate::transport::{ClientSettings, Fixed, client};
use crate::{ConfigError, Environment, address};

/// It answers at once or is not there.
const SILENCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Instance {
    /// Where it is not at its usual address.
    address: Option<String>,
    /// Whether its first version may be asked, which wants no token.
    version_1: bool,
}

impl Instance {
    pub(super) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let names = ["AWS_METADATA_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        let given = names.into_iter().find_map(|name| Some((name, environment.get(name)?)));
        let address = given.map(|(name, value)| address::endpoint(name, value)).transpose()?;
        let version_1 = environment.get("AWS_IMDSV1_FALLBACK").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self { address, version_1 })
    }

    /// A provider that fetches and keeps the keys.
    pub(super) fn provider(&self, region: &str, ca_bundle: Option<&str>) -> Result<AwsCredentialProvider, ConfigError> {
        let http = client(&ClientSettings {
            allow_http: true,
            needs_tls: false,
            direct: true,
            ca_bundle: ca_bundle.map(str::to_owned),
            connect_timeout: SILENCE,
            timeout: SILENCE,
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
            .with_retry(RetryConfig { backoff, max_retries: 1, retry_timeout: PATIENCE });
        if let Some(address) = &self.address {
            builder = builder.with_metadata_endpoint(address);
        }
        if self.version_1 {
            builder = builder.with_imdsv1_fallback();
        }
        let inner = Arc::clone(builder.build()?.credentials());
        Ok(Arc::new(Guarded::new(inner, self.to_string(), format!("; {ADVICE}"), PATIENCE)))
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            None => f.write_str("the instance metadata service"),
            Some(address) => write!(f, "the instance metadata service at {address}"),
        }
    }
}
