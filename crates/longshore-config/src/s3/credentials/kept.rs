//! Temporary keys, kept while they are good and fetched again in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::StatusCode;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use object_store::client::{HttpClient, HttpRequest};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::bounded;
use crate::guarded::{Told, patiently};

/// Keys are fetched again so long before they end, or after three quarters of a shorter life.
const AHEAD: Duration = Duration::from_secs(300);
/// Where that fails while the old ones are still good, it is tried again after this long.
const PAUSE: Duration = Duration::from_secs(30);

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

/// The keys that `fetch` gave last.
#[derive(Debug)]
pub(super) struct Kept {
    fetch: Arc<dyn Fetch>,
    state: Mutex<Option<State>>,
    /// When they end, in seconds since 1970, for those who show it.
    until: Arc<AtomicI64>,
    /// How long an answer is waited for.
    patience: Duration,
}

#[derive(Debug)]
struct State {
    keys: Arc<AwsCredential>,
    /// When to fetch again, and when the keys end.
    times: Option<(Instant, Instant)>,
}

impl Kept {
    pub(super) fn new(fetch: Arc<dyn Fetch>, until: Arc<AtomicI64>, patience: Duration) -> Self {
        Self { fetch, state: Mutex::default(), until, patience }
    }
}

#[async_trait]
impl CredentialProvider for Kept {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        // Whoever holds the lock asks; the others wait for what comes of it.
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(known) = &*state
            && known.times.is_none_or(|(again, _)| now < again)
        {
            return Ok(Arc::clone(&known.keys));
        }
        match patiently(self.patience, self.fetch.fetch()).await {
            Ok(fresh) => {
                let life = fresh.until.map(|until| (until - Utc::now()).to_std().unwrap_or_default());
                if life == Some(Duration::ZERO) {
                    return Err(told("gave keys that have ended already; is this machine's clock right?"));
                }
                self.until.store(fresh.until.map_or(0, |until| until.timestamp()), Ordering::Relaxed);
                let times = life.map(|life| (now + life - AHEAD.min(life / 4), now + life));
                let keys = Arc::new(fresh.keys);
                *state = Some(State { keys: Arc::clone(&keys), times });
                Ok(keys)
            }
            Err(error) => match &mut *state {
                Some(State { keys, times: Some((again, end)) }) if Instant::now() < *end => {
                    *again = (Instant::now() + PAUSE).min(*end);
                    Ok(Arc::clone(keys))
                }
                _ => Err(error),
            },
        }
    }
}

/// An error that says what whoever was asked did: `answered HTTP 403`.
pub(super) fn told(what: impl Into<String>) -> object_store::Error {
    object_store::Error::Generic { store: "longshore", source: Box::new(Told(what.into())) }
}

/// Sends a request that may be repeated, up to three times, and reads the answer.
pub(super) async fn ask(http: &HttpClient, request: &HttpRequest) -> object_store::Result<(StatusCode, Bytes)> {
    let mut wait = Duration::from_millis(50);
    for tries in 1.. {
        let answer = match http.execute(request.clone()).await {
            Ok(response) => {
                let status = response.status();
                bounded::whole(response, bounded::SMALL_ANSWER).await.map(|body| (status, body))
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
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Gives keys that are good for a while; from the second time on it may fail.
    #[derive(Debug)]
    struct Giver {
        asked: AtomicU32,
        life: Duration,
        once: bool,
    }

    #[async_trait]
    impl Fetch for Giver {
        async fn fetch(&self) -> object_store::Result<Fresh> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            if asked > 0 && self.once {
                return Err(told("is away"));
            }
            let keys = AwsCredential { key_id: asked.to_string(), secret_key: String::new(), token: None };
            Ok(Fresh { keys, until: Some(Utc::now() + self.life) })
        }
    }

    async fn ids(giver: Giver, pause: Duration) -> [Result<String, String>; 3] {
        let kept = Kept::new(Arc::new(giver), Arc::default(), Duration::from_secs(60));
        let id =
            async || kept.get_credential().await.map(|keys| keys.key_id.clone()).map_err(|error| error.to_string());
        let first = [id().await, id().await];
        tokio::time::sleep(pause).await;
        let [one, two] = first;
        [one, two, id().await]
    }

    #[tokio::test]
    async fn keys_are_kept_and_fetched_again_before_they_end() {
        let giver = Giver { asked: AtomicU32::new(0), life: Duration::from_millis(400), once: false };
        // Three quarters of their life are over, but not all of it.
        assert_eq!(ids(giver, Duration::from_millis(320)).await, ["0", "0", "1"].map(|id| Ok(id.to_owned())));
    }

    #[tokio::test]
    async fn keys_that_are_still_good_count_where_no_new_ones_come() {
        let giver = Giver { asked: AtomicU32::new(0), life: Duration::from_secs(2), once: true };
        assert_eq!(ids(giver, Duration::from_millis(1600)).await, ["0", "0", "0"].map(|id| Ok(id.to_owned())));
        let giver = Giver { asked: AtomicU32::new(0), life: Duration::from_millis(200), once: true };
        assert!(ids(giver, Duration::from_millis(250)).await[2].as_ref().unwrap_err().contains("is away"));
    }

    /// Gives keys once, and then says nothing.
    #[derive(Debug)]
    struct Silent(AtomicU32);

    #[async_trait]
    impl Fetch for Silent {
        async fn fetch(&self) -> object_store::Result<Fresh> {
            if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            let keys = AwsCredential { key_id: "0".into(), secret_key: String::new(), token: None };
            Ok(Fresh { keys, until: Some(Utc::now() + Duration::from_secs(2)) })
        }
    }

    #[tokio::test]
    async fn keys_that_are_still_good_count_where_nobody_answers() {
        let kept = Kept::new(Arc::new(Silent(AtomicU32::new(0))), Arc::default(), Duration::from_millis(100));
        for pause in [0, 1600] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            assert_eq!(kept.get_credential().await.unwrap().key_id, "0");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let error = kept.get_credential().await.unwrap_err();
        assert!(crate::guarded::find::<Told>(&error).unwrap().0.contains("100ms"), "{error}");
    }

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
