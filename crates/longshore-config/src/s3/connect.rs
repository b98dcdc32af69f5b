//! From settings to a live client.

use std::sync::Arc;

use object_store::StaticCredentialProvider;
use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};

use super::settings::{S3Settings, Signing};
use crate::ConfigError;
use crate::store::{Live, S3Access};
use crate::transport::Fixed;

impl S3Settings {
    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let (service_url, bucket_url) = self.addresses()?;
        let http = self.wire.client(&service_url)?;
        let retry = self.wire.retry();
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
        Ok(Live { s3: Some(s3), ..Live::of(Arc::new(store)) })
    }

    fn credentials(&self) -> Result<Option<AwsCredentialProvider>, ConfigError> {
        match &self.signing {
            Signing::Unsigned => Ok(None),
            Signing::From(source) => source.provider(&self.region, self.wire.ca_bundle.as_deref()).map(Some),
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
