//! AWS's single sign-on: keys for the token that `aws sso login` has left in a file.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderValue, StatusCode};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};
use reqwest::Url;
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::kept::{Fetch, Fresh, ask, keys, told};
use crate::profile::{Profile, SharedFiles};
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;
use crate::{ConfigError, Environment, address};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct SignOn {
    profile: String,
    portal: String,
    account: String,
    role: String,
    /// Where the command line keeps the token.
    token: PathBuf,
}

impl SignOn {
    pub(super) fn find(
        profile: &Profile,
        files: &SharedFiles,
        environment: &Environment,
    ) -> Result<Option<Self>, ConfigError> {
        let why = "the profile signs on with sso";
        let session = profile.get("sso_session").map(|name| {
            files
                .section("sso-session", name)
                .ok_or_else(|| profile.invalid("sso_session", format!("there is no section [sso-session {name}]")))
        });
        let session = session.transpose()?;
        if session.is_none() && profile.get("sso_start_url").is_none() {
            return Ok(None);
        }
        let about = session.as_ref().unwrap_or(profile);
        let region = about.require("sso_region", why)?;
        let start = about.require("sso_start_url", why)?;
        let name = session.as_ref().map_or(start, |session| &session.name);
        let portal = match environment.get("AWS_ENDPOINT_URL_SSO") {
            Some(url) => address::endpoint("AWS_ENDPOINT_URL_SSO", url)?,
            None => address::endpoint("sso_region", &address::aws_service("portal.sso", region))?,
        };
        let home = environment.get("HOME").unwrap_or("/");
        let digest: String = Sha1::digest(name).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Self {
            profile: profile.name.clone(),
            portal,
            account: profile.require("sso_account_id", why)?.to_owned(),
            role: profile.require("sso_role_name", why)?.to_owned(),
            token: PathBuf::from(home).join(".aws/sso/cache").join(format!("{digest}.json")),
        }))
    }

    pub(super) fn fetch(&self, network: &Network) -> Result<Asked, ConfigError> {
        let near = address::is_near(&self.portal);
        let http = client(&ClientSettings {
            allow_http: near,
            needs_tls: self.portal.starts_with("https://"),
            direct: near,
            network: network.clone(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
        })?;
        Ok(Asked { sign_on: self.clone(), http })
    }

    /// The token, if it is still good.
    fn token(&self) -> Result<String, String> {
        let advice = format!("run `aws sso login --profile {}`", self.profile);
        let text = std::fs::read(&self.token).map_err(|_| format!("was not asked: nobody has signed on; {advice}"))?;
        let document: Value = serde_json::from_slice(&text)
            .map_err(|_| format!("was not asked: {} is not JSON; {advice}", self.token.display()))?;
        let end = document.get("expiresAt").and_then(Value::as_str).and_then(|end| end.parse::<DateTime<Utc>>().ok());
        let token = document.get("accessToken").and_then(Value::as_str);
        match (token, end) {
            (Some(token), Some(end)) if end > Utc::now() => Ok(token.to_owned()),
            (Some(_), Some(_)) => Err(format!("was not asked: the sign-on has expired; {advice}")),
            _ => Err(format!("was not asked: there is no token in {}; {advice}", self.token.display())),
        }
    }
}

impl fmt::Display for SignOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the single sign-on of profile {}", self.profile)
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    sign_on: SignOn,
    http: HttpClient,
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let sign_on = self.sign_on.clone();
        let token = tokio::task::spawn_blocking(move || sign_on.token()).await;
        let token = token.map_err(|error| told(format!("was not asked: {error}")))?.map_err(told)?;
        let query = [("role_name", &self.sign_on.role), ("account_id", &self.sign_on.account)];
        let url = Url::parse_with_params(&format!("{}/federation/credentials", self.sign_on.portal), query);
        let url = url.map_err(|_| told("has an address that cannot be sent to"))?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url.as_str().parse().map_err(|_| told("has an address that cannot be sent to"))?;
        let mut token = HeaderValue::from_str(&token).map_err(|_| told("was not asked: the token cannot be sent"))?;
        token.set_sensitive(true);
        request.headers_mut().insert("x-amz-sso_bearer_token", token);
        let (status, body) = ask(&self.http, &request).await?;
        if status != StatusCode::OK {
            let advice = format!("run `aws sso login --profile {}`", self.sign_on.profile);
            return Err(told(format!("answered HTTP {}; {advice}", status.as_u16())));
        }
        let document: Value =
            serde_json::from_slice(&body).map_err(|_| told("answered with something that is not JSON"))?;
        let document = document.get("roleCredentials").unwrap_or(&Value::Null);
        keys(document, ["accessKeyId", "secretAccessKey", "sessionToken", "expiration"])
            .map_err(|problem| told(format!("gave no keys: {problem}")))
    }
}
