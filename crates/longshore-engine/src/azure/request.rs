//! How Azure wants its requests: addressed, dated and authorized.

use chrono::Utc;
use http::header::DATE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use longshore_config::AzureAccess;
use object_store::RetryConfig;
use object_store::azure::AzureAuthorizer;
use object_store::client::{HttpClient, HttpRequest};
use percent_encoding::utf8_percent_encode;

use crate::error::{Context, Error, ErrorKind};
use crate::rest::{self, IN_PATH, Service, sendable};
use crate::xml::error as error_document;

/// The version of the interface that requests are written for.
const VERSION: &str = "2023-11-03";
const VERSION_HEADER: HeaderName = HeaderName::from_static("x-ms-version");
/// Answers to HEAD requests have no body, and name the error here.
pub(super) const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// A request in the making.
pub(super) type Request<'a> = rest::Request<'a, AzureAccess>;

impl<'a> Request<'a> {
    /// A request on the container itself.
    pub(super) fn container(access: &'a AzureAccess, method: Method, context: &'a Context) -> Self {
        Self::new(access, method, access.container_url.clone(), context).query("restype", "container")
    }

    /// A request on one blob.
    ///
    /// # Errors
    ///
    /// As [`sendable`].
    pub(super) fn blob(
        access: &'a AzureAccess,
        method: Method,
        key: &str,
        context: &'a Context,
    ) -> Result<Self, Error> {
        sendable(key, context)?;
        Ok(Self::new(access, method, blob_url(access, key), context))
    }
}

/// The address of a blob.
pub(super) fn blob_url(access: &AzureAccess, key: &str) -> String {
    format!("{}/{}", access.container_url, utf8_percent_encode(key, &IN_PATH))
}

impl Service for AzureAccess {
    fn http(&self) -> &HttpClient {
        &self.http
    }

    fn retry(&self) -> &RetryConfig {
        &self.retry
    }

    async fn authorize(&self, request: &mut HttpRequest) -> object_store::Result<()> {
        match &self.credentials {
            Some(provider) => {
                let credential = provider.get_credential().await?;
                AzureAuthorizer::new(&credential, &self.account).try_authorize(request)
            }
            None => {
                let date = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
                if let Ok(date) = HeaderValue::from_str(&date) {
                    request.headers_mut().insert(DATE, date);
                }
                request.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
                Ok(())
            }
        }
    }

    fn complaint(headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>) {
        let (code, message) = error_document(body);
        let named = headers.get(ERROR_CODE).and_then(|code| code.to_str().ok()).map(str::to_owned);
        // The first line says what is wrong; request and time follow, and the request is named by a header too.
        let message = message.and_then(|message| message.lines().next().map(|line| line.trim().to_owned()));
        (named.or(code), message)
    }
}

/// Deletes one blob; a missing one is deleted already.
pub(crate) async fn delete(access: &AzureAccess, key: &str, context: &Context) -> Result<(), Error> {
    match Request::blob(access, Method::DELETE, key, context)?.send().await {
        Err(error) if error.kind() == ErrorKind::NotFound && error.code() != Some("ContainerNotFound") => Ok(()),
        outcome => outcome.map(drop),
    }
}
