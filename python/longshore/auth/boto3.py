"""Credentials for S3 that boto3 looks after.

>>> from longshore.auth.boto3 import Boto3CredentialProvider
>>> from longshore.store import S3Store
>>> store = S3Store("bucket", credential_provider=Boto3CredentialProvider())  # doctest: +SKIP
"""

# pyright: basic
from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NotRequired, Protocol, TypedDict, Unpack

from longshore.auth._credentials import Remade, S3Credential, missing
from longshore.exceptions import ArgumentTypeError, InvalidArgumentError

__all__ = [
    "AnySession",
    "AssumeRoleArguments",
    "Boto3CredentialProvider",
    "Boto3Session",
    "S3Credential",
    "StsCredentialProvider",
]


class PolicyArn(TypedDict):
    """The name of a managed policy."""

    arn: NotRequired[str]


class Tag(TypedDict):
    """A tag of the session."""

    Key: str
    Value: str


class ProvidedContext(TypedDict):
    """A context assertion."""

    ProviderArn: NotRequired[str]
    ContextAssertion: NotRequired[str]


class AssumeRoleArguments(TypedDict):
    """The arguments of STS's ``AssumeRole``, as boto3 has them."""

    RoleArn: str
    RoleSessionName: str
    PolicyArns: NotRequired[Sequence[PolicyArn]]
    Policy: NotRequired[str]
    DurationSeconds: NotRequired[int]
    Tags: NotRequired[Sequence[Tag]]
    TransitiveTagKeys: NotRequired[Sequence[str]]
    ExternalId: NotRequired[str]
    SerialNumber: NotRequired[str]
    TokenCode: NotRequired[str]
    SourceIdentity: NotRequired[str]
    ProvidedContexts: NotRequired[Sequence[ProvidedContext]]
    MinimumSessionTokenSize: NotRequired[int]


class AnySession(Protocol):
    """A session of boto3 or botocore."""

    def get_credentials(self) -> Any:
        """Returns its credentials, or ``None``."""
        ...


class Boto3Session(AnySession, Protocol):
    """A session of boto3."""

    def client(self, service_name: str) -> Any:
        """Returns a client of one of AWS's services."""
        ...


class Boto3CredentialProvider(Remade):
    """The credentials of a boto3 or botocore session, for ``S3Store(credential_provider=…)``.

    The session refreshes its own credentials. Where it has a region, that is the store's too, unless the store has another.
    """

    credentials: Any
    """What ``session.get_credentials()`` returned."""
    config: dict[str, str]
    """Settings for the store: the session's region."""
    ttl: timedelta
    """After how long the store asks again, where the credentials do not expire before."""

    _found = ("config", "credentials")

    def __init__(
        self,
        session: AnySession | None = None,
        *,
        ttl: timedelta = timedelta(minutes=30),
    ) -> None:
        """Asks the session for its credentials, without using the network.

        Parameters
        ----------
        session
            A session of boto3 or botocore; ``None`` is a new one of boto3.
        ttl
            After how long the store asks the session again. Credentials that expire before are asked for before.

        Raises
        ------
        ImportError
            boto3 is not installed.
        ValueError
            The session has no credentials.
        """
        if not isinstance(ttl, timedelta):
            raise ArgumentTypeError(f"ttl must be a timedelta, not {type(ttl).__name__}")
        if ttl <= timedelta(0):
            raise InvalidArgumentError(
                f"ttl must be longer than {ttl}: credentials would have expired when they arrive"
            )
        self.ttl = ttl
        self._session = session
        self._find()

    def _find(self) -> None:
        session = _new_session(self) if self._session is None else self._session
        self.config = _settings(session)
        self.credentials = session.get_credentials()
        if self.credentials is None:
            raise InvalidArgumentError(
                "the boto3 session has no credentials, neither given nor in variables, in the files under ~/.aws or from the "
                "machine; give it some, or leave credential_provider out and set access_key_id and secret_access_key"
            )

    def __call__(self) -> S3Credential:
        """Returns the session's credentials of this moment."""
        frozen, expiry = _consistent(self.credentials)
        if not frozen.access_key or not frozen.secret_key:
            raise InvalidArgumentError(
                "the credentials of the boto3 session are incomplete: a key or its secret is missing"
            )
        until = datetime.now(UTC) + self.ttl
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            # Some sources have an empty text for none.
            "token": frozen.token or None,
            "expires_at": until if expiry is None else min(until, expiry),
        }

    def __repr__(self) -> str:
        # The address is part of it: fsspec tells arguments apart by their `repr`.
        return f"<{type(self).__name__} ttl={self.ttl} region={self.config.get('region')!r} at {id(self):#x}>"


class StsCredentialProvider(Remade):
    """The credentials of a role that is assumed with STS, for ``S3Store(credential_provider=…)``.

    Where the session has a region, that is the store's too, unless the store has another.
    """

    config: dict[str, str]
    """Settings for the store: the session's region."""
    session: Boto3Session
    """The session that assumes the role."""
    kwargs: AssumeRoleArguments
    """The arguments of each call of ``assume_role``."""

    _found = ("_client", "config", "session")

    def __init__(self, session: Boto3Session | None = None, **kwargs: Unpack[AssumeRoleArguments]) -> None:
        """Keeps the arguments; the role is assumed when the store needs credentials.

        Parameters
        ----------
        session
            The session whose credentials may assume the role; ``None`` is a new one of boto3.
        **kwargs
            The arguments of boto3's ``assume_role``: ``RoleArn`` and ``RoleSessionName``, and any others.

        Raises
        ------
        ImportError
            boto3 is not installed.
        TypeError
            A required argument is missing, or there is no such argument.
        """
        self.kwargs = kwargs
        self._session = session
        self._find()
        _check_arguments(kwargs)

    def _find(self) -> None:
        self._client: Any = None
        session = _new_session(self) if self._session is None else self._session
        if not hasattr(session, "client"):
            raise ArgumentTypeError(
                f"session must be a boto3.Session, not {type(session).__module__}.{type(session).__qualname__}: a role is "
                "assumed by a client of the session"
            )
        self.session = session
        self.config = _settings(session)

    def __call__(self) -> S3Credential:
        """Assumes the role."""
        if self._client is None:
            self._client = self.session.client("sts")
        found = self._client.assume_role(**self.kwargs)["Credentials"]
        expiry = found["Expiration"]
        if expiry.tzinfo is None:
            raise InvalidArgumentError(
                f"STS said that the credentials of {self.kwargs['RoleArn']} expire at {expiry}, without a time zone"
            )
        return {
            "access_key_id": found["AccessKeyId"],
            "secret_access_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expires_at": expiry,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} RoleArn={self.kwargs['RoleArn']!r} region={self.config.get('region')!r} at {id(self):#x}>"


def _new_session(provider: object) -> Any:
    try:
        import boto3  # type: ignore[import-untyped]
    except ImportError as error:
        raise missing(provider, "boto3", "boto3", error) from error
    return boto3.Session()


def _settings(session: Any) -> dict[str, str]:
    """What the session says about the store. boto3's sessions have an attribute for it, botocore's a function."""
    region = session.region_name if hasattr(session, "region_name") else session.get_config_variable("region")
    return {} if region is None else {"region": region}


def _consistent(credentials: Any) -> tuple[Any, datetime | None]:
    """The credentials, and when exactly these expire.

    botocore refreshes them shortly before that, so what is read of them at one moment may have less time left than `ttl`. It
    has no public name for when it will be, and another thread may refresh them between two questions. Those that live no longer
    than botocore's time ahead are new at each question, so it is asked a few times at most; then the time may be of credentials
    that are an instant younger.
    """
    for _ in range(3):
        frozen = credentials.get_frozen_credentials()
        expiry = getattr(credentials, "_expiry_time", None)
        if credentials.get_frozen_credentials() == frozen:
            break
    return frozen, expiry


def _check_arguments(given: AssumeRoleArguments) -> None:
    """Refuses what the installed boto3 would refuse when the role is assumed."""
    import botocore.session  # type: ignore[import-untyped]

    shape: Any = botocore.session.Session().get_service_model("sts").operation_model("AssumeRole").input_shape
    known = list(shape.members)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known)}"
            raise ArgumentTypeError(f"assume_role has no argument {name!r}{hint}")
    absent = [name for name in shape.required_members if not given.get(name)]
    if absent:
        raise ArgumentTypeError(f"assuming a role needs {' and '.join(absent)}")
