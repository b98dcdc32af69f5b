"""How a native operation is waited for: by a blocked thread, or by an event loop."""

from __future__ import annotations

import sys

from longshore import _progress
from longshore.exceptions import BaseError, UnauthenticatedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from longshore.types import ProgressArgument


def run(native: Callable[..., Any], operation: str, progress: ProgressArgument, *arguments: object) -> Any:
    """Blocks for a native operation. The listener, if any, is the operation's last argument."""
    listener = None
    try:
        refuse_itself(arguments)
        listener = _progress.listener(operation, progress)
        return native(None, *arguments, listener)
    except BaseError as error:
        raise named(error, operation) from error.__cause__
    finally:
        if listener is not None:
            listener.close()


def run_silent(native: Callable[..., Any], operation: str, *arguments: object) -> Any:
    """Blocks for a native operation that reports no progress."""
    try:
        refuse_itself(arguments)
        return native(None, *arguments)
    except BaseError as error:
        raise named(error, operation) from error.__cause__


def start(
    native: Callable[..., Any], operation: str, progress: ProgressArgument, *arguments: object
) -> asyncio.Future[Any]:
    """Starts a native operation for the running event loop."""
    # Imported here because `asyncio` takes longer to import than the rest of this package.
    from longshore import _asyncio

    listener = None
    try:
        refuse_itself(arguments)
        listener = _progress.listener(operation, progress)
        return _asyncio.start(native, (*arguments, listener), listener)
    except BaseException as error:
        if listener is not None:
            listener.close()
        if isinstance(error, BaseError):
            named(error, operation)
        raise


def start_silent(native: Callable[..., Any], operation: str, *arguments: object) -> asyncio.Future[Any]:
    """Starts a native operation that reports no progress."""
    from longshore import _asyncio

    try:
        refuse_itself(arguments)
        return _asyncio.start(native, arguments, None)
    except BaseError as error:
        raise named(error, operation) from error.__cause__


def named(error: BaseError, operation: str, uri: str | None = None) -> BaseError:
    """Adds what was attempted to an error about an argument, which is found before that is known."""
    if error.operation is None:
        error.operation = operation
    if error.uri is None:
        error.uri = uri
    return error


def refuse_itself(arguments: tuple[object, ...]) -> None:
    """Ends a credential provider that uses the store which asks it: it would wait for its own answer, for two minutes."""
    threading = sys.modules.get("threading")
    provider = threading and getattr(threading.current_thread(), "longshore_provider", None)
    if provider is None:
        return
    for store in arguments:
        own = getattr(store, "credential_provider", None)
        if own is not None and (own is provider or own == provider):
            name = getattr(provider, "__qualname__", type(provider).__name__)
            raise UnauthenticatedError(
                f"the credential provider {name} uses a store whose credentials it gives, and would wait for itself; "
                "give it a store with credentials of another kind"
            )
