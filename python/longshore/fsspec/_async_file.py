"""The files of :mod:`longshore.fsspec` whose methods are coroutines."""

# pyright: basic
from __future__ import annotations

import io
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from longshore import obs
from longshore.exceptions import InvalidArgumentError
from longshore.fsspec._file import READ_BUFFER, WRITE_BUFFER, plain

if TYPE_CHECKING:
    from longshore.fsspec._bases import _AbstractAsyncStreamedFile as AbstractAsyncStreamedFile
    from longshore.fsspec._bases import _AsyncFileSystem as AsyncFileSystem
else:
    from fsspec.asyn import AbstractAsyncStreamedFile, AsyncFileSystem

__all__ = ["AsyncFile"]


class AsyncFile(AbstractAsyncStreamedFile):
    """An object that is read or written by coroutines.

    What is written becomes the object when the file is closed; when an ``async with`` block ends by an exception, nothing does.
    """

    _file: Any
    closed: bool
    loc: int

    @classmethod
    async def open(
        cls,
        fs: AsyncFileSystem,
        path: str,
        mode: str,
        *,
        buffer_size: int | None = None,
        block_size: Any = None,
        attributes: Any = None,
        tags: dict[str, str] | None = None,
        size: int | None = None,
    ) -> Self:
        """Opens the object; the arguments are those of :class:`BufferedFile`."""
        bucket, key = fs._split_path(path)
        store = fs._construct_store(bucket)
        wanted: int | None = buffer_size or (block_size if isinstance(block_size, int) else None)
        file: Any
        if mode == "rb":
            file = await obs.open_reader_async(store, key, buffer_size=wanted or READ_BUFFER, size=size)
            size = file.size
        elif mode == "wb":
            part = wanted or WRITE_BUFFER
            file = obs.open_writer_async(store, key, attributes=attributes, buffer_size=part, tags=tags)
        else:
            raise InvalidArgumentError(f"an object is opened with the mode rb or wb here, not {mode!r}")
        made = cls(fs, path, mode, cache_type="none", size=size)
        made._file = file
        return made

    async def read(self, length: int | None = -1) -> bytes:
        """Reads so many bytes, fewer only at the end; everything that is left where `length` is negative."""
        self._check("rb")
        await self._file.seek(self.loc)
        data = plain(await (self._file.read() if length is None or length < 0 else self._file.read(length)))
        self.loc += len(data)
        return data

    async def readline(self) -> bytes:
        """Reads up to the next newline, and with it."""
        self._check("rb")
        await self._file.seek(self.loc)
        data = plain(await self._file.readline())
        self.loc += len(data)
        return data

    async def write(self, data: Any) -> int:
        """Takes bytes, and returns how many."""
        self._check("wb")
        written = int(await self._file.write(data))
        self.loc += written
        return written

    async def flush(self, force: bool = False) -> None:
        """Does nothing: an object becomes visible when it is complete, which is when the file is closed."""

    async def close(self) -> None:
        """Ends reading; makes the object that was written, and raises if that fails."""
        if self.closed:
            return
        self.closed = True
        if self.mode == "rb":
            self._file.close()
            return
        try:
            await self._file.close()
        finally:
            self.fs.invalidate_cache(self.path)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or self.mode == "rb":
            await self.close()
        elif not self.closed:
            self.closed = True
            await self._file.abort()

    def __del__(self) -> None:
        # Nothing can be awaited here: what was written is given up.
        self.closed = True

    def _check(self, mode: str) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if self.mode != mode:
            raise io.UnsupportedOperation(f"{self.full_name} is open with the mode {self.mode!r}")
