"""Types of arguments, options and results, for annotations.

Importing this module imports ``typing``; the package itself does not need it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, List, Literal, Protocol, TypeAlias, TypedDict

from longshore._native import Bytes as Bytes
from longshore._progress import Progress
from longshore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store

if TYPE_CHECKING:
    import numpy

__all__ = [
    "AnyStore",
    "AsyncPutSource",
    "Attributes",
    "AzureOptions",
    "Buffer",
    "Count",
    "Data",
    "DoctorReport",
    "DoctorSetting",
    "DoctorStep",
    "Duration",
    "Flag",
    "GCSOptions",
    "GetOptions",
    "HTTPOptions",
    "ListResult",
    "ObjectMeta",
    "OffsetRange",
    "Progress",
    "ProgressArgument",
    "PutMode",
    "PutResult",
    "PutSource",
    "ReadResult",
    "RequestFilter",
    "S3Options",
    "ServerStats",
    "StoreOptions",
    "StoreProtocol",
    "SuffixRange",
    "TransferOptions",
    "UpdateVersion",
]


class Buffer(Protocol):
    """An object whose memory can be read in place: ``bytes``, ``bytearray``, ``memoryview``, ``array.array``, ``mmap``, …

    It is ``collections.abc.Buffer`` for every version of Python. It is for type checkers, not for ``isinstance``.
    """

    def __buffer__(self, flags: int, /) -> memoryview:
        """Called by ``memoryview(…)``; how an object written in Python lends its memory, from Python 3.12 on."""
        ...


if TYPE_CHECKING:
    # For type checkers NumPy's arrays have a buffer only from Python 3.12 on.
    Data: TypeAlias = Buffer | numpy.ndarray[Any, Any]
    """Anything with a contiguous buffer, which is what can be written. A ``str`` has none; encode it."""
    PutSource: TypeAlias = Data | Path | IO[bytes] | Iterable[Data]
    """What can be written to an object."""
    AsyncPutSource: TypeAlias = PutSource | AsyncIterable[Data]
    """What can be written to an object from ``asyncio``."""
else:

    def __getattr__(name):
        # Made when they are asked for, because NumPy takes longer to import than everything else here.
        if name not in ("Data", "PutSource", "AsyncPutSource"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import numpy

        data = Buffer | numpy.ndarray[Any, Any]
        source = data | Path | IO[bytes] | Iterable[data]
        globals().update(Data=data, PutSource=source, AsyncPutSource=source | AsyncIterable[data])
        return globals()[name]


ProgressArgument: TypeAlias = bool | Callable[[Progress], object] | None
"""What ``progress=`` takes; ``True`` for a bar, or a callable that is given :class:`Progress` events."""

Duration: TypeAlias = float | str | timedelta | None
"""Seconds, a ``timedelta``, or text such as ``"250ms"``, ``"10s"``, ``"2m"``."""

Flag: TypeAlias = bool | str | None
"""A ``bool``, or text such as ``"true"``, ``"no"``, ``"1"``."""

Count: TypeAlias = int | str | None
"""A whole number, or its text."""


class ObjectMeta(TypedDict):
    """What a store knows of an object without reading it."""

    path: str
    """The key in the store."""
    last_modified: datetime
    """When it was last written; an aware datetime."""
    size: int
    """Its length in bytes."""
    e_tag: str | None
    """The store's name for this content."""
    version: str | None
    """The version, where the bucket keeps versions."""


class TransferOptions(TypedDict, total=False):
    """Options of every store that is reached over a network. ``None`` and empty text count as absent."""

    ca_bundle: str | None
    """A PEM file of certificates to trust besides the system's."""
    root_certificate: str | None
    """Certificates to trust besides the system's, as PEM text."""
    disable_system_certificates: Flag
    """Trusts only the certificates that are given."""
    allow_invalid_certificates: Flag
    """Trusts everybody. Whoever is on the way can then read and change everything."""
    proxy_url: str | None
    """The proxy for all requests, ``"http://host:port"``; that of ``HTTP_PROXY`` and its like."""
    proxy_ca_certificate: str | None
    """Certificates to trust for the proxy's sake, as PEM text."""
    proxy_excludes: str | None
    """Hosts, domains and networks that are reached without ``proxy_url``, between commas."""
    user_agent: str | None
    """The way the client calls itself."""
    http1_only: Flag
    """Never speaks HTTP/2; true."""
    http2_only: Flag
    """Speaks nothing but HTTP/2."""
    http2_keep_alive_interval: Duration
    """The time after which a connection of HTTP/2 is asked whether it lives; never."""
    http2_keep_alive_timeout: Duration
    """The longest wait for an answer to that; 20 seconds."""
    http2_keep_alive_while_idle: Flag
    """Asks idle connections of HTTP/2 as well."""
    http2_max_frame_size: Count
    """The largest frame of HTTP/2 in bytes; 16384."""
    pool_idle_timeout: Duration
    """The time that an idle connection is kept; 90 seconds."""
    pool_max_idle_per_host: Count
    """The number of idle connections to one host that are kept; all."""
    randomize_addresses: Flag
    """Tries the addresses of a host in an order of chance."""
    default_headers: dict[str, str] | str | None
    """More headers of every request."""
    default_content_type: str | None
    """The content type of what is written, where nothing else is said."""
    allow_http: Flag
    """False refuses an endpoint that begins with ``http://``."""
    timeout: Duration
    """The longest silence in either direction; 60 seconds. No transfer is bounded as a whole."""
    read_timeout: Duration
    """The same as ``timeout``, as other clients call it. The shorter of the two counts."""
    connect_timeout: Duration
    """The longest wait for a connection; 5 seconds."""
    max_retries: Count
    """How often a request is repeated; 8."""
    retry_timeout: Duration
    """When to stop repeating, counted from the first request; unlimited."""
    init_backoff: Duration
    """The wait before the first repetition; 100 milliseconds."""
    max_backoff: Duration
    """The longest wait before a repetition; 5 seconds."""
    backoff_base: float | str | None
    """How many times longer each wait is than the one before; 2.5."""


class S3Options(TransferOptions, total=False):
    """Options of an :class:`~longshore.S3Store`. What is absent comes from the ``AWS_*`` variables, then from the profile."""

    bucket: str | None
    """The bucket again; it must be the URI's."""
    profile: str | None
    """The profile of AWS's shared files that counts, instead of the one that the variables name."""
    config_file: str | None
    """AWS's shared configuration file; ``~/.aws/config``."""
    shared_credentials_file: str | None
    """AWS's shared file of keys; ``~/.aws/credentials``."""
    access_key_id: str | None
    """The access key; it comes with ``secret_access_key``."""
    secret_access_key: str | None
    """The secret of the access key."""
    session_token: str | None
    """The token of temporary keys."""
    role_arn: str | None
    """The role to act in; it comes with ``web_identity_token_file``. Roles that keys ask for stand in a profile."""
    web_identity_token_file: str | None
    """A file with a token that proves who asks for the role."""
    role_session_name: str | None
    """The name of the role's session in AWS's logs; ``longshore``."""
    sts_endpoint: str | None
    """The address of STS, which gives a role's keys."""
    container_credentials_relative_uri: str | None
    """The path at which the agent of an ECS task gives keys."""
    container_credentials_full_uri: str | None
    """The address at which the agent of a container gives keys."""
    container_authorization_token_file: str | None
    """A file with what proves to that agent who asks."""
    container_authorization_token: str | None
    """What proves to that agent who asks."""
    metadata_endpoint: str | None
    """The address of the instance metadata service."""
    imdsv1_fallback: Flag
    """Asks the first version of that service where the second refuses."""
    ec2_metadata_disabled: Flag
    """Leaves that service alone."""
    region: str | None
    """The region that requests are signed for; ``us-east-1``."""
    default_region: str | None
    """The region, where neither ``region`` nor ``AWS_REGION`` names one."""
    endpoint: str | None
    """The server's address, for example ``"http://127.0.0.1:9000"``; without one it is AWS, in the region."""
    endpoint_url_s3: str | None
    """The same; it counts before ``endpoint``."""
    skip_signature: Flag
    """Sends unsigned requests, for public buckets."""
    unsigned_payload: Flag
    """Signs the head of a request only; true, unless the endpoint is ``http://``."""
    virtual_hosted_style_request: Flag
    """Puts the bucket into the host name instead of the path."""
    request_payer: Flag
    """Agrees to pay for the requests."""
    use_dualstack_endpoint: Flag
    """Reaches AWS over IPv6 as well."""
    use_fips_endpoint: Flag
    """Reaches AWS at its FIPS endpoint."""
    use_accelerate_endpoint: Flag
    """Reaches AWS through its transfer acceleration."""
    checksum_algorithm: str | None
    """A checksum to send with bodies, ``"sha256"`` or ``"crc64nvme"``; none."""
    server_side_encryption: str | None
    """The way objects are encrypted, ``"AES256"``, ``"aws:kms"``, ``"aws:kms:dsse"`` or ``"sse-c"``; as the bucket says."""
    sse_kms_key_id: str | None
    """The key of the key service that encrypts objects."""
    sse_bucket_key_enabled: Flag
    """Asks the key service once for the bucket instead of once for each object; as the bucket says."""
    sse_customer_key_base64: str | None
    """A key of 32 bytes, in base64, which every request about an object brings along."""
    copy_if_not_exists: str | None
    """The way to copy only where nothing is yet, ``"multipart"``, ``"header:NAME:VALUE"`` or
    ``"header-with-status:NAME:VALUE:STATUS"``; such a copy is not supported without one."""
    conditional_put: str | None
    """Whether the server knows conditions on writes, ``"etag"`` or ``"disabled"``; ``"etag"``."""
    disable_tagging: Flag
    """Leaves out the tags of what is written."""
    disable_bulk_delete: Flag
    """Deletes objects one by one."""
    s3_express: Flag
    """``True`` is an error, because directory buckets are not supported."""


class GCSOptions(TransferOptions, total=False):
    """Options of a :class:`~longshore.GCSStore`. What is absent comes from Google's variables and files."""

    service_account: str | None
    """A file with the key of a service account."""
    service_account_key: str | None
    """The key of a service account itself, as JSON."""
    application_credentials: str | None
    """A file with the credentials of an application or a person."""
    bearer_token: str | None
    """A token to send as it is, which nobody renews."""
    skip_signature: Flag
    """Whether requests are sent without credentials."""
    endpoint: str | None
    """The address of the service."""
    project: str | None
    """The project that new buckets belong to."""
    bucket_location: str | None
    """Where new buckets are made."""
    bucket: str | None
    """The bucket again; it must be the URI's."""
    metadata_host: str | None
    """Where the metadata server of an instance is."""
    xml_api: Flag
    """Whether objects go over the XML interface instead of the JSON one, which emulators have."""


class AzureOptions(TransferOptions, total=False):
    """Options of an :class:`~longshore.AzureStore`. What is absent comes from the URI and the ``AZURE_*`` variables."""

    account_name: str | None
    """The storage account."""
    account_key: str | None
    """A key of the account, which signs the requests."""
    connection_string: str | None
    """Account, credentials and endpoint in one text, as the portal shows it."""
    sas_token: str | None
    """A shared access signature."""
    bearer_token: str | None
    """A token to send as it is, which nobody renews."""
    client_id: str | None
    """The application or identity that asks for tokens."""
    client_secret: str | None
    """The secret of the application."""
    tenant_id: str | None
    """The directory that the application is in."""
    authority_host: str | None
    """The address that gives out tokens."""
    federated_token_file: str | None
    """The file in which a workload finds its own token."""
    msi_endpoint: str | None
    """The address that a managed identity's tokens come from."""
    identity_header: str | None
    """The secret that App Service wants to see."""
    object_id: str | None
    """The managed identity, by its object."""
    msi_resource_id: str | None
    """The managed identity, by its resource."""
    use_azure_cli: Flag
    """Whether the program `az` is asked for tokens."""
    use_emulator: Flag
    """Whether the local emulator is meant."""
    endpoint: str | None
    """The address of the account's blob service."""
    skip_signature: Flag
    """Whether requests are sent without credentials."""
    container_name: str | None
    """The container again; it must be the URI's."""
    emulator_url: str | None
    """The address of the local emulator; it comes with ``use_emulator``."""
    use_fabric_endpoint: Flag
    """Reaches an account of Microsoft Fabric."""
    disable_tagging: Flag
    """Leaves out the tags of what is written."""
    encryption_key: str | None
    """A key of 32 bytes, in base64, which every request about a blob brings along."""


class HTTPOptions(TransferOptions, total=False):
    """Options of an :class:`~longshore.HTTPStore`."""

    username: str | None
    """Whom basic authentication is for; it comes with ``password``."""
    password: str | None
    """The password of ``username``."""
    bearer_token: str | None
    """A token that every request carries."""
    headers: dict[str, str] | str | None
    """More headers of every request."""


class StoreOptions(S3Options, GCSOptions, AzureOptions, HTTPOptions, total=False):
    """Options of every kind of store: the keywords of :func:`~longshore.store_for`.

    Which of them a store has depends on its URI, which type checkers cannot see; one that it does not have is
    ``UnknownConfigurationKeyError``.
    """


AnyStore: TypeAlias = S3Store | GCSStore | AzureStore | HTTPStore | LocalStore | MemoryStore
"""What :func:`~longshore.store_for` returns."""


class RequestFilter(TypedDict, total=False):
    """Which requests a rule of :class:`~longshore.testing.Faults` is for."""

    method: str | None
    """The HTTP method, for example ``"GET"``."""
    path: str | None
    """A part of ``/bucket/key``."""
    query: str | None
    """A part of the query string."""
    skip: int
    """How many such requests pass first; 0."""
    times: int | None
    """How often it happens; ``None`` for always."""


class ServerStats(TypedDict):
    """What a :class:`~longshore.testing.Server` has seen."""

    connections: int
    """Connections that were opened."""
    operations: dict[str, int]
    """Requests by S3 operation, for example ``"GetObject"``."""
    methods: dict[str, int]
    """Requests by HTTP method."""


class DoctorSetting(TypedDict):
    """A setting that counts."""

    name: str
    """The option it goes by."""
    value: str
    """Its value; ``"****"`` for a secret."""
    origin: str
    """The one who set it, which is ``"keyword"``, ``"URI"``, a variable, ``"profile NAME"`` or ``"default"``."""


class DoctorStep(TypedDict):
    """A step that was tried."""

    name: str
    """What was tried, which is ``"settings"``, ``"dns"``, ``"tcp"``, ``"tls"``, ``"http"``, ``"clock"``, ``"credentials"``,
    ``"bucket"``, ``"path"``, ``"space"``, ``"list"`` or ``"get"``."""
    state: Literal["ok", "failed", "skipped"]
    """How it ended."""
    said: str
    """What was found, or why it failed or was skipped."""
    advice: str | None
    """What to do about a failure."""
    seconds: float
    """How long it took."""


class DoctorReport(TypedDict):
    """What :func:`longshore.doctor` found."""

    uri: str
    """The URI as it was given."""
    healthy: bool
    """Whether nothing failed."""
    settings: List[DoctorSetting]
    """What counts, and who said it."""
    steps: List[DoctorStep]
    """The steps, in the order they were tried."""


Attributes: TypeAlias = Mapping[str, str]
"""What is said of an object's content.

``Content-Disposition``, ``Content-Encoding``, ``Content-Language``, ``Content-Type``, ``Cache-Control`` and ``Storage-Class`` are
what those headers are, in any case; every other name is metadata of the object.
"""


class OffsetRange(TypedDict):
    """All bytes from an offset on."""

    offset: int


class SuffixRange(TypedDict):
    """So many bytes at the end, or all there are."""

    suffix: int


class GetOptions(TypedDict, total=False):
    """What a read asks for, and on which conditions."""

    if_match: str | None
    """Only if this is the object's ETag; several are separated by commas."""
    if_none_match: str | None
    """Only if this is not the object's ETag; otherwise ``NotModifiedError``."""
    if_modified_since: datetime | None
    """Only if it was written after this moment, which has a time zone; otherwise ``NotModifiedError``."""
    if_unmodified_since: datetime | None
    """Only if it was not written after this moment."""
    range: tuple[int, int] | Sequence[int] | OffsetRange | SuffixRange | None
    """Only the bytes from the first offset up to, and without, the second; or as the two dictionaries say."""
    version: str | None
    """This version of the object."""
    head: bool
    """Only the description, and no bytes."""


class UpdateVersion(TypedDict, total=False):
    """The version that a write is to replace."""

    e_tag: str | None
    version: str | None


class PutResult(TypedDict):
    """What a store calls what was written, as far as it tells."""

    e_tag: str | None
    version: str | None


PutMode: TypeAlias = Literal["create", "overwrite"] | UpdateVersion | PutResult
"""Whether a write may take the place of what is there, which is never, always, or only of one version."""


class ListResult(TypedDict):
    """One level of a listing."""

    common_prefixes: List[str]
    """The folders in it, without a slash at their ends."""
    objects: Any
    """The objects in it, as a list of :class:`ObjectMeta` or as a record batch."""


class ReadResult(Protocol):
    """What a read of a store gives: its bytes, and what is known of the object. ``longshore.obs.GetResult`` is one."""

    @property
    def meta(self) -> ObjectMeta:
        """The object."""
        ...

    def bytes(self) -> Buffer:
        """The bytes; where there is ``bytes_async`` as well, that is used by coroutines."""
        ...


class StoreProtocol(Protocol):
    """A store that is written in Python, for :func:`longshore.export_store`. Each method may be a coroutine.

    What it raises keeps its meaning: ``NotFoundError``, ``AlreadyExistsError``, ``PreconditionError`` and the other classes of
    :mod:`longshore.exceptions`, and Python's ``FileNotFoundError``, ``FileExistsError``, ``PermissionError`` and
    ``NotImplementedError``. Everything else is a failure without a name.

    Keywords are given only where there is something to say. A method without a keyword refuses by that what it cannot do.
    """

    def get(self, path: str, /, *, options: GetOptions = ...) -> Buffer | ReadResult | Awaitable[Buffer | ReadResult]:
        """Reads an object.

        A buffer is all of the object: what ``options`` ask for is cut out of it, and their conditions are checked with
        ``head``. A result may have a ``range`` as well, where it is not all, and ``attributes``.
        """
        ...

    def put(
        self,
        path: str,
        body: Bytes,
        /,
        *,
        mode: PutMode = ...,
        attributes: Attributes = ...,
        tags: Mapping[str, str] = ...,
    ) -> PutResult | Awaitable[PutResult | None] | None:
        """Writes an object. ``body`` is in memory of the caller's, which stays while it is referred to."""
        ...

    def list(
        self, prefix: str | None, /
    ) -> (
        Iterable[ObjectMeta | Sequence[ObjectMeta]]
        | AsyncIterable[ObjectMeta | Sequence[ObjectMeta]]
        | Awaitable[Iterable[ObjectMeta | Sequence[ObjectMeta]]]
    ):
        """Gives the objects below ``prefix``, one by one or in chunks. It may give more; those are left out."""
        ...

    def delete(self, path: str, /) -> object:
        """Deletes an object."""
        ...

    def head(self, path: str, /) -> ObjectMeta | Awaitable[ObjectMeta]:
        """Describes an object."""
        ...
