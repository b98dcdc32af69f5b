"""Which kind of store a URL is of."""

from __future__ import annotations

from longshore.exceptions import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

__all__ = ["parse_scheme"]

_KINDS: dict[str, Literal["s3", "gcs", "http", "local", "memory", "azure"]] = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("az", "abfs", "abfss", "azure", "adl"), "azure"),
    **dict.fromkeys(("http", "https"), "http"),
    "file": "local",
    "memory": "memory",
}
_SERVICES: tuple[tuple[str, Literal["s3", "azure"]], ...] = (
    ("amazonaws.com", "s3"),
    ("r2.cloudflarestorage.com", "s3"),
    ("blob.core.windows.net", "azure"),
    ("dfs.core.windows.net", "azure"),
    ("blob.fabric.microsoft.com", "azure"),
    ("dfs.fabric.microsoft.com", "azure"),
)


def parse_scheme(url: str) -> Literal["s3", "gcs", "http", "local", "memory", "azure"]:
    """Tells which kind of store ``longshore.store.from_url`` makes of a URL, from its text alone.

    Parameters
    ----------
    url
        Such as ``s3://bucket/path``. An ``https`` address of AWS, R2 or Azure is one of theirs.

    Raises
    ------
    InvalidArgumentError
        It is no URL, or of no kind of store.
    """
    scheme, found, rest = url.partition(":")
    kind = _KINDS.get(scheme.lower()) if found else None
    if kind is None:
        raise InvalidArgumentError(
            f"{scheme + found if found else 'a text without a scheme'!r} is of no kind of store; "
            "a URL begins with s3://, gs://, az://, https://, http://, file:// or memory://"
        )
    if scheme.lower() == "https":
        address = rest.removeprefix("//").partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
        host = address.partition(":")[0].lower()
        for end, service in _SERVICES:
            if host == end or host.endswith(f".{end}"):
                return service
    return kind
