//! From settings to a live client.

use std::sync::Arc;

use object_store::client::HttpClient;
use object_store::gcp::{GcpCredential, GcpCredentialProvider, GoogleCloudStorageBuilder};
use object_store::signer::Signer;
use object_store::{ObjectStore, RetryConfig, StaticCredentialProvider};

use super::json::{Json, Whole};
use super::settings::{GcsSettings, Signing};
use super::tidy::Tidy;
use crate::credential::Credential;
use crate::kept::Credentials;
use crate::store::Live;
use crate::transport::Fixed;
use crate::{ConfigError, Route};

/// What it takes to send authorized requests to Google's JSON interface oneself, over the same pool and with the same credentials.
#[derive(Clone)]
pub struct GcsAccess {
    /// The pool.
    pub http: HttpClient,
    /// The credentials; `None` sends requests without any.
    pub credentials: Option<GcpCredentialProvider>,
    /// The service's address, without a slash at its end.
    pub service_url: String,
    /// The bucket.
    pub bucket: String,
    /// The project that a new bucket is to belong to.
    pub project: Option<String>,
    /// Where a new bucket is made, if that was said.
    pub location: Option<String>,
    /// When to give up.
    pub retry: RetryConfig,
}

impl GcsSettings {
    /// Where requests go.
    pub(crate) fn route(&self) -> Option<Route> {
        Route::new(self.service_url(), &self.wire)
    }

    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let service_url = self.service_url().to_owned();
        let http = self.wire.client(&service_url, self.signing == Signing::Unsigned)?;
        let retry = self.wire.retry();
        let (credentials, current) = match self.credentials()? {
            Some(Credentials { provider, current }) => (Some(provider), Some(current)),
            None => (None, None),
        };
        let tidy = if self.xml {
            HttpClient::new(Tidy(http.clone()))
        } else {
            let json = Json { http: http.clone(), base: service_url.clone(), bucket: self.bucket.clone() };
            HttpClient::new(Tidy(HttpClient::new(json)))
        };
        // Without any, the builder would go looking for some.
        let none = || -> GcpCredentialProvider {
            Arc::new(StaticCredentialProvider::new(GcpCredential { bearer: String::new() }))
        };
        let signing = match &self.signing {
            Signing::From(source) => source.signing()?,
            _ => None,
        };
        // Without a key, somebody would have to be asked to sign.
        let signs = signing.is_some();
        let mut builder = GoogleCloudStorageBuilder::new();
        if let Some(signing) = signing {
            builder = builder.with_signing_credentials(signing);
        }
        let store = builder
            .with_bucket_name(&self.bucket)
            .with_base_url(&service_url)
            .with_retry(retry.clone())
            .with_client_options(self.wire.client_options())
            .with_http_connector(Fixed(tidy))
            .with_skip_signature(credentials.is_none())
            .with_credentials(credentials.clone().unwrap_or_else(none))
            .build()?;
        let store = Arc::new(store);
        let signer = signs.then(|| Arc::clone(&store) as Arc<dyn Signer>);
        let objects: Arc<dyn ObjectStore> = if self.xml { store } else { Arc::new(Whole(store)) };
        // Emulators have no projects, and want to hear of one all the same.
        let project = self.project.clone().or_else(|| (!self.is_google()).then(|| "emulator".to_owned()));
        let location = self.location.clone();
        let gcs = GcsAccess { http, credentials, service_url, bucket: self.bucket.clone(), project, location, retry };
        Ok(Live { gcs: Some(gcs), signer, credentials: current, ..Live::of(objects) })
    }

    fn credentials(&self) -> Result<Option<Credentials<GcpCredential>>, ConfigError> {
        match &self.signing {
            Signing::Unsigned => Ok(None),
            Signing::From(source) => source.provider(&self.wire.network).map(Some),
            Signing::By(provided) => Ok(Some(provided.credentials(&Arc::default()))),
            Signing::Token(token) => {
                let usable = GcpCredential { bearer: token.0.clone() };
                Ok(Some(Credentials::given(usable, Credential::GcsToken(token.clone()))))
            }
        }
    }
}
