//! Tokens that have to be fetched: for a person's refresh token, or from an instance's metadata server.
//!
//! A service account signs its own, which `object_store` does. The answers are read by [`crate::oauth`], and kept by
//! [`crate::kept`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::HeaderName;
use object_store::CredentialProvider;
use object_store::client::HttpClient;
use object_store::gcp::{
    GcpCredential, GcpCredentialProvider, GcpSigningCredential, GoogleCloudStorage, GoogleCloudStorageBuilder,
};

use super::key_file::KeyFile;
use crate::ConfigError;
use crate::address::is_near;
use crate::credential::{Credential, Fetched};
use crate::given::Secret;
use crate::kept::{Credentials, Fetch, Giver, Kept};
use crate::oauth::{self, Issued, Issuer, Question, Token, TokenError};
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;

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
    /// What signs URLs, where that is the key of a service account.
    pub(super) fn signing(&self) -> Result<Option<SigningProvider>, ConfigError> {
        match self {
            Self::Key(KeyFile::ServiceAccount { json, .. }) => {
                Ok(Some(Arc::clone(store_of(&json.0)?.signing_credentials())))
            }
            _ => Ok(None),
        }
    }

    /// A provider that fetches and keeps the tokens.
    pub(super) fn provider(&self, network: &Network) -> Result<Credentials<GcpCredential>, ConfigError> {
        let (address, silence, patience) = match self {
            Self::Key(KeyFile::ServiceAccount { json, .. }) => return from_service_account(&json.0),
            Self::Key(KeyFile::Person { token_url, .. }) => {
                (token_url.clone(), Duration::from_secs(5), Duration::from_secs(15))
            }
            // In reach it answers at once, or it is not there.
            Self::Metadata { .. } => ("http://localhost".into(), Duration::from_secs(1), Duration::from_secs(2)),
        };
        let encrypted = address.starts_with("https://");
        let near = is_near(&address);
        let http = client(&ClientSettings {
            allow_http: !encrypted,
            needs_tls: encrypted,
            direct: near,
            network: if near { network.without_proxy() } else { network.clone() },
            connect_timeout: silence,
            timeout: silence,
        })?;
        let who = match self {
            Self::Key(_) => format!("{address}, asked to renew a login,"),
            Self::Metadata { host } => format!("the metadata server at {host}"),
        };
        let (fetch, advice) = (Arc::new(Issued(Asked { source: self.clone(), http })), format!("; {ADVICE}"));
        Ok(Credentials::of(Kept::new(Giver { fetch, who, advice, patience, ahead: None }, Arc::default())))
    }
}

/// Whoever has the key that URLs are signed with.
pub(super) type SigningProvider = Arc<dyn CredentialProvider<Credential = GcpSigningCredential>>;

/// The builder wants a bucket, though only its providers are of use here. It sends nothing: the account signs for itself.
fn store_of(json: &str) -> Result<GoogleCloudStorage, ConfigError> {
    let store = GoogleCloudStorageBuilder::new().with_bucket_name("credentials").with_service_account_key(json).build();
    store.map_err(|_| ConfigError::Unauthenticated {
        reason: "the private_key of the service account is no RSA key in PEM form; download the key file again".into(),
    })
}

fn from_service_account(json: &str) -> Result<Credentials<GcpCredential>, ConfigError> {
    let store = store_of(json)?;
    let giver = Giver {
        fetch: Arc::new(SelfSigned(Arc::clone(store.credentials()))),
        who: "the service account's own key".into(),
        advice: String::new(),
        patience: Duration::from_secs(5),
        ahead: None,
    };
    Ok(Credentials::of(Kept::new(giver, Arc::default())))
}

/// Tokens that a service account signs for itself.
#[derive(Debug)]
struct SelfSigned(GcpCredentialProvider);

#[async_trait]
impl Fetch for SelfSigned {
    async fn fetch(&self) -> object_store::Result<Fetched> {
        let token = self.0.get_credential().await?.bearer.clone();
        // A token that cannot be read is asked for again soon; its maker keeps it as well.
        let expires_at = end_of(&token).unwrap_or_else(|| SystemTime::now() + Duration::from_secs(60));
        Ok(Fetched { credential: Credential::GcsToken(Secret(token)), expires_at: Some(expires_at) })
    }
}

/// When a token ends, by what stands in it (RFC 7519, section 4.1.4).
fn end_of(token: &str) -> Option<SystemTime> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(claims.get("exp")?.as_u64()?))
}

#[derive(Debug)]
struct Asked {
    source: Source,
    http: HttpClient,
}

#[async_trait]
impl Issuer for Asked {
    fn credential(token: String) -> Credential {
        Credential::GcsToken(Secret(token))
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
