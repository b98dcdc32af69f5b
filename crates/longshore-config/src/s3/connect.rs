//! From settings to a live client.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig, StaticCredentialProvider};

use super::address::is_near;
use super::settings::{S3Settings, Signing};
use crate::ConfigError;
use crate::store::{Live, S3Access};
use crate::transport::{ClientSettings, Fixed, client};

impl S3Settings {
    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let (service_url, bucket_url) = self.addresses()?;
        let http = client(&ClientSettings {
            allow_http: self.allow_http,
            needs_tls: service_url.starts_with("https://"),
            direct: is_near(&service_url),
            ca_bundle: self.ca_bundle.clone(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        })?;
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(5),
                base: 2.5,
            },
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
        };
        let credentials = self.credentials()?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            // In this style the builder takes an endpoint that already holds the bucket.
            .with_endpoint(if self.virtual_hosted_style { &bucket_url } else { &service_url })
            .with_virtual_hosted_style_request(self.virtual_hosted_style)
            .with_retry(retry.clone())
            .with_http_connector(Fixed(http.clone()))
            .with_skip_signature(credentials.is_none())
            .with_unsigned_payload(self.unsigned_payload)
            .with_request_payer(self.request_payer);
        if let Some(credentials) = &credentials {
            builder = builder.with_credentials(Arc::clone(credentials));
        }
        let store = builder.build()?;
        let s3 = S3Access {
            http,
            credentials,
            region: self.region.clone(),
            service_url,
            bucket_url,
            sign_payload: !self.unsigned_payload,
            request_payer: self.request_payer,
            retry,
        };
        Ok(Live { objects: Arc::new(store), s3: Some(s3) })
    }

    fn credentials(&self) -> Result<Option<AwsCredentialProvider>, ConfigError> {
        match &self.signing {
            Signing::Unsigned => Ok(None),
            Signing::From(source) => source.provider(&self.region, self.ca_bundle.as_deref()).map(Some),
            Signing::With(keys) => {
                let credential = AwsCredential {
                    key_id: keys.id.clone(),
                    secret_key: keys.secret.0.clone(),
                    token: keys.token.as_ref().map(|token| token.0.clone()),
                };
                Ok(Some(Arc::new(StaticCredentialProvider::new(credential))))
            }
        }
    }
}
