//! What decides how one bucket is reached, merged from keywords, variables and defaults.

use super::credentials::Source;
use crate::address;
use crate::given::{Given, Secret, Setting, Spec, Value};
use crate::options::{boolean, invalid};
use crate::wire::{WIRE, Wire};
use crate::{ConfigError, Environment, Options};

const ACCESS_KEY_ID: Spec = Spec::new("access_key_id", "who signs the requests")
    .also(&["aws_access_key_id", "key"])
    .variables(&["AWS_ACCESS_KEY_ID"])
    .profile(&["aws_access_key_id"]);
const SECRET_ACCESS_KEY: Spec = Spec::new("secret_access_key", "the secret that belongs to it")
    .also(&["aws_secret_access_key", "secret"])
    .variables(&["AWS_SECRET_ACCESS_KEY"])
    .profile(&["aws_secret_access_key"])
    .secret();
const SESSION_TOKEN: Spec = Spec::new("session_token", "the token that belongs to temporary keys")
    .also(&["aws_session_token", "token", "aws_token"])
    .variables(&["AWS_SESSION_TOKEN"])
    .profile(&["aws_session_token"])
    .secret();
const REGION: Spec = Spec::new("region", "the region that requests are signed for")
    .also(&["aws_region", "default_region"])
    .variables(&["AWS_REGION", "AWS_DEFAULT_REGION"])
    .profile(&["region"])
    .or(DEFAULT_REGION);
const ENDPOINT: Spec = Spec::new("endpoint", "the address of the service")
    .also(&["endpoint_url", "aws_endpoint", "aws_endpoint_url"])
    .variables(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
    .profile(&["endpoint_url"])
    .or("AWS");
const SKIP_SIGNATURE: Spec = Spec::new("skip_signature", "whether requests are sent unsigned")
    .also(&["aws_skip_signature", "anon", "anonymous"])
    .variables(&["AWS_SKIP_SIGNATURE"])
    .or("false");
const UNSIGNED_PAYLOAD: Spec = Spec::new("unsigned_payload", "whether bodies are left out of the signature")
    .also(&["aws_unsigned_payload"])
    .variables(&["AWS_UNSIGNED_PAYLOAD"])
    .or("if the endpoint is https://");
const VIRTUAL_HOSTED_STYLE: Spec =
    Spec::new("virtual_hosted_style_request", "whether the bucket stands in the host name instead of the path")
        .also(&["aws_virtual_hosted_style_request"])
        .variables(&["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"])
        .or("false");
const REQUEST_PAYER: Spec = Spec::new("request_payer", "whether the requester pays")
    .also(&["aws_request_payer"])
    .variables(&["AWS_REQUEST_PAYER"])
    .or("false");

/// The settings of an `S3Store`, besides those of every store that is reached over HTTP.
const SPECS: [&Spec; 9] = [
    &ACCESS_KEY_ID,
    &SECRET_ACCESS_KEY,
    &SESSION_TOKEN,
    &REGION,
    &ENDPOINT,
    &SKIP_SIGNATURE,
    &UNSIGNED_PAYLOAD,
    &VIRTUAL_HOSTED_STYLE,
    &REQUEST_PAYER,
];

const DEFAULT_REGION: &str = "us-east-1";

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
    pub(super) unsigned_payload: bool,
    pub(super) virtual_hosted_style: bool,
    pub(super) request_payer: bool,
    pub(super) wire: Wire,
}

impl S3Settings {
    /// Merges `options` over `environment` over defaults, for `bucket`.
    ///
    /// Options take their plain name (`region`), the name with `aws_` before it, and a few names of other clients
    /// (`endpoint_url`, `key`, `secret`, `token`). Where an option is absent or empty its variable counts: for the endpoint
    /// `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`; for the region `AWS_REGION`, then `AWS_DEFAULT_REGION`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`], [`ConfigError::InvalidOption`] and [`ConfigError::NoCredentials`].
    pub fn resolve(bucket: &str, options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        Self::explain(bucket, options, environment).1
    }

    /// As [`resolve`](Self::resolve), with what was found on the way and who said it, also where that cannot be used.
    pub fn explain(
        bucket: &str,
        options: Options,
        environment: &Environment,
    ) -> (Vec<Setting>, Result<Self, ConfigError>) {
        let mut given = Given::new(options, environment);
        let settings = Self::merge(bucket, &mut given);
        (given.trail(), settings)
    }

    fn merge(bucket: &str, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let keys = keys(given)?;
        let region = given.text(&REGION)?.map_or_else(|| Ok(DEFAULT_REGION.to_owned()), region)?;
        let endpoint = given.text(&ENDPOINT)?.map(|value| address::endpoint(&value.key, &value.text)).transpose()?;
        let plain_http = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let unsigned = given.flag(&SKIP_SIGNATURE)?.unwrap_or(false);
        let mut settings = Self {
            bucket: bucket.to_owned(),
            region,
            endpoint,
            signing: Signing::Unsigned,
            // TLS already protects the payload; hashing it again would cost more than sending it.
            unsigned_payload: given.flag(&UNSIGNED_PAYLOAD)?.unwrap_or(!plain_http),
            virtual_hosted_style: given.flag(&VIRTUAL_HOSTED_STYLE)?.unwrap_or(false),
            request_payer: match given.text(&REQUEST_PAYER)? {
                None => false,
                Some(value) => value.text.eq_ignore_ascii_case("requester") || boolean(&value.key, &value.text)?,
            },
            wire: Wire::resolve(given, plain_http)?,
        };
        given.refuse_the_rest("S3Store", &[&SPECS[..], &WIRE[..]].concat())?;
        settings.addresses()?;
        settings.signing = match keys {
            _ if unsigned => Signing::Unsigned,
            Some(keys) => Signing::With(keys),
            None => Signing::From(Source::find(given.environment, &settings.service_url())?),
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

/// Keys given by keyword are one set: a token from the environment belongs to other keys.
fn keys(given: &mut Given<'_>) -> Result<Option<Keys>, ConfigError> {
    let own_id = given.by_keyword(&ACCESS_KEY_ID)?;
    let own_secret = given.by_keyword(&SECRET_ACCESS_KEY)?;
    let own_token = given.by_keyword(&SESSION_TOKEN)?;
    let by_keyword = own_id.is_some() || own_secret.is_some();
    let (names, id, secret, token) = if by_keyword {
        (["access_key_id", "secret_access_key"], own_id, own_secret, own_token)
    } else {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let token = own_token.or_else(|| given.by_variable(&SESSION_TOKEN));
        (names, given.by_variable(&ACCESS_KEY_ID), given.by_variable(&SECRET_ACCESS_KEY), token)
    };
    given.note(&ACCESS_KEY_ID, id.as_ref());
    given.note(&SECRET_ACCESS_KEY, secret.as_ref());
    given.note(&SESSION_TOKEN, token.as_ref());
    let missing =
        |one: usize, other: usize| Err(invalid(names[one], format!("is missing, though there is an {}", names[other])));
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

fn region(value: Value) -> Result<String, ConfigError> {
    if value.text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Ok(value.text);
    }
    Err(invalid(&value.key, format!("{:?} is no region name", value.text)))
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
        assert!(settings.wire.allow_http && !settings.unsigned_payload);
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
