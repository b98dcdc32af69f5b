//! STS, which gives the keys of a role for whatever proves that one may act in it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use object_store::aws::AwsCredential;
use object_store::client::{HttpClient, HttpRequest};
use quick_xml::events::Event;
use reqwest::Url;

use super::kept::{Fresh, ask, told};
use crate::transport::{ClientSettings, client};
use crate::wire::network::Network;
use crate::{ConfigError, address};

const SILENCE: Duration = Duration::from_secs(5);

/// The client for STS at the checked address `sts`.
pub(super) fn client_of(sts: &str, network: &Network) -> Result<HttpClient, ConfigError> {
    client(&ClientSettings {
        // Whether that may be was decided when the address was read.
        allow_http: true,
        needs_tls: sts.starts_with("https://"),
        direct: address::is_near(sts),
        network: network.clone(),
        connect_timeout: SILENCE,
        timeout: SILENCE,
    })
}

/// A question to STS at `sts`, as a form of `fields` besides its version.
pub(super) fn question(sts: &str, fields: &[(&str, &str)]) -> object_store::Result<HttpRequest> {
    // A form is written as the query of an address is.
    let version = [("Version", "2011-06-15")];
    let url = Url::parse_with_params("http://form/", fields.iter().chain(&version));
    let form = url.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default();
    let mut request = HttpRequest::new(form.into_bytes().into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("{sts}/").parse().map_err(|_| told("has an address that cannot be sent to"))?;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    request.headers_mut().insert(CONTENT_TYPE, form);
    Ok(request)
}

/// The keys that STS answers with.
pub(super) async fn answer(http: &HttpClient, request: &HttpRequest) -> object_store::Result<Fresh> {
    let (status, body) = ask(http, request).await?;
    let found = Found::read(&body);
    if status == StatusCode::OK {
        return found.and_then(Found::keys).ok_or_else(|| told("answered without keys"));
    }
    let said = found.map(|found| [found.code, found.message].into_iter().flatten().collect::<Vec<_>>().join(": "));
    let said = said.filter(|said| !said.is_empty()).map(|said| format!(", {said}")).unwrap_or_default();
    Err(told(format!("answered HTTP {}{said}", status.as_u16())))
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
