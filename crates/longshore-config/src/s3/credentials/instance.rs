//! The metadata service of an EC2 instance.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};

use super::kept::{Fetch, Fresh, ask, keys, told};
use crate::options::boolean;
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;
use crate::{ConfigError, Environment, address};

/// It answers at once or is not there.
const SILENCE: Duration = Duration::from_secs(1);
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

const USUAL: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TOKEN_SECONDS: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Instance {
    /// Where it is not at its usual address.
    address: Option<String>,
    /// Whether its first version may be asked, which wants no token.
    version_1: bool,
}

impl Instance {
    pub(super) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let names = ["AWS_METADATA_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        let given = names.into_iter().find_map(|name| Some((name, environment.get(name)?)));
        let address = given.map(|(name, value)| address::endpoint(name, value)).transpose()?;
        let version_1 = environment.get("AWS_IMDSV1_FALLBACK").map(|value| boolean("AWS_IMDSV1_FALLBACK", value));
        Ok(Self { address, version_1: version_1.transpose()?.unwrap_or(false) })
    }

    pub(super) fn fetch(&self) -> Result<Asked, ConfigError> {
        let http = client(&ClientSettings {
            allow_http: true,
            needs_tls: false,
            direct: true,
            network: Network::default(),
            connect_timeout: SILENCE,
            timeout: SILENCE,
        })?;
        Ok(Asked { instance: self.clone(), http })
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            None => f.write_str("the instance metadata service"),
            Some(address) => write!(f, "the instance metadata service at {address}"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    instance: Instance,
    http: HttpClient,
}

impl Asked {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        header: Option<(HeaderName, HeaderValue)>,
    ) -> object_store::Result<(StatusCode, Bytes)> {
        let address = self.instance.address.as_deref().unwrap_or(USUAL);
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() =
            format!("{address}{path}").parse().map_err(|_| told("gave a role that cannot be asked for"))?;
        request.headers_mut().extend(header);
        ask(&self.http, &request).await
    }
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let refused = |status: StatusCode| told(format!("answered HTTP {}", status.as_u16()));
        let seconds = HeaderValue::from_static("600");
        let token = match self.ask(Method::PUT, "/latest/api/token", Some((TOKEN_SECONDS, seconds))).await? {
            (StatusCode::OK, token) => {
                let mut token = HeaderValue::from_maybe_shared(token)
                    .map_err(|_| told("gave a token that cannot be sent in a header"))?;
                token.set_sensitive(true);
                Some((TOKEN, token))
            }
            (StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _)
                if self.instance.version_1 =>
            {
                None
            }
            (status, _) => return Err(refused(status)),
        };
        let role = match self.ask(Method::GET, ROLES, token.clone()).await? {
            (StatusCode::OK, roles) => String::from_utf8_lossy(&roles).lines().next().unwrap_or_default().to_owned(),
            (StatusCode::NOT_FOUND, _) => return Err(told("says that this instance has no role")),
            (status, _) => return Err(refused(status)),
        };
        let document = match self.ask(Method::GET, &format!("{ROLES}{role}"), token).await? {
            (StatusCode::OK, document) => document,
            (status, _) => return Err(refused(status)),
        };
        let document = serde_json::from_slice(&document).map_err(|_| told("gave something that is not JSON"))?;
        keys(&document, ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"])
            .map_err(|reason| told(format!("gave no keys: {reason}")))
    }
}
