//! The settings of a `GCSStore`, by every name they go by.

use crate::given::Spec;

pub(super) const SERVICE_ACCOUNT: Spec = Spec::new("service_account", "a file with the key of a service account")
    .also(&["google_service_account", "service_account_path", "google_service_account_path"])
    .variables(&["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"]);
pub(super) const SERVICE_ACCOUNT_KEY: Spec =
    Spec::new("service_account_key", "the key of a service account itself, as JSON")
        .also(&["google_service_account_key"])
        .variables(&["GOOGLE_SERVICE_ACCOUNT_KEY"])
        .secret();
pub(super) const APPLICATION_CREDENTIALS: Spec =
    Spec::new("application_credentials", "a file with the credentials of an application or a person")
        .also(&["google_application_credentials"])
        .variables(&["GOOGLE_APPLICATION_CREDENTIALS"])
        .or("what `gcloud auth application-default login` wrote, else the metadata server");
pub(super) const BEARER_TOKEN: Spec = Spec::new("bearer_token", "a token to send as it is, which nobody renews")
    .also(&["token", "google_bearer_token"])
    .variables(&["GOOGLE_BEARER_TOKEN"])
    .secret();
pub(super) const SKIP_SIGNATURE: Spec = Spec::new("skip_signature", "whether requests are sent without credentials")
    .also(&["google_skip_signature", "anon", "anonymous"])
    .variables(&["GOOGLE_SKIP_SIGNATURE"])
    .or("false; true for an emulator");
pub(super) const ENDPOINT: Spec = Spec::new("endpoint", "the address of the service")
    .also(&["base_url", "endpoint_url", "google_base_url", "google_endpoint"])
    .variables(&["STORAGE_EMULATOR_HOST", "GOOGLE_BASE_URL"])
    .or("https://storage.googleapis.com");
pub(super) const PROJECT: Spec = Spec::new("project", "the project that new buckets belong to")
    .also(&["project_id", "google_project", "google_cloud_project"])
    .variables(&["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"])
    .or("that of the service account");
pub(super) const BUCKET_LOCATION: Spec =
    Spec::new("bucket_location", "where new buckets are made").also(&["location"]).or("US");
pub(crate) const BUCKET: Spec = Spec::new("bucket", "the bucket, where no URI names it; else it must be the URI's")
    .also(&["bucket_name", "google_bucket", "google_bucket_name"])
    .variables(&["GOOGLE_BUCKET", "GOOGLE_BUCKET_NAME"]);
pub(super) const METADATA_HOST: Spec = Spec::new("metadata_host", "where the metadata server of an instance is")
    .variables(&["GCE_METADATA_HOST", "METADATA_HOST", "GCE_METADATA_IP"])
    .or("metadata.google.internal");

pub(super) const XML_API: Spec =
    Spec::new("xml_api", "whether objects go over the XML interface instead of the JSON one, which emulators have")
        .also(&["google_xml_api"])
        .variables(&["GOOGLE_XML_API"])
        .or("if the endpoint is Google's");

/// All of them, besides those of every store that is reached over HTTP.
pub(super) const SPECS: [&Spec; 11] = [
    &SERVICE_ACCOUNT,
    &SERVICE_ACCOUNT_KEY,
    &APPLICATION_CREDENTIALS,
    &BEARER_TOKEN,
    &SKIP_SIGNATURE,
    &ENDPOINT,
    &PROJECT,
    &BUCKET_LOCATION,
    &BUCKET,
    &METADATA_HOST,
    &XML_API,
];
