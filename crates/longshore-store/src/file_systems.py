"""What file systems of ``fsspec`` say about themselves, as arguments of our store classes.

A file system is known by its class and read by its attributes; ``fsspec`` itself is not imported. A reason why it cannot be
a store of ours is raised as :class:`LookupError`.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # The class, its positional arguments and its keywords.
    Store = tuple[str, tuple[object, ...], dict[str, object]]

# Arguments that say how the file system works and not which objects are in it.
_HARMLESS = {
    *("asynchronous", "auto_mkdir", "batch_size", "block_size", "blocksize", "cache_options", "cache_regions"),
    *(
        "cache_timeout",
        "cache_type",
        "check_connection",
        "connection_timeout",
        "consistency",
        "default_block_size",
        "default_cache_options",
    ),
    *("default_cache_type", "default_fill_cache", "encoded", "fixed_upload_size", "get_client", "listings_expiry_time"),
    *(
        "loop",
        "max_concurrency",
        "max_paths",
        "read_timeout",
        "same_scheme",
        "secure_serialize",
        "session_kwargs",
        "simple_links",
    ),
    *("size_policy", "skip_instance_cache", "timeout", "use_listings_cache"),
}


def describe(system: object) -> Store | None:
    """The store that ``system`` is, or None where it is no file system."""
    path = ""
    # A folder of a file system; there may be folders of folders.
    while _is_a(system, "DirFileSystem"):
        above = str(getattr(system, "path", "") or "")
        path = f"{above.rstrip('/')}/{path}" if above and path else above or path
        system = system.fs  # type: ignore[attr-defined]
    for name, read in _READERS.items():
        if _is_a(system, name):
            return read(system, path)
    if _is_a(system, "AbstractFileSystem"):
        raise LookupError(f"{type(system).__name__} has no counterpart; pass a store, or a URL")
    return None


def _is_a(system: object, name: str) -> bool:
    return any(base.__name__ == name for base in type(system).__mro__)


def _options(system: Any, known: str) -> dict[str, Any]:
    """The arguments that the file system was made with; those not ``known`` must not matter."""
    options = dict(getattr(system, "storage_options", None) or {})
    if getattr(system, "storage_args", None):
        raise LookupError("it was made with positional arguments; name them")
    options = {name: value for name, value in options.items() if value is not None and name not in _HARMLESS}
    _refuse_the_rest(options, known)
    return options


def _refuse_the_rest(options: Mapping[str, object], known: str, place: str = "") -> None:
    for name in options:
        if name not in known.split():
            raise LookupError(f"its argument {place}{name} has no counterpart")


def _bucket(path: str) -> tuple[tuple[str, ...], str | None]:
    """The bucket, as an argument, and the prefix. A store without a bucket has all of them, and its keys begin with one."""
    bucket, _, prefix = path.strip("/").partition("/")
    return (bucket,) if bucket else (), prefix or None


def _s3(system: Any, path: str) -> Store:
    known = (
        "anon key username secret password token endpoint_url profile use_ssl requester_pays client_kwargs config_kwargs "
        "s3_additional_kwargs version_aware"
    )
    options = _options(system, known)
    client = dict(options.get("client_kwargs") or {})
    _refuse_the_rest(
        client,
        "region_name endpoint_url aws_access_key_id aws_secret_access_key aws_session_token verify use_ssl",
        "client_kwargs.",
    )
    if options.get("s3_additional_kwargs"):
        raise LookupError("its argument s3_additional_kwargs has no counterpart")
    if client.get("verify", True) is not True:
        raise LookupError("its argument client_kwargs.verify has no counterpart")
    endpoint = options.get("endpoint_url") or client.get("endpoint_url")
    # It counts only where nobody says an endpoint, whose scheme is what counts then.
    if not endpoint and not client.get("use_ssl", options.get("use_ssl", True)):
        raise LookupError(
            "its argument use_ssl=False has no counterpart; give it an endpoint_url that begins with http://"
        )
    settings, unsigned = _botocore(options)
    keywords: dict[str, object] = {
        "endpoint": endpoint,
        "region": client.get("region_name"),
        "profile": options.get("profile"),
        "request_payer": True if options.get("requester_pays") else None,
        **settings,
    }
    if options.get("anon") or unsigned:
        keywords["skip_signature"] = True
    else:
        keywords.update(
            access_key_id=options.get("key") or options.get("username") or client.get("aws_access_key_id"),
            secret_access_key=options.get("secret") or options.get("password") or client.get("aws_secret_access_key"),
            session_token=options.get("token") or client.get("aws_session_token"),
        )
    if endpoint and str(endpoint).startswith("http://"):
        keywords["client_options"] = {"allow_http": True}
    bucket, prefix = _bucket(path)
    return "S3Store", bucket, _said({"prefix": prefix, **keywords})


def _botocore(options: Mapping[str, Any]) -> tuple[dict[str, object], bool]:
    """What ``config_kwargs``, which are those of botocore's ``Config``, mean, and whether requests are sent unsigned."""
    config = dict(options.get("config_kwargs") or {})
    style = dict(config.pop("s3", None) or {})
    signature = config.pop("signature_version", None)
    # botocore says it with an object of its own.
    unsigned = type(signature).__name__ == "UNSIGNED"
    if not unsigned and signature not in (None, "s3v4", "v4"):
        raise LookupError(f"its argument config_kwargs.signature_version={signature!r} has no counterpart")
    how = style.pop("addressing_style", None)
    if how not in (None, "auto", "path", "virtual"):
        raise LookupError(f"its argument config_kwargs.s3.addressing_style={how!r} has no counterpart")
    _refuse_the_rest(style, "", "config_kwargs.s3.")
    _refuse_the_rest(config, "region_name connect_timeout read_timeout retries max_pool_connections", "config_kwargs.")
    settings: dict[str, object] = {}
    if config.get("region_name") and not dict(options.get("client_kwargs") or {}).get("region_name"):
        settings["region"] = config["region_name"]
    if how in ("path", "virtual"):
        settings["virtual_hosted_style_request"] = how == "virtual"
    return settings, unsigned


def _gcs(system: Any, path: str) -> Store:
    options = _options(system, "project access token endpoint_url requester_pays version_aware default_location")
    if options.get("requester_pays"):
        raise LookupError("its argument requester_pays has no counterpart")
    bucket, prefix = _bucket(path)
    keywords: dict[str, object] = {"prefix": prefix, "endpoint": options.get("endpoint_url")}
    token = options.get("token")
    if token == "anon":
        keywords["skip_signature"] = True
    elif isinstance(token, dict) and token.get("type", "service_account") == "service_account":
        keywords["service_account_key"] = json.dumps(token)
    elif token in (None, "google_default", "cloud"):
        pass
    elif isinstance(token, str) and os.path.exists(token):
        keywords["application_credentials"] = token
    else:
        # It may be an access token, which is not to be shown.
        raise LookupError(
            "its argument token is of a kind that has no counterpart; give the store a credential_provider"
        )
    return "GCSStore", bucket, _said(keywords)


def _azure(system: Any, path: str) -> Store:
    known = (
        "account_name account_key connection_string sas_token client_id client_secret tenant_id anon account_host "
        "version_aware assume_container_exists location_mode"
    )
    options = _options(system, known)
    if options.get("location_mode", "primary") != "primary":
        raise LookupError(f"its argument location_mode={options['location_mode']!r} has no counterpart")
    container, prefix = _bucket(path)
    # What counts is what that file system looks at first.
    for names in (
        ["connection_string"],
        ["account_key"],
        ["sas_token"],
        ["client_id", "client_secret", "tenant_id"],
        [],
    ):
        if any(options.get(name) for name in names):
            break
    keywords: dict[str, object] = {"prefix": prefix, **{name: options.get(name) for name in names}}
    if names != ["connection_string"]:
        host = options.get("account_host")
        keywords["account_name"] = options.get("account_name")
        keywords["endpoint"] = host if not host or "://" in str(host) else f"https://{host}"
    # Whether it is anonymous without credentials differs between its versions; it knows itself.
    if not names and getattr(system, "anon", options.get("anon")):
        keywords["skip_signature"] = True
    return "AzureStore", container, _said(keywords)


def _local(system: Any, path: str) -> Store:
    _options(system, "")
    return "LocalStore", (path if path else "/",), {}


def _http(system: Any, path: str) -> Store:
    options = _options(system, "client_kwargs headers")
    client = dict(options.get("client_kwargs") or {})
    _refuse_the_rest(client, "headers", "client_kwargs.")
    headers = {**dict(client.get("headers") or {}), **dict(options.get("headers") or {})}
    if "://" not in path:
        raise LookupError(
            'it has no server, and a store is one server; wrap it as DirFileSystem(path="https://host/path", fs=...), '
            "or pass a URL or a store"
        )
    return "HTTPStore", (path,), {"client_options": {"default_headers": headers}} if headers else {}


def _by_protocol(system: Any, path: str) -> Store:
    """The file system of ``obstore.fsspec``, or that of ``longshore.fsspec``: one class whose instances have a protocol each."""
    if hasattr(system, "_settings"):
        keywords = dict(system._settings)
    elif hasattr(system, "_config"):
        keywords = {
            "config": {**(system._config or {}), **(system._config_kwargs or {})} or None,
            "client_options": system._client_options,
            "retry_config": system._retry_config,
            "credential_provider": system._credential_provider,
        }
    else:
        raise LookupError("it does not say how its stores are made; pass a store, or a URL")
    protocol = str(system.protocol if isinstance(system.protocol, str) else system.protocol[0])
    if protocol == "file":
        return "LocalStore", (path or "/",), {}
    if protocol == "memory":
        return _memory(system, path)
    if protocol in ("http", "https"):
        if not path:
            raise LookupError(
                'it has no server, and a store is one server; wrap it as DirFileSystem(path="host/path", fs=...), '
                "or pass a URL or a store"
            )
        return "HTTPStore", (f"{protocol}://{path}",), _said(keywords)
    if protocol not in _CLOUDS:
        raise LookupError(f"its protocol {protocol!r} has no counterpart; pass a store, or a URL")
    bucket, prefix = _bucket(path)
    return _CLOUDS[protocol], bucket, _said({"prefix": prefix, **keywords})


_CLOUDS = {
    **dict.fromkeys(("s3", "s3a"), "S3Store"),
    **dict.fromkeys(("gs", "gcs"), "GCSStore"),
    **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), "AzureStore"),
}


def _memory(_system: Any, _path: str) -> Store:
    raise LookupError("its files are in memory that only Python can read; use a LocalStore or a MemoryStore")


def _said(keywords: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in keywords.items() if value is not None}


_READERS: dict[str, Callable[[Any, str], Store]] = {
    "FsspecStore": _by_protocol,
    "S3FileSystem": _s3,
    "GCSFileSystem": _gcs,
    "AzureBlobFileSystem": _azure,
    "LocalFileSystem": _local,
    "HTTPFileSystem": _http,
    "MemoryFileSystem": _memory,
}
