//! What decides how one container is reached, merged from keywords, URI, variables and defaults.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use object_store::azure::AzureAccessKey;

use super::configured;
use super::credentials::Source;
use super::fetched::fetched;
use super::found::{Layer, layers};
use super::place::account_of;
use super::server::{host, is_emulator, local, remote};
use super::specs::{
    CONTAINER_NAME, CREDENTIAL_TYPE, DISABLE_TAGGING, ENCRYPTION_KEY, FABRIC, SKIP_SIGNATURE, SPECS,
    USE_FABRIC_ENDPOINT,
};
use crate::address;
use crate::given::{Given, Resolved, Secret, Setting, Spec, Value};
use crate::options::{PROVIDER, boolean, invalid};
use crate::provided::Provided;
use crate::wire::{WIRE, Wire};
use crate::{ConfigError, Configured, Environment, Location, Options};

/// The key of the emulator's account, which is public.
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// What requests are authorized with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Signing {
    /// Nothing.
    Unsigned,
    /// A key of the account.
    Key(Secret),
    /// A shared access signature.
    Signature(Secret),
    /// A token that was given outright.
    Token(Secret),
    /// Tokens that have to be fetched.
    From(Source),
    /// What somebody gives who was given.
    By(Provided),
}

/// Everything that decides how one container is reached. Equal settings share one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AzureSettings {
    pub(super) container: String,
    pub(super) account: String,
    /// The address of the blob service, without a slash at its end.
    pub(super) endpoint: String,
    pub(super) signing: Signing,
    pub(super) disable_tagging: bool,
    pub(super) encryption_key: Option<Secret>,
    pub(super) wire: Wire,
}

impl AzureSettings {
    /// Merges `options` over what `location` says over `environment` over defaults.
    ///
    /// Credentials count as a set, from the nearest place that has any: the keywords, the URI, the variables. Among those of
    /// one place a token counts before a key, a key before a shared access signature; then come workload identity, an
    /// application's secret, the Azure CLI where it was asked for, and managed identity.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownOption`], [`ConfigError::InvalidOption`] and [`ConfigError::Unauthenticated`].
    pub fn resolve(location: &Location, options: Options, environment: &Environment) -> Result<Self, ConfigError> {
        Self::explain(location, options, environment).1
    }

    /// As [`resolve`](Self::resolve), with what was found on the way and who said it, also where that cannot be used.
    pub fn explain(
        location: &Location,
        options: Options,
        environment: &Environment,
    ) -> (Vec<Setting>, Result<Self, ConfigError>) {
        let said = Self::said(Some(location), options, environment);
        (said.0, said.1.map(|(settings, _)| settings))
    }

    /// As [`resolve`](Self::resolve), for a container that a keyword or a variable may name, with what was said and counts.
    pub(crate) fn configure(
        location: Option<&Location>,
        options: Options,
        environment: &Environment,
    ) -> Result<(Self, Vec<Configured>), ConfigError> {
        Self::said(location, options, environment).1
    }

    fn said(location: Option<&Location>, options: Options, environment: &Environment) -> Resolved<Self> {
        let said = location.map(Location::said).into_iter().flatten();
        let given = Given::about(said, options, environment);
        let container = location.map(Location::bucket);
        given.resolve("AzureStore", "azure_", &Self::specs(), |given| Self::merge(container, given))
    }

    fn merge(container: Option<&str>, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let container = given.bucket(&CONTAINER_NAME, container)?;
        let provided = given.options.take_provided();
        let layers = layers(given)?;
        let unsigned = given.text(&SKIP_SIGNATURE)?.map(said_true).transpose()?.flatten();
        let emulator = is_emulator(&layers);
        let fabric = given.flag(&USE_FABRIC_ENDPOINT)?.unwrap_or(false);
        let (account, endpoint) = if emulator { local(&layers, given)? } else { remote(&layers, fabric)? };
        let wire = Wire::resolve(given, endpoint.starts_with("http://"))?;
        let disable_tagging = given.flag(&DISABLE_TAGGING)?.unwrap_or(false);
        let encryption_key = given.text(&ENCRYPTION_KEY)?.map(encryption_key).transpose()?;
        refuse_what_is_not_done(given)?;
        let fetched = fetched(given)?;
        let own = [&layers[0].key, &layers[0].signature, &layers[0].token].into_iter().flatten().next();
        if let (Some(_), Some(own)) = (&provided, own) {
            return Err(invalid(PROVIDER, format!("is given beside {}; give one of them", own.key)));
        }
        let decided = match provided {
            Some(provided) => Some((0, Signing::By(provided))),
            None => layers.into_iter().find(|layer| layer.decides(&account)).map(outright).transpose()?,
        };
        let nearest =
            [decided.as_ref().map(|(distance, _)| *distance), fetched.source.as_ref().map(|(own, _)| away(*own))];
        let nearest = nearest.into_iter().flatten().min().unwrap_or(u8::MAX);
        let signing = match (decided, fetched.source) {
            _ if unsigned.is_some_and(|distance| distance <= nearest) => Signing::Unsigned,
            (Some((distance, signing)), Some((own, source))) => {
                // What stands farther away does not stand in the way of what was asked for in the call.
                if away(own) < distance { Signing::From(source) } else { signing }
            }
            (Some((_, signing)), None) => signing,
            (None, Some((_, source))) => Signing::From(source),
            (None, None) if emulator => Signing::Key(Secret(EMULATOR_KEY.to_owned())),
            (None, None) if account_of(host(&endpoint)).is_some() => {
                Signing::From(Source::Identity { endpoint: None, header: None, which: fetched.which })
            }
            (None, None) => return Err(ConfigError::Unauthenticated { reason: nobody(&endpoint) }),
        };
        match &signing {
            // A key signs and stays here.
            Signing::Unsigned | Signing::Key(_) => {}
            Signing::Signature(_) => wire.guard(given, &endpoint, "a shared access signature")?,
            Signing::Token(_) | Signing::From(_) => wire.guard(given, &endpoint, "a token")?,
            Signing::By(_) => wire.guard(given, &endpoint, "what the credential provider gives")?,
        }
        if encryption_key.is_some() {
            wire.guard(given, &endpoint, "an encryption key")?;
        }
        let settings = Self { container, account, endpoint, signing, disable_tagging, encryption_key, wire };
        address::parse("endpoint", &settings.container_url())?;
        configured::note(given, &settings, emulator);
        Ok(settings)
    }

    /// Whether the two differ in nothing but the container, so that the server can copy from one to the other.
    pub fn same_service(&self, other: &Self) -> bool {
        let elsewhere = Self { container: other.container.clone(), ..self.clone() };
        // A key that requests bring along is not known to the server that copies.
        elsewhere == *other && self.encryption_key.is_none()
    }

    /// The container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The storage account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The address of the account's blob service.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Who makes requests ours, in words. `None` where they go without credentials.
    pub fn signs_with(&self) -> Option<String> {
        Some(match &self.signing {
            Signing::Unsigned => return None,
            Signing::Key(_) => format!("a key of the account {}", self.account),
            Signing::Signature(_) => "a shared access signature".into(),
            Signing::Token(_) => "a token that was given".into(),
            Signing::By(provided) => provided.who(),
            Signing::From(source) => source.who().trim_end_matches(',').to_owned(),
        })
    }

    /// Every setting there is.
    pub fn specs() -> Vec<&'static Spec> {
        [&SPECS[..], &WIRE[..]].concat()
    }

    pub(super) fn container_url(&self) -> String {
        format!("{}/{}", self.endpoint, self.container)
    }
}

/// How far away a flag was said, where it says yes.
fn said_true(value: Value) -> Result<Option<u8>, ConfigError> {
    Ok(boolean(&value.key, &value.text)?.then_some(value.distance()))
}

/// How far away credentials are that have to be fetched: the URI says nothing of them.
fn away(own: bool) -> u8 {
    if own { 0 } else { 2 }
}

fn nobody(endpoint: &str) -> String {
    format!("nothing to authorize requests to {endpoint} with; {}", super::credentials::ADVICE)
}

/// A key that every request about a blob brings along.
fn encryption_key(value: Value) -> Result<Secret, ConfigError> {
    match BASE64_STANDARD.decode(&value.text) {
        Ok(key) if key.len() == 32 => Ok(Secret(value.text)),
        _ => Err(invalid(&value.key, "is not 32 bytes in base64".into())),
    }
}

/// Refuses what other clients do and this one does not.
fn refuse_what_is_not_done(given: &mut Given<'_>) -> Result<(), ConfigError> {
    for spec in FABRIC {
        if given.by_keyword(spec)?.is_some() {
            let reason = format!(
                "{}: Fabric's token service is not asked for tokens; pass bearer_token, or a credential_provider that asks it",
                spec.name
            );
            return Err(ConfigError::NotSupported { reason });
        }
    }
    if given.by_keyword(&CREDENTIAL_TYPE)?.is_some() {
        let reason = "credential_type: which credentials count follows from those that are given; leave it out, and give                       only those that are meant";
        return Err(ConfigError::NotSupported { reason: reason.into() });
    }
    Ok(())
}

/// What a place authorizes with, and how far away it is.
fn outright(layer: Layer) -> Result<(u8, Signing), ConfigError> {
    let Layer { key, signature, token, .. } = layer;
    if let Some(token) = token {
        return Ok((token.distance(), Signing::Token(Secret(token.header()?))));
    }
    if let Some(key) = key {
        if AzureAccessKey::try_new(&key.text).is_err() {
            return Err(invalid(&key.key, "is not in base64, as keys of an account are".into()));
        }
        return Ok((key.distance(), Signing::Key(Secret(key.text))));
    }
    let Some(signature) = signature else { return Ok((u8::MAX, Signing::Unsigned)) };
    let distance = signature.distance();
    let name = signature.key.clone();
    let text = signature.header()?;
    let text = text.trim_start_matches('?');
    if !text.split('&').any(|pair| pair.starts_with("sig=")) || text.split('&').any(|pair| !pair.contains('=')) {
        return Err(invalid(&name, "is no shared access signature; one begins like sv=… and holds sig=…".into()));
    }
    Ok((distance, Signing::Signature(Secret(text.to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key, in base64.
    const KEY: &str = "aHVudGVyMg==";

    fn explained(
        uri: &str,
        options: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> (Vec<Setting>, Result<AzureSettings, ConfigError>) {
        let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        AzureSettings::explain(&Location::parse(uri).unwrap(), options.iter().copied().collect(), &environment)
    }

    fn resolve(uri: &str, options: &[(&str, &str)], variables: &[(&str, &str)]) -> AzureSettings {
        explained(uri, options, variables).1.unwrap()
    }

    fn refusal(options: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
        explained("az://c/k", options, variables).1.unwrap_err().to_string()
    }

    #[test]
    fn the_nearest_place_says_whether_the_emulator_is_meant() {
        let variables = [("AZURE_STORAGE_USE_EMULATOR", "true"), ACCOUNT[0], ACCOUNT[1]];
        let real = resolve("az://c/k", &[("use_emulator", "false")], &variables);
        assert_eq!(real.endpoint(), "https://acc.blob.core.windows.net");
        let named = resolve("https://acc.blob.core.windows.net/c/k", &[], &variables);
        assert_eq!(named.endpoint(), "https://acc.blob.core.windows.net");
        assert!(resolve("az://c/k", &[], &variables).endpoint().starts_with("http://127.0.0.1:10000/acc"));
    }

    #[test]
    fn what_a_keyword_authorizes_with_wins_over_the_uri_and_over_a_variable_that_wants_nothing() {
        let uri = "https://acc.blob.core.windows.net/c/k?sv=1&sig=x";
        let application = [("client_id", "me"), ("client_secret", "p"), ("tenant_id", "here")];
        assert!(matches!(resolve(uri, &application, &[]).signing, Signing::From(Source::Secret { .. })));
        let nothing = [("AZURE_SKIP_SIGNATURE", "true"), ACCOUNT[0], ACCOUNT[1]];
        assert_eq!(resolve("az://c/k", &[("account_key", KEY)], &nothing).signing, Signing::Key(Secret(KEY.into())));
        assert_eq!(resolve("az://c/k", &[], &nothing).signing, Signing::Unsigned);
        let said = [("account_key", KEY), ("skip_signature", "true")];
        assert_eq!(resolve("az://c/k", &said, &nothing).signing, Signing::Unsigned);
    }

    const ACCOUNT: [(&str, &str); 2] = [("AZURE_STORAGE_ACCOUNT", "acc"), ("AZURE_STORAGE_KEY", KEY)];

    #[test]
    fn the_account_comes_from_keyword_uri_or_variable() {
        let settings = resolve("az://c/k", &[], &ACCOUNT);
        assert_eq!((settings.account(), settings.endpoint()), ("acc", "https://acc.blob.core.windows.net"));
        assert_eq!(settings.signing, Signing::Key(Secret(KEY.into())));
        let settings = resolve("abfss://c@other.dfs.core.usgovcloudapi.net/k", &[], &ACCOUNT);
        assert_eq!((settings.account(), settings.endpoint()), ("other", "https://other.blob.core.usgovcloudapi.net"));
        // The key of one account is of no use for another.
        assert!(matches!(settings.signing, Signing::From(Source::Identity { endpoint: None, .. })), "{settings:?}");
        let settings = resolve("az://c/k", &[("account_name", "mine"), ("access_key", KEY)], &ACCOUNT);
        assert_eq!((settings.account(), settings.endpoint()), ("mine", "https://mine.blob.core.windows.net"));
        assert!(refusal(&[], &[]).contains("AZURE_STORAGE_ACCOUNT_NAME"), "{}", refusal(&[], &[]));
    }

    #[test]
    fn credentials_of_the_call_win_over_those_of_the_uri_over_the_environment() {
        let signature = "https://acc.blob.core.windows.net/c/k?sv=1&sig=uri";
        let signing = |options: &[(&str, &str)]| resolve(signature, options, &ACCOUNT).signing;
        assert_eq!(signing(&[]), Signing::Signature(Secret("sv=1&sig=uri".into())));
        assert_eq!(signing(&[("sas_token", "?sv=1&sig=x")]), Signing::Signature(Secret("sv=1&sig=x".into())));
        assert_eq!(signing(&[("bearer_token", "t")]), Signing::Token(Secret("t".into())));
        assert_eq!(signing(&[("skip_signature", "true")]), Signing::Unsigned);
        let principal = [("client_id", "i"), ("client_secret", "s"), ("tenant_id", "t")];
        assert!(matches!(resolve("az://c/k", &principal, &ACCOUNT).signing, Signing::From(Source::Secret { .. })));
        let everything =
            [&ACCOUNT[..], &[("AZURE_CLIENT_ID", "i"), ("AZURE_CLIENT_SECRET", "s"), ("AZURE_TENANT_ID", "t")]];
        assert!(matches!(resolve("az://c/k", &[], &everything.concat()).signing, Signing::Key(_)));
    }

    #[test]
    fn a_connection_string_says_everything_at_once() {
        let text = format!("AccountName=acc;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn");
        let variables = [("AZURE_STORAGE_CONNECTION_STRING", &*text)];
        let settings = resolve("az://c/k", &[], &variables);
        assert_eq!((settings.account(), settings.endpoint()), ("acc", "https://acc.blob.core.chinacloudapi.cn"));
        assert_eq!(settings.signing, Signing::Key(Secret(KEY.into())));
        let other = resolve("https://other.blob.core.windows.net/c/k", &[("sas_token", "sv=1&sig=x")], &variables);
        assert_eq!((other.account(), other.endpoint()), ("other", "https://other.blob.core.windows.net"));
    }

    #[test]
    fn the_emulator_has_its_well_known_account_in_the_path() {
        for options in [&[("use_emulator", "true")][..], &[("connection_string", "UseDevelopmentStorage=true")]] {
            let settings = resolve("az://c/k", options, &[]);
            assert_eq!(settings.endpoint(), "http://127.0.0.1:10000/devstoreaccount1");
            assert_eq!(settings.signing, Signing::Key(Secret(EMULATOR_KEY.into())));
            assert!(settings.wire.allow_http);
        }
        let variables = [("AZURITE_BLOB_STORAGE_URL", "http://127.0.0.1:9"), ("AZURE_STORAGE_USE_EMULATOR", "1")];
        assert_eq!(resolve("az://c/k", &[], &variables).endpoint(), "http://127.0.0.1:9/devstoreaccount1");
        let named = [("endpoint", "http://127.0.0.1:9/acc"), ("account_key", KEY)];
        assert_eq!(resolve("az://c/k", &named, &[]).account(), "acc");
    }

    #[test]
    fn each_way_to_a_token_is_found_by_its_own_variables() {
        let account = ("AZURE_STORAGE_ACCOUNT_NAME", "acc");
        let id = [account, ("AZURE_CLIENT_ID", "i"), ("AZURE_TENANT_ID", "t")];
        let workload =
            [&id[..], &[("AZURE_FEDERATED_TOKEN_FILE", "/f"), ("AZURE_AUTHORITY_HOST", "login.example.org")]];
        let Signing::From(Source::Workload { token_url, file, .. }) =
            resolve("az://c/k", &[], &workload.concat()).signing
        else {
            panic!("no workload")
        };
        assert_eq!((&*token_url, &*file), ("https://login.example.org/t/oauth2/v2.0/token", "/f"));
        let service = [account, ("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token"), ("IDENTITY_HEADER", "hunter2")];
        let settings = resolve("az://c/k", &[("object_id", "o")], &service);
        let Signing::From(Source::Identity { endpoint, header, which }) = &settings.signing else {
            panic!("no identity")
        };
        assert_eq!(endpoint.as_deref(), Some("http://127.0.0.1:9/token"));
        assert!(header.is_some() && *which == Some(("object_id", "o".into())));
        let half = [account, ("AZURE_CLIENT_SECRET", "hunter2"), ("AZURE_CLIENT_ID", "i")];
        let message = refusal(&[], &half);
        assert!(message.starts_with("tenant_id") && !message.contains("hunter2"), "{message}");
        assert!(refusal(&[("use_azure_cli", "true")], &[account, ("PATH", "/nowhere")]).contains("Azure CLI"));
    }

    #[test]
    fn name_directory_and_secret_of_an_application_come_from_one_place() {
        let account = ("account_name", "acc");
        let keywords = [("client_id", "i"), ("client_secret", "hunter2"), ("tenant_id", "t")];
        let variables = [("AZURE_CLIENT_ID", "I"), ("AZURE_CLIENT_SECRET", "hunter3"), ("AZURE_TENANT_ID", "T")];
        // Each of the three by keyword or by variable, every way there is to mix them.
        for mix in 0..8 {
            let (by_keyword, by_variable): (Vec<usize>, Vec<usize>) = (0..3).partition(|index| mix & (1 << index) != 0);
            let options: Vec<_> = by_keyword.iter().map(|index| keywords[*index]).chain([account]).collect();
            let environment: Vec<_> = by_variable.iter().map(|index| variables[*index]).collect();
            match explained("az://c/k", &options, &environment).1 {
                Ok(settings) => {
                    assert!(matches!(settings.signing, Signing::From(Source::Secret { .. })) && matches!(mix, 0 | 7));
                }
                Err(error) => {
                    let message = error.to_string();
                    assert!(message.contains("one set") && !message.contains("hunter"), "{mix}: {message}");
                    assert!(!matches!(mix, 0 | 7), "{message}");
                }
            }
        }
        // The platform's token is for whichever application is named.
        let workload = [("AZURE_FEDERATED_TOKEN_FILE", "/f"), variables[0], variables[2]];
        let named = resolve("az://c/k", &[account, keywords[0]], &workload);
        assert!(matches!(named.signing, Signing::From(Source::Workload { client_id, .. }) if client_id == "i"));
    }

    #[test]
    fn the_metadata_service_is_asked_for_azure_only() {
        let message = refusal(&[("endpoint", "http://127.0.0.1:9/acc")], &[]);
        assert!(message.contains("account_key") && message.contains("skip_signature"), "{message}");
        let settings = resolve("az://c/k", &[("account_name", "acc")], &[]);
        assert!(matches!(settings.signing, Signing::From(Source::Identity { endpoint: None, .. })));
    }

    #[test]
    fn what_cannot_be_used_is_told_without_showing_it() {
        for (options, told) in [
            (&[("account_name", "acc"), ("account_key", "hunter2!")][..], "base64"),
            (&[("account_name", "acc"), ("sas_token", "hunter2")], "sig="),
            (&[("account_name", "a/b")], "a/b"),
            (&[("account_name", "acc"), ("container_name", "d")], "the URI names"),
            (&[("account_name", "acc"), ("sas_tokn", "hunter2")], "sas_token"),
            (
                &[("account_name", "acc"), ("authority_host", "http://login.example.org"), ("client_secret", "s")],
                "https://",
            ),
        ] {
            let message = refusal(options, &[]);
            assert!(message.contains(told) && !message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn what_is_good_for_whoever_reads_it_goes_over_plain_http_to_this_machine_only() {
        let application = [("client_id", "i"), ("client_secret", "hunter2"), ("tenant_id", "t")];
        for secret in [&[("bearer_token", "hunter2")][..], &[("sas_token", "sv=1&sig=hunter2")], &application] {
            let over = |endpoint: &'static str, more: &[(&'static str, &'static str)]| {
                explained("az://c/k", &[secret, &[("endpoint", endpoint)], more].concat(), &[]).1
            };
            let message = over("http://storage.example.org/acc", &[]).unwrap_err().to_string();
            assert!(message.contains("allow_http=True") && !message.contains("hunter2"), "{message}");
            over("http://127.0.0.1:9/acc", &[]).unwrap();
            over("https://storage.example.org/acc", &[]).unwrap();
            over("http://storage.example.org/acc", &[("allow_http", "true")]).unwrap();
        }
        for harmless in [("account_key", KEY), ("skip_signature", "true")] {
            resolve("az://c/k", &[harmless, ("endpoint", "http://storage.example.org/acc")], &[]);
        }
    }

    #[test]
    fn neither_the_trail_nor_debug_output_shows_a_secret() {
        let options = [("account_name", "acc"), ("client_secret", "hunter2"), ("client_id", "i"), ("tenant_id", "t")];
        let variables = [("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=hunter2"), ("AZURE_STORAGE_TOKEN", "hunter2")];
        let (trail, settings) = explained("az://c/k?sv=1&sig=hunter2", &options, &variables);
        let shown = format!("{trail:?} {settings:?}");
        assert!(!shown.contains("hunter2") && shown.contains("acc"), "{shown}");
        let account = trail.iter().find(|setting| setting.name == "account_name").unwrap();
        assert_eq!((&*account.value, account.origin.to_string()), ("acc", "keyword".into()));
        let signature = trail.iter().find(|setting| setting.name == "sas_token").unwrap();
        assert_eq!((&*signature.value, signature.origin.to_string()), ("****", "URI".into()));
    }
}
