//! What decides how one bucket is reached, merged from keywords, variables and defaults.

use super::credentials::{ADVICE, Source};
use super::key_file::{self, KeyFile};
use super::specs::{
    APPLICATION_CREDENTIALS, BEARER_TOKEN, BUCKET, BUCKET_LOCATION, ENDPOINT, METADATA_HOST, PROJECT, SERVICE_ACCOUNT,
    SERVICE_ACCOUNT_KEY, SKIP_SIGNATURE, SPECS, XML_API,
};
use crate::given::{Given, Origin, Resolved, Secret, Setting, Spec, Value};
use crate::options::{PROVIDER, boolean, invalid};
use crate::provided::Provided;
use crate::wire::{WIRE, Wire};
use crate::{ConfigError, Configured, Environment, Location, Options, address};

const GOOGLE: &str = "https://storage.googleapis.com";

/// What requests are authorized with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Signing {
    /// Nothing.
    Unsigned,
    /// A token that was given outright.
    Token(Secret),
    /// Tokens that have to be made or fetched.
    From(Source),
    /// Tokens that somebody gives who was given.
    By(Provided),
}

/// Everything that decides how one bucket is reached. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GcsSettings {
    pub(super) bucket: String,
    pub(super) endpoint: Option<String>,
    pub(super) signing: Signing,
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    /// Whether objects go over XML, which knows parts, conditions and ranges, or over JSON, which every double speaks.
    pub(super) xml: bool,
    pub(super) wire: Wire,
}

impl GcsSettings {
    /// Merges `options` over `environment` over defaults, for the bucket of `location`.
    ///
    /// Credentials of a keyword count before those of a variable. Among those of one place a token counts first, then a service
    /// account, then application credentials; after them what `gcloud` left behind, and at last the metadata server. An
    /// emulator gets no credentials, unless the call itself brings them.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`], [`ConfigError::InvalidOption`], [`ConfigError::Unauthenticated`], and
    /// [`ConfigError::NotSupported`] for kinds of credentials that are not exchanged here.
    pub fn resolve(location: &Location, options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        Self::explain(location, options, environment).1
    }

    /// As [`resolve`](Self::resolve), with what was found on the way and who said it, also where that cannot be used.
    pub fn explain(
        location: &Location,
        options: Options,
        environment: &Environment,
    ) -> (Vec<Setting>, Result<Self, ConfigError>) {
        let said = Self::said(Some(location.bucket()), options, environment);
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
        given.resolve("GCSStore", "google_", &Self::specs(), |given| Self::merge(bucket, given))
    }

    fn merge(bucket: Option<&str>, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let bucket = given.bucket(&BUCKET, bucket)?;
        let provided = given.options.take_provided();
        let said = Said::take(given)?;
        if let (Some(_), Some(key)) = (&provided, said.keyword()) {
            return Err(invalid(PROVIDER, format!("is given beside {key}; give one of them")));
        }
        let named = given.text(&ENDPOINT)?;
        let emulator = named.as_ref().is_some_and(|value| value.origin == Origin::Variable("STORAGE_EMULATOR_HOST"));
        let endpoint = named.map(|value| said_endpoint(given, &value)).transpose()?;
        let endpoint = endpoint.filter(|endpoint| endpoint != GOOGLE);
        let unsigned = match given.text(&SKIP_SIGNATURE)? {
            Some(value) if boolean(&value.key, &value.text)? => Some(value.distance()),
            _ => None,
        };
        let project = given.text(&PROJECT)?.map(|value| value.text);
        let location = given.text(&BUCKET_LOCATION)?.map(|value| value.text);
        let metadata = given.text(&METADATA_HOST)?;
        let wire = Wire::resolve(given, endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://")))?;
        let xml = given.flag(&XML_API)?.unwrap_or_else(|| is_google(endpoint.as_deref().unwrap_or(GOOGLE)));
        let (counts, said) = match provided {
            Some(provided) => (None, Some((0, Signing::By(provided)))),
            None => said.signing(!emulator)?.map(|(said, distance, signing)| (Some(said), (distance, signing))).unzip(),
        };
        let counts = counts.flatten();
        let signing = match said {
            // A variable does not take away what the call itself brings.
            Some((distance, signing)) if unsigned.is_none_or(|unsigned| unsigned > distance) => signing,
            _ if unsigned.is_some() => Signing::Unsigned,
            Some((_, signing)) => signing,
            None if emulator => Signing::Unsigned,
            None => Signing::From(default(given.environment, endpoint.as_deref(), metadata)?),
        };
        note(given, &signing, counts);
        if let (Some(endpoint), false) = (&endpoint, signing == Signing::Unsigned) {
            wire.guard(given, endpoint, "a token")?;
        }
        let own = match &signing {
            Signing::From(Source::Key(key)) => key.project().map(str::to_owned),
            _ => None,
        };
        Ok(Self { bucket, endpoint, signing, project: project.or(own), location, xml, wire })
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

    /// The endpoint, where it is not Google's own.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The project that new buckets belong to.
    pub fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The service account that signs, where one does.
    pub fn service_account(&self) -> Option<&str> {
        match &self.signing {
            Signing::From(Source::Key(KeyFile::ServiceAccount { email, .. })) => Some(email),
            _ => None,
        }
    }

    /// Who gives out the tokens, in words. `None` where requests go without any.
    pub fn signs_with(&self) -> Option<String> {
        Some(match &self.signing {
            Signing::Unsigned => return None,
            Signing::Token(_) => "a token that was given".into(),
            Signing::By(provided) => provided.who(),
            Signing::From(Source::Key(KeyFile::ServiceAccount { email, .. })) => format!("the service account {email}"),
            Signing::From(Source::Key(KeyFile::Person { .. })) => "the login of a person".into(),
            Signing::From(Source::Metadata { host }) => format!("the metadata server at {host}"),
        })
    }

    /// Every setting there is.
    pub fn specs() -> Vec<&'static Spec> {
        [&SPECS[..], &WIRE[..]].concat()
    }

    pub(super) fn service_url(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(GOOGLE)
    }

    /// Whether Google answers at the endpoint, and so speaks all of its dialects.
    pub(super) fn is_google(&self) -> bool {
        is_google(self.service_url())
    }
}

fn is_google(address: &str) -> bool {
    let host = address.split("://").nth(1).and_then(|rest| rest.split([':', '/']).next()).unwrap_or_default();
    host == "googleapis.com" || host.ends_with(".googleapis.com")
}

/// The variable of the emulators is often a host and a port.
fn endpoint(value: &Value) -> Result<String, ConfigError> {
    let bare = !value.text.contains("://") && matches!(value.origin, Origin::Variable(_));
    let text = if bare { format!("http://{}", value.text) } else { value.text.clone() };
    let endpoint = address::endpoint(&value.key, &text)?;
    // Libraries of Google's accept the address of one interface of the service, too.
    Ok(endpoint.strip_suffix("/storage/v1").map_or_else(|| endpoint.clone(), str::to_owned))
}

/// As [`endpoint`]. A keyword has to say the same in full.
fn said_endpoint(given: &mut Given<'_>, value: &Value) -> Result<String, ConfigError> {
    let endpoint = endpoint(value)?;
    given.configure(&ENDPOINT, &endpoint, value.origin.clone());
    Ok(endpoint)
}

/// Leaves of what was said what counts.
fn note(given: &mut Given<'_>, signing: &Signing, counts: Option<Counts>) {
    given.disregard(&[&BEARER_TOKEN, &SERVICE_ACCOUNT, &SERVICE_ACCOUNT_KEY, &APPLICATION_CREDENTIALS]);
    match signing {
        Signing::Unsigned => {
            // An emulator gets no credentials; whoever names the same address has to say so.
            let emulator = given.origin(&[&SKIP_SIGNATURE]).or_else(|| given.origin(&[&ENDPOINT]));
            given.configure(&SKIP_SIGNATURE, "true", emulator.unwrap_or(Origin::Default));
        }
        _ => given.disregard(&[&SKIP_SIGNATURE]),
    }
    if let (Some(Counts { spec, text, origin }), false) = (counts, *signing == Signing::Unsigned) {
        given.configure(spec, &text, origin);
    }
    if !matches!(signing, Signing::From(Source::Metadata { .. })) {
        given.disregard(&[&METADATA_HOST]);
    }
}

/// The credentials that count, as they were said.
struct Counts {
    spec: &'static Spec,
    text: String,
    origin: Origin,
}

impl Counts {
    fn new(spec: &'static Spec, value: &Value) -> Self {
        Self { spec, text: value.text.clone(), origin: value.origin.clone() }
    }
}

/// Credentials, by where they were said.
struct Said {
    token: [Option<Value>; 2],
    account: [Option<Value>; 2],
    key: [Option<Value>; 2],
    file: [Option<Value>; 2],
}

impl Said {
    fn take(given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let mut each = |spec: &Spec| {
            let found = [given.by_keyword(spec)?, given.by_variable(spec)];
            given.note(spec, found.iter().flatten().next());
            Ok::<_, ConfigError>(found)
        };
        Ok(Self {
            token: each(&BEARER_TOKEN)?,
            account: each(&SERVICE_ACCOUNT)?,
            key: each(&SERVICE_ACCOUNT_KEY)?,
            file: each(&APPLICATION_CREDENTIALS)?,
        })
    }

    /// The keyword that brings credentials, where one does.
    fn keyword(&self) -> Option<&str> {
        let keywords = [&self.token[0], &self.account[0], &self.key[0], &self.file[0]];
        keywords.into_iter().flatten().map(|value| &*value.key).next()
    }

    /// What counts, and how far away it was said; the variables only where `variables` says so.
    fn signing(self, variables: bool) -> Result<Option<(Counts, u8, Signing)>, ConfigError> {
        let Self { token, account, key, file } = self;
        let places = token.into_iter().zip(account).zip(key).zip(file);
        for (((token, account), key), file) in places.take(if variables { 2 } else { 1 }) {
            if let Some(token) = token {
                let (counts, distance) = (Counts::new(&BEARER_TOKEN, &token), token.distance());
                return Ok(Some((counts, distance, Signing::Token(Secret(token.header()?)))));
            }
            let named = [(&SERVICE_ACCOUNT, &account), (&SERVICE_ACCOUNT_KEY, &key), (&APPLICATION_CREDENTIALS, &file)];
            let Some((spec, value)) = named.into_iter().find_map(|(spec, value)| Some((spec, value.as_ref()?))) else {
                continue;
            };
            let (counts, distance) = (Counts::new(spec, value), value.distance());
            let read = match (account, key, file) {
                (Some(account), Some(key), _) => {
                    return Err(invalid(&key.key, format!("is given beside {}; give one of them", account.key)));
                }
                (Some(path), None, _) | (None, None, Some(path)) => key_file::read(&path.key, &path.text)?,
                (None, Some(key), _) => key_file::parse(&key.key, &key.text, "the value")?,
                (None, None, None) => continue,
            };
            return Ok(Some((counts, distance, Signing::From(Source::Key(read)))));
        }
        Ok(None)
    }
}

/// Where nobody said anything: what `gcloud` left behind, else the metadata server. That is asked for credentials to Google
/// only, unless the call itself names it.
fn default(environment: &Environment, endpoint: Option<&str>, metadata: Option<Value>) -> Result<Source, ConfigError> {
    let host = metadata.map(|value| metadata_host(&value)).transpose()?;
    if let Some((host, true)) = host {
        return Ok(Source::Metadata { host });
    }
    let elsewhere = endpoint.filter(|endpoint| !is_google(endpoint));
    if let Some(endpoint) = elsewhere {
        let reason = format!("nothing to authorize requests to {endpoint} with; {ADVICE}");
        return Err(ConfigError::Unauthenticated { reason });
    }
    if let Some(file) = key_file::well_known(environment) {
        return key_file::read("application default credentials", &file.to_string_lossy()).map(Source::Key);
    }
    if environment.get("NO_GCE_CHECK").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(ConfigError::Unauthenticated { reason: format!("none are configured; {ADVICE}") });
    }
    Ok(Source::Metadata { host: host.map_or_else(|| METADATA_HOST.default.to_owned(), |(host, _)| host) })
}

/// The host, and whether the call itself named it.
fn metadata_host(value: &Value) -> Result<(String, bool), ConfigError> {
    let host = value.text.trim_start_matches("http://").trim_end_matches('/').to_owned();
    address::parse(&value.key, &format!("http://{host}/"))?;
    Ok((host, value.origin == Origin::Keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"type": "service_account", "private_key": "hunter2", "private_key_id": "1",
        "client_email": "me@p.iam", "project_id": "p"}"#;

    fn explained(
        options: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> (Vec<Setting>, Result<GcsSettings, ConfigError>) {
        let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let location = Location::parse("gs://b/k").unwrap();
        GcsSettings::explain(&location, options.iter().copied().collect(), &environment)
    }

    fn resolve(options: &[(&str, &str)], variables: &[(&str, &str)]) -> GcsSettings {
        explained(options, variables).1.unwrap()
    }

    #[test]
    fn credentials_of_the_call_win_over_the_environment() {
        let variables = [("GOOGLE_SERVICE_ACCOUNT_KEY", KEY)];
        let settings = resolve(&[], &variables);
        assert_eq!((settings.service_account(), settings.project()), (Some("me@p.iam"), Some("p")));
        assert_eq!(resolve(&[("token", "t")], &variables).signing, Signing::Token(Secret("t".into())));
        assert_eq!(resolve(&[("anon", "true")], &variables).signing, Signing::Unsigned);
        let nothing = [("GOOGLE_SKIP_SIGNATURE", "true"), variables[0]];
        assert_eq!(resolve(&[], &nothing).signing, Signing::Unsigned);
        assert_eq!(resolve(&[("token", "t")], &nothing).signing, Signing::Token(Secret("t".into())));
        let project = [("GOOGLE_CLOUD_PROJECT", "other"), variables[0]];
        assert_eq!(resolve(&[], &project).project(), Some("other"));
    }

    #[test]
    fn an_emulator_gets_no_credentials_that_it_was_not_given() {
        let variables = [("STORAGE_EMULATOR_HOST", "127.0.0.1:9"), ("GOOGLE_SERVICE_ACCOUNT_KEY", KEY)];
        let settings = resolve(&[], &variables);
        assert_eq!((settings.endpoint(), &settings.signing), (Some("http://127.0.0.1:9"), &Signing::Unsigned));
        assert!(settings.wire.allow_http && !settings.is_google());
        assert_eq!(resolve(&[("bearer_token", "t")], &variables).signing, Signing::Token(Secret("t".into())));
        let whole = [("STORAGE_EMULATOR_HOST", "http://localhost:9/storage/v1/")];
        assert_eq!(resolve(&[], &whole).endpoint(), Some("http://localhost:9"));
    }

    #[test]
    fn the_metadata_server_is_asked_for_google_only() {
        let metadata = [("GCE_METADATA_HOST", "127.0.0.1:9")];
        let asked = Signing::From(Source::Metadata { host: "127.0.0.1:9".into() });
        assert_eq!(resolve(&[], &metadata).signing, asked);
        assert_eq!(resolve(&[("endpoint", "https://storage.googleapis.com")], &metadata), resolve(&[], &metadata));
        let elsewhere = explained(&[("endpoint", "http://127.0.0.1:9")], &metadata).1.unwrap_err().to_string();
        assert!(elsewhere.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{elsewhere}");
        let disabled = explained(&[], &[("NO_GCE_CHECK", "True")]).1.unwrap_err().to_string();
        assert!(disabled.contains("gcloud auth"), "{disabled}");
    }

    #[test]
    fn what_gcloud_left_behind_counts_where_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let person = r#"{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}"#;
        std::fs::write(folder.path().join("application_default_credentials.json"), person).unwrap();
        let variables = [("CLOUDSDK_CONFIG", folder.path().to_str().unwrap())];
        assert!(matches!(resolve(&[], &variables).signing, Signing::From(Source::Key(KeyFile::Person { .. }))));
        let both = [variables[0], ("GOOGLE_BEARER_TOKEN", "t")];
        assert!(matches!(resolve(&[], &both).signing, Signing::Token(_)));
    }

    #[test]
    fn what_cannot_be_used_is_told_without_showing_it() {
        for (options, told) in [
            (&[("service_account_key", "hunter2")][..], "not JSON"),
            (&[("service_account", "/nowhere"), ("service_account_key", KEY)], "give one of them"),
            (&[("application_credentials", "/nowhere")], "cannot read"),
            (&[("bucket", "c"), ("token", "hunter2")], "the URI names"),
            (&[("token", "hun\nter2")], "header"),
            (&[("tokn", "hunter2"), ("anon", "1")], "unknown option"),
        ] {
            let message = explained(options, &[]).1.unwrap_err().to_string();
            assert!(message.contains(told) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_token_goes_over_plain_http_to_this_machine_only() {
        let far = ("endpoint", "http://storage.example.org");
        for secret in [("bearer_token", "hunter2"), ("service_account_key", KEY)] {
            let over = |more: &[(&'static str, &'static str)]| explained(&[&[secret], more].concat(), &[]).1;
            let message = over(&[far]).unwrap_err().to_string();
            assert!(message.contains("allow_http=True") && !message.contains("hunter2"), "{message}");
            over(&[("endpoint", "http://127.0.0.1:9")]).unwrap();
            over(&[("endpoint", "https://storage.example.org")]).unwrap();
            over(&[far, ("allow_http", "true")]).unwrap();
        }
        // Emulators are often elsewhere, and get no token.
        assert_eq!(resolve(&[], &[("STORAGE_EMULATOR_HOST", "gcs:4443")]).signing, Signing::Unsigned);
        resolve(&[far, ("anon", "true")], &[]);
    }

    #[test]
    fn neither_the_trail_nor_debug_output_shows_a_secret() {
        let (trail, settings) = explained(&[("service_account_key", KEY)], &[("GOOGLE_BEARER_TOKEN", "hunter2")]);
        let shown = format!("{trail:?} {settings:?}");
        assert!(!shown.contains("hunter2") && shown.contains("me@p.iam"), "{shown}");
        let key = trail.iter().find(|setting| setting.name == "service_account_key").unwrap();
        assert_eq!((&*key.value, key.origin.to_string()), ("****", "keyword".into()));
    }
}
