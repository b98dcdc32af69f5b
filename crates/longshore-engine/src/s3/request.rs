//! How S3 wants its requests: addressed, and signed with SigV4.

use http::{HeaderMap, Method};
use longshore_config::{Encryption, S3Access};
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
        if is_about_a_key(self, request) {
            encrypt(&self.encryption, request);
        }
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

fn is_about_a_key(access: &S3Access, request: &HttpRequest) -> bool {
    let url = request.uri().to_string();
    let rest = url.strip_prefix(&access.bucket_url).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|key| !key.is_empty() && !key.starts_with('?'))
}

/// What beginning an object, and a customer's key, ask of every request about a key.
fn encrypt(encryption: &Encryption, request: &mut HttpRequest) {
    let query = request.uri().query().unwrap_or("");
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let begins = match *request.method() {
        Method::PUT => query.is_empty(),
        Method::POST => has("uploads"),
        _ => false,
    };
    let reads_or_writes =
        request.method() != Method::DELETE && (query.is_empty() || has("uploadId") || has("versionId"));
    let headers = request.headers_mut();
    if begins {
        headers.extend(encryption.write.clone());
    } else if reads_or_writes {
        headers.extend(encryption.customer.clone());
    }
    if headers.contains_key("x-amz-copy-source") {
        headers.extend(encryption.copy_source.clone());
    }
}
