"""What a provider returns, and what providers have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NotRequired, TypedDict

__all__ = ["AzureBearerToken", "GCSCredential", "Remade", "S3Credential", "missing"]


class S3Credential(TypedDict):
    """Keys for S3."""

    access_key_id: str
    secret_access_key: str
    token: NotRequired[str | None]
    """The session token that temporary keys come with."""
    expires_at: datetime | None
    """When the keys stop working, with a time zone. ``None`` is never."""


class GCSCredential(TypedDict):
    """A token for Google Cloud Storage."""

    token: str
    expires_at: datetime | None
    """When the token stops working, with a time zone. ``None`` is never."""


class AzureBearerToken(TypedDict):
    """A token for Azure Blob Storage."""

    token: str
    expires_at: datetime | None
    """When the token stops working, with a time zone. ``None`` is never."""


class Remade:
    """A provider that pickles what it was given, and finds the rest again where it is unpickled.

    Sessions and clients hold locks and connections, so they do not travel. Where a program has left the choice to the package,
    the same choice is made in the other process. What it has given travels if it can be pickled itself.
    """

    _found: tuple[str, ...] = ()
    """The attributes that :meth:`_find` sets."""

    def _find(self) -> None:
        """Sets what the arguments leave open."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in self._found}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._find()


def missing(provider: object, packages: str, install: str, error: ImportError) -> ImportError:
    """The error for a package that is not there, which says how to get it."""
    return ImportError(
        f"{type(provider).__name__} needs {packages}, and importing that failed ({error}). "
        f"Install it: pip install {install}",
        name=error.name,
        path=error.path,
    )
