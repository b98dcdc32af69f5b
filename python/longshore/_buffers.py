"""Whole objects in memory that Rust keeps: for readers that take any buffer, and large objects."""

from __future__ import annotations

import builtins

from longshore import _native
from longshore._call import run, start
from longshore._lazy import abc, asyncio, types
from longshore._native import Store

List = builtins.list


def get_buffer(uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None) -> types.Bytes:
    """Reads one object, as :func:`get` does, into memory that stays where it arrived.

    Arguments and errors are those of :func:`get`. Large objects come over several connections.

    Returns
    -------
    Bytes
        Read-only memory that does what ``bytes`` do: NumPy, ``memoryview`` and slices refer to it without a copy.
    """
    return run(_native.get_buffer, "get_buffer", progress, uri, store)  # type: ignore[no-any-return]


def get_buffer_async(
    uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[types.Bytes]:
    """As :func:`get_buffer`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return start(_native.get_buffer, "get_buffer", progress, uri, store)


def get_many_buffers(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> List[tuple[str, types.Bytes]]:
    """Reads many objects, as :func:`get_many` does, into memory that stays where they arrived.

    Arguments and errors are those of :func:`get_many`.

    Returns
    -------
    list of (uri, Bytes)
        In the order of ``uris``, repeats included.
    """
    return run(_native.get_many_buffers, "get_many_buffers", progress, uris, max_in_flight, store)  # type: ignore[no-any-return]


def get_many_buffers_async(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> asyncio.Future[List[tuple[str, types.Bytes]]]:
    """As :func:`get_many_buffers`, for ``asyncio``: returns a future. Cancelling it stops the requests."""
    return start(_native.get_many_buffers, "get_many_buffers", progress, uris, max_in_flight, store)
