//! What decides how one container is reached, merged from keywords, URI, variables and defaults.

use object_store::azure::AzureAccessKey;

use super::configured;
use super::credentials::{Source, token_url};
use super::found::{Layer, is_own, layers};
use super::place::account_of;
use super::specs::{
    AUTHORITY_HOST, CLIENT_ID, CLIENT_SECRET, CONTAINER_NAME, EMULATOR_URL, FEDERATED_TOKEN_FILE, IDENTITY_HEADER,
    MSI_ENDPOINT, MSI_RESOURCE_ID, OBJECT_ID, SKIP_SIGNATURE, SPECS, TENANT_ID, USE_AZURE_CLI,
};
use crate::address;
use crate::environment::program;
use crate::given::{Given, Secret, Setting, Spec, Value};
use crate::options::{PROVIDER, boolean, invalid};
use crate::provided::Provided;
use crate::wire::{WIRE, Wire};
use crate::{ConfigError, Configured, Environment, Location, Options};

/// The emulator's account and its key, which are public.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
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
        let mut given = Given::new(options, environment);
        given.uri = location.said().iter().map(|(name, value)| (*name, value.0.clone())).collect();
        let settings = Self::merge(Some(location.bucket()), &mut given);
        (given.trail(), settings)
    }

    /// As [`resolve`](Self::resolve), for a container that a keyword or a variable may name, with what was said and counts.
    pub(crate) fn configure(
        location: Option<&Location>,
        options: Options,
        environment: &Environment,
    ) -> Result<(Self, Vec<Configured>), ConfigError> {
        let mut given = Given::new(options, environment);
        if let Some(location) = location {
            given.uri = location.said().iter().map(|(name, value)| (*name, value.0.clone())).collect();
        }
        let settings = Self::merge(location.map(Location::bucket), &mut given)?;
        Ok((settings, given.configured()))
    }

    fn merge(container: Option<&str>, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let container = given.bucket(&CONTAINER_NAME, container)?;
        let provided = given.options.take_provided();
        let layers = layers(given)?;
        let unsigned = given.text(&SKIP_SIGNATURE)?.map(said_true).transpose()?.flatten();
        let emulator = is_emulator(&layers);
        let (account, endpoint) = if emulator { local(&layers, given)? } else { remote(&layers)? };
        let wire = Wire::resolve(given, endpoint.starts_with("http://"))?;
        let fetched = fetched(given)?;
        given.refuse_the_rest("AzureStore", &Self::specs())?;
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
        let settings = Self { container, account, endpoint, signing, wire };
        address::parse("endpoint", &settings.container_url())?;
        configured::note(given, &settings, emulator);
        Ok(settings)
    }

    /// Whether the two differ in nothing but the container, so that the server can copy from one to the other.
    pub fn same_service(&self, other: &Self) -> bool {
        let elsewhere = Self { container: other.container.clone(), ..self.clone() };
        elsewhere == *other
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

/// Whether the nearest place that says anything of it means the emulator. An address of Azure's own means none.
fn is_emulator(layers: &[Layer; 3]) -> bool {
    layers
        .iter()
        .find_map(|layer| layer.emulator.or(layer.endpoint.as_ref().filter(|value| is_azure(value)).map(|_| false)))
        .unwrap_or(false)
}

fn is_azure(endpoint: &Value) -> bool {
    account_of(host(&endpoint.text.to_ascii_lowercase())).is_some()
}

fn nobody(endpoint: &str) -> String {
    format!("nothing to authorize requests to {endpoint} with; {}", super::credentials::ADVICE)
}

fn host(endpoint: &str) -> &str {
    endpoint.split("://").nth(1).and_then(|rest| rest.split([':', '/']).next()).unwrap_or_default()
}

/// Account and address of Azure itself, or of whatever the endpoint names.
fn remote(layers: &[Layer; 3]) -> Result<(String, String), ConfigError> {
    let named = layers.iter().find_map(|layer| layer.account.as_ref()).map(account_name).transpose()?;
    for value in layers.iter().filter_map(|layer| layer.endpoint.as_ref()) {
        let endpoint = address::endpoint(&value.key, &value.text)?;
        let own = account_of(host(&endpoint)).map(str::to_owned);
        return match (&named, own) {
            // The address of another account, from a place farther away than the one that named this account.
            (Some(named), Some(own)) if *named != own => continue,
            (Some(named), _) => Ok((named.clone(), endpoint)),
            (None, Some(own)) => Ok((own, endpoint)),
            // The emulator and its like have the account in the path.
            (None, None) => match endpoint.splitn(4, '/').nth(3).and_then(|path| path.rsplit('/').next()) {
                Some(last) if !last.is_empty() => Ok((last.to_owned(), endpoint)),
                _ => Err(missing_account()),
            },
        };
    }
    let account = named.ok_or_else(missing_account)?;
    let endpoint = format!("https://{account}.blob.core.windows.net");
    Ok((account, endpoint))
}

/// Account and address of the emulator, which has the account in the path.
fn local(layers: &[Layer; 3], given: &mut Given<'_>) -> Result<(String, String), ConfigError> {
    let account = layers.iter().find_map(|layer| layer.account.as_ref());
    let account = account.map_or_else(|| Ok(EMULATOR_ACCOUNT.to_owned()), account_name)?;
    let named = layers.iter().filter_map(|layer| layer.endpoint.as_ref()).find(|value| !is_azure(value));
    let base = match named {
        Some(value) => address::endpoint(&value.key, &value.text)?,
        None => match given.text(&EMULATOR_URL)? {
            Some(value) => address::endpoint(&value.key, &value.text)?,
            None => EMULATOR_URL.default.to_owned(),
        },
    };
    let bare = base.splitn(4, '/').nth(3).is_none_or(str::is_empty);
    Ok((account.clone(), if bare { format!("{base}/{account}") } else { base }))
}

fn missing_account() -> ConfigError {
    let reason = "is missing; pass account_name, set AZURE_STORAGE_ACCOUNT_NAME, or write the account into the URI: \
                  https://account.blob.core.windows.net/container/key";
    invalid("account_name", reason.into())
}

fn account_name(value: &Value) -> Result<String, ConfigError> {
    if value.text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        return Ok(value.text.clone());
    }
    Err(invalid(&value.key, format!("{:?} is no name of a storage account", value.text)))
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

/// Who is to be asked for tokens.
struct Fetched {
    /// Where somebody was named, and whether the call itself named it.
    source: Option<(bool, Source)>,
    /// Which of several managed identities is meant.
    which: Option<(&'static str, String)>,
}

fn fetched(given: &mut Given<'_>) -> Result<Fetched, ConfigError> {
    let client_id = given.text(&CLIENT_ID)?;
    let tenant = given.text(&TENANT_ID)?;
    let authority = given.text(&AUTHORITY_HOST)?;
    let secret = given.text(&CLIENT_SECRET)?;
    let file = given.text(&FEDERATED_TOKEN_FILE)?;
    let endpoint = given.text(&MSI_ENDPOINT)?;
    let header = given.text(&IDENTITY_HEADER)?;
    let cli = given.text(&USE_AZURE_CLI)?;
    let which = which_of(given, client_id.as_ref())?;
    let directory = |asked: &Value| {
        let authority = match &authority {
            Some(value) => {
                // The variable of Azure's own libraries is often set without a scheme.
                let text =
                    if value.text.contains("://") { value.text.clone() } else { format!("https://{}", value.text) };
                let url = address::endpoint(&value.key, &text)?;
                if url.starts_with("http://") && !address::is_near(&url) {
                    return Err(invalid(&value.key, "the address must begin with https://".into()));
                }
                url
            }
            None => AUTHORITY_HOST.default.to_owned(),
        };
        let missing = |name: &str| invalid(name, format!("is missing, though there is a {}", asked.key));
        let tenant = tenant.as_ref().ok_or_else(|| missing("tenant_id"))?;
        let client_id = client_id.as_ref().ok_or_else(|| missing("client_id"))?;
        let url = token_url(&authority, &tenant.text);
        address::parse(&tenant.key, &url)?;
        Ok((url, client_id.text.clone()))
    };
    let found = |own, source| Ok(Fetched { source: Some((own, source)), which: None });
    // What the call itself asks for comes before what the environment offers.
    for own in [true, false] {
        if let Some(file) = file.as_ref().filter(|value| is_own(value) == own) {
            let (token_url, client_id) = directory(file)?;
            return found(own, Source::Workload { token_url, client_id, file: file.text.clone() });
        }
        if let Some(secret) = secret.as_ref().filter(|value| is_own(value) == own) {
            let (token_url, client_id) = directory(secret)?;
            return found(own, Source::Secret { token_url, client_id, secret: Secret(secret.text.clone()) });
        }
        if let Some(cli) = cli.as_ref().filter(|value| is_own(value) == own)
            && boolean(&cli.key, &cli.text)?
        {
            let program = program(given.environment, "az").ok_or_else(|| {
                invalid(&cli.key, "there is no program `az` on the PATH; install the Azure CLI".into())
            })?;
            return found(own, Source::Cli { program });
        }
        if let Some(endpoint) = endpoint.as_ref().filter(|value| is_own(value) == own) {
            let url = address::parse(&endpoint.key, &endpoint.text)?.to_string();
            let header = header.map(Value::header).transpose()?.map(Secret);
            return found(own, Source::Identity { endpoint: Some(url), header, which });
        }
    }
    Ok(Fetched { source: None, which })
}

fn which_of(given: &mut Given<'_>, client_id: Option<&Value>) -> Result<Option<(&'static str, String)>, ConfigError> {
    let object = given.text(&OBJECT_ID)?.map(|value| ("object_id", value.text));
    let resource = given.text(&MSI_RESOURCE_ID)?.map(|value| ("msi_res_id", value.text));
    Ok(resource.or(object).or_else(|| client_id.map(|value| ("client_id", value.text.clone()))))
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
