//! The agent that gives keys to a container: of an ECS task, an EKS pod, or anything that speaks like them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use object_store::client::{HttpClient, HttpRequest, HttpRequestBody};

use super::kept::{Fetch, Fresh, ask, keys, told};
use crate::given::Secret;
use crate::options::invalid;
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;
use crate::{ConfigError, Environment, address};

const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Agents on the container's own link, which may be asked without encryption.
const AGENTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

pub(super) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Container {
    url: String,
    token: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Token {
    Given(Secret),
    /// It is read anew each time: it changes.
    File(String),
}

impl Container {
    /// The agent that `environment` names, if it does.
    pub(super) fn find(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let url = if let Some(path) = environment.get(RELATIVE_URI) {
            if !path.starts_with('/') {
                return Err(invalid(RELATIVE_URI, "must begin with a slash".into()));
            }
            address::parse(RELATIVE_URI, &format!("http://{}{path}", AGENTS[0]))?
        } else if let Some(url) = environment.get(FULL_URI) {
            let url = address::parse(FULL_URI, url)?;
            let agent = url.host_str().is_some_and(|host| AGENTS.contains(&host));
            if url.scheme() != "https" && !agent && !address::is_near(url.as_str()) {
                let reason =
                    "keys may be asked for over http:// only from this machine and from the agents of ECS and EKS";
                return Err(invalid(FULL_URI, reason.into()));
            }
            url
        } else {
            return Ok(None);
        };
        let token = match (environment.get(TOKEN_FILE), environment.get(TOKEN)) {
            (Some(path), _) => Some(Token::File(path.to_owned())),
            (None, Some(token)) if token.chars().all(|c| matches!(c, ' '..='~')) => {
                Some(Token::Given(Secret(token.to_owned())))
            }
            (None, Some(_)) => {
                return Err(invalid(TOKEN, "contains a character that cannot be sent in a header".into()));
            }
            (None, None) => None,
        };
        Ok(Some(Self { url: url.into(), token }))
    }

    pub(super) fn fetch(&self) -> Result<Asked, ConfigError> {
        let near = !self.url.starts_with("https://");
        let http = client(&ClientSettings {
            allow_http: near,
            needs_tls: !near,
            direct: true,
            network: Network::default(),
            // An agent in reach answers at once or is not there.
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(2),
        })?;
        Ok(Asked { container: self.clone(), http })
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may be a secret: on ECS it is what proves who asks.
        let end = self.url.match_indices('/').nth(2).map_or(self.url.len(), |(index, _)| index);
        write!(f, "the container's credentials agent at {}", &self.url[..end])
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    container: Container,
    http: HttpClient,
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = self.container.url.parse().map_err(|_| told("has an address that cannot be sent to"))?;
        let token = match &self.container.token {
            None => None,
            Some(Token::Given(token)) => Some(token.0.clone()),
            Some(Token::File(path)) => {
                let read = tokio::task::spawn_blocking({
                    let path = path.clone();
                    move || std::fs::read_to_string(path)
                });
                let read = read.await.map_err(|error| told(format!("was not asked: {error}")))?;
                Some(read.map_err(|error| told(format!("was not asked: cannot read {path} ({TOKEN_FILE}): {error}")))?)
            }
        };
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.trim())
                .map_err(|_| told("was not asked: the token contains a character that cannot be sent in a header"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let (status, body) = ask(&self.http, &request).await?;
        if status != StatusCode::OK {
            return Err(told(format!("answered HTTP {}", status.as_u16())));
        }
        let document = serde_json::from_slice(&body).map_err(|_| told("answered with something that is not JSON"))?;
        keys(&document, ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"])
            .map_err(|problem| told(format!("gave no keys: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Result<String, String> {
        let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        match Container::find(&environment) {
            Ok(found) => Ok(found.map(|found| found.to_string()).unwrap_or_default()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_agent_is_named_without_what_proves_who_asks() {
        let named = find(&[(RELATIVE_URI, "/v2/hunter2?id=1")]).unwrap();
        assert_eq!(named, "the container's credentials agent at http://169.254.170.2");
        assert_eq!(find(&[(TOKEN, "t")]).unwrap(), "");
    }

    #[test]
    fn nobody_else_is_asked_without_encryption() {
        assert!(find(&[(FULL_URI, "http://example.org/x")]).unwrap_err().contains("http://"));
        for url in
            ["http://127.0.0.1:1/x", "http://169.254.170.23/x", "http://[fd00:ec2::23]/x", "https://example.org/x"]
        {
            assert!(find(&[(FULL_URI, url)]).is_ok(), "{url}");
        }
        assert!(find(&[(RELATIVE_URI, "v2/x")]).unwrap_err().contains("slash"));
    }
}
