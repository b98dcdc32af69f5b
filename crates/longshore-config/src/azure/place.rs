//! How URIs name a container: `az://container`, with the account beside it or without, and the container's web address.
//!
//! A shared access signature may stand at the end of any of them, as Azure's own tools print it. It becomes a setting, and is
//! no part of the key or of what is shown.

use percent_encoding::percent_decode_str;

/// The clouds that Azure storage is run in, by the end of their host names.
const DOMAINS: [&str; 6] = [
    "core.windows.net",
    "core.chinacloudapi.cn",
    "core.usgovcloudapi.net",
    "core.cloudapi.de",
    "storage.azure.net",
    "fabric.microsoft.com",
];

/// Containers whose names begin with a dollar sign, which no other name may.
const SYSTEM: [&str; 4] = ["$root", "$web", "$logs", "$blobchangefeed"];

/// A URI in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// What stands before the slash and the key.
    pub(crate) root: String,
    pub(crate) container: String,
    pub(crate) key: String,
    /// The account, where the URI names it.
    pub(crate) account: Option<String>,
    /// The address of the account, where the URI is one.
    pub(crate) endpoint: Option<String>,
}

/// Whether this is a scheme of Azure's own.
pub(crate) fn is_scheme(scheme: &str) -> bool {
    matches!(scheme, "az" | "azure" | "abfs" | "abfss" | "wasb" | "wasbs")
}

/// Whether `https://` followed by `rest` is an address of Azure storage.
pub(crate) fn is_address(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    account_of(&authority.to_ascii_lowercase()).is_some()
}

/// Whether this can be the name of a container.
pub(crate) fn is_system_container(name: &str) -> bool {
    SYSTEM.contains(&name)
}

/// Splits a URI of [`is_scheme`] or [`is_address`], without its signature.
///
/// # Errors
///
/// What is wrong with it, and what to write instead.
pub(crate) fn parts(scheme: &str, rest: &str) -> Result<Parts, String> {
    if scheme == "https" {
        return address(rest);
    }
    let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
    let (container, account, endpoint) = match authority.split_once('@') {
        None => (authority, None, None),
        Some((container, host)) => {
            let host = host.to_ascii_lowercase();
            let account = account_of(&host).ok_or_else(|| {
                format!(
                    "{host:?} is no host of Azure storage; write {scheme}://container@account.dfs.core.windows.net/key"
                )
            })?;
            (container, Some(account.to_owned()), Some(blob_address(&host)))
        }
    };
    if container.is_empty() {
        return Err("the container is missing; write az://container/key".into());
    }
    let root = if authority.contains('@') { format!("{scheme}://{authority}") } else { format!("az://{container}") };
    Ok(Parts { root, container: container.to_owned(), key: key.to_owned(), account, endpoint })
}

/// An address is a URL: its path is percent-encoded, and what follows a question mark is no part of it.
fn address(rest: &str) -> Result<Parts, String> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.to_ascii_lowercase();
    let account = account_of(&host).unwrap_or_default().to_owned();
    if path.contains('?') {
        return Err("only a shared access signature can stand after the `?` of such an address; write %3F for a \
                    question mark in a key"
            .into());
    }
    let (container, key) = path.split_once('/').unwrap_or((path, ""));
    if container.is_empty() {
        return Err(format!("the container is missing; write https://{host}/container/key"));
    }
    let key = percent_decode_str(key).decode_utf8().map_err(|_| "its path is not UTF-8 once decoded".to_owned())?;
    Ok(Parts {
        root: format!("https://{host}/{container}"),
        container: container.to_owned(),
        key: key.into_owned(),
        account: Some(account),
        endpoint: Some(blob_address(&host)),
    })
}

/// The account in a host name such as `account.blob.core.windows.net`.
pub(crate) fn account_of(host: &str) -> Option<&str> {
    let (front, domain) = host.split_once(".blob.").or_else(|| host.split_once(".dfs."))?;
    if !DOMAINS.contains(&domain) {
        return None;
    }
    // `account.z12` in a DNS zone, `account-secondary` for the copy in another region.
    let account = front.split('.').next().unwrap_or(front);
    let account = account.strip_suffix("-secondary").unwrap_or(account);
    (!account.is_empty() && account.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())).then_some(account)
}

/// Files and folders are blobs too, and only the blob service is spoken here.
fn blob_address(host: &str) -> String {
    format!("https://{}", host.replacen(".dfs.", ".blob.", 1))
}

/// Splits off a shared access signature: a query in which there is a version and a signature.
pub(crate) fn split_signature(uri: &str) -> (&str, Option<&str>) {
    let Some((before, query)) = uri.rsplit_once('?') else { return (uri, None) };
    let has = |name: &str| query.split('&').any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name));
    if has("sig") && has("sv") { (before, Some(query)) } else { (uri, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_stands_beside_the_container_or_in_the_host() {
        for (scheme, rest, root, account) in [
            ("az", "c/k", "az://c", None),
            ("azure", "c/k", "az://c", None),
            ("abfss", "c/k", "az://c", None),
            ("abfss", "c@acc.dfs.core.windows.net/k", "abfss://c@acc.dfs.core.windows.net", Some("acc")),
            ("https", "acc.blob.core.windows.net/c/k", "https://acc.blob.core.windows.net/c", Some("acc")),
            ("https", "acc.dfs.core.chinacloudapi.cn/c/k", "https://acc.dfs.core.chinacloudapi.cn/c", Some("acc")),
            ("https", "acc.z12.blob.storage.azure.net/c/k", "https://acc.z12.blob.storage.azure.net/c", Some("acc")),
        ] {
            let parts = parts(scheme, rest).unwrap();
            assert_eq!((&*parts.root, &*parts.container, &*parts.key), (root, "c", "k"), "{scheme}://{rest}");
            assert_eq!(parts.account.as_deref(), account, "{scheme}://{rest}");
        }
    }

    #[test]
    fn requests_go_to_the_blob_service() {
        let parts = parts("abfs", "c@acc.dfs.core.usgovcloudapi.net/k").unwrap();
        assert_eq!(parts.endpoint.as_deref(), Some("https://acc.blob.core.usgovcloudapi.net"));
    }

    #[test]
    fn only_azures_own_hosts_are_addresses_of_containers() {
        assert!(is_address("acc.blob.core.windows.net/c/k") && is_address("ACC.blob.core.windows.net"));
        for other in ["example.org/c/k", "acc.blob.core.windows.net.example.org/c", "blob.core.windows.net/c"] {
            assert!(!is_address(other), "{other}");
        }
        assert!(parts("abfs", "c@example.org/k").unwrap_err().contains("dfs.core.windows.net"));
    }

    #[test]
    fn an_address_is_decoded_and_a_signature_is_split_off() {
        assert_eq!(parts("https", "acc.blob.core.windows.net/c/a%20b%3F").unwrap().key, "a b?");
        let uri = "https://acc.blob.core.windows.net/c/k?sv=2023-11-03&sp=r&sig=a%2Fb";
        assert_eq!(split_signature(uri), (&uri[..37], Some(&uri[38..])));
        assert_eq!(split_signature("az://c/what?sig=1"), ("az://c/what?sig=1", None));
        assert!(parts("https", "acc.blob.core.windows.net/c/k?snapshot=x").unwrap_err().contains("%3F"));
    }
}
