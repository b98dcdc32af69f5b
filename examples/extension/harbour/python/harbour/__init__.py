"""Checksums of the objects in a store."""

from ._harbour import (
    Bytes,
    __version__,
    below,
    crc32,
    exceptions,
    live,
    manifest,
    read,
    same,
    settings,
    store,
    total_size,
    write,
)

__all__ = [
    "Bytes",
    "__version__",
    "below",
    "crc32",
    "exceptions",
    "live",
    "manifest",
    "read",
    "same",
    "settings",
    "store",
    "total_size",
    "write",
]
