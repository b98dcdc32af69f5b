//! How S3 wants its requests: addressed, and signed with SigV4.

use http::{HeaderMap, Method};
use longshore_config::S3Access;
use object_store::RetryConfig;
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpClient, HttpRequest};
use percent_encoding::utf8_percent_encode;

use crate::error::{Context, Error};
use crate::rest::{self, IN_PATH, Service, sendable};
use crate::xml::error as error_document;

/// A request in the making.
pub(super) type Request<'a> = rest::Request<'a, S3Access>;

impl<'a> Request<'a> {
    /// A request on the bucket itself.
    pub(super) fn bucket(access: &'a S3Access, method: Method, context: &'a Context) -> Self {
        Self::new(access, method, access.bucket_url.clone(), context)
    }

    /// A request on the service, for what is about no bucket.
    pub(super) fn service(access: &'a S3Access, method: Method, context: &'a Context) -> Self {
        Self::new(access, method, format!("{}/", access.service_url), context)
    }

    /// A request on one key.
    ///
    /// # Errors
    ///
    /// As [`sendable`].
    pub(super) fn object(access: &'a S3Access, method: Method, key: &str, context: &'a Context) -> Result<Self, Error> {
        sendable(key, context)?;
        let url = format!("{}/{}", access.bucket_url, utf8_percent_encode(key, &IN_PATH));
        Ok(Self::new(access, method, url, context))
    }
}

impl Service for S3Access {
    fn http(&self) -> &HttpClient {
        &self.http
    }

    fn retry(&self) -> &RetryConfig {
        &self.retry
    }

    async fn authorize(&self, request: &mut HttpRequest) -> object_store::Result<()> {
        let Some(provider) = &self.credentials else { return Ok(()) };
        let credential = provider.get_credential().await?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .with_sign_payload(self.sign_payload)
            .with_request_payer(self.request_payer)
            .try_authorize(request, None)
    }

    fn complaint(_headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
        error_document(body)
    }
}
