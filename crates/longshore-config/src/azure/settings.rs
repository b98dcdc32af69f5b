//! What decides how one container is reached, merged from keywords, URI, variables and defaults.

use object_store::azure::AzureAccessKey;

use super::credentials::{Source, token_url};
use super::found::{Layer, is_own, layers};
use super::place::account_of;
use super::specs::{
    AUTHORITY_HOST, CLIENT_ID, CLIENT_SECRET, CONTAINER_NAME, EMULATOR_URL, FEDERATED_TOKEN_FILE, IDENTITY_HEADER,
    MSI_ENDPOINT, MSI_RESOURCE_ID, OBJECT_ID, SKIP_SIGNATURE, SPECS, TENANT_ID, USE_AZURE_CLI,
};
use crate::address;
use crate::environment::program;
use crate::given::{Given, Secret, Setting, Value};
use crate::options::invalid;
use crate::wire::{WIRE, Wire};
use crate::{ConfigError, Environment, Location, Options};

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
        let settings = Self::merge(location.bucket(), &mut given);
        (given.trail(), settings)
    }

    fn merge(container: &str, given: &mut Given<'_>) -> Result<Self, ConfigError> {
        let layers = layers(given)?;
        let again = given.text(&CONTAINER_NAME)?;
        if let Some(again) = again.filter(|again| again.text != container) {
            return Err(invalid(&again.key, format!("is {:?}, and the URI names {container:?}", again.text)));
        }
        let unsigned = given.flag(&SKIP_SIGNATURE)?.unwrap_or(false);
        let emulator = layers.iter().any(|layer| layer.emulator);
        let (account, endpoint) = if emulator { local(&layers, given)? } else { remote(&layers)? };
        let wire = Wire::resolve(given, endpoint.starts_with("http://"))?;
        let fetched = fetched(given)?;
        given.refuse_the_rest("AzureStore", &[&SPECS[..], &WIRE[..]].concat())?;
        let decided = layers.into_iter().find(|layer| layer.decides(&account)).map(outright).transpose()?;
        let signing = match (decided, fetched.source) {
            _ if unsigned => Signing::Unsigned,
            (Some((own, signing)), Some((later_own, source))) => {
                // What the environment holds does not stand in the way of what was asked for in the call.
                if later_own && !own { Signing::From(source) } else { signing }
            }
            (Some((_, signing)), None) => signing,
            (None, Some((_, source))) => Signing::From(source),
            (None, None) if emulator => Signing::Key(Secret(EMULATOR_KEY.to_owned())),
            (None, None) if account_of(host(&endpoint)).is_some() => {
                Signing::From(Source::Identity { endpoint: None, header: None, which: fetched.which })
            }
            (None, None) => return Err(ConfigError::Unauthenticated { reason: nobody(&endpoint) }),
        };
        let settings = Self { container: container.to_owned(), account, endpoint, signing, wire };
        address::parse("endpoint", &settings.container_url())?;
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

    pub(super) fn container_url(&self) -> String {
        format!("{}/{}", self.endpoint, self.container)
    }
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
    let named = layers.iter().find_map(|layer| layer.endpoint.as_ref());
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

/// What a place authorizes with, and whether that place is the call itself.
fn outright(layer: Layer) -> Result<(bool, Signing), ConfigError> {
    let Layer { key, signature, token, .. } = layer;
    if let Some(token) = token {
        return Ok((is_own(&token), Signing::Token(Secret(token.header()?))));
    }
    if let Some(key) = key {
        if AzureAccessKey::try_new(&key.text).is_err() {
            return Err(invalid(&key.key, "is not in base64, as keys of an account are".into()));
        }
        return Ok((is_own(&key), Signing::Key(Secret(key.text))));
    }
    let Some(signature) = signature else { return Ok((false, Signing::Unsigned)) };
    let own = is_own(&signature);
    let name = signature.key.clone();
    let text = signature.header()?;
    let text = text.trim_start_matches('?');
    if !text.split('&').any(|pair| pair.starts_with("sig=")) || text.split('&').any(|pair| !pair.contains('=')) {
        return Err(invalid(&name, "is no shared access signature; one begins like sv=… and holds sig=…".into()));
    }
    Ok((own, Signing::Signature(Secret(text.to_owned()))))
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
            && crate::options::boolean(&cli.key, &cli.text)?
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
