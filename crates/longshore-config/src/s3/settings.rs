//! What decides how one bucket is reached, merged from keywords, variables and defaults.

use std::fmt;
use std::time::Duration;

use super::address;
use super::credentials::Source;
use crate::options::{FOREVER, boolean, duration, invalid, number};
use crate::{ConfigError, Environment, Options};

/// The options of an `S3Store`, under their canonical names.
const KNOWN: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "session_token",
    "region",
    "endpoint",
    "ca_bundle",
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

/// A text that is compared and used, but never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// A pair of keys that was given outright.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
}

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Signing {
    /// Not at all.
    Unsigned,
    /// With keys that were given.
    With(Keys),
    /// With keys that have to be fetched.
    From(Source),
}

/// Everything that decides how one bucket is reached. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct S3Settings {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) signing: Signing,
    pub(super) ca_bundle: Option<String>,
    pub(super) unsigned_payload: bool,
    pub(super) virtual_hosted_style: bool,
    pub(super) request_payer: bool,
    pub(super) allow_http: bool,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) max_retries: usize,
    pub(super) retry_timeout: Duration,
}

impl S3Settings {
    /// Merges `options` over `environment` over defaults, for `bucket`.
    ///
    /// Options take their plain name (`region`), the name with `aws_` before it, and a few names of other clients
    /// (`endpoint_url`, `key`, `secret`, `token`). Where an option is absent or empty its variable counts: for the endpoint
    /// `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`; for the region `AWS_REGION`, then `AWS_DEFAULT_REGION`.
    ///
    /// `timeout` bounds each silence and no transfer as a whole. A failed request is repeated up to `max_retries` times;
    /// `retry_timeout` ends that earlier, counted from the first attempt, and with it the resumption of a long download.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`], [`ConfigError::InvalidOption`] and [`ConfigError::NoCredentials`].
    pub fn resolve(bucket: &str, options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        let mut given = Given { options, environment };
        let keys = given.keys()?;
        let region = given.pick(&["region", "aws_region", "default_region"], &["AWS_REGION", "AWS_DEFAULT_REGION"])?;
        let region = region.map_or_else(|| Ok("us-east-1".to_owned()), Value::region)?;
        let endpoint = given
            .pick(
                &["endpoint", "endpoint_url", "aws_endpoint", "aws_endpoint_url"],
                &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"],
            )?
            .map(|value| address::endpoint(&value.key, &value.text))
            .transpose()?;
        let plain_http = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let allow_http = given.flag(&["allow_http", "aws_allow_http"], &["AWS_ALLOW_HTTP"])?;
        if plain_http && allow_http == Some(false) {
            return Err(invalid("allow_http", "the endpoint is http://, which allow_http=false refuses".into()));
        }
        let unsigned = given
            .flag(&["skip_signature", "aws_skip_signature", "anon", "anonymous"], &["AWS_SKIP_SIGNATURE"])?
            .unwrap_or(false);
        let mut settings = Self {
            bucket: bucket.to_owned(),
            region,
            endpoint,
            signing: Signing::Unsigned,
            ca_bundle: given.pick(&["ca_bundle", "aws_ca_bundle"], &["AWS_CA_BUNDLE"])?.map(|value| value.text),
            // TLS already protects the payload; hashing it again would cost more than sending it.
            unsigned_payload: given
                .flag(&["unsigned_payload", "aws_unsigned_payload"], &["AWS_UNSIGNED_PAYLOAD"])?
                .unwrap_or(!plain_http),
            virtual_hosted_style: given
                .flag(
                    &["virtual_hosted_style_request", "aws_virtual_hosted_style_request"],
                    &["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"],
                )?
                .unwrap_or(false),
            request_payer: match given.pick(&["request_payer", "aws_request_payer"], &["AWS_REQUEST_PAYER"])? {
                None => false,
                Some(value) => value.text.eq_ignore_ascii_case("requester") || boolean(&value.key, &value.text)?,
            },
            allow_http: allow_http.unwrap_or(plain_http),
            timeout: given.patience(&["timeout", "read_timeout"], 60)?,
            connect_timeout: given.patience(&["connect_timeout"], 5)?,
            max_retries: given.pick(&["max_retries"], &[])?.map_or(Ok(8), |value| number(&value.key, &value.text))?,
            // The clock of a download starts with its first request, and a large one may take hours.
            retry_timeout: given
                .pick(&["retry_timeout"], &[])?
                .map_or(Ok(FOREVER), |value| duration(&value.key, &value.text))?,
        };
        given.options.finish("S3Store", KNOWN)?;
        settings.addresses()?;
        settings.signing = match keys {
            _ if unsigned => Signing::Unsigned,
            Some(keys) => Signing::With(keys),
            None => Signing::From(Source::find(environment, &settings.service_url())?),
        };
        Ok(settings)
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

    /// The access key's identifier, which is no secret. `None` where keys have to be fetched, or none is used.
    pub fn access_key_id(&self) -> Option<&str> {
        match &self.signing {
            Signing::With(keys) => Some(&keys.id),
            Signing::Unsigned | Signing::From(_) => None,
        }
    }

    pub(super) fn service_url(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| address::aws_service("s3", &self.region))
    }

    /// The addresses of the service and of the bucket, without a slash at their ends.
    pub(super) fn addresses(&self) -> Result<(String, String), ConfigError> {
        let service = self.service_url();
        let bucket = if self.virtual_hosted_style {
            address::virtual_host(&service, &self.bucket)?
        } else {
            format!("{service}/{}", self.bucket)
        };
        address::parse("endpoint", &bucket)?;
        Ok((service, bucket))
    }
}

/// What the caller and the environment gave.
struct Given<'a> {
    options: Options,
    environment: &'a Environment,
}

/// A text, and the option or variable it came from.
struct Value {
    key: String,
    text: String,
}

impl Given<'_> {
    /// The option called one of `names`, or else the first of `variables` that is set.
    fn pick(&mut self, names: &[&str], variables: &[&str]) -> Result<Option<Value>, ConfigError> {
        if let Some(text) = self.options.take(names)? {
            return Ok(Some(Value { key: names[0].to_owned(), text }));
        }
        let variable =
            |name: &&str| Some(Value { key: name.to_string(), text: self.environment.get(name)?.to_owned() });
        Ok(variables.iter().find_map(variable))
    }

    fn flag(&mut self, names: &[&str], variables: &[&str]) -> Result<Option<bool>, ConfigError> {
        self.pick(names, variables)?.map(|value| boolean(&value.key, &value.text)).transpose()
    }

    /// A length of time in which something has to happen.
    fn patience(&mut self, names: &[&str], seconds: u64) -> Result<Duration, ConfigError> {
        let Some(value) = self.pick(names, &[])? else { return Ok(Duration::from_secs(seconds)) };
        match duration(&value.key, &value.text)? {
            Duration::ZERO => Err(invalid(&value.key, "nothing can happen in no time; write a longer one".into())),
            time => Ok(time),
        }
    }

    /// Keys given by keyword are one set: a token from the environment belongs to other keys.
    fn keys(&mut self) -> Result<Option<Keys>, ConfigError> {
        let own_id = self.pick(&["access_key_id", "aws_access_key_id", "key"], &[])?;
        let own_secret = self.pick(&["secret_access_key", "aws_secret_access_key", "secret"], &[])?;
        let own_token = self.pick(&["session_token", "aws_session_token", "token", "aws_token"], &[])?;
        let by_keyword = own_id.is_some() || own_secret.is_some();
        let (names, id, secret, token) = if by_keyword {
            (["access_key_id", "secret_access_key"], own_id, own_secret, own_token)
        } else {
            let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
            let token = match own_token {
                Some(token) => Some(token),
                None => self.pick(&[], &["AWS_SESSION_TOKEN"])?,
            };
            (names, self.pick(&[], &names[..1])?, self.pick(&[], &names[1..])?, token)
        };
        let missing = |one: usize, other: usize| {
            Err(invalid(names[one], format!("is missing, though there is an {}", names[other])))
        };
        match (id, secret) {
            (Some(_), None) => missing(1, 0),
            (None, Some(_)) => missing(0, 1),
            (None, None) => Ok(None),
            (Some(id), Some(secret)) => Ok(Some(Keys {
                id: id.header()?,
                secret: Secret(secret.header()?),
                token: token.map(Value::header).transpose()?.map(Secret),
            })),
        }
    }
}

impl Value {
    /// The text, where a header can hold it. It may be a secret, so the error does not show it.
    fn header(self) -> Result<String, ConfigError> {
        if self.text.chars().all(|c| matches!(c, ' '..='~')) {
            return Ok(self.text);
        }
        Err(invalid(
            &self.key,
            "contains a character that cannot be sent in a header; was it copied with a line end?".into(),
        ))
    }

    fn region(self) -> Result<String, ConfigError> {
        if self.text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Ok(self.text);
        }
        Err(invalid(&self.key, format!("{:?} is no region name", self.text)))
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
        let token = |options: &[(&str, &str)]| match resolve(options, &variables).unwrap().signing {
            Signing::With(keys) => keys.token,
            other => panic!("{other:?}"),
        };
        assert!(token(&KEYS).is_none());
        assert!(token(&[]).is_some());
    }

    #[test]
    fn a_bucket_variable_changes_nothing() {
        assert_eq!(resolve(&KEYS, &[("AWS_BUCKET", "other")]).unwrap(), resolve(&KEYS, &[]).unwrap());
    }

    #[test]
    fn half_a_key_pair_is_refused() {
        let message = resolve(&[("access_key_id", "k")], &[]).unwrap_err().to_string();
        assert!(message.contains("secret_access_key"), "{message}");
        let message = resolve(&[], &[("AWS_SECRET_ACCESS_KEY", "hunter2")]).unwrap_err().to_string();
        assert_eq!(message, "AWS_ACCESS_KEY_ID: is missing, though there is an AWS_SECRET_ACCESS_KEY");
    }

    #[test]
    fn white_space_around_a_value_is_dropped_and_an_empty_value_is_absent() {
        let options = [("access_key_id", "k\n"), ("secret_access_key", " s"), ("region", "r\r\n"), ("endpoint", " ")];
        let settings = resolve(&options, &[("AWS_REGION", "other"), ("AWS_ENDPOINT_URL", "\n")]).unwrap();
        assert_eq!((settings.access_key_id(), settings.region(), settings.endpoint()), (Some("k"), "r", None));
        let Signing::With(keys) = settings.signing else { panic!("{settings:?}") };
        assert_eq!(keys.secret.0, "s");
    }

    #[test]
    fn what_no_header_can_hold_is_refused_and_not_shown() {
        for name in ["access_key_id", "secret_access_key", "session_token", "region"] {
            let options = [&KEYS[..], &[(name, "hun\nter2")]].concat();
            let message = resolve(&options, &[]).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
            assert!(name == "region" || !message.contains("ter2"), "{message}");
        }
        assert!(resolve(&[&KEYS[..], &[("session_token", "schlüssel")]].concat(), &[]).is_err());
    }

    #[test]
    fn a_bucket_before_an_ip_address_is_refused_at_once() {
        let options =
            [&KEYS[..], &[("endpoint", "http://127.0.0.1:9"), ("virtual_hosted_style_request", "1")]].concat();
        let message = resolve(&options, &[]).unwrap_err().to_string();
        assert!(message.starts_with("virtual_hosted_style_request") && message.contains("127.0.0.1"), "{message}");
    }

    #[test]
    fn no_time_at_all_is_refused() {
        for name in ["timeout", "connect_timeout"] {
            assert!(resolve(&[&KEYS[..], &[(name, "0")]].concat(), &[]).is_err(), "{name}");
        }
        assert!(resolve(&[&KEYS[..], &[("retry_timeout", "0")]].concat(), &[]).is_ok());
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
        assert_eq!(resolve(&options, &[]).unwrap().addresses().unwrap().1, "http://h:9/b");
        let options = [&options[..], &[("virtual_hosted_style_request", "true")]].concat();
        assert_eq!(resolve(&options, &[]).unwrap().addresses().unwrap().1, "http://b.h:9");
        assert_eq!(resolve(&KEYS, &[]).unwrap().addresses().unwrap().1, "https://s3.us-east-1.amazonaws.com/b");
    }
}
