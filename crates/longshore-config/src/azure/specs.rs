//! The settings of an `AzureStore`, by every name they go by.

use crate::given::Spec;

pub(super) const ACCOUNT_NAME: Spec = Spec::new("account_name", "the storage account")
    .also(&["azure_storage_account_name", "azure_storage_account", "storage_account", "account"])
    .variables(&["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"]);
pub(super) const ACCOUNT_KEY: Spec = Spec::new("account_key", "a key of the account, which signs the requests")
    .also(&[
        "access_key",
        "master_key",
        "azure_storage_account_key",
        "azure_storage_access_key",
        "azure_storage_master_key",
    ])
    .variables(&["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"])
    .secret();
pub(super) const CONNECTION_STRING: Spec =
    Spec::new("connection_string", "account, credentials and endpoint in one text, as the portal shows it")
        .also(&["azure_storage_connection_string"])
        .variables(&["AZURE_STORAGE_CONNECTION_STRING"])
        .secret();
pub(super) const SAS_TOKEN: Spec = Spec::new("sas_token", "a shared access signature")
    .also(&["sas_key", "azure_storage_sas_token", "azure_storage_sas_key"])
    .variables(&["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"])
    .secret();
pub(super) const BEARER_TOKEN: Spec = Spec::new("bearer_token", "a token to send as it is, which nobody renews")
    .also(&["token", "azure_storage_token"])
    .variables(&["AZURE_STORAGE_TOKEN"])
    .secret();
pub(super) const CLIENT_ID: Spec = Spec::new("client_id", "the application or identity that asks for tokens")
    .also(&["azure_client_id", "azure_storage_client_id"])
    .variables(&["AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"]);
pub(super) const CLIENT_SECRET: Spec = Spec::new("client_secret", "the secret of the application")
    .also(&["azure_client_secret", "azure_storage_client_secret"])
    .variables(&["AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"])
    .secret();
pub(super) const TENANT_ID: Spec = Spec::new("tenant_id", "the directory that the application is in")
    .also(&[
        "authority_id",
        "azure_tenant_id",
        "azure_storage_tenant_id",
        "azure_authority_id",
        "azure_storage_authority_id",
    ])
    .variables(&["AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"]);
pub(super) const AUTHORITY_HOST: Spec = Spec::new("authority_host", "the address that gives out tokens")
    .also(&["azure_authority_host", "azure_storage_authority_host"])
    .variables(&["AZURE_AUTHORITY_HOST"])
    .or("https://login.microsoftonline.com");
pub(super) const FEDERATED_TOKEN_FILE: Spec =
    Spec::new("federated_token_file", "the file in which a workload finds its own token")
        .also(&["azure_federated_token_file"])
        .variables(&["AZURE_FEDERATED_TOKEN_FILE"]);
pub(super) const MSI_ENDPOINT: Spec =
    Spec::new("msi_endpoint", "the address that a managed identity's tokens come from")
        .also(&["identity_endpoint", "azure_msi_endpoint", "azure_identity_endpoint"])
        .variables(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT"])
        .or("the instance metadata service, where nothing else is set");
pub(super) const IDENTITY_HEADER: Spec = Spec::new("identity_header", "the secret that App Service wants to see")
    .also(&["azure_identity_header"])
    .variables(&["IDENTITY_HEADER"])
    .secret();
pub(super) const OBJECT_ID: Spec = Spec::new("object_id", "the managed identity, by its object")
    .also(&["azure_object_id"])
    .variables(&["AZURE_OBJECT_ID"]);
pub(super) const MSI_RESOURCE_ID: Spec = Spec::new("msi_resource_id", "the managed identity, by its resource")
    .also(&["azure_msi_resource_id"])
    .variables(&["AZURE_MSI_RESOURCE_ID"]);
pub(super) const USE_AZURE_CLI: Spec = Spec::new("use_azure_cli", "whether the program `az` is asked for tokens")
    .also(&["azure_use_azure_cli"])
    .variables(&["AZURE_USE_AZURE_CLI"])
    .or("false");
pub(super) const USE_EMULATOR: Spec = Spec::new("use_emulator", "whether the local emulator is meant")
    .also(&["azure_storage_use_emulator"])
    .variables(&["AZURE_STORAGE_USE_EMULATOR"])
    .or("false");
pub(super) const EMULATOR_URL: Spec = Spec::new("emulator_url", "where the emulator listens")
    .variables(&["AZURITE_BLOB_STORAGE_URL"])
    .or("http://127.0.0.1:10000");
pub(super) const ENDPOINT: Spec = Spec::new("endpoint", "the address of the account's blob service")
    .also(&["endpoint_url", "account_url", "azure_storage_endpoint", "azure_endpoint"])
    .variables(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "AZURE_STORAGE_SERVICE_ENDPOINT"])
    .or("https://ACCOUNT.blob.core.windows.net");
pub(super) const SKIP_SIGNATURE: Spec = Spec::new("skip_signature", "whether requests are sent without credentials")
    .also(&["azure_skip_signature", "anon", "anonymous"])
    .variables(&["AZURE_SKIP_SIGNATURE"])
    .or("false");
pub(crate) const CONTAINER_NAME: Spec =
    Spec::new("container_name", "the container, where no URI names it; else it must be the URI's")
        .also(&["container", "azure_container_name"])
        .variables(&["AZURE_CONTAINER_NAME"]);

pub(super) const USE_FABRIC_ENDPOINT: Spec = Spec::new(
    "use_fabric_endpoint",
    "whether the account is one of Microsoft Fabric, at ACCOUNT.blob.fabric.microsoft.com",
)
.also(&["azure_use_fabric_endpoint"])
.variables(&["AZURE_USE_FABRIC_ENDPOINT"])
.or("false");
pub(super) const DISABLE_TAGGING: Spec =
    Spec::new("disable_tagging", "whether the tags of what is written are left out")
        .also(&["azure_disable_tagging"])
        .variables(&["AZURE_DISABLE_TAGGING"])
        .or("false");
pub(super) const ENCRYPTION_KEY: Spec =
    Spec::new("encryption_key", "a key of 32 bytes, in base64, that every request about a blob brings along")
        .also(&["azure_storage_encryption_key"])
        .variables(&["AZURE_STORAGE_ENCRYPTION_KEY"])
        .secret();
const UNASKED: &str = "of Fabric's token service, which is not asked: an error";
pub(super) const FABRIC: [&Spec; 4] = [
    &Spec::new("fabric_token_service_url", UNASKED).also(&["azure_fabric_token_service_url"]),
    &Spec::new("fabric_workload_host", UNASKED).also(&["azure_fabric_workload_host"]),
    &Spec::new("fabric_session_token", UNASKED).also(&["azure_fabric_session_token"]).secret(),
    &Spec::new("fabric_cluster_identifier", UNASKED).also(&["azure_fabric_cluster_identifier"]),
];
pub(super) const CREDENTIAL_TYPE: Spec =
    Spec::new("credential_type", "which kind of credentials counts, which follows from those that are given: an error")
        .also(&["azure_credential_type"]);

/// All of them, besides those of every store that is reached over HTTP.
pub(super) const SPECS: [&Spec; 28] = [
    &ACCOUNT_NAME,
    &ACCOUNT_KEY,
    &CONNECTION_STRING,
    &SAS_TOKEN,
    &BEARER_TOKEN,
    &CLIENT_ID,
    &CLIENT_SECRET,
    &TENANT_ID,
    &AUTHORITY_HOST,
    &FEDERATED_TOKEN_FILE,
    &MSI_ENDPOINT,
    &IDENTITY_HEADER,
    &OBJECT_ID,
    &MSI_RESOURCE_ID,
    &USE_AZURE_CLI,
    &USE_EMULATOR,
    &ENDPOINT,
    &SKIP_SIGNATURE,
    &CONTAINER_NAME,
    &EMULATOR_URL,
    &USE_FABRIC_ENDPOINT,
    &DISABLE_TAGGING,
    &ENCRYPTION_KEY,
    FABRIC[0],
    FABRIC[1],
    FABRIC[2],
    FABRIC[3],
    &CREDENTIAL_TYPE,
];
