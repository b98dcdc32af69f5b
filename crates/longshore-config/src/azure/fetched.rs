//! Who is to be asked for tokens: an application with its secret, a workload with the platform's token, the Azure CLI, a
//! managed identity.

use super::credentials::{Source, token_url};
use super::found::is_own;
use super::specs::{
    AUTHORITY_HOST, CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN_FILE, IDENTITY_HEADER, MSI_ENDPOINT, MSI_RESOURCE_ID,
    OBJECT_ID, TENANT_ID, USE_AZURE_CLI,
};
use crate::environment::program;
use crate::given::{Given, Secret, Value};
use crate::options::{boolean, invalid};
use crate::{ConfigError, address};

/// Who is to be asked for tokens.
pub(super) struct Fetched {
    /// Where somebody was named, and whether the call itself named it.
    pub(super) source: Option<(bool, Source)>,
    /// Which of several managed identities is meant.
    pub(super) which: Option<(&'static str, String)>,
}

/// An application's name, directory and secret come from one place. The token of a workload is the platform's, for whichever
/// application is named.
///
/// # Errors
///
/// [`ConfigError::InvalidOption`] for what is missing, does not belong together, or cannot be used.
pub(super) fn fetched(given: &mut Given<'_>) -> Result<Fetched, ConfigError> {
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
            // As with S3's keys: half of one application and half of another would be nobody.
            if let Some(stray) = [&client_id, &tenant].into_iter().flatten().find(|value| is_own(value) != own) {
                let reason = format!(
                    "comes from another place than {}; client_id, client_secret and tenant_id are one set: give all three \
                     as keywords, or all three as variables",
                    secret.key
                );
                return Err(invalid(&stray.key, reason));
            }
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
