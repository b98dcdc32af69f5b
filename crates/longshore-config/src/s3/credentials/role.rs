//! Keys of a role: STS gives them to whoever may act in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use object_store::aws::{AwsAuthorizer, AwsCredential, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpRequest};
use quick_xml::events::Event;
use reqwest::Url;

use super::Source;
use super::kept::{Fetch, Fresh, ask, told};
use crate::ConfigError;
use crate::network::Network;
use crate::profile::Profile;
use crate::transport::{ClientSettings, client};

/// For STS and for whoever gives the keys that ask it.
pub(super) const PATIENCE: Duration = Duration::from_secs(75);
const SILENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::s3) struct Role {
    arn: String,
    session_name: String,
    external_id: Option<String>,
    seconds: Option<u32>,
    /// STS's address.
    sts: String,
    /// Whose keys ask for it.
    base: Source,
}

impl Role {
    pub(super) fn new(profile: &Profile, sts: String, base: Source) -> Result<Self, ConfigError> {
        if profile.get("mfa_serial").is_some() {
            let reason = format!(
                "this role wants a code of a device, which longshore does not ask for; get keys with \
                 `aws configure export-credentials --profile {0} --format env`, or name a profile with \
                 credential_process = aws configure export-credentials --profile {0}",
                profile.name
            );
            return Err(profile.invalid("mfa_serial", reason));
        }
        let seconds = profile.get("duration_seconds").map(|text| {
            text.parse().map_err(|_| profile.invalid("duration_seconds", format!("{text:?} is no number of seconds")))
        });
        Ok(Self {
            arn: profile.require("role_arn", "this is a role")?.to_owned(),
            session_name: profile.get("role_session_name").unwrap_or("longshore").to_owned(),
            external_id: profile.get("external_id").map(str::to_owned),
            seconds: seconds.transpose()?,
            sts,
            base,
        })
    }

    pub(super) fn fetch(&self, region: &str, network: &Network) -> Result<Asked, ConfigError> {
        let near = crate::address::is_near(&self.sts);
        let http = client(&ClientSettings {
            // Whether that may be was decided when the address was read.
            allow_http: true,
            needs_tls: self.sts.starts_with("https://"),
            direct: near,
            network: network.clone(),
            connect_timeout: SILENCE,
            timeout: SILENCE,
        })?;
        let base = self.base.provider(region, network, &Arc::default())?.provider;
        Ok(Asked { role: self.clone(), base, http, region: region.to_owned() })
    }

    fn form(&self) -> String {
        let seconds = self.seconds.map(|seconds| seconds.to_string());
        let mut pairs = vec![
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.arn),
            ("RoleSessionName", &self.session_name),
        ];
        pairs.extend(self.external_id.as_deref().map(|id| ("ExternalId", id)));
        pairs.extend(seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        // A form is written as the query of an address is.
        let url = Url::parse_with_params("http://form/", pairs);
        url.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "STS, asked for the role {} by {},", self.arn, self.base)
    }
}

#[derive(Debug)]
pub(super) struct Asked {
    role: Role,
    base: AwsCredentialProvider,
    http: HttpClient,
    region: String,
}

#[async_trait]
impl Fetch for Asked {
    async fn fetch(&self) -> object_store::Result<Fresh> {
        let credential = self.base.get_credential().await?;
        let mut request = HttpRequest::new(self.role.form().into_bytes().into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            format!("{}/", self.role.sts).parse().map_err(|_| told("has an address that cannot be sent to"))?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        request.headers_mut().insert(CONTENT_TYPE, form);
        AwsAuthorizer::new(&credential, "sts", &self.region).try_authorize(&mut request, None)?;
        let (status, body) = ask(&self.http, &request).await?;
        let found = Found::read(&body);
        if status == StatusCode::OK {
            return found.and_then(Found::keys).ok_or_else(|| told("answered without keys"));
        }
        let said = found.map(|found| [found.code, found.message].into_iter().flatten().collect::<Vec<_>>().join(": "));
        let said = said.filter(|said| !said.is_empty()).map(|said| format!(", {said}")).unwrap_or_default();
        Err(told(format!("answered HTTP {}{said}", status.as_u16())))
    }
}

/// What STS answers, of which only names matter that come once.
#[derive(Default)]
struct Found {
    code: Option<String>,
    message: Option<String>,
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    until: Option<String>,
}

impl Found {
    fn read(document: &[u8]) -> Option<Self> {
        let mut reader = quick_xml::Reader::from_reader(document);
        let (mut found, mut name, mut text) = (Self::default(), Vec::new(), String::new());
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    name = start.local_name().as_ref().to_vec();
                    text.clear();
                }
                Event::Text(part) => text.push_str(&part.decode().ok()?),
                Event::GeneralRef(reference) => {
                    let name = reference.decode().ok()?;
                    text.push_str(&quick_xml::escape::unescape(&format!("&{name};")).ok()?);
                }
                Event::End(end) if end.local_name().as_ref() == name => {
                    let place = match &*name {
                        b"Code" => &mut found.code,
                        b"Message" => &mut found.message,
                        b"AccessKeyId" => &mut found.id,
                        b"SecretAccessKey" => &mut found.secret,
                        b"SessionToken" => &mut found.token,
                        b"Expiration" => &mut found.until,
                        _ => continue,
                    };
                    place.get_or_insert(std::mem::take(&mut text).trim().to_owned());
                }
                Event::Eof => return Some(found),
                _ => {}
            }
        }
    }

    fn keys(self) -> Option<Fresh> {
        let until = self.until.map(|until| until.parse::<DateTime<Utc>>()).transpose().ok()?;
        Some(Fresh { keys: AwsCredential { key_id: self.id?, secret_key: self.secret?, token: self.token }, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_keys_and_an_error_its_code() {
        let document = br#"<AssumeRoleResponse xmlns="x"><AssumeRoleResult><Credentials><AccessKeyId>AK</AccessKeyId>
            <SecretAccessKey>S&amp;K</SecretAccessKey><SessionToken>T</SessionToken>
            <Expiration>2999-01-01T00:00:00.000Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#;
        let fresh = Found::read(document).and_then(Found::keys).unwrap();
        assert_eq!((&*fresh.keys.key_id, &*fresh.keys.secret_key), ("AK", "S&K"));
        assert!(fresh.until.is_some());
        let refused = Found::read(
            b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
        );
        assert_eq!(refused.unwrap().code.as_deref(), Some("AccessDenied"));
        assert!(Found::read(b"<html>").and_then(Found::keys).is_none());
    }
}
