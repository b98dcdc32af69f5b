"""How paths of fsspec name objects: which part is the bucket, and which the key."""

# pyright: basic
from __future__ import annotations

import re
from typing import Any

from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]
from fsspec.utils import stringify_path  # type: ignore[import-untyped]

from longshore.exceptions import InvalidArgumentError

__all__ = ["PROTOCOLS", "Paths"]

_SPELLINGS: tuple[set[str], ...] = (
    {"s3", "s3a"},
    {"gs", "gcs"},
    {"az", "abfs", "abfss", "azure", "adl"},
    {"http"},
    {"https"},
    {"file"},
    {"memory"},
)
PROTOCOLS: frozenset[str] = frozenset({name for each in _SPELLINGS for name in each})
"""All schemes that a file system can be for."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Paths:
    """The paths of one protocol.

    A path is ``bucket/key``, for web servers ``host/path``. Files and memory have no buckets: their paths begin with a slash.
    Keys are taken as they are: a ``?``, a ``#`` or a ``%`` in one has no meaning.
    """

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.spellings = next((each for each in _SPELLINGS if protocol in each), set[str]())
        if not self.spellings:
            raise InvalidArgumentError(f"there is no protocol {protocol!r}; there are {', '.join(sorted(PROTOCOLS))}")
        self.has_buckets = protocol not in ("file", "memory")
        self.root = "" if self.has_buckets else "/"
        self.is_web = protocol in ("http", "https")

    def strip(self, path: Any) -> Any:
        """The path without a scheme and without a slash at its end; of a list, that of each."""
        if isinstance(path, list):
            return [self.strip(each) for each in path]
        if self.protocol == "file":
            # Makes it absolute, too.
            return LocalFileSystem._strip_protocol(path)
        text: str = stringify_path(path)
        for scheme in self.spellings:
            for mark in ("://", "::"):
                if text.startswith(scheme + mark):
                    text = text[len(scheme + mark) :]
        text = text.rstrip("/")
        return text if self.has_buckets else "/" + text.lstrip("/")

    def split(self, path: Any) -> tuple[str, str]:
        """The bucket and the key of a path. A bucket alone has the empty key."""
        text: str = self.strip(path)
        foreign = _SCHEME.match(text)
        if foreign is not None:
            raise InvalidArgumentError(
                f"{text!r} is not a path of this file system, which is for {self.protocol}; "
                f"make one with FsspecStore({foreign[1]!r})"
            )
        if not self.has_buckets:
            return "", text.lstrip("/")
        bucket, _, key = text.partition("/")
        if not bucket:
            raise InvalidArgumentError(
                f"the path {text!r} names no bucket; write {self.protocol}://bucket/key. Buckets are not listed here."
            )
        return bucket, key

    def join(self, bucket: str, key: str) -> str:
        """The path of a key."""
        key = key.rstrip("/")
        if not self.has_buckets:
            return "/" + key
        return f"{bucket}/{key}" if key else bucket

    def url(self, bucket: str) -> str:
        """The URL of a bucket's store."""
        return f"{self.protocol}://{bucket}" if self.has_buckets else f"{self.protocol}:///"

    def parent(self, path: Any) -> str:
        """The folder that has it; of a bucket and of the root, the root."""
        text: str = self.strip(path)
        return text.rpartition("/")[0] or self.root
