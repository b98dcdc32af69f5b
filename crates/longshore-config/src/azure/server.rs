//! Which account is meant, and where its server is: Azure's own, the emulator, or another.

use super::found::Layer;
use super::place::account_of;
use super::specs::EMULATOR_URL;
use crate::given::{Given, Value};
use crate::options::invalid;
use crate::{ConfigError, address};

/// The emulator's account, which is public.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";

/// Whether the nearest place that says anything of it means the emulator. An address of Azure's own means none.
pub(super) fn is_emulator(layers: &[Layer; 3]) -> bool {
    layers
        .iter()
        .find_map(|layer| layer.emulator.or(layer.endpoint.as_ref().filter(|value| is_azure(value)).map(|_| false)))
        .unwrap_or(false)
}

fn is_azure(endpoint: &Value) -> bool {
    account_of(host(&endpoint.text.to_ascii_lowercase())).is_some()
}

pub(super) fn host(endpoint: &str) -> &str {
    endpoint.split("://").nth(1).and_then(|rest| rest.split([':', '/']).next()).unwrap_or_default()
}

/// Account and address of Azure itself, or of whatever the endpoint names.
pub(super) fn remote(layers: &[Layer; 3], fabric: bool) -> Result<(String, String), ConfigError> {
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
    let domain = if fabric { "fabric.microsoft.com" } else { "core.windows.net" };
    let endpoint = format!("https://{account}.blob.{domain}");
    Ok((account, endpoint))
}

/// Account and address of the emulator, which has the account in the path.
pub(super) fn local(layers: &[Layer; 3], given: &mut Given<'_>) -> Result<(String, String), ConfigError> {
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
