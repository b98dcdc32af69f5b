"""What longshore raises.

Every failure of an operation is a :class:`BaseError`, which is a ``RuntimeError``. Each class is also the built-in exception
that fits, so ``except FileNotFoundError`` works as well as ``except NotFoundError``. The names are obstore's, and a few more.

All of them can be built from one string, and pickle with everything they carry.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "AlreadyExistsError",
    "ArgumentTypeError",
    "BaseError",
    "ConnectionError",
    "GenericError",
    "InvalidArgumentError",
    "InvalidPathError",
    "JoinError",
    "NotFoundError",
    "NotModifiedError",
    "NotSupportedError",
    "PermissionDeniedError",
    "PreconditionError",
    "TimeoutError",
    "UnauthenticatedError",
    "UnknownConfigurationKeyError",
]


class BaseError(RuntimeError):
    """A failed operation.

    The cause, where there is one, is ``__cause__``. Classes that are also an ``OSError`` set ``errno`` and ``filename``.
    """

    uri: str | None
    """The object, prefix or bucket it was about."""
    operation: str | None
    """The operation, for example ``"get"``."""
    status: int | None
    """The HTTP status of the server's last answer."""
    code: str | None
    """The server's error code, for example ``"NoSuchKey"``."""
    request_id: str | None
    """The server's name for the request, which its operator can look up."""
    attempts: int
    """How many requests were sent; 0 where none was."""
    failures: tuple[tuple[str, str, str], ...]
    """URI, code and message of each key that a bulk delete could not delete."""

    def __init__(
        self,
        message: str = "",
        *,
        uri: str | None = None,
        operation: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        attempts: int = 0,
        errno: int | None = None,
        failures: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.uri = uri
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id
        self.attempts = attempts
        self.failures = tuple((uri, code, message) for uri, code, message in failures)
        if isinstance(self, OSError):
            number = errno if errno is not None else _USUAL_ERRNO.get(type(self).__name__)
            _describe(self, number, message, uri)

    def __str__(self) -> str:
        # OSError and KeyError have ideas of their own about this.
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[object, ...]:
        state = dict(self.__dict__)
        if isinstance(self, OSError):
            state.update(_os_fields(self))
        return _rebuild, (type(self), self.args, state, self.__cause__)


class GenericError(BaseError):
    """A failure that has no class of its own."""


class NotFoundError(BaseError, FileNotFoundError):
    """There is no such object, bucket, folder or array."""


class InvalidPathError(BaseError, ValueError):
    """This kind of store cannot have such a key."""


class JoinError(BaseError):
    """Work inside the runtime was lost."""


class NotSupportedError(BaseError, NotImplementedError):
    """The store cannot do this."""


class AlreadyExistsError(BaseError, FileExistsError):
    """It is there already."""


class PreconditionError(BaseError):
    """A condition of the request did not hold."""


class NotModifiedError(BaseError):
    """The object has not changed since."""


class PermissionDeniedError(BaseError, PermissionError):
    """The server knows the caller, and refuses."""


class UnauthenticatedError(BaseError, PermissionError):
    """The server does not know the caller, or there are no credentials to send."""


class InvalidArgumentError(BaseError, ValueError):
    """An argument has a value that cannot be used. Nothing was sent."""


class ArgumentTypeError(BaseError, TypeError):
    """An argument is of the wrong type. Nothing was sent."""


class UnknownConfigurationKeyError(InvalidArgumentError, KeyError):
    """The store has no such option."""


class TimeoutError(GenericError, builtins.TimeoutError):
    """Nothing happened for too long."""


class ConnectionError(GenericError, builtins.ConnectionError):
    """The server cannot be reached, or the connection broke."""


# ENOENT, EEXIST and EACCES, for errors that a server reports and no system call.
_USUAL_ERRNO = {
    "NotFoundError": 2,
    "AlreadyExistsError": 17,
    "PermissionDeniedError": 13,
    "UnauthenticatedError": 13,
}


def _describe(error: OSError, number: int | None, message: str, uri: str | None) -> None:
    error.errno = number
    error.strerror = message
    # A path for a file, the URI for anything else.
    error.filename = uri.removeprefix("file://") if uri is not None else None


def _os_fields(error: OSError) -> dict[str, object]:
    return {"errno": error.errno, "strerror": error.strerror, "filename": error.filename}


def _rebuild(
    kind: type[BaseError], args: tuple[str, ...], state: dict[str, object], cause: BaseException | None
) -> BaseError:
    error = kind(*args)
    for name, value in state.items():
        setattr(error, name, value)
    error.__cause__ = cause
    return error


def _from_native(  # pyright: ignore[reportUnusedFunction]
    kind: str, message: str, cause: str | None, details: dict[str, Any] | None
) -> BaseError:
    """Called by the native module: the exception for one of its errors."""
    error: BaseError = globals()[kind](message, **(details or {}))
    if cause is not None:
        number = (details or {}).get("errno")
        error.__cause__ = OSError(number, cause) if number is not None else RuntimeError(cause)
    return error
