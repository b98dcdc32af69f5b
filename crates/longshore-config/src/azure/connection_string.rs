//! Connection strings, as the portal shows them: `AccountName=…;AccountKey=…;EndpointSuffix=…`.

use crate::ConfigError;
use crate::options::invalid;

/// What a connection string says.
#[derive(Default, PartialEq, Eq)]
pub(super) struct ConnectionString {
    pub(super) account: Option<String>,
    pub(super) key: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) endpoint: Option<String>,
    /// `UseDevelopmentStorage=true`: the emulator, with its well-known account.
    pub(super) emulator: bool,
}

/// Reads `text`. Errors name `key` and never show a value.
pub(super) fn read(key: &str, text: &str) -> Result<ConnectionString, ConfigError> {
    let mut read = ConnectionString::default();
    let (mut protocol, mut suffix) = ("https".to_owned(), None);
    for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(invalid(key, "is no connection string; one is a list of Name=value with semicolons".into()));
        };
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match (name.trim().to_ascii_lowercase().as_str(), value) {
            ("accountname", value) => read.account = value,
            ("accountkey", value) => read.key = value,
            ("sharedaccesssignature", value) => read.signature = value,
            ("blobendpoint", value) => read.endpoint = value,
            ("endpointsuffix", value) => suffix = value,
            ("defaultendpointsprotocol", Some(value)) => protocol = value,
            ("usedevelopmentstorage", Some(value)) => read.emulator = value.eq_ignore_ascii_case("true"),
            // Endpoints of queues and tables, among others.
            _ => {}
        }
    }
    if read.endpoint.is_none()
        && let Some(account) = &read.account
    {
        let suffix = suffix.unwrap_or_else(|| "core.windows.net".into());
        read.endpoint = Some(format!("{protocol}://{account}.blob.{suffix}"));
    }
    if read.account.is_none() && read.endpoint.is_none() && !read.emulator {
        return Err(invalid(key, "names neither AccountName nor BlobEndpoint nor UseDevelopmentStorage=true".into()));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [Option<String>; 4] {
        let read = read("connection_string", text).unwrap();
        [read.account, read.key, read.signature, read.endpoint]
    }

    #[test]
    fn the_endpoint_is_spelt_out_or_made_from_account_and_suffix() {
        let some = |text: &str| Some(text.to_owned());
        let whole =
            "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5==;EndpointSuffix=core.chinacloudapi.cn";
        assert_eq!(parts(whole), [some("acc"), some("a2V5=="), None, some("https://acc.blob.core.chinacloudapi.cn")]);
        let explicit = "AccountName=acc;AccountKey=k;BlobEndpoint=http://127.0.0.1:10000/acc;QueueEndpoint=http://x;";
        assert_eq!(parts(explicit), [some("acc"), some("k"), None, some("http://127.0.0.1:10000/acc")]);
        let signed = "BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=a%3D";
        assert_eq!(parts(signed), [None, None, some("sv=1&sig=a%3D"), some("https://acc.blob.core.windows.net/")]);
        assert!(read("x", "UseDevelopmentStorage=true").unwrap().emulator);
    }

    #[test]
    fn what_is_no_connection_string_is_refused_without_showing_it() {
        for text in ["hunter2", "AccountKey=hunter2"] {
            let message = read("AZURE_STORAGE_CONNECTION_STRING", text).err().unwrap().to_string();
            assert!(
                message.starts_with("AZURE_STORAGE_CONNECTION_STRING") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }
}
