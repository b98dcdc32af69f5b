"""What functions of this package raise, as ``my_module.exceptions``.

Every failure is a :class:`BaseError`, which is a ``RuntimeError``. Each class is also the built-in exception that fits.
"""

import builtins

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
    """A failed operation. The cause, where there is one, is ``__cause__``."""

    uri: str | None
    """The object, prefix or bucket it was about, where that is known."""
    operation: str | None
    """The operation, for example ``"get"``."""
    status: int | None
    """The HTTP status of the server's last answer."""
    code: str | None
    """The server's error code, for example ``"NoSuchKey"``."""
    request_id: str | None
    """The server's name for the request, which its operator can look up."""
    attempts: int
    """How many requests were sent; 0 where none was, or it is not known."""
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
    ) -> None: ...

class GenericError(BaseError):
    """A failure that has no class of its own."""

class NotFoundError(BaseError, FileNotFoundError):
    """There is no such object, bucket or folder."""

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
