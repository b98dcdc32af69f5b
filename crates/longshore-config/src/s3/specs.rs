//! Every name that a setting of an `S3Store` goes by.

use crate::given::Spec;
use crate::wire::WIRE;

pub(crate) const BUCKET: Spec = Spec::new("bucket", "the bucket, where no URI names it; else it must be the URI's")
    .also(&["bucket_name", "aws_bucket", "aws_bucket_name"])
    .variables(&["AWS_BUCKET", "AWS_BUCKET_NAME"]);
pub(super) const PROFILE: Spec = Spec::new("profile", "the profile of AWS's shared files that counts")
    .also(&["profile_name", "aws_profile"])
    .variables(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
    .or("default");
pub(super) const ACCESS_KEY_ID: Spec = Spec::new("access_key_id", "who signs the requests")
    .also(&["aws_access_key_id", "key"])
    .variables(&["AWS_ACCESS_KEY_ID"])
    .profile(&["aws_access_key_id"]);
pub(super) const SECRET_ACCESS_KEY: Spec = Spec::new("secret_access_key", "the secret that belongs to it")
    .also(&["aws_secret_access_key", "secret"])
    .variables(&["AWS_SECRET_ACCESS_KEY"])
    .profile(&["aws_secret_access_key"])
    .secret();
pub(super) const SESSION_TOKEN: Spec = Spec::new("session_token", "the token that belongs to temporary keys")
    .also(&["aws_session_token", "token", "aws_token"])
    .variables(&["AWS_SESSION_TOKEN"])
    .profile(&["aws_session_token", "aws_security_token"])
    .secret();
pub(super) const REGION: Spec = Spec::new("region", "the region that requests are signed for")
    .also(&["aws_region", "region_name"])
    .variables(&["AWS_REGION", "AWS_DEFAULT_REGION"])
    .profile(&["region"])
    .or(DEFAULT_REGION);
pub(super) const FALLBACK_REGION: Spec =
    Spec::new("default_region", "the region, where neither region nor AWS_REGION names one")
        .also(&["aws_default_region"]);
pub(super) const S3_ENDPOINT: Spec =
    Spec::new("endpoint_url_s3", "the address of the service; counts before endpoint").also(&["aws_endpoint_url_s3"]);
pub(super) const ENDPOINT: Spec = Spec::new("endpoint", "the address of the service")
    .also(&["endpoint_url", "aws_endpoint", "aws_endpoint_url"])
    .variables(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
    .profile(&["services.s3.endpoint_url", "endpoint_url"])
    .or("AWS");
pub(super) const SKIP_SIGNATURE: Spec = Spec::new("skip_signature", "whether requests are sent unsigned")
    .also(&["aws_skip_signature", "anon", "anonymous"])
    .variables(&["AWS_SKIP_SIGNATURE"])
    .or("false");
pub(super) const UNSIGNED_PAYLOAD: Spec =
    Spec::new("unsigned_payload", "whether bodies are left out of the signature; the opposite of the profile's key")
        .also(&["aws_unsigned_payload"])
        .variables(&["AWS_UNSIGNED_PAYLOAD"])
        .profile(&["s3.payload_signing_enabled"])
        .or("if the endpoint is https://");
pub(super) const VIRTUAL_HOSTED_STYLE: Spec =
    Spec::new("virtual_hosted_style_request", "whether the bucket stands in the host name instead of the path")
        .also(&["aws_virtual_hosted_style_request", "addressing_style"])
        .variables(&["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"])
        .profile(&["s3.addressing_style"])
        .or("false");
pub(super) const REQUEST_PAYER: Spec = Spec::new("request_payer", "whether the requester pays")
    .also(&["aws_request_payer"])
    .variables(&["AWS_REQUEST_PAYER"])
    .profile(&["request_payer"])
    .or("false");
pub(super) const DUALSTACK: Spec = Spec::new("use_dualstack_endpoint", "whether AWS is reached over IPv6 as well")
    .variables(&["AWS_USE_DUALSTACK_ENDPOINT"])
    .profile(&["use_dualstack_endpoint", "s3.use_dualstack_endpoint"])
    .or("false");
pub(super) const FIPS: Spec = Spec::new("use_fips_endpoint", "whether AWS is reached at its FIPS endpoint")
    .variables(&["AWS_USE_FIPS_ENDPOINT"])
    .profile(&["use_fips_endpoint"])
    .or("false");
pub(super) const ACCELERATE: Spec = Spec::new("use_accelerate_endpoint", "whether AWS's transfer acceleration is used")
    .also(&["s3_accelerate"])
    .profile(&["s3.use_accelerate_endpoint"])
    .or("false");
pub(super) const CHECKSUM_ALGORITHM: Spec =
    Spec::new("checksum_algorithm", "a checksum to send with bodies: sha256 or crc64nvme")
        .also(&["aws_checksum_algorithm"])
        .variables(&["AWS_CHECKSUM_ALGORITHM"])
        .or("none");
pub(super) const SERVER_SIDE_ENCRYPTION: Spec =
    Spec::new("server_side_encryption", "how objects are encrypted: AES256, aws:kms, aws:kms:dsse or sse-c")
        .also(&["aws_server_side_encryption"])
        .variables(&["AWS_SERVER_SIDE_ENCRYPTION"])
        .or("what the bucket says");
pub(super) const KMS_KEY_ID: Spec = Spec::new("sse_kms_key_id", "the key of the key service that encrypts objects")
    .also(&["aws_sse_kms_key_id"])
    .variables(&["AWS_SSE_KMS_KEY_ID"]);
pub(super) const BUCKET_KEY: Spec =
    Spec::new("sse_bucket_key_enabled", "whether the key service is asked once for the bucket, not for each object")
        .also(&["aws_sse_bucket_key_enabled"])
        .variables(&["AWS_SSE_BUCKET_KEY_ENABLED"])
        .or("what the bucket says");
pub(super) const CUSTOMER_KEY: Spec = Spec::new(
    "sse_customer_key_base64",
    "a key of 32 bytes, in base64, that every request about an object brings along",
)
.also(&["aws_sse_customer_key_base64"])
.variables(&["AWS_SSE_CUSTOMER_KEY_BASE64"])
.secret();

pub(super) const COPY_IF_NOT_EXISTS: Spec = Spec::new(
    "copy_if_not_exists",
    "how to copy only where nothing is yet: multipart, header:NAME:VALUE or header-with-status:NAME:VALUE:STATUS",
)
.also(&["aws_copy_if_not_exists"])
.variables(&["AWS_COPY_IF_NOT_EXISTS"])
.or("not at all");
pub(super) const CONDITIONAL_PUT: Spec =
    Spec::new("conditional_put", "whether the server knows conditions on writes: etag or disabled")
        .also(&["aws_conditional_put"])
        .variables(&["AWS_CONDITIONAL_PUT"])
        .or("etag");
pub(super) const DISABLE_TAGGING: Spec =
    Spec::new("disable_tagging", "whether the tags of what is written are left out")
        .also(&["aws_disable_tagging"])
        .variables(&["AWS_DISABLE_TAGGING"])
        .or("false");
pub(super) const DISABLE_BULK_DELETE: Spec =
    Spec::new("disable_bulk_delete", "whether objects are deleted one by one, for servers that cannot otherwise")
        .also(&["aws_disable_bulk_delete"])
        .variables(&["AWS_DISABLE_BULK_DELETE"])
        .or("false");
pub(super) const S3_EXPRESS: Spec =
    Spec::new("s3_express", "whether the bucket is a directory bucket, which is not supported: true is an error")
        .also(&["aws_s3_express"])
        .variables(&["AWS_S3_EXPRESS"])
        .or("false");

/// The settings of an `S3Store`, besides those of every store that is reached over HTTP.
const OWN: [&Spec; 26] = [
    &BUCKET,
    &PROFILE,
    &ACCESS_KEY_ID,
    &SECRET_ACCESS_KEY,
    &SESSION_TOKEN,
    &REGION,
    &FALLBACK_REGION,
    &ENDPOINT,
    &S3_ENDPOINT,
    &SKIP_SIGNATURE,
    &UNSIGNED_PAYLOAD,
    &VIRTUAL_HOSTED_STYLE,
    &REQUEST_PAYER,
    &DUALSTACK,
    &FIPS,
    &ACCELERATE,
    &CHECKSUM_ALGORITHM,
    &SERVER_SIDE_ENCRYPTION,
    &KMS_KEY_ID,
    &BUCKET_KEY,
    &CUSTOMER_KEY,
    &COPY_IF_NOT_EXISTS,
    &CONDITIONAL_PUT,
    &DISABLE_TAGGING,
    &DISABLE_BULK_DELETE,
    &S3_EXPRESS,
];

pub(super) const ROLE: Spec = Spec::new("role_arn", "the role to act in; as a keyword, with web_identity_token_file")
    .also(&["aws_role_arn"])
    .variables(&["AWS_ROLE_ARN"])
    .profile(&["role_arn"]);
pub(super) const TOKEN_FILE: Spec =
    Spec::new("web_identity_token_file", "a file with a token that proves who asks for the role")
        .also(&["aws_web_identity_token_file"])
        .variables(&["AWS_WEB_IDENTITY_TOKEN_FILE"])
        .profile(&["web_identity_token_file"]);
pub(super) const SESSION_NAME: Spec =
    Spec::new("role_session_name", "how the session of a role for such a token is called in AWS's logs")
        .also(&["aws_role_session_name"])
        .variables(&["AWS_ROLE_SESSION_NAME"])
        .profile(&["role_session_name"])
        .or("longshore");
const SOURCE_PROFILE: Spec =
    Spec::new("source_profile", "the profile whose keys ask for the role").profile(&["source_profile"]).no_keyword();
const CREDENTIAL_SOURCE: Spec =
    Spec::new("credential_source", "who else gives the keys that ask: Environment, EcsContainer, Ec2InstanceMetadata")
        .profile(&["credential_source"])
        .no_keyword();
const EXTERNAL_ID: Spec =
    Spec::new("external_id", "a text that the role's owner wants to see").profile(&["external_id"]).no_keyword();
const DURATION: Spec = Spec::new("duration_seconds", "how long the role's keys are good")
    .profile(&["duration_seconds"])
    .or("an hour")
    .no_keyword();
pub(super) const STS: Spec = Spec::new("sts_endpoint", "the address of STS, which gives a role's keys")
    .also(&["aws_sts_endpoint", "endpoint_url_sts", "aws_endpoint_url_sts"])
    .variables(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
    .profile(&["services.sts.endpoint_url", "endpoint_url"])
    .or("AWS");
const PROCESS: Spec =
    Spec::new("credential_process", "a program that prints keys").profile(&["credential_process"]).no_keyword();
const SSO: Spec =
    Spec::new("sso_session", "single sign-on; also sso_start_url, sso_region, sso_account_id, sso_role_name")
        .profile(&["sso_session"])
        .no_keyword();
pub(super) const CONTAINER_RELATIVE_URI: Spec =
    Spec::new("container_credentials_relative_uri", "where the agent of an ECS task gives keys, as a path")
        .also(&["aws_container_credentials_relative_uri"])
        .variables(&["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]);
pub(super) const CONTAINER_FULL_URI: Spec =
    Spec::new("container_credentials_full_uri", "where the agent of a container gives keys")
        .also(&["aws_container_credentials_full_uri"])
        .variables(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"]);
pub(super) const CONTAINER_TOKEN_FILE: Spec =
    Spec::new("container_authorization_token_file", "a file with what proves to that agent who asks")
        .also(&["aws_container_authorization_token_file"])
        .variables(&["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]);
pub(super) const CONTAINER_TOKEN: Spec =
    Spec::new("container_authorization_token", "what proves to that agent who asks")
        .also(&["aws_container_authorization_token"])
        .variables(&["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        .secret();
pub(super) const METADATA: Spec = Spec::new("metadata_endpoint", "the address of the instance metadata service")
    .also(&["aws_metadata_endpoint"])
    .variables(&["AWS_METADATA_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"])
    .or("169.254.169.254");
pub(super) const IMDSV1: Spec =
    Spec::new("imdsv1_fallback", "whether the first version of that service, which wants no token, may be asked")
        .also(&["aws_imdsv1_fallback"])
        .variables(&["AWS_IMDSV1_FALLBACK"])
        .or("false");
pub(super) const NO_METADATA: Spec =
    Spec::new("ec2_metadata_disabled", "whether the instance metadata service is left alone")
        .also(&["aws_ec2_metadata_disabled"])
        .variables(&["AWS_EC2_METADATA_DISABLED"])
        .or("false");
pub(super) const FILES: Spec = Spec::new("config_file", "AWS's shared configuration file")
    .also(&["aws_config_file"])
    .variables(&["AWS_CONFIG_FILE"])
    .or("~/.aws/config");
pub(super) const SECRETS: Spec = Spec::new("shared_credentials_file", "AWS's shared file of keys")
    .also(&["aws_shared_credentials_file"])
    .variables(&["AWS_SHARED_CREDENTIALS_FILE"])
    .or("~/.aws/credentials");

/// Who gives keys, and where the profiles are.
const SOURCES: [&Spec; 19] = [
    &ROLE,
    &TOKEN_FILE,
    &SESSION_NAME,
    &SOURCE_PROFILE,
    &CREDENTIAL_SOURCE,
    &EXTERNAL_ID,
    &DURATION,
    &STS,
    &PROCESS,
    &SSO,
    &CONTAINER_RELATIVE_URI,
    &CONTAINER_FULL_URI,
    &CONTAINER_TOKEN_FILE,
    &CONTAINER_TOKEN,
    &METADATA,
    &IMDSV1,
    &NO_METADATA,
    &FILES,
    &SECRETS,
];

pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// Everything, in the order that a person reads it.
pub(super) fn all() -> Vec<&'static Spec> {
    [&OWN[..], &WIRE[..], &SOURCES[..]].concat()
}
