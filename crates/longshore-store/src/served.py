"""Stores that are written in Python: threads that wait for what Rust asks of one, and what its methods are asked."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import threading
from datetime import UTC, datetime, timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
    from typing import Any, Protocol

    class Request(Protocol):
        """Something that Rust asks, and waits for."""

        operation: str
        arguments: tuple[Any, ...]

        def answer(self, answer: object) -> None: ...
        def fail(self, kind: str, error: BaseException) -> None: ...

    class Requests(Protocol):
        """The native side of a store's threads."""

        def fileno(self) -> int: ...
        def take(self) -> Request | None: ...

    Meta = tuple[str, int, int, str | None, str | None]

_EPOCH = datetime.fromtimestamp(0, UTC)

# What stands for what, by the names of classes: those of this package, of others like it, and of Python.
_KINDS = {
    "NotFoundError": "not found",
    "AlreadyExistsError": "already exists",
    "PreconditionError": "precondition",
    "NotModifiedError": "not modified",
    "PermissionDeniedError": "permission denied",
    "UnauthenticatedError": "unauthenticated",
    "NotSupportedError": "not supported",
    "FileNotFoundError": "not found",
    "FileExistsError": "already exists",
    "PermissionError": "permission denied",
    "NotImplementedError": "not supported",
}


def moment(microseconds: int) -> datetime:
    """A moment as Python has it, of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def start(requests: Requests, store: object, most: int) -> None:
    """Starts the first thread that waits for requests. It does not keep the interpreter from ending."""
    _Crew(requests, store, most).hire()


class _Crew:
    """The threads of one store: another one is started while all are busy, up to a number.

    The last one that leaves ends the event loop, if there is one.
    """

    def __init__(self, requests: Requests, store: object, most: int) -> None:
        self.requests = requests
        self.store = store
        self.most = most
        self.lock = threading.Lock()
        self.here = 0
        self.waiting = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    def hire(self) -> None:
        with self.lock:
            if self.waiting > 0 or self.here >= self.most:
                return
            self.here += 1
            self.waiting += 1
        name = f"longshore: {type(self.store).__qualname__}"
        try:
            threading.Thread(target=self.serve, name=name, daemon=True).start()
        except RuntimeError:
            # The machine has no more, or the interpreter is ending: those that are here do it all.
            with self.lock:
                self.here -= 1
                self.waiting -= 1
                is_first = self.here == 0
            if is_first:
                raise

    def serve(self) -> None:
        # Each byte is a request; there are no more when the other end is closed. Waiting happens in Python's own code, so that a
        # thread that the interpreter stops at its end has no frames of another language on its stack.
        while os.read(self.requests.fileno(), 1):
            with self.lock:
                self.waiting -= 1
            request = self.requests.take()
            if request is not None:
                self.hire()
                self.perform(request)
            # Its arguments may be large.
            del request
            with self.lock:
                self.waiting += 1
        with self.lock:
            self.here -= 1
            self.waiting -= 1
            loop = self.loop if self.here == 0 else None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def perform(self, request: Request) -> None:
        work = _work(self.store, request)
        try:
            work.send(None)
        except StopIteration:
            return
        # It waits for something of asyncio, and goes on where there is a loop.
        try:
            loop = self.running_loop()
        except (OSError, RuntimeError) as error:
            # Whoever asked is told.
            with contextlib.suppress(StopIteration):
                work.throw(error)
            return
        asyncio.run_coroutine_threadsafe(work, loop)

    def running_loop(self) -> asyncio.AbstractEventLoop:
        """One loop for all requests: what the store holds open belongs to it."""
        with self.lock:
            if self.loop is None:
                loop = asyncio.new_event_loop()
                name = f"longshore: loop of {type(self.store).__qualname__}"
                try:
                    threading.Thread(target=_run, args=(loop,), name=name, daemon=True).start()
                except RuntimeError:
                    loop.close()
                    raise
                self.loop = loop
            return self.loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _work(store: object, request: Request) -> None:
    try:
        answer = await _OPERATIONS[request.operation](store, *request.arguments)
    except BaseException as error:
        request.fail(_kind(error), error)
    else:
        request.answer(answer)


def _kind(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return next((_KINDS[base.__name__] for base in type(error).__mro__ if base.__name__ in _KINDS), "")


class _ToTheLoop:
    """Awaited on a thread without a loop: the thread sees it, and hands the work over."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _settled(answer: Any) -> Any:
    """What a method returned, or what came of waiting for that."""
    if not inspect.isawaitable(answer):
        return answer
    if not _has_loop():
        try:
            await _ToTheLoop()
        except BaseException:
            # There is no loop for it, and it would complain that nobody awaited it.
            if inspect.iscoroutine(answer):
                answer.close()
            raise
    return await answer


def _method(store: object, name: str) -> Callable[..., Any] | None:
    later = f"{name}_async"
    for base in type(store).__mro__:
        if name in vars(base):
            break
        if later in vars(base):
            # A class that changes this one alone means it: the other one is a base's.
            name = later
            break
    method = getattr(store, name, None)
    return method if callable(method) else None


def _needed(store: object, name: str) -> Callable[..., Any]:
    method = _method(store, name)
    if method is None:
        raise NotImplementedError(f"{type(store).__qualname__} has no method {name}")
    return method


def _meta(meta: Mapping[str, Any]) -> Meta:
    written = meta.get("last_modified") or _EPOCH
    if written.tzinfo is None:
        written = written.replace(tzinfo=UTC)
    return (
        meta["path"],
        meta["size"],
        (written - _EPOCH) // timedelta(microseconds=1),
        meta.get("e_tag"),
        meta.get("version"),
    )


async def _head(store: object, path: str) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = await _settled(_needed(store, "head")(path))
    return {**meta, "path": path}


async def _get(store: object, path: str, options: dict[str, Any], is_conditional: bool) -> object:
    if options.get("head"):
        return b"", _meta(await _head(store, path)), None, {}
    get = _needed(store, "get")
    result = await _settled(get(path, options=options) if options else get(path))
    if not hasattr(result, "meta"):
        # A buffer is all of the object. Rust cuts out what was asked for.
        meta = await _head(store, path) if is_conditional else {"path": path}
        body = memoryview(result)
        return result, _meta({**meta, "size": body.nbytes}), None, {}
    body = await _settled(_body(result))
    # A `get` that takes no notice of a range says so by having none, or all of it.
    return (
        body,
        _meta({**result.meta, "path": path}),
        getattr(result, "range", None),
        dict(getattr(result, "attributes", None) or {}),
    )


def _body(result: Any) -> Any:
    """All bytes of a result, in the way that does not block a loop."""
    later = _method(result, "bytes_async") if _has_loop() else None
    return later() if later is not None else result.bytes()


async def _get_ranges(store: object, path: str, starts: list[int], ends: list[int]) -> list[object] | None:
    many = _method(store, "get_ranges")
    if many is not None:
        return list(await _settled(many(path, starts=starts, ends=ends)))
    one = _method(store, "get_range")
    if one is not None:
        return [await _settled(one(path, start=start, end=end)) for start, end in zip(starts, ends, strict=True)]
    # Rust asks for each of them.
    return None


async def _put(store: object, path: str, body: object, said: dict[str, Any]) -> tuple[str | None, str | None]:
    result = await _settled(_needed(store, "put")(path, body, **said))
    return (None, None) if result is None else (result.get("e_tag"), result.get("version"))


async def _list(store: object, prefix: str | None, offset: str | None) -> list[Meta]:
    found = await _settled(_needed(store, "list")(prefix))
    metas: list[Meta] = []
    # Some things can be gone through either way.
    if hasattr(found, "__aiter__") and (_has_loop() or not hasattr(found, "__iter__")):
        if not _has_loop():
            await _ToTheLoop()
        async for some in found:
            metas.extend(_listed(some))
    else:
        for some in found:
            metas.extend(_listed(some))
    return [meta for meta in metas if offset is None or meta[0] > offset]


def _listed(some: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> list[Meta]:
    """One object, or a chunk of them."""
    return [_meta(some)] if hasattr(some, "keys") else [_meta(one) for one in some]  # type: ignore[arg-type]


async def _list_with_delimiter(store: object, prefix: str | None) -> tuple[list[str], list[Meta]] | None:
    level = _method(store, "list_with_delimiter")
    if level is None:
        return None
    found = await _settled(level(prefix))
    return list(found["common_prefixes"]), [_meta(one) for one in found["objects"]]


async def _delete(store: object, path: str) -> None:
    await _settled(_needed(store, "delete")(path))


async def _copy(store: object, source: str, target: str, overwrite: bool) -> None:
    await _settled(_needed(store, "copy")(source, target, overwrite=overwrite))


async def _rename(store: object, source: str, target: str, overwrite: bool) -> None:
    rename = _method(store, "rename")
    if rename is not None:
        await _settled(rename(source, target, overwrite=overwrite))
        return
    await _copy(store, source, target, overwrite)
    await _delete(store, source)


_OPERATIONS: dict[str, Callable[..., Coroutine[Any, Any, object]]] = {
    "get": _get,
    "get_ranges": _get_ranges,
    "put": _put,
    "list": _list,
    "list_with_delimiter": _list_with_delimiter,
    "delete": _delete,
    "copy": _copy,
    "rename": _rename,
}
