//! What decides how one bucket is reached, merged from keywords, variables, profiles and defaults.

use object_store::aws::Checksum;

use super::credentials::{Chain, Keys, Source, pair};
use super::encryption::Sse;
use super::habits::Habits;
use super::server::{self, Variant};
use super::sources::Sources;
use super::specs::*;
use crate::address;
use crate::given::{Given, Resolved, Setting, Spec, Value};
use crate::options::{PROVIDER, boolean, invalid};
use crate::profile::SharedFiles;
use crate::provided::Provided;
use crate::wire::{ALLOW_HTTP, Wire};
use crate::{ConfigError, Configured, Environment, Options};

/// How requests are signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Signing {
    /// Not at all.
    Unsigned,
    /// With keys that were given.
    With(Keys),
    /// With keys that have to be fetched.
    From(Source),
    /// With keys that somebody gives who was given.
    By(Provided),
}

/// Everything that decides how one bucket is reached. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct S3Settings {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) endpoint: Option<String>,
    pub(super) variant: Variant,
    pub(super) signing: Signing,
    pub(super) unsigned_payload: bool,
    pub(super) virtual_hosted_style: bool,
    pub(super) request_payer: bool,
    /// In the words of `object_store`.
    pub(super) checksum: Option<&'static str>,
    pub(super) encryption: Sse,
    pub(super) habits: Habits,
    pub(super) wire: Wire,
}

impl S3Settings {
    /// Merges `options` over `environment` over its profile over defaults, for `bucket`.
    ///
    /// Whoever comes first counts, for each setting by itself:
    ///
    /// 1. the keyword, by its plain name (`region`), with `aws_` before it, or by a name of other clients (`endpoint_url`,
    ///    `key`, `secret`, `token`);
    /// 2. the URI, which for S3 says nothing but bucket and key;
    /// 3. the variable: for the endpoint `AWS_ENDPOINT_URL_S3`, then `AWS_ENDPOINT_URL`; for the region `AWS_REGION`, then
    ///    `AWS_DEFAULT_REGION`;
    /// 4. the profile of AWS's shared files: the keyword `profile`, then `AWS_PROFILE`, then `AWS_DEFAULT_PROFILE`, then the
    ///    one called `default`; what the credentials file says of it counts before the configuration file;
    /// 5. the default.
    ///
    /// What is empty is absent. Keys are one set: identifier, secret and token come from the same place. Keys in variables
    /// count before those of a profile that `AWS_PROFILE` names, but not before one that a keyword names, as in boto3.
    /// [`specs`](Self::specs) has every name.
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
        let said = Self::said(Some(bucket), options, environment);
        (said.0, said.1.map(|(settings, _)| settings))
    }

    /// As [`resolve`](Self::resolve), for a bucket that a keyword or a variable may name, with what was said and counts.
    pub(crate) fn configure(
        bucket: Option<&str>,
        options: Options,
        environment: &Environment,
    ) -> Result<(Self, Vec<Configured>), ConfigError> {
        Self::said(bucket, options, environment).1
    }

    fn said(bucket: Option<&str>, options: Options, environment: &Environment) -> Resolved<Self> {
        let given = Given::new(options, environment);
        given.resolve("S3Store", "aws_", &all(), |given| Self::merge(bucket, given))
    }

    /// Every setting there is, with all its names.
    pub fn specs() -> Vec<&'static Spec> {
        all()
    }

    fn merge(bucket: Option<&str>, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let bucket = given.bucket(&BUCKET, bucket)?;
        let provided = given.options.take_provided();
        let named = given.text(&PROFILE)?;
        let chosen = named.as_ref().is_some_and(|value| value.key == PROFILE.name);
        let own = [
            given.by_keyword(&ACCESS_KEY_ID)?,
            given.by_keyword(&SECRET_ACCESS_KEY)?,
            given.by_keyword(&SESSION_TOKEN)?,
        ];
        let own_keys = keys_by_keyword(&own)?;
        if provided.is_some() && own_keys.is_some() {
            return Err(invalid(PROVIDER, "is given beside access_key_id; give one of them".into()));
        }
        let own_signing = own_keys.map(Signing::With).or(provided.map(Signing::By));
        let sources = Sources::files(given)?;
        let files = SharedFiles::read(&sources.environment(given.environment))?;
        let (key, name) = named.as_ref().map_or(("profile", "default"), |value| (&*value.key, &*value.text));
        let profile = files.profile(key, name)?;
        given.profile = Some(profile.layer());
        let sources = sources.take(given)?;
        if let (Some(other), true) = (sources.named(), own_signing.is_some()) {
            let mine = if matches!(own_signing, Some(Signing::By(_))) { PROVIDER } else { ACCESS_KEY_ID.name };
            return Err(invalid(mine, format!("is given beside {other}; give one of them")));
        }
        let environment = sources.environment(given.environment);
        let region = server::region(given)?;
        let endpoint = server::endpoint(given)?;
        let plain_http = endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let variant = Variant::resolve(given, endpoint.is_some())?;
        let unsigned = match given.text(&SKIP_SIGNATURE)? {
            // A variable does not take away what the call itself brings.
            Some(value) => boolean(&value.key, &value.text)? && (own_signing.is_none() || value.distance() == 0),
            None => false,
        };
        if !unsigned {
            given.disregard(&[&SKIP_SIGNATURE]);
        }
        // TLS already protects the payload; hashing it again would cost more than sending it.
        let unsigned_payload = given.flag(&UNSIGNED_PAYLOAD)?.unwrap_or(!plain_http);
        let style = match given.text(&VIRTUAL_HOSTED_STYLE)? {
            None => false,
            Some(value) => match &*value.text {
                "virtual" => true,
                "path" | "auto" => false,
                text => boolean(&value.key, text)?,
            },
        };
        // Accelerated buckets have host names of their own and no other address.
        let virtual_hosted_style = style || variant.accelerate;
        let request_payer = match given.text(&REQUEST_PAYER)? {
            None => false,
            Some(value) => value.text.eq_ignore_ascii_case("requester") || boolean(&value.key, &value.text)?,
        };
        let checksum = match given.text(&CHECKSUM_ALGORITHM)? {
            None => None,
            Some(value) => match value.text.parse() {
                Ok(Checksum::SHA256) => Some("sha256"),
                Ok(Checksum::CRC64NVME) => Some("crc64nvme"),
                _ => {
                    return Err(invalid(
                        &value.key,
                        format!("there is no {:?}; write sha256 or crc64nvme", value.text),
                    ));
                }
            },
        };
        let wire = Wire::resolve(given, plain_http)?;
        let allow_http = given.said(ALLOW_HTTP.name) && wire.allow_http;
        let keeps_secrets = wire.keeps_secrets(given, endpoint.as_deref().unwrap_or_default());
        let encryption = Sse::resolve(given, keeps_secrets)?;
        let habits = Habits::resolve(given)?;
        let mut settings = Self {
            bucket,
            region,
            endpoint,
            variant,
            signing: Signing::Unsigned,
            unsigned_payload,
            virtual_hosted_style,
            request_payer,
            checksum,
            encryption,
            habits,
            wire,
        };
        settings.addresses()?;
        if unsigned {
            sources.note(given, None, chosen);
            return Ok(settings);
        }
        if let Some(signing) = own_signing {
            sources.note(given, None, chosen);
            note_keys(given, own, chosen, matches!(signing, Signing::With(_)));
            settings.signing = signing;
            return Ok(settings);
        }
        let (region, service, identity) = (&*settings.region, &*settings.service_url(), sources.identity.as_ref());
        let (environment, profile, container) = (&*environment, &profile, sources.container);
        let chain =
            Chain { environment, files: &files, profile, chosen, region, service, allow_http, identity, container };
        let source = chain.find();
        sources.note(given, source.as_ref().ok(), chosen);
        note_keys(given, own, chosen, matches!(source, Ok(Source::Keys(_))));
        settings.signing = match source? {
            Source::Keys(keys) => Signing::With(keys),
            source => Signing::From(source),
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
            Signing::Unsigned | Signing::From(_) | Signing::By(_) => None,
        }
    }

    /// Who is asked for keys, in words. `None` where requests are not signed.
    pub fn signs_with(&self) -> Option<String> {
        match &self.signing {
            Signing::Unsigned => None,
            Signing::With(keys) => Some(Source::Keys(keys.clone()).to_string()),
            Signing::From(source) => Some(source.to_string()),
            Signing::By(provided) => Some(provided.who()),
        }
    }

    pub(super) fn service_url(&self) -> String {
        let Variant { dualstack, fips, .. } = self.variant;
        let service = match (fips, dualstack) {
            (false, false) => "s3",
            (false, true) => "s3.dualstack",
            (true, false) => "s3-fips",
            (true, true) => "s3-fips.dualstack",
        };
        self.endpoint.clone().unwrap_or_else(|| address::aws_service(service, &self.region))
    }

    /// The addresses of the service and of the bucket, without a slash at their ends.
    pub(super) fn addresses(&self) -> Result<(String, String), ConfigError> {
        let service = self.service_url();
        let holds_bucket =
            service.split_once("://").is_some_and(|(_, rest)| rest.starts_with(&format!("{}.", self.bucket)));
        let bucket = if self.virtual_hosted_style && self.endpoint.is_some() && holds_bucket {
            // Other clients want the bucket in the endpoint in this style.
            service.clone()
        } else if self.variant.accelerate {
            let host = if self.variant.dualstack { "s3-accelerate.dualstack" } else { "s3-accelerate" };
            address::virtual_host(&format!("https://{host}.amazonaws.com"), &self.bucket)?
        } else if self.virtual_hosted_style {
            address::virtual_host(&service, &self.bucket)?
        } else {
            format!("{service}/{}", self.bucket)
        };
        address::parse("endpoint", &bucket)?;
        Ok((service, bucket))
    }
}

/// Keys given by keyword are one set: a token from elsewhere belongs to other keys.
fn keys_by_keyword(own: &[Option<Value>; 3]) -> Result<Option<Keys>, ConfigError> {
    let [id, secret, token] = [&ACCESS_KEY_ID, &SECRET_ACCESS_KEY, &SESSION_TOKEN].map(|spec| spec.name.to_owned());
    let text = |value: &Option<Value>| value.as_ref().map(|value| value.text.clone());
    let texts = own.each_ref().map(text);
    let keys = pair((id, texts[0].as_deref()), (secret, texts[1].as_deref()), (token, texts[2].as_deref()))?;
    if keys.is_none() && own[2].is_some() {
        return Err(invalid("access_key_id", "is missing, though there is a session_token".into()));
    }
    Ok(keys)
}

/// Notes in the trail where the keys come from that count.
fn note_keys(given: &mut Given<'_>, own: [Option<Value>; 3], chosen: bool, count: bool) {
    let specs = [&ACCESS_KEY_ID, &SECRET_ACCESS_KEY, &SESSION_TOKEN];
    let by_variable = !chosen && given.by_variable(&ACCESS_KEY_ID).is_some();
    let values = match count {
        true if own[0].is_some() => own,
        true if by_variable => specs.map(|spec| given.by_variable(spec)),
        true => specs.map(|spec| given.by_profile(spec)),
        false => [None, None, None],
    };
    for (spec, value) in specs.into_iter().zip(&values) {
        given.note(spec, value.as_ref());
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
    fn keys_by_keyword_win_over_a_variable_that_wants_no_signature() {
        let variables = [("AWS_SKIP_SIGNATURE", "true"), ("AWS_ACCESS_KEY_ID", "v"), ("AWS_SECRET_ACCESS_KEY", "v")];
        assert_eq!(resolve(&KEYS, &variables).unwrap().access_key_id(), Some("k"));
        assert_eq!(resolve(&[], &variables).unwrap().signing, Signing::Unsigned);
        let said = [&KEYS[..], &[("anon", "true")]].concat();
        assert_eq!(resolve(&said, &variables).unwrap().signing, Signing::Unsigned);
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
    fn aws_has_other_addresses_for_those_who_ask_and_an_endpoint_has_none() {
        let address = |names: &[&str]| {
            let flags: Vec<_> = names.iter().map(|name| (*name, "true")).collect();
            resolve(&[&KEYS[..], &flags].concat(), &[]).unwrap().addresses().unwrap().1
        };
        let (dualstack, fips, fast) = ("use_dualstack_endpoint", "use_fips_endpoint", "s3_accelerate");
        assert_eq!(address(&[dualstack]), "https://s3.dualstack.us-east-1.amazonaws.com/b");
        assert_eq!(address(&[fips]), "https://s3-fips.us-east-1.amazonaws.com/b");
        assert_eq!(address(&[fips, dualstack]), "https://s3-fips.dualstack.us-east-1.amazonaws.com/b");
        assert_eq!(address(&[fast]), "https://b.s3-accelerate.amazonaws.com");
        assert_eq!(address(&[fast, dualstack]), "https://b.s3-accelerate.dualstack.amazonaws.com");
        for name in [dualstack, fips, fast] {
            let options = [&KEYS[..], &[("endpoint", "http://h"), (name, "1")]].concat();
            assert!(resolve(&options, &[]).unwrap_err().to_string().contains("endpoint is given"), "{name}");
        }
    }

    #[test]
    fn encryption_is_checked_before_anything_is_sent() {
        let key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
        let refused = |options: &[(&str, &str)]| resolve(&[&KEYS[..], options].concat(), &[]).unwrap_err().to_string();
        assert!(refused(&[("server_side_encryption", "rot13")]).contains("AES256"));
        assert!(refused(&[("server_side_encryption", "sse-c")]).contains("sse_customer_key_base64"));
        assert!(
            refused(&[("server_side_encryption", "AES256"), ("sse_kms_key_id", "k")]).starts_with("sse_kms_key_id")
        );
        assert!(refused(&[("sse_bucket_key_enabled", "true")]).starts_with("sse_bucket_key_enabled"));
        let far = [("sse_customer_key_base64", key), ("endpoint", "http://example.org")];
        let message = refused(&far);
        assert!(message.contains("http://") && !message.contains(key), "{message}");
        let settings = resolve(&[&KEYS[..], &far, &[("allow_http", "true")]].concat(), &[]).unwrap();
        assert!(!format!("{settings:?}{:?}", settings.encryption.headers()).contains(key));
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
