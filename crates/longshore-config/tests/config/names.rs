//! Options by every name that `object_store` has for them.

use longshore_config::{ConfigError, Environment, Options, Scheme, open_bucket};
use object_store::ClientConfigKey;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

const CLIENT: [&str; 20] = [
    "allow_http",
    "allow_invalid_certificates",
    "disable_system_certificates",
    "connect_timeout",
    "default_content_type",
    "http1_only",
    "http2_only",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "http2_keep_alive_while_idle",
    "http2_max_frame_size",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_url",
    "proxy_ca_certificate",
    "proxy_excludes",
    "randomize_addresses",
    "read_timeout",
    "timeout",
    "user_agent",
];
const RETRY: [&str; 5] = ["max_retries", "retry_timeout", "init_backoff", "max_backoff", "backoff_base"];
const S3: [&str; 68] = [
    "aws_access_key_id",
    "access_key_id",
    "aws_secret_access_key",
    "secret_access_key",
    "aws_default_region",
    "default_region",
    "aws_region",
    "region",
    "aws_bucket",
    "aws_bucket_name",
    "bucket_name",
    "bucket",
    "aws_endpoint_url",
    "aws_endpoint",
    "endpoint_url",
    "endpoint",
    "aws_endpoint_url_s3",
    "aws_session_token",
    "aws_token",
    "session_token",
    "token",
    "aws_virtual_hosted_style_request",
    "virtual_hosted_style_request",
    "aws_s3_express",
    "s3_express",
    "aws_imdsv1_fallback",
    "imdsv1_fallback",
    "aws_metadata_endpoint",
    "metadata_endpoint",
    "aws_unsigned_payload",
    "unsigned_payload",
    "aws_checksum_algorithm",
    "checksum_algorithm",
    "aws_container_credentials_relative_uri",
    "container_credentials_relative_uri",
    "aws_container_credentials_full_uri",
    "container_credentials_full_uri",
    "aws_container_authorization_token_file",
    "container_authorization_token_file",
    "aws_web_identity_token_file",
    "web_identity_token_file",
    "aws_role_arn",
    "role_arn",
    "aws_role_session_name",
    "role_session_name",
    "aws_endpoint_url_sts",
    "endpoint_url_sts",
    "aws_skip_signature",
    "skip_signature",
    "aws_copy_if_not_exists",
    "copy_if_not_exists",
    "aws_conditional_put",
    "conditional_put",
    "aws_disable_tagging",
    "disable_tagging",
    "aws_disable_bulk_delete",
    "disable_bulk_delete",
    "aws_request_payer",
    "request_payer",
    "aws_allow_http",
    "aws_server_side_encryption",
    "server_side_encryption",
    "aws_sse_kms_key_id",
    "sse_kms_key_id",
    "aws_sse_bucket_key_enabled",
    "sse_bucket_key_enabled",
    "sse_customer_key_base64",
    "aws_sse_customer_key_base64",
];
const GCS: [&str; 17] = [
    "google_service_account",
    "service_account",
    "google_service_account_path",
    "service_account_path",
    "google_service_account_key",
    "service_account_key",
    "google_bucket",
    "google_bucket_name",
    "bucket",
    "bucket_name",
    "google_base_url",
    "base_url",
    "google_application_credentials",
    "google_bearer_token",
    "bearer_token",
    "google_skip_signature",
    "skip_signature",
];
const AZURE: [&str; 59] = [
    "azure_storage_account_key",
    "azure_storage_access_key",
    "azure_storage_master_key",
    "master_key",
    "account_key",
    "access_key",
    "azure_storage_account_name",
    "account_name",
    "azure_storage_client_id",
    "azure_client_id",
    "client_id",
    "azure_storage_client_secret",
    "azure_client_secret",
    "client_secret",
    "azure_storage_tenant_id",
    "azure_storage_authority_id",
    "azure_tenant_id",
    "azure_authority_id",
    "tenant_id",
    "authority_id",
    "azure_storage_authority_host",
    "azure_authority_host",
    "authority_host",
    "azure_storage_sas_key",
    "azure_storage_sas_token",
    "sas_key",
    "sas_token",
    "azure_storage_token",
    "bearer_token",
    "token",
    "azure_storage_use_emulator",
    "use_emulator",
    "azure_storage_endpoint",
    "azure_endpoint",
    "endpoint",
    "azure_msi_endpoint",
    "azure_identity_endpoint",
    "identity_endpoint",
    "msi_endpoint",
    "azure_object_id",
    "object_id",
    "azure_msi_resource_id",
    "msi_resource_id",
    "azure_federated_token_file",
    "federated_token_file",
    "azure_use_fabric_endpoint",
    "use_fabric_endpoint",
    "azure_use_azure_cli",
    "use_azure_cli",
    "azure_skip_signature",
    "skip_signature",
    "azure_container_name",
    "container_name",
    "azure_disable_tagging",
    "disable_tagging",
    "fabric_token_service_url",
    "credential_type",
    "azure_storage_encryption_key",
    "encryption_key",
];

/// Opens with one option of a value that no option can have, or that says nothing.
fn refusal(scheme: Scheme, name: &str) -> Option<ConfigError> {
    let options: Options = [(name, "\u{7f} no value")].into_iter().collect();
    open_bucket(scheme, Some("b"), options, &Environment::default()).err()
}

fn all_known(scheme: Scheme, prefix: &str, names: &[&str], theirs: impl Fn(&str) -> bool) {
    let plain = CLIENT.iter().map(|name| (*name).to_owned());
    let prefixed = CLIENT.iter().map(|name| format!("{prefix}{name}"));
    for name in names.iter().map(|name| (*name).to_owned()).chain(plain).chain(prefixed) {
        assert!(theirs(&name), "{name} is none of theirs");
        assert!(!matches!(refusal(scheme, &name), Some(ConfigError::UnknownOption { .. })), "{name}");
    }
    for name in RETRY {
        assert!(!matches!(refusal(scheme, name), Some(ConfigError::UnknownOption { .. })), "{name}");
    }
    assert!(matches!(refusal(scheme, "regoin"), Some(ConfigError::UnknownOption { .. })));
    assert!(matches!(refusal(scheme, &format!("{prefix}regoin")), Some(ConfigError::UnknownOption { .. })));
}

#[test]
fn every_name_of_object_store_is_known() {
    all_known(Scheme::S3, "aws_", &S3, |name| name.parse::<AmazonS3ConfigKey>().is_ok());
    all_known(Scheme::Gcs, "google_", &GCS, |name| name.parse::<GoogleConfigKey>().is_ok());
    all_known(Scheme::Azure, "azure_", &AZURE, |name| name.parse::<AzureConfigKey>().is_ok());
    assert!(CLIENT.iter().all(|name| name.parse::<ClientConfigKey>().is_ok()));
}

#[test]
fn what_is_not_done_is_an_error_that_says_what_to_do_instead() {
    for (scheme, name, instead) in [
        (Scheme::S3, "s3_express", "general purpose bucket"),
        (Scheme::Azure, "fabric_session_token", "bearer_token"),
        (Scheme::Azure, "azure_credential_type", "leave it out"),
    ] {
        let options: Options =
            [(name, "true"), ("account_name", "a"), ("skip_signature", "true")].into_iter().collect();
        let options = if scheme == Scheme::S3 { [(name, "true")].into_iter().collect() } else { options };
        let error = open_bucket(scheme, Some("b"), options, &Environment::default()).unwrap_err();
        assert!(matches!(error, ConfigError::NotSupported { .. }), "{error}");
        assert!(error.to_string().contains(instead), "{error}");
    }
}

#[test]
fn what_would_have_no_effect_is_refused() {
    let keys = [("access_key_id", "k"), ("secret_access_key", "s")];
    for (options, told) in [
        (&[("role_arn", "r")][..], "web_identity_token_file"),
        (&[("web_identity_token_file", "/f")], "role_arn"),
        (&[("role_arn", "r"), ("web_identity_token_file", "/f"), keys[0], keys[1]], "give one of them"),
        (&[("container_credentials_full_uri", "http://127.0.0.1/"), keys[0], keys[1]], "give one of them"),
        (&[("copy_if_not_exists", "always"), keys[0], keys[1]], "header-with-status"),
        (&[("conditional_put", "dynamo"), keys[0], keys[1]], "disabled"),
    ] {
        let options = options.iter().copied().collect();
        let message = open_bucket(Scheme::S3, Some("b"), options, &Environment::default()).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
    }
    let emulator = [("emulator_url", "http://127.0.0.1:1"), ("account_name", "a"), ("account_key", "a2V5")];
    let error = open_bucket(Scheme::Azure, Some("c"), emulator.into_iter().collect(), &Environment::default());
    assert!(error.unwrap_err().to_string().starts_with("emulator_url: has no effect"));
    let empty = [("emulator_url", " "), ("account_name", "a"), ("account_key", "a2V5")];
    open_bucket(Scheme::Azure, Some("c"), empty.into_iter().collect(), &Environment::default()).unwrap();
}

#[test]
fn a_region_and_an_endpoint_may_have_a_fallback() {
    let open = |options: &[(&str, &str)], variables: &[(&str, &str)]| {
        let keys = [("access_key_id", "k"), ("secret_access_key", "s")];
        let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let options = options.iter().copied().chain(keys).collect();
        let store = open_bucket(Scheme::S3, Some("b"), options, &environment).unwrap();
        let settings = store.s3_settings().unwrap();
        (settings.region().to_owned(), settings.endpoint().map(str::to_owned))
    };
    let fallback = ("default_region", "f");
    assert_eq!(open(&[fallback], &[]).0, "f");
    assert_eq!(open(&[fallback, ("region", "r")], &[]).0, "r");
    assert_eq!(open(&[fallback], &[("AWS_REGION", "v")]).0, "v");
    assert_eq!(open(&[fallback], &[("AWS_DEFAULT_REGION", "v")]).0, "f");
    let both = [("endpoint", "http://general"), ("aws_endpoint_url_s3", "http://own")];
    assert_eq!(open(&both, &[]).1.as_deref(), Some("http://own"));
}

#[test]
fn an_endpoint_that_holds_the_bucket_already_is_left_alone() {
    let address = |endpoint: &str| {
        let options = [
            ("access_key_id", "k"),
            ("secret_access_key", "s"),
            ("endpoint", endpoint),
            ("virtual_hosted_style_request", "true"),
        ];
        let store = open_bucket(Scheme::S3, Some("b"), options.into_iter().collect(), &Environment::default()).unwrap();
        store.live().unwrap().s3.as_ref().unwrap().bucket_url.clone()
    };
    assert_eq!(address("http://b.example.org"), "http://b.example.org");
    assert_eq!(address("http://example.org"), "http://b.example.org");
}
