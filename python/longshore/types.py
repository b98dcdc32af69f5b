"""Types of arguments and results, for annotations."""

from __future__ import annotations

from datetime import datetime
from typing import List, Literal, TypedDict

from longshore._progress import Progress

__all__ = ["DoctorReport", "DoctorSetting", "DoctorStep", "ObjectMeta", "Progress"]


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


class DoctorSetting(TypedDict):
    """A setting that counts."""

    name: str
    """The option it goes by."""
    value: str
    """Its value; ``"****"`` for a secret."""
    origin: str
    """Who set it: ``"keyword"``, ``"URI"``, a variable, ``"profile NAME"`` or ``"default"``."""


class DoctorStep(TypedDict):
    """A step that was tried."""

    name: str
    """What was tried: ``"settings"``, ``"dns"``, ``"tcp"``, ``"tls"``, ``"http"``, ``"clock"``, ``"credentials"``,
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
