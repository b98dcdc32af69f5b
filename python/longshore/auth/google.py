"""Credentials for Google Cloud Storage that google-auth looks after.

>>> from longshore.auth.google import GoogleCredentialProvider
>>> from longshore.store import GCSStore
>>> store = GCSStore("bucket", credential_provider=GoogleCredentialProvider())  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from longshore.auth._credentials import GCSCredential, Remade, missing

__all__ = [
    "DEFAULT_SCOPES",
    "GCSCredential",
    "GoogleAsyncCredentialProvider",
    "GoogleCredentialProvider",
    "GoogleCredentials",
]

DEFAULT_SCOPES = ("https://www.googleapis.com/auth/devstorage.full_control",)
"""What credentials are for, where they must say it and do not: those of a service account give no token without."""

# google-auth refreshes this long before a token expires. Its metadata servers give the same token again until then.
_REFRESH_THRESHOLD = timedelta(minutes=3, seconds=45)


class GoogleCredentials(Protocol):
    """Credentials of google-auth, or anything with these three."""

    token: Any
    """The token, after the first refresh."""
    expiry: Any
    """A ``datetime``, which is in UTC where it has no time zone, or ``None`` for a token that does not expire."""

    def refresh(self, request: Any) -> Any:
        """Fetches a token; may be a coroutine function for :class:`GoogleAsyncCredentialProvider`."""
        ...


class _Google(Remade):
    """What both providers have in common."""

    credentials: Any
    """The credentials in use."""
    refresh_threshold: timedelta
    """How long before it expires a token is replaced."""

    _found: tuple[str, ...] = ("credentials",)

    def _find(self) -> None:
        if self._given is None:
            self.credentials, _ = self._google_auth().default(scopes=self._scopes)
        else:
            self.credentials = self._given
            if getattr(self._given, "requires_scopes", False):
                self.credentials = self._given.with_scopes(self._scopes)

    def _keep(self, credentials: Any, refresh_threshold: timedelta, scopes: Sequence[str]) -> None:
        self._given = credentials
        self.refresh_threshold = refresh_threshold
        self._scopes = (scopes,) if isinstance(scopes, str) else tuple(scopes)

    def _google_auth(self) -> Any:
        try:
            import google.auth
        except ImportError as error:
            raise missing(self, "google-auth", "'google-auth[requests]'", error) from error
        return google.auth

    def _new_request(self) -> Callable[..., Any]:
        try:
            from google.auth.transport.requests import Request
        except ImportError as error:
            raise missing(self, "google-auth and requests", "'google-auth[requests]'", error) from error
        return Request()

    def _credential(self) -> GCSCredential:
        expiry: datetime | None = self.credentials.expiry
        if expiry is not None and expiry.tzinfo is None:
            # google-auth leaves out that it is UTC.
            expiry = expiry.replace(tzinfo=UTC)
        return {"token": self.credentials.token, "expires_at": expiry}


class GoogleCredentialProvider(_Google):
    """Tokens of google-auth's credentials, for ``GCSStore(credential_provider=…)``."""

    request: Callable[..., Any]
    """What google-auth sends its requests with."""

    _found = ("credentials", "request")

    def __init__(
        self,
        credentials: GoogleCredentials | None = None,
        *,
        request: Callable[..., Any] | None = None,
        refresh_threshold: timedelta = _REFRESH_THRESHOLD,
        scopes: Sequence[str] = DEFAULT_SCOPES,
    ) -> None:
        """Finds the credentials; a token is fetched when the store needs it.

        Parameters
        ----------
        credentials
            Credentials of google-auth; ``None`` is what ``google.auth.default`` finds.
        request
            The transport for requests of google-auth; ``None`` is a new one on top of requests.
        refresh_threshold
            How long before it expires a token is replaced.
        scopes
            What the token is for, where the credentials must say it and do not.

        Raises
        ------
        ImportError
            google-auth or requests is not installed.
        google.auth.exceptions.DefaultCredentialsError
            There are no default credentials.
        """
        self._keep(credentials, refresh_threshold, scopes)
        self._request = request
        self._find()

    def _find(self) -> None:
        self.request = self._new_request() if self._request is None else self._request
        super()._find()

    def __call__(self) -> GCSCredential:
        """Fetches a token."""
        self.credentials.refresh(self.request)
        return self._credential()


class GoogleAsyncCredentialProvider(_Google):
    """Tokens of google-auth's credentials, fetched without blocking the event loop, for ``GCSStore(credential_provider=…)``.

    Credentials whose ``refresh`` is a coroutine are awaited, and need aiohttp. Those of any other kind are refreshed in a
    thread; the default ones are of that kind.
    """

    async_request: Any
    """What google-auth sends its requests with, where its credentials are asyncio's; ``None`` until then."""

    _found = ("async_request", "credentials")

    def __init__(
        self,
        credentials: GoogleCredentials | None = None,
        *,
        request: Callable[..., Any] | None = None,
        refresh_threshold: timedelta = _REFRESH_THRESHOLD,
        scopes: Sequence[str] = DEFAULT_SCOPES,
    ) -> None:
        """Finds the credentials; a token is fetched when the store needs it.

        Parameters
        ----------
        credentials
            Credentials of google-auth, for asyncio or not; ``None`` is what ``google.auth.default`` finds.
        request
            The transport for requests of google-auth, of the same kind as the credentials; ``None`` is a new one.
        refresh_threshold
            How long before it expires a token is replaced.
        scopes
            What the token is for, where the credentials must say it and do not.

        Raises
        ------
        ImportError
            google-auth, requests or aiohttp is not installed.
        google.auth.exceptions.DefaultCredentialsError
            There are no default credentials.
        """
        self._keep(credentials, refresh_threshold, scopes)
        self._request = request
        self._find()

    def _find(self) -> None:
        self.async_request = self._request
        super()._find()
        if not self._awaits and self.async_request is None:
            # A missing package is told of here rather than at the first request.
            self._new_request()

    @property
    def _awaits(self) -> bool:
        return inspect.iscoroutinefunction(self.credentials.refresh)

    async def __call__(self) -> GCSCredential:
        """Fetches a token."""
        if self._awaits:
            if self.async_request is None:
                self.async_request = self._new_async_request()
            await self.credentials.refresh(self.async_request)
        else:
            request = self._new_request() if self._request is None else self._request
            await asyncio.to_thread(self.credentials.refresh, request)
        return self._credential()

    def _new_async_request(self) -> Any:
        try:
            from google.auth.transport._aiohttp_requests import Request
        except ImportError as error:
            raise missing(self, "google-auth and aiohttp", "'google-auth[aiohttp]'", error) from error
        return Request()  # type: ignore[no-untyped-call]
