//! What was said about a store, so that it can be shown, and said again.

use std::fmt;

use crate::Origin;

/// A setting that keyword, URI or variable said, and that counts.
///
/// These are what a store's configuration is to a person, and what opens an equal one elsewhere: as keywords of
/// [`open_bucket`](crate::open_bucket) or [`open_web`](crate::open_web), in an environment without variables of its own. What a
/// profile said is not among them, but the profile's name is; what nobody said is left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Configured {
    /// The keyword it goes by.
    pub name: &'static str,
    /// Its value as it was said, also of a secret.
    pub value: String,
    /// Whether the value is to be shown to nobody.
    pub secret: bool,
    /// Who said it.
    pub origin: Origin,
}

/// Without secrets.
impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret { "****" } else { &self.value };
        write!(f, "{}={value:?} ({})", self.name, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AzureSettings, ConfigError, Environment, GcsSettings, Location, Options, S3Settings};

    /// A keyword or a variable, and its value. Those that stand together are given together.
    type Group = &'static [(&'static str, &'static str)];

    /// Says `groups` in every combination of up to three, and whatever comes out again, in an environment that knows no more
    /// than where the home folder is.
    fn every_way<S: PartialEq + fmt::Debug>(
        groups: &[Group],
        home: &str,
        first: impl Fn(Options, &Environment) -> Result<(S, Vec<Configured>), ConfigError>,
        again: impl Fn(Options, &Environment) -> Result<(S, Vec<Configured>), ConfigError>,
    ) -> usize {
        let bare: Environment =
            [("HOME".to_owned(), home.to_owned()), ("PATH".to_owned(), home.to_owned())].into_iter().collect();
        let mut opened = 0;
        for combination in 0_u32..1 << groups.len() {
            if combination.count_ones() > 3 {
                continue;
            }
            let said = groups.iter().enumerate().filter(|(index, _)| combination & (1 << index) != 0);
            let said: Vec<_> = said.flat_map(|(_, group)| group.iter().copied()).collect();
            let is_variable = |(name, _): &(&str, &str)| name.chars().all(|c| !c.is_ascii_lowercase());
            let options = said.iter().copied().filter(|one| !is_variable(one)).collect();
            let variables = said.iter().copied().filter(is_variable);
            let variables = variables.chain([("HOME", home), ("PATH", home)]);
            let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let Ok((settings, configured)) = first(options, &environment) else { continue };
            opened += 1;
            let words = configured.iter().map(|one| (one.name, &*one.value)).collect();
            match again(words, &bare) {
                Ok((same, more)) => {
                    assert_eq!(same, settings, "{said:?} became {configured:?}");
                    let text =
                        |all: &[Configured]| all.iter().map(|one| (one.name, one.value.clone())).collect::<Vec<_>>();
                    assert_eq!(text(&more), text(&configured), "{said:?}");
                }
                Err(error) => panic!("{said:?} became {configured:?}: {error}"),
            }
        }
        opened
    }

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        home
    }

    #[test]
    fn what_is_configured_opens_the_same_bucket_of_s3() {
        let config = "[default]\nregion = d\naws_access_key_id = DK\naws_secret_access_key = DS\n[profile work]\nregion = w\n\
                      role_arn = r\nsource_profile = default\n[profile plain]\nregion = p\n";
        let groups: [Group; 26] = [
            &[("access_key_id", "k"), ("secret_access_key", "s")],
            &[("access_key_id", "k"), ("secret_access_key", "s"), ("session_token", "t")],
            &[("AWS_ACCESS_KEY_ID", "K"), ("AWS_SECRET_ACCESS_KEY", "S"), ("AWS_SESSION_TOKEN", "T")],
            &[("anon", "true")],
            &[("AWS_SKIP_SIGNATURE", "true")],
            &[("skip_signature", "false")],
            &[("profile", "plain")],
            &[("AWS_PROFILE", "work")],
            &[("AWS_PROFILE", "plain")],
            &[("region", "r")],
            &[("AWS_REGION", "v")],
            &[("AWS_DEFAULT_REGION", "f")],
            &[("endpoint", "http://127.0.0.1:9/")],
            &[("AWS_ENDPOINT_URL", "https://example.org")],
            &[("AWS_ENDPOINT_URL_STS", "https://sts.example.org")],
            &[("AWS_ROLE_ARN", "role"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/f")],
            &[("AWS_ROLE_SESSION_NAME", "me")],
            &[
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x"),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "T"),
            ],
            &[("AWS_METADATA_ENDPOINT", "http://127.0.0.1:2"), ("AWS_IMDSV1_FALLBACK", "true")],
            &[("AWS_SERVER_SIDE_ENCRYPTION", "aws:kms"), ("AWS_SSE_KMS_KEY_ID", "id")],
            &[("timeout", "5"), ("AWS_CA_BUNDLE", "/bundle")],
            &[("aws_default_region", "fallback"), ("endpoint_url_s3", "http://127.0.0.1:5")],
            &[("role_arn", "own"), ("web_identity_token_file", "/own"), ("sts_endpoint", "http://127.0.0.1:6")],
            &[("container_credentials_full_uri", "http://127.0.0.1:7/"), ("container_authorization_token_file", "/t")],
            &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/r"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/f")],
            &[("AWS_EC2_METADATA_DISABLED", "true"), ("aws_allow_http", "1")],
        ];
        for config in [config, ""] {
            let home = home(&[(".aws/config", config)]);
            let ask = |options: Options, environment: &Environment| S3Settings::configure(None, options, environment);
            let opened = every_way(
                &groups,
                home.path().to_str().unwrap(),
                |options, environment| S3Settings::configure(Some("b"), options, environment),
                ask,
            );
            assert!(opened > 300, "{opened}");
        }
    }

    #[test]
    fn what_is_configured_opens_the_same_bucket_of_google() {
        const KEY: &str = r#"{"type": "service_account", "private_key": "p", "private_key_id": "1", "client_email": "e", "project_id": "p"}"#;
        const PERSON: &str =
            r#"{"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}"#;
        let groups: [Group; 15] = [
            &[("token", "t")],
            &[("GOOGLE_BEARER_TOKEN", "T")],
            &[("service_account_key", KEY)],
            &[("GOOGLE_SERVICE_ACCOUNT_KEY", KEY)],
            &[("anon", "1")],
            &[("skip_signature", "no")],
            &[("GOOGLE_SKIP_SIGNATURE", "true")],
            &[("endpoint", "http://127.0.0.1:9/storage/v1/")],
            &[("STORAGE_EMULATOR_HOST", "127.0.0.1:8")],
            &[("GOOGLE_BASE_URL", "https://storage.example.org")],
            &[("GOOGLE_CLOUD_PROJECT", "P")],
            &[("GCE_METADATA_HOST", "127.0.0.1:7")],
            &[("metadata_host", "127.0.0.1:6")],
            &[("GOOGLE_XML_API", "true")],
            &[("allow_http", "true")],
        ];
        for adc in [PERSON, ""] {
            let files = [(".config/gcloud/application_default_credentials.json", adc)];
            let home = home(if adc.is_empty() { &[] } else { &files });
            let opened = every_way(
                &groups,
                home.path().to_str().unwrap(),
                |options, environment| GcsSettings::configure(Some("b"), options, environment),
                |options, environment| GcsSettings::configure(None, options, environment),
            );
            assert!(opened > 150, "{opened}");
        }
    }

    #[test]
    fn what_is_configured_opens_the_same_container_of_azure() {
        const KEY: &str = "aHVudGVyMg==";
        const TEXT: &str = "AccountName=acc;AccountKey=aHVudGVyMg==;EndpointSuffix=core.chinacloudapi.cn";
        let groups: [Group; 24] = [
            &[("use_fabric_endpoint", "true")],
            &[("AZURE_DISABLE_TAGGING", "true"), ("emulator_url", "http://127.0.0.1:3")],
            &[("account_name", "acc")],
            &[("AZURE_STORAGE_ACCOUNT", "acc2")],
            &[("account_key", KEY)],
            &[("AZURE_STORAGE_KEY", KEY)],
            &[("sas_token", "?sv=1&sig=x%2F")],
            &[("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=y")],
            &[("bearer_token", "t")],
            &[("AZURE_STORAGE_TOKEN", "T")],
            &[("connection_string", TEXT)],
            &[("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")],
            &[("use_emulator", "true")],
            &[("AZURE_STORAGE_USE_EMULATOR", "true")],
            &[("AZURITE_BLOB_STORAGE_URL", "http://127.0.0.1:5")],
            &[("endpoint", "http://127.0.0.1:9/acc3")],
            &[("AZURE_STORAGE_ENDPOINT", "https://acc.blob.core.usgovcloudapi.net")],
            &[("client_id", "i"), ("client_secret", "s"), ("tenant_id", "t")],
            &[("AZURE_CLIENT_ID", "I"), ("AZURE_TENANT_ID", "T"), ("AZURE_CLIENT_SECRET", "S")],
            &[("AZURE_FEDERATED_TOKEN_FILE", "/f"), ("AZURE_AUTHORITY_HOST", "login.example.org")],
            &[("IDENTITY_ENDPOINT", "http://127.0.0.1:4/t"), ("IDENTITY_HEADER", "h"), ("AZURE_OBJECT_ID", "o")],
            &[("use_azure_cli", "true")],
            &[("AZURE_SKIP_SIGNATURE", "true")],
            &[("anon", "true")],
        ];
        let home = home(&[("az", "#!/bin/sh\n")]);
        for uri in
            ["az://c", "abfss://c@acc.dfs.core.windows.net", "https://acc.blob.core.windows.net/c/k?sv=1&sig=uri"]
        {
            let location = Location::parse(uri).unwrap();
            let opened = every_way(
                &groups,
                home.path().to_str().unwrap(),
                |options, environment| AzureSettings::configure(Some(&location), options, environment),
                |options, environment| AzureSettings::configure(None, options, environment),
            );
            assert!(opened > 300, "{opened}");
        }
    }
}
