//! Temporary keys as they are asked for and given.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::StatusCode;
use object_store::aws::AwsCredential;
use object_store::client::{HttpClient, HttpRequest};
use serde_json::Value;

use crate::credential::{Credential, Fetched};
pub(super) use crate::kept::told;

/// Keys as they were given, and until when they are good; without a time for ever.
pub(super) struct Fresh {
    pub(super) keys: AwsCredential,
    pub(super) until: Option<DateTime<Utc>>,
}

/// Somebody who gives temporary keys.
#[async_trait]
pub(super) trait Fetch: std::fmt::Debug + Send + Sync {
    /// Asks for keys. The error is a [`Told`] where there is something to tell.
    async fn fetch(&self) -> object_store::Result<Fresh>;
}

/// The same, as every cloud's credentials are kept.
#[derive(Debug)]
pub(super) struct Keyed(pub(super) Arc<dyn Fetch>);

#[async_trait]
impl crate::kept::Fetch for Keyed {
    async fn fetch(&self) -> object_store::Result<Fetched> {
        let Fresh { keys, until } = self.0.fetch().await?;
        Ok(Fetched { credential: Credential::from(&keys), expires_at: until.map(Into::into) })
    }
}

/// Sends a request that may be repeated, up to three times, and reads the answer.
pub(super) async fn ask(http: &HttpClient, request: &HttpRequest) -> object_store::Result<(StatusCode, Bytes)> {
    let mut wait = Duration::from_millis(50);
    for tries in 1.. {
        let answer = match http.execute(request.clone()).await {
            Ok(response) => {
                let status = response.status();
                response.into_body().bytes().await.map(|body| (status, body))
            }
            Err(error) => Err(error),
        };
        let passes = match &answer {
            Ok((status, _)) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Err(_) => true,
        };
        if !passes || tries == 3 {
            return answer.map_err(|error| object_store::Error::Generic { store: "longshore", source: error.into() });
        }
        tokio::time::sleep(wait).await;
        wait *= 4;
    }
    Err(told("gave up"))
}

/// Reads keys from a JSON document, whose names begin in `names` order: identifier, secret, token, end.
///
/// The error never shows the document: it holds secrets.
pub(super) fn keys(document: &Value, names: [&str; 4]) -> Result<Fresh, String> {
    let text = |name: &str| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let need = |name: &str| text(name).map(str::to_owned).ok_or_else(|| format!("there is no {name} in what it gave"));
    let until = match document.get(names[3]) {
        None | Some(Value::Null) => None,
        Some(Value::Number(millis)) => millis
            .as_i64()
            .and_then(DateTime::from_timestamp_millis)
            .map(Some)
            .ok_or(())
            .map_err(|()| format!("its {} is no time", names[3]))?,
        Some(end) => {
            let end = end.as_str().and_then(|end| DateTime::parse_from_rfc3339(end).ok());
            Some(end.ok_or_else(|| format!("its {} is no time", names[3]))?.with_timezone(&Utc))
        }
    };
    let keys = AwsCredential {
        key_id: need(names[0])?,
        secret_key: need(names[1])?,
        token: text(names[2]).map(str::to_owned),
    };
    let sendable = |text: &str| text.chars().all(|c| matches!(c, ' '..='~'));
    if !sendable(&keys.key_id) || !keys.token.as_deref().is_none_or(sendable) {
        return Err("what it gave contains a character that cannot be sent in a header".into());
    }
    Ok(Fresh { keys, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_keys_is_refused_and_not_shown() {
        let names = ["AccessKeyId", "SecretAccessKey", "Token", "Expiration"];
        let good =
            serde_json::json!({"AccessKeyId": "k", "SecretAccessKey": "hunter2", "Expiration": "2999-01-01T00:00:00Z"});
        assert!(keys(&good, names).unwrap().until.is_some());
        for (name, value) in
            [("AccessKeyId", Value::Null), ("AccessKeyId", "a\nb".into()), ("Expiration", "soon".into())]
        {
            let mut bad = good.clone();
            bad[name] = value;
            let message = keys(&bad, names).err().unwrap();
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
