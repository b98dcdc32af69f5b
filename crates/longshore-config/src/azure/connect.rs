//! From settings to a live client.

use std::sync::Arc;

use object_store::azure::{AzureAccessKey, AzureCredential, AzureCredentialProvider, MicrosoftAzureBuilder, split_sas};
use object_store::client::HttpClient;
use object_store::signer::Signer;
use object_store::{RetryConfig, StaticCredentialProvider};

use super::settings::{AzureSettings, Signing};
use crate::credential::Credential;
use crate::given::Secret;
use crate::kept::Credentials;
use crate::store::Live;
use crate::transport::Fixed;
use crate::{ConfigError, Route};

/// What it takes to send authorized requests to Azure's blob service oneself, over the same pool and with the same credentials.
#[derive(Clone)]
pub struct AzureAccess {
    /// The pool.
    pub http: HttpClient,
    /// The credentials; `None` sends requests without any.
    pub credentials: Option<AzureCredentialProvider>,
    /// The account that requests are signed for.
    pub account: String,
    /// The service's address, without a slash at its end.
    pub service_url: String,
    /// The container's address, without a slash at its end.
    pub container_url: String,
    /// When to give up.
    pub retry: RetryConfig,
}

impl AzureSettings {
    /// Where requests go.
    pub(crate) fn route(&self) -> Option<Route> {
        Route::new(&self.container_url(), &self.wire)
    }

    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let http = self.wire.client(&self.endpoint, self.signing == Signing::Unsigned)?;
        let retry = self.wire.retry();
        let (credentials, current) = match self.credentials()? {
            Some(Credentials { provider, current }) => (Some(provider), Some(current)),
            None => (None, None),
        };
        // Without any, the builder would go looking for some.
        let none = || -> AzureCredentialProvider {
            Arc::new(StaticCredentialProvider::new(AzureCredential::SASToken(Vec::new())))
        };
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(&self.account)
            .with_container_name(&self.container)
            .with_endpoint(self.endpoint.clone())
            .with_retry(retry.clone())
            .with_client_options(self.wire.client_options())
            .with_http_connector(Fixed(http.clone()))
            .with_skip_signature(credentials.is_none())
            .with_credentials(credentials.clone().unwrap_or_else(none))
            .with_disable_tagging(self.disable_tagging);
        if let Some(key) = &self.encryption_key {
            builder = builder.with_encryption_key(&key.0);
        }
        let objects = builder.build()?;
        let objects = Arc::new(objects);
        // An account's key signs, and a token has a key made for it. What is a signed URL already signs no others.
        let signs = matches!(self.signing, Signing::Key(_) | Signing::Token(_) | Signing::From(_) | Signing::By(_));
        let signer = signs.then(|| Arc::clone(&objects) as Arc<dyn Signer>);
        let azure = AzureAccess {
            http,
            credentials,
            account: self.account.clone(),
            service_url: self.endpoint.clone(),
            container_url: self.container_url(),
            retry,
        };
        Ok(Live { azure: Some(azure), signer, credentials: current, ..Live::of(objects) })
    }

    fn credentials(&self) -> Result<Option<Credentials<AzureCredential>>, ConfigError> {
        let (usable, credential) = match &self.signing {
            Signing::Unsigned => return Ok(None),
            Signing::From(source) => return source.provider(&self.wire.network).map(Some),
            Signing::By(provided) => return Ok(Some(provided.credentials(&Arc::default()))),
            Signing::Token(token) => {
                (AzureCredential::BearerToken(token.0.clone()), Credential::AzureToken(token.clone()))
            }
            Signing::Signature(signature) => {
                let parts = split_sas(&signature.0)?;
                let hidden = parts.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect();
                (AzureCredential::SASToken(parts), Credential::AzureSas(hidden))
            }
            Signing::Key(key) => {
                let usable = AzureAccessKey::try_new(&key.0).map_err(object_store::Error::from)?;
                (AzureCredential::AccessKey(usable), Credential::AzureKey(key.clone()))
            }
        };
        Ok(Some(Credentials::given(usable, credential)))
    }
}
