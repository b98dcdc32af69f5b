"""Progress: events for a callable, or a bar for ``progress=True``."""

from __future__ import annotations

import sys
import time

from longshore.exceptions import ArgumentTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from longshore.types import ProgressArgument

    class _Listener(Protocol):
        """What the native module calls; ``close`` is called once, whatever the outcome."""

        def __call__(self, objects: int, total: int | None, size: int, elapsed: float, finished: bool) -> None: ...
        def close(self) -> None: ...


class Progress:
    """How far a call has come. Passed to the callable given as ``progress=``, at most ten times a second and once at the end."""

    __slots__ = ("bytes", "elapsed", "finished", "objects", "operation", "total")

    operation: str
    """The function that was called, for example ``"get_many"``."""
    objects: int
    """Objects done."""
    total: int | None
    """Objects in all, where that is known."""
    bytes: int
    """Bytes moved, including those of unfinished objects."""
    elapsed: float
    """Seconds since the call began."""
    finished: bool
    """True for the last event of a call that succeeded."""

    def __init__(
        self, operation: str, objects: int, total: int | None, bytes: int, elapsed: float, finished: bool
    ) -> None:
        self.operation = operation
        self.objects = objects
        self.total = total
        self.bytes = bytes
        self.elapsed = elapsed
        self.finished = finished

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Progress({fields})"


def listener(operation: str, progress: ProgressArgument) -> _Listener | None:
    """The listener for a ``progress=`` argument."""
    if progress is None or progress is False:
        return None
    if progress is True:
        return _Bar(operation) if sys.stderr.isatty() else _Lines(operation)
    if callable(progress):
        return _Callback(operation, progress)
    raise ArgumentTypeError(f"progress must be None, True or a callable, not {type(progress).__name__}")


class _Callback:
    def __init__(self, operation: str, call: Callable[[Progress], object]) -> None:
        self._operation = operation
        self._call = call

    def __call__(self, objects: int, total: int | None, size: int, elapsed: float, finished: bool) -> None:
        self._call(Progress(self._operation, objects, total, size, elapsed, finished))

    def close(self) -> None:
        pass


class _Bar:
    """A bar on a terminal."""

    def __init__(self, operation: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=operation, unit="obj", file=sys.stderr, leave=True)

    def __call__(self, objects: int, total: int | None, size: int, elapsed: float, finished: bool) -> None:
        bar = self._bar
        bar.total = total
        if size:
            bar.set_postfix_str(_rate(size, elapsed), refresh=False)
        bar.update(objects - bar.n)
        if finished:
            bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """Plain lines where there is no terminal: one every few seconds, and one at the end."""

    INTERVAL = 5.0

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._next = time.monotonic() + self.INTERVAL

    def __call__(self, objects: int, total: int | None, size: int, elapsed: float, finished: bool) -> None:
        now = time.monotonic()
        if not finished and now < self._next:
            return
        self._next = now + self.INTERVAL
        of = "" if total is None else f" of {total}"
        rate = f", {_rate(size, elapsed)}" if size else ""
        print(f"{self._operation}: {objects}{of} objects in {elapsed:.1f} s{rate}", file=sys.stderr)

    def close(self) -> None:
        pass


def _rate(size: int, elapsed: float) -> str:
    return f"{size / 2**20 / max(elapsed, 1e-9):.1f} MiB/s"
