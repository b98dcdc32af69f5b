"""Credentials for Azure Blob Storage that azure-identity looks after.

>>> from longshore.auth.azure import AzureCredentialProvider
>>> from longshore.store import AzureStore
>>> store = AzureStore("container", account_name="me", credential_provider=AzureCredentialProvider())  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from longshore.auth._credentials import AzureBearerToken, Remade, missing
from longshore.exceptions import InvalidArgumentError

__all__ = [
    "DEFAULT_SCOPES",
    "AsyncTokenCredential",
    "AzureAsyncCredentialProvider",
    "AzureBearerToken",
    "AzureCredentialProvider",
    "TokenCredential",
]

DEFAULT_SCOPES = ("https://storage.azure.com/.default",)
"""What tokens are for."""


class TokenCredential(Protocol):
    """A credential of azure-identity, or anything with this method."""

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """Returns something with the attributes ``token`` and ``expires_on``, seconds since 1970."""
        ...


class AsyncTokenCredential(Protocol):
    """A credential of ``azure.identity.aio``, or anything with this method."""

    async def get_token(self, *scopes: str, **options: Any) -> Any:
        """Returns something with the attributes ``token`` and ``expires_on``, seconds since 1970."""
        ...


class _Azure(Remade):
    """What both providers have in common."""

    _found = ("_credential",)
    _credential: Any

    def __init__(self, credential: Any, scopes: Iterable[str], tenant_id: str | None) -> None:
        self._given = credential
        # An iterator would be used up by the first token.
        self._scopes = (scopes,) if isinstance(scopes, str) else tuple(scopes)
        if not self._scopes:
            raise InvalidArgumentError(
                "scopes is empty, and Azure gives no token for nothing; leave it out for storage"
            )
        self._tenant_id = tenant_id
        self._find()

    def _find(self) -> None:
        self._credential = self._default() if self._given is None else self._given

    def _default(self) -> Any:
        raise NotImplementedError

    @property
    def _options(self) -> dict[str, str]:
        # Credentials of other packages need not know an argument that nobody has given.
        return {} if self._tenant_id is None else {"tenant_id": self._tenant_id}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {type(self._credential).__name__} at {id(self):#x}>"


class AzureCredentialProvider(_Azure):
    """Tokens of azure-identity's credentials, for ``AzureStore(credential_provider=…)``."""

    def __init__(
        self,
        credential: TokenCredential | None = None,
        *,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        tenant_id: str | None = None,
    ) -> None:
        """Keeps the credential; a token is fetched when the store needs it.

        Parameters
        ----------
        credential
            A credential of azure-identity, or anything with its ``get_token``; ``None`` is a ``DefaultAzureCredential``.
        scopes
            What the token is for.
        tenant_id
            The tenant to ask for the token, where it is not the credential's own.

        Raises
        ------
        ImportError
            azure-identity is not installed.
        """
        super().__init__(credential, scopes, tenant_id)

    def _default(self) -> Any:
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError as error:
            raise missing(self, "azure-identity", "azure-identity", error) from error
        return DefaultAzureCredential()

    def __call__(self) -> AzureBearerToken:
        """Fetches a token, or returns the one that the credential has."""
        return _bearer(self._credential.get_token(*self._scopes, **self._options))


class AzureAsyncCredentialProvider(_Azure):
    """Tokens of azure-identity's credentials for asyncio, for ``AzureStore(credential_provider=…)``."""

    def __init__(
        self,
        credential: AsyncTokenCredential | None = None,
        *,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        tenant_id: str | None = None,
    ) -> None:
        """Keeps the credential; a token is fetched when the store needs it.

        Parameters
        ----------
        credential
            A credential of ``azure.identity.aio``, or anything with its ``get_token``; ``None`` is a
            ``DefaultAzureCredential`` of that module.
        scopes
            What the token is for.
        tenant_id
            The tenant to ask for the token, where it is not the credential's own.

        Raises
        ------
        ImportError
            azure-identity or aiohttp is not installed.
        """
        super().__init__(credential, scopes, tenant_id)

    def _default(self) -> Any:
        try:
            # It comes without aiohttp, and would say so only at the first token.
            import aiohttp
            from azure.identity.aio import DefaultAzureCredential

            del aiohttp
        except ImportError as error:
            raise missing(self, "azure-identity and aiohttp", "azure-identity aiohttp", error) from error
        return DefaultAzureCredential()

    async def __call__(self) -> AzureBearerToken:
        """Fetches a token, or returns the one that the credential has."""
        return _bearer(await self._credential.get_token(*self._scopes, **self._options))


def _bearer(token: Any) -> AzureBearerToken:
    return {"token": token.token, "expires_at": datetime.fromtimestamp(token.expires_on, UTC)}
