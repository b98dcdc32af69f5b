"""Types of arguments and results, for annotations."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from longshore._progress import Progress

__all__ = ["ObjectMeta", "Progress"]


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
