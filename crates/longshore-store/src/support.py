"""What the store classes do in Python: hiding secrets, remembering what was built of what, and asking credential providers."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol, TypeVar

    Answer = TypeVar("Answer")

    class Requests(Protocol):
        """The native side of a provider's thread."""

        def fileno(self) -> int: ...
        def answer(self, answer: object) -> None: ...
        def fail(self, error: BaseException) -> None: ...


class Secret(str):
    """A text that is used like any other, but is not shown by ``repr``, so that printing a configuration tells nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'****'"

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str.__str__(self),)


# Stores that were made of others, by the identity of what they were made of, and by how: "built" anew, or "live". Most of what
# they were made of cannot be hashed.
_made: dict[tuple[int, str], tuple[weakref.ref[object], object]] = {}


def remembered(original: object, how: str) -> object | None:
    """The store that was made of ``original``, while that exists."""
    known = _made.get((id(original), how))
    return known[1] if known is not None and known[0]() is original else None


def remember(original: object, how: str, store: object) -> None:
    """Keeps ``store`` for as long as ``original`` exists, where that can be known."""
    key = (id(original), how)
    try:
        gone = weakref.ref(original, lambda _: _made.pop(key, None))
    except TypeError:
        return
    _made[key] = (gone, store)


def start(requests: Requests, provider: Callable[[], object]) -> None:
    """Starts the thread that asks ``provider``. It does not keep the interpreter from ending."""
    name = f"longshore: {getattr(provider, '__qualname__', type(provider).__name__)}"
    threading.Thread(target=_serve, args=(requests, provider), name=name, daemon=True).start()


def _serve(requests: Requests, provider: Callable[[], object]) -> None:
    # So that a provider that waits for itself can be told so.
    threading.current_thread().longshore_provider = provider  # type: ignore[attr-defined]
    runner: asyncio.Runner | None = None
    # Each byte is a request; there are no more when the other end is closed. Waiting happens in Python's own code, so that
    # a thread that the interpreter stops at its end has no frames of another language on its stack.
    while os.read(requests.fileno(), 1):
        try:
            answer = provider()
            if inspect.isawaitable(answer):
                # One loop for all its life: what the provider holds open belongs to it.
                runner = runner or asyncio.Runner()
                answer = runner.run(_wait_for(answer))
        except BaseException as error:
            requests.fail(error)
        else:
            requests.answer(answer)
    if runner is not None:
        runner.close()


async def _wait_for(answer: Awaitable[Answer]) -> Answer:
    return await answer
