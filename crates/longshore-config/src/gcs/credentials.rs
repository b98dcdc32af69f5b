//! Tokens that have to be fetched: for a person's refresh token, or from an instance's metadata server.
//!
//! A service account signs its own, which `object_store` does. The answers are read and kept by [`crate::oauth`];
//! [`Guarded`] tells their failures from those of the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::HeaderName;
use object_store::client::HttpClient;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};

use super::key_file::KeyFile;
use crate::ConfigError;
use crate::address::is_near;
use crate::guarded::{Guarded, SPARE};
use crate::kept::Credentials;
use crate::oauth::{self, Issuer, Question, Token, TokenError, Tokens};
use crate::transport::{ClientSettings, client};

/// What to do when there are no credentials.
pub(super) const ADVICE: &str = "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS to the key file \
                                 of a service account, or send \
                                 unsigned requests to public buckets (skip_signature=True, --no-sign-request)";

/// Who gives out tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Credentials in a file or a text.
    Key(KeyFile),
    /// The metadata server of an instance, by its host.
    Metadata { host: String },
}

impl Source {
    /// A provider that fetches and keeps the tokens.
    pub(super) fn provider(&self, ca_bundle: Option<&str>) -> Result<Credentials<GcpCredential>, ConfigError> {
        let (address, silence, patience) = match self {
            Self::Key(KeyFile::ServiceAccount { json, .. }) => return from_service_account(&json.0),
            Self::Key(KeyFile::Person { token_url, .. }) => {
                (token_url.clone(), Duration::from_secs(5), Duration::from_secs(15))
            }
            // In reach it answers at once, or it is not there.
            Self::Metadata { .. } => ("http://localhost".into(), Duration::from_secs(1), Duration::from_secs(2)),
        };
        let encrypted = address.starts_with("https://");
        let http = client(&ClientSettings {
            allow_http: !encrypted,
            needs_tls: encrypted,
            direct: is_near(&address),
            ca_bundle: ca_bundle.map(str::to_owned),
            connect_timeout: silence,
            timeout: silence,
        })?;
        let who = match self {
            Self::Key(_) => format!("{address}, asked to renew a login,"),
            Self::Metadata { host } => format!("the metadata server at {host}"),
        };
        let tokens = Tokens::new(Asked { source: self.clone(), http }, patience);
        Ok(Credentials::of(Guarded::new(Arc::new(tokens), who, format!("; {ADVICE}"), patience + SPARE)))
    }
}

fn from_service_account(json: &str) -> Result<Credentials<GcpCredential>, ConfigError> {
    // The builder wants a bucket, though only its provider is of use here. It sends nothing: the account signs for itself.
    let store = GoogleCloudStorageBuilder::new().with_bucket_name("credentials").with_service_account_key(json).build();
    let guarded =
        |provider| Guarded::new(provider, "the service account".into(), String::new(), Duration::from_secs(5));
    store.map(|store| Credentials::of(guarded(Arc::clone(store.credentials())))).map_err(|_| {
        ConfigError::Unauthenticated {
            reason: "the private_key of the service account is no RSA key in PEM form; download the key file again"
                .into(),
        }
    })
}

#[derive(Debug)]
struct Asked {
    source: Source,
    http: HttpClient,
}

#[async_trait]
impl Issuer for Asked {
    type Credential = GcpCredential;

    fn credential(token: String) -> GcpCredential {
        GcpCredential { bearer: token }
    }

    async fn issue(&self) -> Result<Token, TokenError> {
        match &self.source {
            Source::Key(KeyFile::Person { client_id, client_secret, refresh_token, token_url, .. }) => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", &**client_id),
                    ("client_secret", &*client_secret.0),
                    ("refresh_token", &*refresh_token.0),
                ];
                oauth::ask(&self.http, &Question { url: token_url.clone(), headers: &[], form: &form }).await
            }
            Source::Key(KeyFile::ServiceAccount { .. }) => {
                Err(TokenError::Unusable("a service account signs its own tokens".into()))
            }
            Source::Metadata { host } => {
                let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
                let flavor = [(HeaderName::from_static("metadata-flavor"), "Google")];
                oauth::ask(&self.http, &Question { url, headers: &flavor, form: &[] }).await
            }
        }
    }
}
