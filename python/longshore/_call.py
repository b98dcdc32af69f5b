"""How a native operation is waited for: by a blocked thread, or by an event loop."""

from __future__ import annotations

from longshore import _progress
from longshore.exceptions import BaseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from longshore._progress import _ProgressArgument as ProgressArgument


def run(native: Callable[..., Any], operation: str, progress: ProgressArgument, *arguments: object) -> Any:
    """Blocks for a native operation. The listener, if any, is the operation's last argument."""
    listener = None if progress is None else _progress.listener(operation, progress)
    try:
        return native(None, *arguments, listener)
    except BaseError as error:
        # Arguments are refused before it is known what for.
        error.operation = error.operation or operation
        raise
    finally:
        if listener is not None:
            listener.close()


def start(
    native: Callable[..., Any], operation: str, progress: ProgressArgument, *arguments: object
) -> asyncio.Future[Any]:
    """Starts a native operation for the running event loop."""
    # Imported here because `asyncio` takes longer to import than the rest of this package.
    from longshore import _asyncio

    listener = _progress.listener(operation, progress)
    try:
        return _asyncio.start(native, (*arguments, listener), listener)
    except BaseException as error:
        if listener is not None:
            listener.close()
        if isinstance(error, BaseError):
            error.operation = error.operation or operation
        raise


def start_silent(native: Callable[..., Any], *arguments: object) -> asyncio.Future[Any]:
    """Starts a native operation that reports no progress."""
    from longshore import _asyncio

    return _asyncio.start(native, arguments, None)
