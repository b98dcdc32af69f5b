//! S3: from keywords, variables and defaults to a client.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::client::HttpConnector;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::options::{boolean, duration, invalid, number};
use crate::store::{Live, S3Access};
use crate::transport::SharedConnector;
use crate::{ConfigError, Environment, Options};

/// The options of an `S3Store`, under their canonical names.
const KNOWN: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "session_token",
    "region",
    "endpoint",
    "allow_http",
    "skip_signature",
    "unsigned_payload",
    "virtual_hosted_style_request",
    "request_payer",
    "timeout",
    "connect_timeout",
    "max_retries",
    "retry_timeout",
];

/// Variables that name a source of temporary credentials. They are handed on as they are.
const PROVIDER_VARIABLES: &[&str] = &[
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
    "AWS_IMDSV1_FALLBACK",
];

/// A text that is compared and used, but never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Everything that decides how one bucket is reached. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct S3Settings {
    bucket: String,
    region: String,
    endpoint: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    providers: BTreeMap<String, String>,
    skip_signature: bool,
    unsigned_payload: bool,
    virtual_hosted_style: bool,
    request_payer: bool,
    allow_http: bool,
    timeout: Duration,
    connect_timeout: Duration,
    max_retries: usize,
    retry_timeout: Duration,
}

impl S3Settings {
    /// Merges `options` over `environment` over defaults, for `bucket`.
    ///
    /// Options take their plain name (`region`), the name with `aws_` before it, and a few names of other clients
    /// (`endpoint_url`, `key`, `secret`, `token`). Where an option is absent its variable counts: for the endpoint
    /// `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`; for the region `AWS_REGION`, then `AWS_DEFAULT_REGION`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`] and [`ConfigError::InvalidOption`].
    pub fn resolve(bucket: &str, mut options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        let mut pick = |names: &[&str], variables: &[&str]| {
            options.take(names).map(|value| (names[0].to_owned(), value)).or_else(|| {
                variables.iter().find_map(|&name| Some((name.to_owned(), environment.get(name)?.to_owned())))
            })
        };
        let text = |picked: Option<(String, String)>| picked.map(|(_, value)| value);
        let flag = |picked: Option<(String, String)>| picked.map(|(key, value)| boolean(&key, &value)).transpose();
        let time = |picked: Option<(String, String)>, default: u64| {
            picked.map_or(Ok(Duration::from_secs(default)), |(key, value)| duration(&key, &value))
        };

        let own_key = pick(&["access_key_id", "aws_access_key_id", "key"], &[]);
        let own_secret = pick(&["secret_access_key", "aws_secret_access_key", "secret"], &[]);
        let own_token = pick(&["session_token", "aws_session_token", "token", "aws_token"], &[]);
        // Keys given by keyword are one set: a token from the environment belongs to other keys.
        let (key, secret, token) = if own_key.is_some() || own_secret.is_some() {
            (own_key, own_secret, own_token)
        } else {
            (
                pick(&[], &["AWS_ACCESS_KEY_ID"]),
                pick(&[], &["AWS_SECRET_ACCESS_KEY"]),
                own_token.or_else(|| pick(&[], &["AWS_SESSION_TOKEN"])),
            )
        };
        let region = pick(&["region", "aws_region", "default_region"], &["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let endpoint = pick(
            &["endpoint", "endpoint_url", "aws_endpoint", "aws_endpoint_url"],
            &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"],
        );
        let endpoint = endpoint.map(|(key, value)| normal_endpoint(&key, &value)).transpose()?;
        let plain_http = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let allow_http = flag(pick(&["allow_http", "aws_allow_http"], &["AWS_ALLOW_HTTP"]))?;
        if plain_http && allow_http == Some(false) {
            return Err(invalid("allow_http", "the endpoint is http://, which allow_http=false refuses".into()));
        }
        let unsigned = pick(&["unsigned_payload", "aws_unsigned_payload"], &["AWS_UNSIGNED_PAYLOAD"]);
        let settings = Self {
            bucket: bucket.to_owned(),
            region: text(region).unwrap_or_else(|| "us-east-1".to_owned()),
            endpoint,
            access_key_id: text(key),
            secret_access_key: text(secret).map(Secret),
            session_token: text(token).map(Secret),
            providers: PROVIDER_VARIABLES
                .iter()
                .filter_map(|&name| Some((name.to_owned(), environment.get(name)?.to_owned())))
                .collect(),
            skip_signature: flag(pick(
                &["skip_signature", "aws_skip_signature", "anon", "anonymous"],
                &["AWS_SKIP_SIGNATURE"],
            ))?
            .unwrap_or(false),
            // TLS already protects the payload; hashing it again would cost more than sending it.
            unsigned_payload: flag(unsigned)?.unwrap_or(!plain_http),
            virtual_hosted_style: flag(pick(
                &["virtual_hosted_style_request", "aws_virtual_hosted_style_request"],
                &["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"],
            ))?
            .unwrap_or(false),
            request_payer: flag(pick(&["request_payer", "aws_request_payer"], &["AWS_REQUEST_PAYER"]))?
                .unwrap_or(false),
            allow_http: allow_http.unwrap_or(plain_http),
            timeout: time(pick(&["timeout", "read_timeout"], &[]), 60)?,
            connect_timeout: time(pick(&["connect_timeout"], &[]), 5)?,
            max_retries: pick(&["max_retries"], &[]).map_or(Ok(8), |(key, value)| number(&key, &value))?,
            retry_timeout: time(pick(&["retry_timeout"], &[]), 120)?,
        };
        options.finish("S3Store", KNOWN)?;
        settings.check()
    }

    fn check(self) -> Result<Self, ConfigError> {
        match (&self.access_key_id, &self.secret_access_key) {
            (Some(_), None) => Err(invalid("secret_access_key", "is missing, though there is an access_key_id".into())),
            (None, Some(_)) => Err(invalid("access_key_id", "is missing, though there is a secret_access_key".into())),
            _ if self.lacks_credentials() => Err(ConfigError::NoCredentials),
            _ => Ok(self),
        }
    }

    /// Away from AWS there is no instance metadata to ask: absent keys are then an error at once, not a slow one later.
    fn lacks_credentials(&self) -> bool {
        let elsewhere = self.endpoint.as_deref().is_some_and(|endpoint| !endpoint.contains(".amazonaws.com"));
        elsewhere && self.access_key_id.is_none() && self.providers.is_empty() && !self.skip_signature
    }

    /// Whether the two differ in nothing but the bucket, so that the server can copy from one to the other.
    pub fn same_service(&self, other: &Self) -> bool {
        let elsewhere = Self { bucket: other.bucket.clone(), ..self.clone() };
        elsewhere == *other
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The endpoint, where it is not AWS itself.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The access key's identifier, which is no secret.
    pub fn access_key_id(&self) -> Option<&str> {
        self.access_key_id.as_deref()
    }

    fn service_url(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", self.region))
    }

    /// The bucket's address, without a slash at its end.
    fn bucket_url(&self) -> String {
        let service = self.service_url();
        match service.split_once("://") {
            Some((scheme, host)) if self.virtual_hosted_style => format!("{scheme}://{}.{host}", self.bucket),
            _ => format!("{service}/{}", self.bucket),
        }
    }

    pub(crate) fn connect(&self) -> Result<Live, ConfigError> {
        let client_options = ClientOptions::new()
            // The whole transfer is not bounded, only each silence in it.
            .with_timeout_disabled()
            .with_read_timeout(self.timeout)
            .with_connect_timeout(self.connect_timeout)
            .with_allow_http(self.allow_http);
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(5),
                base: 2.0,
            },
            max_retries: self.max_retries,
            retry_timeout: self.retry_timeout,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(&self.region)
            .with_client_options(client_options.clone())
            .with_retry(retry.clone())
            .with_http_connector(SharedConnector)
            .with_skip_signature(self.skip_signature)
            .with_unsigned_payload(self.unsigned_payload)
            .with_request_payer(self.request_payer)
            .with_virtual_hosted_style_request(self.virtual_hosted_style);
        if self.virtual_hosted_style {
            builder = builder.with_endpoint(self.bucket_url());
        } else if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(key), Some(secret)) = (&self.access_key_id, &self.secret_access_key) {
            builder = builder.with_access_key_id(key).with_secret_access_key(&secret.0);
        }
        if let Some(token) = &self.session_token {
            builder = builder.with_token(&token.0);
        }
        for (name, value) in &self.providers {
            if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.build()?;
        let credentials: Option<AwsCredentialProvider> =
            (!self.skip_signature).then(|| Arc::clone(store.credentials()));
        let s3 = S3Access {
            http: SharedConnector.connect(&client_options)?,
            credentials,
            region: self.region.clone(),
            service_url: self.service_url(),
            bucket_url: self.bucket_url(),
            request_payer: self.request_payer,
            retry,
        };
        Ok(Live { objects: Arc::new(store), s3: Some(s3) })
    }
}

fn normal_endpoint(key: &str, value: &str) -> Result<String, ConfigError> {
    let endpoint = value.trim().trim_end_matches('/');
    match endpoint.split_once("://") {
        Some(("http" | "https", host)) if !host.is_empty() => Ok(endpoint.to_owned()),
        _ => Err(invalid(key, format!("{value:?} is not an address; write http://host:port or https://host"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn resolve(options: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<S3Settings, ConfigError> {
        S3Settings::resolve("b", options.iter().copied().collect(), &environment(variables))
    }

    const KEYS: [(&str, &str); 2] = [("access_key_id", "k"), ("secret_access_key", "s")];

    #[test]
    fn keywords_win_over_variables_and_the_s3_endpoint_over_the_general_one() {
        let variables =
            [("AWS_ENDPOINT_URL", "http://general"), ("AWS_ENDPOINT_URL_S3", "http://s3"), ("AWS_REGION", "r1")];
        let settings = resolve(&KEYS, &variables).unwrap();
        assert_eq!((settings.endpoint(), settings.region()), (Some("http://s3"), "r1"));
        let options = [&KEYS[..], &[("endpoint_url", "http://mine/"), ("region", "r2")]].concat();
        let settings = resolve(&options, &variables).unwrap();
        assert_eq!((settings.endpoint(), settings.region()), (Some("http://mine"), "r2"));
        assert!(settings.allow_http && !settings.unsigned_payload);
    }

    #[test]
    fn keys_by_keyword_do_not_take_a_token_from_the_environment() {
        let variables = [("AWS_SESSION_TOKEN", "t"), ("AWS_ACCESS_KEY_ID", "e"), ("AWS_SECRET_ACCESS_KEY", "f")];
        assert!(resolve(&KEYS, &variables).unwrap().session_token.is_none());
        assert!(resolve(&[], &variables).unwrap().session_token.is_some());
    }

    #[test]
    fn a_bucket_variable_changes_nothing() {
        assert_eq!(resolve(&KEYS, &[("AWS_BUCKET", "other")]).unwrap(), resolve(&KEYS, &[]).unwrap());
    }

    #[test]
    fn half_a_key_pair_is_refused() {
        let message = resolve(&[("access_key_id", "k")], &[]).unwrap_err().to_string();
        assert!(message.contains("secret_access_key"), "{message}");
    }

    #[test]
    fn no_credentials_away_from_aws_is_an_error_that_says_what_to_set() {
        let message = resolve(&[("endpoint", "http://127.0.0.1:1")], &[]).unwrap_err().to_string();
        assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
        assert!(resolve(&[("endpoint", "http://127.0.0.1:1"), ("skip_signature", "true")], &[]).is_ok());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let options = [("access_key_id", "AKID"), ("secret_access_key", "hunter2"), ("session_token", "hunter3")];
        let shown = format!("{:?}", resolve(&options, &[]).unwrap());
        assert!(shown.contains("AKID") && !shown.contains("hunter"), "{shown}");
    }

    #[test]
    fn the_bucket_stands_in_the_path_or_in_the_host() {
        let options = [&KEYS[..], &[("endpoint", "http://h:9")]].concat();
        assert_eq!(resolve(&options, &[]).unwrap().bucket_url(), "http://h:9/b");
        let options = [&options[..], &[("virtual_hosted_style_request", "true")]].concat();
        assert_eq!(resolve(&options, &[]).unwrap().bucket_url(), "http://b.h:9");
        assert_eq!(resolve(&KEYS, &[]).unwrap().bucket_url(), "https://s3.us-east-1.amazonaws.com/b");
    }
}
