"""The native store classes. Their hints are those that every package with these classes has; see `longshore stubs`."""

from __future__ import annotations

from longshore._native import (
    AzureStore,
    GCSStore,
    HTTPStore,
    LocalStore,
    MemoryStore,
    S3Store,
    Store,
    from_url,
)

__all__ = ["AzureStore", "GCSStore", "HTTPStore", "LocalStore", "MemoryStore", "S3Store", "Store", "from_url"]
