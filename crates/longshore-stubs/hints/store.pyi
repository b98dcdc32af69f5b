"""Object stores, as ``my_module.store``.

Functions of this package that work on objects take one of these. What they raise is in ``my_module.exceptions``.

Classes that are marked ``type_check_only`` are not there at run time; import them under ``if TYPE_CHECKING``.
"""

from collections.abc import Coroutine
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import Any, Generic, NotRequired, Protocol, TypedDict, TypeVar, type_check_only

from typing_extensions import CapsuleType, Self, Unpack, disjoint_base

__all__ = ["AzureStore", "GCSStore", "HTTPStore", "LocalStore", "MemoryStore", "S3Store", "Store", "from_url"]

# Written by the code: LONGSHORE_WRITE_TABLES=1 cargo test -p longshore-store hints
# begin settings
@type_check_only
class ClientConfig(TypedDict, total=False):
    """Settings of the HTTP client. Lengths of time are in seconds, or texts such as ``"2m"``."""

    allow_http: bool | str
    """Whether requests may go unencrypted."""
    aws_allow_http: bool | str
    allow_invalid_certificates: bool | str
    """Whether a server's certificate may be anybody's; whoever is on the way can then read and change everything."""
    ca_bundle: str | PathLike[str]
    """A PEM file of certificates to trust besides the system's."""
    aws_ca_bundle: str | PathLike[str]
    connect_timeout: float | str | timedelta
    """The longest wait for a connection."""
    default_content_type: str
    """The content type of what is written, where nothing else is said."""
    default_headers: dict[str, str] | dict[str, bytes] | str
    """Further headers of every request, each a line `Name: value`."""
    disable_system_certificates: bool | str
    """Whether only the certificates that are given are trusted."""
    http1_only: bool | str
    """Whether HTTP/2 is never spoken."""
    http2_keep_alive_interval: float | str | timedelta
    """How often a connection of HTTP/2 is asked whether it lives."""
    http2_keep_alive_timeout: float | str | timedelta
    """How long such a question may stay without an answer."""
    http2_keep_alive_while_idle: bool | str
    """Whether idle connections of HTTP/2 are asked as well."""
    http2_max_frame_size: int | str
    """The largest frame of HTTP/2, in bytes: 16384 to 16777215."""
    http2_only: bool | str
    """Whether nothing but HTTP/2 is spoken."""
    pool_idle_timeout: float | str | timedelta
    """How long an idle connection is kept for another request."""
    pool_max_idle_per_host: int | str
    """How many idle connections to one host are kept."""
    proxy_ca_certificate: str | bytes
    """Certificates to trust besides the system's, for the proxy's sake, as PEM text."""
    proxy_excludes: str
    """Hosts, domains and networks that are reached without the proxy, between commas."""
    proxy_url: str
    """The proxy for all requests."""
    randomize_addresses: bool | str
    """Whether the addresses of a host are tried in an order of chance."""
    read_timeout: float | str | timedelta
    """The same, as other clients call it; the shorter of the two counts."""
    root_certificate: str | bytes
    """Certificates to trust besides the system's, as PEM text instead of a file."""
    timeout: float | str | timedelta
    """The longest silence in either direction."""
    user_agent: str
    """How the client calls itself."""

@type_check_only
class S3Keywords(ClientConfig, total=False):
    """Settings of an S3Store besides its name."""

    profile: str
    """The profile of AWS's shared files that counts."""
    profile_name: str
    aws_profile: str
    access_key_id: str
    """Who signs the requests."""
    aws_access_key_id: str
    key: str
    secret_access_key: str
    """The secret that belongs to it."""
    aws_secret_access_key: str
    secret: str
    session_token: str
    """The token that belongs to temporary keys."""
    aws_session_token: str
    token: str
    aws_token: str
    region: str
    """The region that requests are signed for."""
    aws_region: str
    region_name: str
    default_region: str
    """The region, where neither region nor AWS_REGION names one."""
    aws_default_region: str
    endpoint: str
    """The address of the service."""
    endpoint_url: str
    aws_endpoint: str
    aws_endpoint_url: str
    endpoint_url_s3: str
    """The address of the service; counts before endpoint."""
    aws_endpoint_url_s3: str
    skip_signature: bool | str
    """Whether requests are sent unsigned."""
    aws_skip_signature: bool | str
    anon: bool | str
    anonymous: bool | str
    unsigned_payload: bool | str
    """Whether bodies are left out of the signature; the opposite of the profile's key."""
    aws_unsigned_payload: bool | str
    virtual_hosted_style_request: bool | str
    """Whether the bucket stands in the host name instead of the path."""
    aws_virtual_hosted_style_request: bool | str
    addressing_style: bool | str
    request_payer: bool | str
    """Whether the requester pays."""
    aws_request_payer: bool | str
    use_dualstack_endpoint: bool | str
    """Whether AWS is reached over IPv6 as well."""
    use_fips_endpoint: bool | str
    """Whether AWS is reached at its FIPS endpoint."""
    use_accelerate_endpoint: bool | str
    """Whether AWS's transfer acceleration is used."""
    s3_accelerate: bool | str
    checksum_algorithm: str
    """A checksum to send with bodies: sha256 or crc64nvme."""
    aws_checksum_algorithm: str
    server_side_encryption: str
    """How objects are encrypted: AES256, aws:kms, aws:kms:dsse or sse-c."""
    aws_server_side_encryption: str
    sse_kms_key_id: str
    """The key of the key service that encrypts objects."""
    aws_sse_kms_key_id: str
    sse_bucket_key_enabled: bool | str
    """Whether the key service is asked once for the bucket, not for each object."""
    aws_sse_bucket_key_enabled: bool | str
    sse_customer_key_base64: str
    """A key of 32 bytes, in base64, that every request about an object brings along."""
    aws_sse_customer_key_base64: str
    copy_if_not_exists: str
    """How to copy only where nothing is yet: multipart, header:NAME:VALUE or header-with-status:NAME:VALUE:STATUS."""
    aws_copy_if_not_exists: str
    conditional_put: bool | str
    """Whether the server knows conditions on writes: etag or disabled."""
    aws_conditional_put: bool | str
    disable_tagging: bool | str
    """Whether the tags of what is written are left out."""
    aws_disable_tagging: bool | str
    disable_bulk_delete: bool | str
    """Whether objects are deleted one by one, for servers that cannot otherwise."""
    aws_disable_bulk_delete: bool | str
    s3_express: bool | str
    """Whether the bucket is a directory bucket, which is not supported: true is an error."""
    aws_s3_express: bool | str
    role_arn: str
    """The role to act in; as a keyword, with web_identity_token_file."""
    aws_role_arn: str
    web_identity_token_file: str
    """A file with a token that proves who asks for the role."""
    aws_web_identity_token_file: str
    role_session_name: str
    """How the session of a role for such a token is called in AWS's logs."""
    aws_role_session_name: str
    sts_endpoint: str
    """The address of STS, which gives a role's keys."""
    aws_sts_endpoint: str
    endpoint_url_sts: str
    aws_endpoint_url_sts: str
    container_credentials_relative_uri: str
    """Where the agent of an ECS task gives keys, as a path."""
    aws_container_credentials_relative_uri: str
    container_credentials_full_uri: str
    """Where the agent of a container gives keys."""
    aws_container_credentials_full_uri: str
    container_authorization_token_file: str
    """A file with what proves to that agent who asks."""
    aws_container_authorization_token_file: str
    container_authorization_token: str
    """What proves to that agent who asks."""
    aws_container_authorization_token: str
    metadata_endpoint: str
    """The address of the instance metadata service."""
    aws_metadata_endpoint: str
    imdsv1_fallback: bool | str
    """Whether the first version of that service, which wants no token, may be asked."""
    aws_imdsv1_fallback: bool | str
    ec2_metadata_disabled: bool | str
    """Whether the instance metadata service is left alone."""
    aws_ec2_metadata_disabled: bool | str
    config_file: str
    """AWS's shared configuration file."""
    aws_config_file: str
    shared_credentials_file: str
    """AWS's shared file of keys."""
    aws_shared_credentials_file: str

@type_check_only
class S3Config(S3Keywords, total=False):
    """Settings of an S3Store."""

    bucket: str
    """The bucket, where no URI names it; else it must be the URI's."""
    bucket_name: str
    aws_bucket: str
    aws_bucket_name: str

@type_check_only
class GCSKeywords(ClientConfig, total=False):
    """Settings of a GCSStore besides its name."""

    service_account: str | PathLike[str]
    """A file with the key of a service account."""
    google_service_account: str | PathLike[str]
    service_account_path: str | PathLike[str]
    google_service_account_path: str | PathLike[str]
    service_account_key: str
    """The key of a service account itself, as JSON."""
    google_service_account_key: str
    application_credentials: str | PathLike[str]
    """A file with the credentials of an application or a person."""
    google_application_credentials: str | PathLike[str]
    bearer_token: str
    """A token to send as it is, which nobody renews."""
    token: str
    google_bearer_token: str
    skip_signature: bool | str
    """Whether requests are sent without credentials."""
    google_skip_signature: bool | str
    anon: bool | str
    anonymous: bool | str
    endpoint: str
    """The address of the service."""
    base_url: str
    endpoint_url: str
    google_base_url: str
    google_endpoint: str
    project: str
    """The project that new buckets belong to."""
    project_id: str
    google_project: str
    google_cloud_project: str
    bucket_location: str
    """Where new buckets are made."""
    location: str
    metadata_host: str
    """Where the metadata server of an instance is."""
    xml_api: bool | str
    """Whether objects go over the XML interface instead of the JSON one, which emulators have."""
    google_xml_api: bool | str

@type_check_only
class GCSConfig(GCSKeywords, total=False):
    """Settings of a GCSStore."""

    bucket: str
    """The bucket, where no URI names it; else it must be the URI's."""
    bucket_name: str
    google_bucket: str
    google_bucket_name: str

@type_check_only
class AzureKeywords(ClientConfig, total=False):
    """Settings of an AzureStore besides its name."""

    account_name: str
    """The storage account."""
    azure_storage_account_name: str
    azure_storage_account: str
    storage_account: str
    account: str
    account_key: str
    """A key of the account, which signs the requests."""
    access_key: str
    master_key: str
    azure_storage_account_key: str
    azure_storage_access_key: str
    azure_storage_master_key: str
    connection_string: str
    """Account, credentials and endpoint in one text, as the portal shows it."""
    azure_storage_connection_string: str
    sas_token: str
    """A shared access signature."""
    sas_key: str
    azure_storage_sas_token: str
    azure_storage_sas_key: str
    bearer_token: str
    """A token to send as it is, which nobody renews."""
    token: str
    azure_storage_token: str
    client_id: str
    """The application or identity that asks for tokens."""
    azure_client_id: str
    azure_storage_client_id: str
    client_secret: str
    """The secret of the application."""
    azure_client_secret: str
    azure_storage_client_secret: str
    tenant_id: str
    """The directory that the application is in."""
    authority_id: str
    azure_tenant_id: str
    azure_storage_tenant_id: str
    azure_authority_id: str
    azure_storage_authority_id: str
    authority_host: str
    """The address that gives out tokens."""
    azure_authority_host: str
    azure_storage_authority_host: str
    federated_token_file: str | PathLike[str]
    """The file in which a workload finds its own token."""
    azure_federated_token_file: str | PathLike[str]
    msi_endpoint: str
    """The address that a managed identity's tokens come from."""
    identity_endpoint: str
    azure_msi_endpoint: str
    azure_identity_endpoint: str
    identity_header: str
    """The secret that App Service wants to see."""
    azure_identity_header: str
    object_id: str
    """The managed identity, by its object."""
    azure_object_id: str
    msi_resource_id: str
    """The managed identity, by its resource."""
    azure_msi_resource_id: str
    use_azure_cli: bool | str
    """Whether the program `az` is asked for tokens."""
    azure_use_azure_cli: bool | str
    use_emulator: bool | str
    """Whether the local emulator is meant."""
    azure_storage_use_emulator: bool | str
    endpoint: str
    """The address of the account's blob service."""
    endpoint_url: str
    account_url: str
    azure_storage_endpoint: str
    azure_endpoint: str
    skip_signature: bool | str
    """Whether requests are sent without credentials."""
    azure_skip_signature: bool | str
    anon: bool | str
    anonymous: bool | str
    emulator_url: str
    """Where the emulator listens."""
    use_fabric_endpoint: bool | str
    """Whether the account is one of Microsoft Fabric, at ACCOUNT.blob.fabric.microsoft.com."""
    azure_use_fabric_endpoint: bool | str
    disable_tagging: bool | str
    """Whether the tags of what is written are left out."""
    azure_disable_tagging: bool | str
    encryption_key: str
    """A key of 32 bytes, in base64, that every request about a blob brings along."""
    azure_storage_encryption_key: str
    fabric_token_service_url: str
    """Of Fabric's token service, which is not asked: an error."""
    azure_fabric_token_service_url: str
    fabric_workload_host: str
    """Of Fabric's token service, which is not asked: an error."""
    azure_fabric_workload_host: str
    fabric_session_token: str
    """Of Fabric's token service, which is not asked: an error."""
    azure_fabric_session_token: str
    fabric_cluster_identifier: str
    """Of Fabric's token service, which is not asked: an error."""
    azure_fabric_cluster_identifier: str
    credential_type: str
    """Which kind of credentials counts, which follows from those that are given: an error."""
    azure_credential_type: str

@type_check_only
class AzureConfig(AzureKeywords, total=False):
    """Settings of an AzureStore."""

    container_name: str
    """The container, where no URI names it; else it must be the URI's."""
    container: str
    azure_container_name: str

@type_check_only
class HTTPConfig(ClientConfig, total=False):
    """Settings of an HTTPStore."""

    username: str
    """Who asks, by basic authentication; also from https://user:password@host."""
    user: str
    password: str
    """The password that belongs to it."""
    bearer_token: str
    """A token that every request carries."""
    token: str
    headers: dict[str, str] | dict[str, bytes] | str
    """Further headers of every request, each a line `Name: value`."""

# end settings

@type_check_only
class BackoffConfig(TypedDict, total=False):
    """How long to wait before a request is repeated."""

    init_backoff: float | str | timedelta
    """Before the first repetition."""
    max_backoff: float | str | timedelta
    """At most."""
    base: float | str
    """How many times longer each wait is than the one before."""

@type_check_only
class RetryConfig(TypedDict, total=False):
    """How often requests are repeated."""

    backoff: BackoffConfig
    """How long to wait in between."""
    max_retries: int | str
    """At most so often; 0 is never."""
    retry_timeout: float | str | timedelta
    """When to stop, counted from the first request."""

@type_check_only
class S3Credential(TypedDict):
    """Keys for S3."""

    access_key_id: str
    secret_access_key: str
    token: NotRequired[str | None]
    expires_at: datetime | None
    """When they end, with a time zone; None for never."""

@type_check_only
class GCSCredential(TypedDict):
    """A token for Google."""

    token: str
    expires_at: datetime | None
    """When it ends, with a time zone; None for never."""

@type_check_only
class AzureAccessKey(TypedDict):
    """A key of a storage account."""

    access_key: str
    expires_at: datetime | None
    """When it ends, with a time zone; None for never."""

@type_check_only
class AzureSASToken(TypedDict):
    """A shared access signature, whole or by its parts."""

    sas_token: str | list[tuple[str, str]]
    expires_at: datetime | None
    """When it ends, with a time zone; None for never."""

@type_check_only
class AzureBearerToken(TypedDict):
    """A token for Azure."""

    token: str
    expires_at: datetime | None
    """When it ends, with a time zone; None for never."""

@type_check_only
class S3CredentialProvider(Protocol):
    """Gives keys for S3: a function, or one that is async. It is called on a thread of its own."""

    def __call__(self) -> S3Credential | Coroutine[Any, Any, S3Credential]: ...

@type_check_only
class GCSCredentialProvider(Protocol):
    """Gives tokens for Google: a function, or one that is async. It is called on a thread of its own."""

    def __call__(self) -> GCSCredential | Coroutine[Any, Any, GCSCredential]: ...

@type_check_only
class AzureCredentialProvider(Protocol):
    """Gives credentials for Azure: a function, or one that is async. It is called on a thread of its own."""

    def __call__(
        self,
    ) -> (
        AzureAccessKey
        | AzureSASToken
        | AzureBearerToken
        | Coroutine[Any, Any, AzureAccessKey]
        | Coroutine[Any, Any, AzureSASToken]
        | Coroutine[Any, Any, AzureBearerToken]
    ): ...

@disjoint_base
class Store:
    """What all kinds of stores have in common. A store that a function made, and not Python, is one of these itself."""

    def __new__(cls) -> Self: ...
    @property
    def bucket(self) -> str:
        """The bucket; empty where the kind of store has none."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments that make the same store with the class of this name in another library."""

    def __object_store_capsule__(self, *, max_abi: tuple[int, int] | None = None) -> CapsuleType:
        """The live store, for modules that were compiled by others: its connections, its credentials, its objects in memory."""

_Config = TypeVar("_Config", covariant=True)
_Provider = TypeVar("_Provider", covariant=True)

@type_check_only
class _Bucket(Store, Generic[_Config, _Provider]):
    # What S3, Google and Azure have in common. There is no such class when a program runs.
    @property
    def prefix(self) -> str | None:
        """What is before every key."""

    @property
    def config(self) -> _Config:
        """What keywords, the URL and the environment said. Secrets are there, but ``repr`` does not show them."""

    @property
    def client_options(self) -> ClientConfig | None:
        """The same of the HTTP client."""

    @property
    def retry_config(self) -> RetryConfig | None:
        """The same of repeating requests."""

    @property
    def credential_provider(self) -> _Provider | None:
        """The callable that gives the credentials."""

@disjoint_base
class S3Store(_Bucket[S3Config, S3CredentialProvider]):
    """A bucket on S3 or on a server that speaks its protocol.

    What is not said comes from the environment.
    """

    def __new__(
        cls,
        bucket: str | None = None,
        *,
        prefix: str | None = None,
        config: S3Config | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: S3CredentialProvider | None = None,
        **kwargs: Unpack[S3Keywords],
    ) -> Self:
        """Makes the store of a bucket.

        ``prefix`` is before every key. ``config`` and ``kwargs`` take the same settings.
        """

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str | None = None,
        config: S3Config | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: S3CredentialProvider | None = None,
        **kwargs: Unpack[S3Config],
    ) -> Self:
        """Makes the store that a URL names: ``s3://bucket/path``, or a web address of AWS or R2. Its path is the prefix."""

    @property
    def region(self) -> str:
        """The region that requests are signed for."""

    @property
    def endpoint(self) -> str | None:
        """The endpoint; None for AWS itself."""

@disjoint_base
class GCSStore(_Bucket[GCSConfig, GCSCredentialProvider]):
    """A bucket on Google Cloud Storage.

    What is not said comes from the environment.
    """

    def __new__(
        cls,
        bucket: str | None = None,
        *,
        prefix: str | None = None,
        config: GCSConfig | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: GCSCredentialProvider | None = None,
        **kwargs: Unpack[GCSKeywords],
    ) -> Self:
        """Makes the store of a bucket.

        ``prefix`` is before every key. ``config`` and ``kwargs`` take the same settings.
        """

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str | None = None,
        config: GCSConfig | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: GCSCredentialProvider | None = None,
        **kwargs: Unpack[GCSConfig],
    ) -> Self:
        """Makes the store that a URL names: ``gs://bucket/path``. Its path is the prefix."""

    @property
    def endpoint(self) -> str | None:
        """The endpoint; None for Google itself."""

    @property
    def project(self) -> str | None:
        """The project that new buckets belong to."""

    @property
    def service_account(self) -> str | None:
        """The service account that signs, where one does."""

@disjoint_base
class AzureStore(_Bucket[AzureConfig, AzureCredentialProvider]):
    """A container in a storage account of Azure.

    What is not said comes from the environment.
    """

    def __new__(
        cls,
        container_name: str | None = None,
        *,
        prefix: str | None = None,
        config: AzureConfig | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: AzureCredentialProvider | None = None,
        **kwargs: Unpack[AzureKeywords],
    ) -> Self:
        """Makes the store of a container.

        ``prefix`` is before every key. ``config`` and ``kwargs`` take the same settings.
        """

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        prefix: str | None = None,
        config: AzureConfig | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        credential_provider: AzureCredentialProvider | None = None,
        **kwargs: Unpack[AzureConfig],
    ) -> Self:
        """Makes the store that a URL names, such as ``az://container/path``. Its path is the prefix."""

    @property
    def container(self) -> str:
        """The container; the same as ``bucket``."""

    @property
    def container_name(self) -> str:
        """The container, by the name of the keyword."""

    @property
    def account(self) -> str:
        """The storage account."""

    @property
    def endpoint(self) -> str:
        """The address of the account's blob service."""

@disjoint_base
class HTTPStore(Store):
    """A web server: read-only, listed where it offers WebDAV."""

    def __new__(
        cls,
        url: str | None = None,
        *,
        config: HTTPConfig | None = None,
        client_options: ClientConfig | None = None,
        retry_config: RetryConfig | None = None,
        **kwargs: Unpack[HTTPConfig],
    ) -> Self:
        """Makes the store of a server, or of what is under a path on it."""

    @classmethod
    def from_url(cls, url: str, **kwargs: Any) -> Self:
        """The same as the constructor."""

    @property
    def url(self) -> str:
        """The address that keys follow. User and password are in ``config``."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, as ``https://host``."""

    @property
    def username(self) -> str | None:
        """Who asks, where that is by name and password."""

    @property
    def config(self) -> HTTPConfig:
        """What keywords, the URL and the environment said. Secrets are there, but ``repr`` does not show them."""

    @property
    def client_options(self) -> ClientConfig | None:
        """The same of the HTTP client."""

    @property
    def retry_config(self) -> RetryConfig | None:
        """The same of repeating requests."""

@disjoint_base
class LocalStore(Store):
    """Files below a folder, or all files."""

    def __new__(
        cls,
        prefix: str | PathLike[str] | None = None,
        *,
        automatic_cleanup: bool = False,
        mkdir: bool = False,
    ) -> Self:
        """Makes the store of a folder; ``mkdir`` makes the folder. ``automatic_cleanup`` deletes folders left empty."""

    @classmethod
    def from_url(cls, url: str, *, automatic_cleanup: bool = False, mkdir: bool = False) -> Self:
        """Makes the store of the folder that a ``file://`` URL names."""

    @property
    def prefix(self) -> Path | None:
        """The folder that keys are below; None where keys are paths from the root."""

    @property
    def automatic_cleanup(self) -> bool:
        """Whether folders that a deletion leaves empty are deleted as well."""

@disjoint_base
class MemoryStore(Store):
    """Objects in this process's memory. Each is a store of its own."""

    def __new__(cls) -> Self: ...
    @classmethod
    def from_url(cls, url: str) -> Self:
        """Makes a store for ``memory:///``."""

def from_url(url: str, **kwargs: Any) -> S3Store | GCSStore | AzureStore | HTTPStore | LocalStore | MemoryStore:
    """The store that a URL names: its scheme says which class, and its path is the prefix.

    Keywords are those of the class's own ``from_url``.
    """
