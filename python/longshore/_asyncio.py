"""Futures for the ``_async`` functions.

Each event loop gets one native bridge: a queue of results and one file descriptor that the loop watches (the crate
longshore-runtime says how). No callback is scheduled per request and no thread but the loop's own touches a future.

The loop owns its bridge, through the callback that watches the descriptor; everybody else refers to it weakly. So a loop that
is closed takes its bridge with it, and the requests of futures that were still pending are stopped.
"""

from __future__ import annotations

import asyncio
import weakref

from longshore._native import Bridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from longshore._progress import _Listener

_bridges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Bridge]] = weakref.WeakKeyDictionary()


class RequestFuture(asyncio.Future["Any"]):
    """A future whose cancellation stops the requests behind it."""

    bridge: weakref.ref[Bridge] | None = None
    slot: int = 0

    def cancel(self, msg: object = None) -> bool:
        """Cancels the future, and the requests that would have completed it."""
        cancelled = super().cancel(msg)
        bridge = self.bridge() if cancelled and self.bridge is not None else None
        if bridge is not None:
            bridge.abort(self.slot)
        return cancelled


def start(native: Callable[..., Any], arguments: tuple[object, ...], listener: _Listener | None) -> asyncio.Future[Any]:
    """Starts a native operation; the future is pending and its requests are under way."""
    loop = asyncio.get_running_loop()
    reference = _bridges.get(loop)
    bridge = reference() if reference is not None else None
    if reference is None or bridge is None or not bridge.is_ours():
        bridge, reference = _connect(loop)
    future = RequestFuture(loop=loop)
    if listener is not None:
        future.add_done_callback(lambda _: listener.close())
    future.slot = native((bridge, future), *arguments)
    future.bridge = reference
    return future


def _connect(loop: asyncio.AbstractEventLoop) -> tuple[Bridge, weakref.ref[Bridge]]:
    bridge = Bridge()
    loop.add_reader(bridge.fileno(), bridge.drain)
    reference = _bridges[loop] = weakref.ref(bridge)
    return bridge, reference
