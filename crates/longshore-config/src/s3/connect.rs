//! From settings to a live client.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, S3ConditionalPut};
use object_store::signer::Signer;

use super::settings::{S3Settings, Signing};
use crate::ConfigError;
use crate::kept::Credentials;
use crate::store::{Live, S3Access};
use crate::transport::{Fixed, Route};

impl S3Settings {
    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let (service_url, bucket_url) = self.addresses()?;
        let public = self.signing == Signing::Unsigned && self.encryption.customer_key.is_none();
        let http = self.wire.client(&service_url, public)?;
        let retry = self.wire.retry();
        let keys_until = Arc::<AtomicI64>::default();
        let (credentials, current) = match self.credentials(&keys_until)? {
            Some(Credentials { provider, current }) => (Some(provider), Some(current)),
            None => (None, None),
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            // In this style the builder takes an endpoint that already holds the bucket.
            .with_endpoint(if self.virtual_hosted_style { &bucket_url } else { &service_url })
            .with_virtual_hosted_style_request(self.virtual_hosted_style)
            .with_retry(retry.clone())
            .with_client_options(self.wire.client_options())
            .with_http_connector(Fixed(http.clone()))
            .with_skip_signature(credentials.is_none())
            .with_unsigned_payload(self.unsigned_payload)
            .with_request_payer(self.request_payer)
            .with_disable_tagging(self.habits.untagged)
            .with_disable_bulk_delete(self.habits.single_deletes);
        if self.habits.unconditional {
            builder = builder.with_conditional_put(S3ConditionalPut::Disabled);
        }
        if let Some(way) = &self.habits.copy_if_not_exists {
            builder = builder.with_config(AmazonS3ConfigKey::CopyIfNotExists, way);
        }
        if let Some(credentials) = &credentials {
            builder = builder.with_credentials(Arc::clone(credentials));
        }
        if let Some(checksum) = self.checksum {
            builder = builder.with_config(AmazonS3ConfigKey::Checksum, checksum);
        }
        let sse = &self.encryption;
        let encryption = [
            ("aws_server_side_encryption", sse.kind.map(str::to_owned)),
            ("aws_sse_kms_key_id", sse.kms_key_id.clone()),
            ("aws_sse_bucket_key_enabled", sse.bucket_key.map(|enabled| enabled.to_string())),
            ("aws_sse_customer_key_base64", sse.customer_key.as_ref().map(|key| key.0.clone())),
        ];
        for (name, value) in encryption {
            if let Some(value) = value {
                builder = builder.with_config(name.parse::<AmazonS3ConfigKey>()?, value);
            }
        }
        let store = Arc::new(builder.build()?);
        let s3 = S3Access {
            untagged: self.habits.untagged,
            http,
            credentials,
            keys_until,
            region: self.region.clone(),
            service_url,
            bucket_url,
            sign_payload: !self.unsigned_payload,
            request_payer: self.request_payer,
            single_deletes: self.habits.single_deletes,
            content_type: self.wire.content_type.clone(),
            checksum: self.checksum,
            encryption: self.encryption.headers(),
            retry,
        };
        // Without credentials there is nothing to sign with.
        let signer = s3.credentials.is_some().then(|| Arc::clone(&store) as Arc<dyn Signer>);
        Ok(Live { s3: Some(s3), signer, credentials: current, ..Live::of(store) })
    }

    /// Where requests go.
    pub(crate) fn route(&self) -> Option<Route> {
        Route::new(&self.addresses().ok()?.1, &self.wire)
    }

    fn credentials(&self, until: &Arc<AtomicI64>) -> Result<Option<Credentials<AwsCredential>>, ConfigError> {
        match &self.signing {
            Signing::Unsigned => Ok(None),
            Signing::With(keys) => Ok(Some(keys.credentials())),
            Signing::By(provided) => Ok(Some(provided.credentials(until))),
            Signing::From(source) => source.provider(&self.region, &self.wire.network, until).map(Some),
        }
    }
}
