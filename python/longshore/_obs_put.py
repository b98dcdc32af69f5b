"""Where the bytes of a write come from: memory, a local file, or whatever gives them piece by piece."""

from __future__ import annotations

import os

from longshore import _native
from longshore._call import named, refuse_itself, run_silent, start_silent
from longshore._lazy import abc, asyncio, types
from longshore._obs_files import AsyncWritableFile, WritableFile
from longshore.exceptions import ArgumentTypeError, BaseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import TypeIs

    from longshore._native import Store


class Said:
    """How a write is done; the native module reads these fields."""

    __slots__ = ("attributes", "chunk_size", "max_concurrency", "mode", "tags", "use_multipart")

    def __init__(
        self,
        attributes: types.Attributes | None,
        tags: abc.Mapping[str, str] | None,
        mode: types.PutMode | None,
        use_multipart: bool | None,
        chunk_size: int,
        max_concurrency: int,
    ) -> None:
        self.attributes = attributes
        self.tags = tags
        self.mode = mode
        self.use_multipart = use_multipart
        self.chunk_size = chunk_size
        self.max_concurrency = max_concurrency


def put(store: Store, path: str, file: Any, said: Said) -> types.PutResult:
    """Writes ``file``, whatever it is, and waits."""
    if _is_file(file):
        return run_silent(_native.store_put_file, "put", store, path, os.fspath(file), said)  # type: ignore[no-any-return]
    if _is_memory(file):
        return run_silent(_native.store_put, "put", store, path, file, said)  # type: ignore[no-any-return]
    pieces = _pieces(file, said.chunk_size)
    written = WritableFile(writer(store, path, said), path)
    with written:
        for piece in pieces:
            written.write(piece)
    assert written.result is not None
    return written.result


def put_async(store: Store, path: str, file: Any, said: Said) -> asyncio.Future[types.PutResult]:
    """Writes ``file``, whatever it is; the future's requests are under way."""
    if _is_file(file):
        return start_silent(_native.store_put_file, "put", store, path, os.fspath(file), said)
    if _is_memory(file):
        return start_silent(_native.store_put, "put", store, path, file, said)
    import asyncio

    pieces = _pieces_async(file, said.chunk_size)
    written = AsyncWritableFile(writer(store, path, said), path)
    return asyncio.ensure_future(_write_async(written, pieces))


async def _write_async(written: AsyncWritableFile, pieces: abc.AsyncIterator[types.Data]) -> types.PutResult:
    async with written:
        async for piece in pieces:
            await written.write(piece)
    assert written.result is not None
    return written.result


def writer(store: Store, path: str, said: Said) -> _native.Writer:
    """The native half of an object that is written piece by piece."""
    try:
        refuse_itself((store,))
        return _native.store_writer(store, path, said)
    except BaseError as error:
        raise named(error, "put") from error.__cause__


def _is_file(file: object) -> TypeIs[os.PathLike[str]]:
    if isinstance(file, str):
        raise ArgumentTypeError(
            "file is a str, which could be the content or the name of a file; "
            "pass text.encode() for the content, or pathlib.Path(name) for a local file",
            operation="put",
        )
    return isinstance(file, os.PathLike)


def _is_memory(file: object) -> bool:
    """Whether it has a buffer. That comes before everything else: rows of an array are no pieces of it."""
    try:
        memoryview(file).release()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    except TypeError:
        return False
    except (BufferError, ValueError):
        # It has one of a kind that `memoryview` has no words for; the native module says what is wrong with it, if anything.
        return True
    return True


def _is_mapping(file: object) -> bool:
    """Whether its iterator would give names rather than pieces."""
    return isinstance(file, dict)


def _unusable(file: object, *more: str) -> ArgumentTypeError:
    kinds = ", ".join(
        ["bytes", "another object with a buffer", "a pathlib.Path", "a binary file", "an iterable of those", *more]
    )
    return ArgumentTypeError(f"file must be {kinds}; {type(file).__name__} is none of them", operation="put")


def _required(piece: Any) -> types.Data:
    if isinstance(piece, str):
        raise ArgumentTypeError("file gives str and not bytes; open it in binary mode, or encode", operation="put")
    if piece is None:
        # What `read` of a file in non-blocking mode says where more may come: taken for the end, it would cut the object.
        raise ArgumentTypeError("file has nothing to read yet; it must be in blocking mode", operation="put")
    return piece  # type: ignore[no-any-return]


def _pieces(file: Any, size: int) -> abc.Iterator[types.Data]:
    if _is_mapping(file):
        raise _unusable(file)
    if hasattr(file, "read"):
        return _read(file, size)
    if hasattr(file, "__iter__"):
        return map(_required, file)
    if hasattr(file, "__aiter__"):
        raise ArgumentTypeError(f"{type(file).__name__} is iterated with `async for`; use put_async", operation="put")
    raise _unusable(file)


def _read(file: Any, size: int) -> abc.Iterator[types.Data]:
    while piece := _required(file.read(size)):
        if hasattr(piece, "__await__"):
            raise ArgumentTypeError(f"{type(file).__name__} is read with `await`; use put_async", operation="put")
        yield piece


def _pieces_async(file: Any, size: int) -> abc.AsyncIterator[types.Data]:
    if _is_mapping(file):
        raise _unusable(file, "an async iterable")
    if hasattr(file, "read"):
        return _read_async(file, size)
    if hasattr(file, "__aiter__"):
        return _checked(file)
    if hasattr(file, "__iter__"):
        return _in_thread(iter(file))
    raise _unusable(file, "an async iterable")


async def _checked(file: abc.AsyncIterable[types.Data]) -> abc.AsyncIterator[types.Data]:
    async for piece in file:
        yield _required(piece)


async def _read_async(file: Any, size: int) -> abc.AsyncIterator[types.Data]:
    """Reads in a thread what would block the loop; what is to be awaited is."""
    import asyncio
    import inspect

    waits = inspect.iscoroutinefunction(file.read)
    while True:
        piece = file.read(size) if waits else await asyncio.to_thread(file.read, size)
        if inspect.isawaitable(piece):
            piece = await piece
        if not _required(piece):
            return
        yield piece


async def _in_thread(pieces: abc.Iterator[types.Data]) -> abc.AsyncIterator[types.Data]:
    """Whatever a generator waits for, the loop does not."""
    import asyncio

    over = object()
    while (piece := await asyncio.to_thread(next, pieces, over)) is not over:
        yield _required(piece)
