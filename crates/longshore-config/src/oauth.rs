//! Access tokens: asked for over HTTP or of a program.
//!
//! Who is asked depends on the store ([`crate::azure`], [`crate::gcs`]); that the answer is JSON with an `access_token` does
//! not.

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequest};
use serde_json::Value;
use thiserror::Error;

use crate::credential::{Credential, Fetched};
use crate::kept::Fetch;
use crate::options::FOREVER;

/// How often one question is asked where the failure may pass. Whoever guards the provider sets the time for all of them.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A fresh token, and how long it is good for.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) lifetime: Duration,
}

/// Somebody who gives out tokens.
#[async_trait]
pub(crate) trait Issuer: fmt::Debug + Send + Sync + 'static {
    async fn issue(&self) -> Result<Token, TokenError>;

    /// What the token becomes.
    fn credential(token: String) -> Credential;
}

/// Why there is no token.
#[derive(Debug, Error)]
pub(crate) enum TokenError {
    /// The service's own words, where it said any.
    #[error("the token was refused{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused { said: Option<String> },
    #[error(transparent)]
    Unreachable(#[from] object_store::client::HttpError),
    #[error("{0}")]
    Unusable(String),
}

impl TokenError {
    /// The service's own words.
    pub(crate) fn said(&self) -> Option<&str> {
        match self {
            Self::Refused { said } => said.as_deref(),
            Self::Unreachable(_) | Self::Unusable(_) => None,
        }
    }
}

/// The same, as every cloud's credentials are kept.
#[derive(Debug)]
pub(crate) struct Issued<I>(pub(crate) I);

#[async_trait]
impl<I: Issuer> Fetch for Issued<I> {
    async fn fetch(&self) -> object_store::Result<Fetched> {
        let unanswered = |error| object_store::Error::Generic { store: "longshore", source: Box::new(error) };
        let token = self.0.issue().await.map_err(unanswered)?;
        let lifetime = token.lifetime.min(FOREVER);
        Ok(Fetched { credential: I::credential(token.text), expires_at: Some(SystemTime::now() + lifetime) })
    }
}

/// Sends a question and reads the token from the answer.
pub(crate) async fn ask(http: &HttpClient, question: &Question<'_>) -> Result<Token, TokenError> {
    let mut pause = FIRST_PAUSE;
    for tries in 1.. {
        let failure = match http.execute(question.request()?).await {
            Ok(answer) => {
                let status = answer.status();
                let body = answer.into_body().bytes().await?;
                if status.is_success() {
                    return token(&body);
                }
                let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                (TokenError::Refused { said: words(&body) }, passes)
            }
            Err(error) => {
                let passes = !matches!(error.kind(), HttpErrorKind::Decode | HttpErrorKind::Unknown);
                (TokenError::Unreachable(error), passes)
            }
        };
        match failure {
            (_, true) if tries < TRIES => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            (error, _) => return Err(error),
        }
    }
    unreachable!("the last try returns")
}

/// A request for a token.
pub(crate) struct Question<'a> {
    pub(crate) url: String,
    pub(crate) headers: &'a [(HeaderName, &'a str)],
    /// Posted as a form; without fields the question is a GET.
    pub(crate) form: &'a [(&'a str, &'a str)],
}

impl Question<'_> {
    fn request(&self) -> Result<HttpRequest, TokenError> {
        let unusable = |what: &str| TokenError::Unusable(format!("the request for a token cannot be sent: {what}"));
        let body = encoded(self.form);
        let mut request = HttpRequest::new(body.into());
        *request.uri_mut() = self.url.parse().map_err(|_| unusable("its address is none"))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in self.headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| unusable("a header cannot hold its value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if !self.form.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            *request.method_mut() = Method::POST;
        }
        Ok(request)
    }
}

/// A form or a query as it is sent.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode as encode};
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", encode(value, NON_ALPHANUMERIC));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Reads an answer. Lifetimes come as `expires_in` in seconds or as `expires_on` in seconds since 1970, each as a number or
/// as its text.
pub(crate) fn token(body: &[u8]) -> Result<Token, TokenError> {
    let unusable = |what: &str| TokenError::Unusable(format!("the answer is no token: {what}"));
    let answer: Value = serde_json::from_slice(body).map_err(|_| unusable("it is not JSON"))?;
    let text = ["access_token", "accessToken"].iter().find_map(|name| answer.get(*name)?.as_str());
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| unusable("it has no access_token"))?;
    if !text.chars().all(|c| matches!(c, '!'..='~')) {
        return Err(unusable("it holds a character that cannot be sent in a header"));
    }
    let seconds = |name: &str| match answer.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let lifetime =
        seconds("expires_in").or_else(|| Some(seconds("expires_on")?.saturating_sub(now))).unwrap_or_default();
    Ok(Token { text: text.to_owned(), lifetime: Duration::from_secs(lifetime) })
}

/// What a refusal says in JSON: `error_description`, or a `message` inside `error`.
fn words(body: &[u8]) -> Option<String> {
    const LONGEST: usize = 300;
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("error");
    let said = answer
        .get("error_description")
        .or_else(|| error?.get("message"))
        .or(error)
        .or_else(|| answer.get("message"))?
        .as_str()?;
    // Azure goes on with a trace of its own.
    let line = said.lines().next()?.trim();
    Some(line.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_numbers_or_texts_from_now_or_since_1970() {
        let soon = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 600;
        for (answer, least) in [
            (r#"{"access_token": "t", "expires_in": 3599}"#.to_owned(), 3599),
            (r#"{"access_token": "t", "expires_in": "3599", "expires_on": "1"}"#.to_owned(), 3599),
            (format!(r#"{{"access_token": "t", "expires_on": "{soon}"}}"#), 590),
            (format!(r#"{{"accessToken": "t", "expiresOn": "2026-01-01 00:00:00", "expires_on": {soon}}}"#), 590),
            (r#"{"access_token": "t"}"#.to_owned(), 0),
        ] {
            let token = token(answer.as_bytes()).unwrap();
            assert!(token.text == "t" && token.lifetime.as_secs() >= least, "{answer}");
        }
        for answer in ["", "<html>", "{}", r#"{"access_token": ""}"#, r#"{"access_token": "a\nb"}"#] {
            assert!(token(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_services_words() {
        let azure =
            br#"{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret.\r\nTrace ID"}"#;
        assert_eq!(words(azure).as_deref(), Some("AADSTS7000215: Invalid secret."));
        assert_eq!(words(br#"{"error": {"code": 403, "message": "no"}}"#).as_deref(), Some("no"));
        assert_eq!(words(br#"{"error": "invalid_grant"}"#).as_deref(), Some("invalid_grant"));
        assert_eq!(words(b"<html>"), None);
    }

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(encoded(&[("a", "x y&z"), ("b", "1")]), "a=x%20y%26z&b=1");
    }
}
