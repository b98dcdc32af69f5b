"""Checksums of the objects in a store."""

from ._harbour import (
    Bytes,
    __version__,
    below,
    crc32,
    exceptions,
    manifest,
    read,
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
    "manifest",
    "read",
    "settings",
    "store",
    "total_size",
    "write",
]
