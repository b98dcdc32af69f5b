//! Tokens that have to be fetched: from the directory, from a managed identity's endpoint, from the Azure CLI.
//!
//! The answers are read by [`crate::oauth`], and kept by [`crate::kept`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::HeaderName;
use object_store::azure::AzureCredential;
use object_store::client::HttpClient;
use tokio::process::Command;

use crate::ConfigError;
use crate::address::is_near;
use crate::credential::Credential;
use crate::given::Secret;
use crate::kept::{Credentials, Giver, Kept};
use crate::oauth::{self, Issued, Issuer, Question, Token, TokenError, encoded};
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;

/// What to do when there are no credentials.
pub(super) const ADVICE: &str = "pass account_key, sas_token or a service principal (client_id, client_secret, tenant_id), set \
                                 AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, pass \
                                 use_azure_cli=True after `az login`, or send \
                                 unsigned requests to public containers (skip_signature=True, --no-sign-request)";

const INSTANCE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const RESOURCE: &str = "https://storage.azure.com";
const SCOPE: &str = "https://storage.azure.com/.default";

/// Who gives out tokens, and what they want to know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The directory, for an application's secret.
    Secret { token_url: String, client_id: String, secret: Secret },
    /// The directory, for a token from a file that the platform renews.
    Workload { token_url: String, client_id: String, file: String },
    /// The endpoint of a managed identity: the instance metadata service, where no other is named.
    Identity { endpoint: Option<String>, header: Option<Secret>, which: Option<(&'static str, String)> },
    /// The Azure CLI, by where it was found.
    Cli { program: PathBuf },
}

impl Source {
    /// A provider that fetches and keeps the tokens.
    pub(super) fn provider(&self, network: &Network) -> Result<Credentials<AzureCredential>, ConfigError> {
        // An endpoint in reach answers at once or is not there; the directory is a service like any other, and the CLI
        // takes a second to start.
        let (silence, patience) = match self {
            Self::Secret { .. } | Self::Workload { .. } => (Duration::from_secs(5), Duration::from_secs(15)),
            Self::Identity { endpoint: Some(_), .. } => (Duration::from_secs(2), Duration::from_secs(5)),
            Self::Identity { endpoint: None, .. } => (Duration::from_secs(1), Duration::from_secs(2)),
            Self::Cli { .. } => (Duration::from_secs(1), Duration::from_secs(30)),
        };
        let address = match self {
            Self::Secret { token_url, .. } | Self::Workload { token_url, .. } => token_url,
            Self::Identity { endpoint, .. } => endpoint.as_deref().unwrap_or(INSTANCE),
            Self::Cli { .. } => "http://localhost",
        };
        let near = is_near(address);
        let http = client(&ClientSettings {
            allow_http: !address.starts_with("https://"),
            needs_tls: address.starts_with("https://"),
            direct: near,
            network: if near { network.without_proxy() } else { network.clone() },
            connect_timeout: silence,
            timeout: silence,
        })?;
        let (fetch, advice) = (Arc::new(Issued(Asked { source: self.clone(), http })), format!("; {ADVICE}"));
        Ok(Credentials::of(Kept::new(Giver { fetch, who: self.who(), advice, patience, ahead: None }, Arc::default())))
    }

    pub(super) fn who(&self) -> String {
        match self {
            Self::Secret { token_url, client_id, .. } => {
                format!("{}, asked for a token for the application {client_id},", host(token_url))
            }
            Self::Workload { token_url, client_id, .. } => {
                format!("{}, asked for a token for the workload {client_id},", host(token_url))
            }
            Self::Identity { endpoint: Some(endpoint), .. } => format!("the managed identity endpoint at {endpoint}"),
            Self::Identity { endpoint: None, .. } => "the instance metadata service".to_owned(),
            Self::Cli { .. } => "the Azure CLI".to_owned(),
        }
    }
}

/// The address that an authority gives out tokens at.
pub(super) fn token_url(authority: &str, tenant: &str) -> String {
    format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/'))
}

fn host(url: &str) -> &str {
    url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(url)
}

#[derive(Debug)]
struct Asked {
    source: Source,
    http: HttpClient,
}

#[async_trait]
impl Issuer for Asked {
    fn credential(token: String) -> Credential {
        Credential::AzureToken(Secret(token))
    }

    async fn issue(&self) -> Result<Token, TokenError> {
        match &self.source {
            Source::Secret { token_url, client_id, secret } => {
                let form = [
                    ("client_id", &**client_id),
                    ("client_secret", &*secret.0),
                    ("scope", SCOPE),
                    ("grant_type", "client_credentials"),
                ];
                let question = Question { url: token_url.clone(), headers: &[], form: &form };
                oauth::ask(&self.http, &question).await
            }
            Source::Workload { token_url, client_id, file } => {
                // Read each time: the platform renews it.
                let own = tokio::task::spawn_blocking({
                    let file = file.clone();
                    move || std::fs::read_to_string(file)
                });
                let own = own.await.map_err(|error| TokenError::Unusable(error.to_string()))?;
                let own = own.map_err(|error| {
                    TokenError::Unusable(format!("the workload's own token cannot be read from {file:?}: {error}"))
                })?;
                let form = [
                    ("client_id", &**client_id),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", own.trim()),
                    ("scope", SCOPE),
                    ("grant_type", "client_credentials"),
                ];
                let question = Question { url: token_url.clone(), headers: &[], form: &form };
                oauth::ask(&self.http, &question).await
            }
            Source::Identity { endpoint, header, which } => {
                let mut query = vec![("api-version", "2019-08-01"), ("resource", RESOURCE)];
                query.extend(which.as_ref().map(|(name, value)| (*name, &**value)));
                let endpoint = endpoint.as_deref().unwrap_or(INSTANCE);
                let separator = if endpoint.contains('?') { '&' } else { '?' };
                let url = format!("{endpoint}{separator}{}", encoded(&query));
                let mut headers = vec![(HeaderName::from_static("metadata"), "true")];
                headers
                    .extend(header.as_ref().map(|header| (HeaderName::from_static("x-identity-header"), &*header.0)));
                oauth::ask(&self.http, &Question { url, headers: &headers, form: &[] }).await
            }
            Source::Cli { program } => from_cli(program).await,
        }
    }
}

/// Runs `az account get-access-token`. A call takes it a second or so.
async fn from_cli(program: &Path) -> Result<Token, TokenError> {
    let arguments = ["account", "get-access-token", "--output", "json", "--resource", RESOURCE];
    let mut command = Command::new(program);
    command.args(arguments);
    let output = crate::program::run(command)
        .await
        .map_err(|error| TokenError::Unusable(format!("{} cannot be run: {error}", program.display())))?;
    if output.status.success() {
        return oauth::token(&output.printed);
    }
    let complaint = String::from_utf8_lossy(&output.said);
    let line = complaint.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    Err(TokenError::Unusable(format!("`az account get-access-token` failed: {line}")))
}
