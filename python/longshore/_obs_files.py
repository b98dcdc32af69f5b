"""Objects as files: real ones of `io` for blocking programs, and their twins for `asyncio`."""

from __future__ import annotations

import errno
import io
import os
import warnings

from longshore import _native
from longshore._call import run_silent, start_silent
from longshore._lazy import asyncio, types
from longshore._native import Bytes
from longshore.exceptions import ArgumentTypeError, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["AsyncReadableFile", "AsyncWritableFile", "ReadableFile", "WritableFile"]


# Of all that remains of an object. Several blocks of the native reader, so that it asks for several at once.
_READ_AT_ONCE = 16 << 20


class _Raw(io.RawIOBase):
    """An object as an unbuffered file. Every read is asked of the native reader, which reads ahead."""

    mode = "rb"

    def __init__(self, reader: _native.Reader) -> None:
        self._reader = reader
        self._at = 0

    @property
    def name(self) -> str:
        return str(self._reader.meta["path"])

    def readable(self) -> bool:
        self._require_open()
        return True

    def seekable(self) -> bool:
        self._require_open()
        return True

    def tell(self) -> int:
        self._require_open()
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._require_open()
        self._at = _position(offset, whence, self._at, self._reader.size)
        return self._at

    def readinto(self, buffer: types.Buffer, /) -> int:
        self._require_open()
        view = memoryview(buffer).cast("B")
        filled = 0
        for piece in run_silent(self._reader.read, "get", self._at, len(view)):
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._at += filled
        return filled

    def readall(self) -> bytes:
        self._require_open()
        # What is written to a `BytesIO` becomes its value without a copy, so each byte is in memory once.
        whole, at = io.BytesIO(), self._at
        while pieces := run_silent(self._reader.read, "get", at, _READ_AT_ONCE):
            at += sum(map(len, pieces))
            pieces.reverse()
            while pieces:
                whole.write(pieces.pop())
        self._at = at
        return whole.getvalue()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._reader.close()

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")


def _position(offset: int, whence: int, at: int, size: int) -> int:
    """Where a seek leads. Before the beginning is nothing; behind the end is a place where nothing is read."""
    base = {os.SEEK_SET: 0, os.SEEK_CUR: at, os.SEEK_END: size}.get(whence)
    if base is None:
        raise ValueError(f"whence value {whence} unsupported; use os.SEEK_SET, os.SEEK_CUR or os.SEEK_END")
    if base + offset < 0:
        raise OSError(errno.EINVAL, f"cannot seek to {base + offset}, which is before the beginning")
    return base + offset


class ReadableFile(io.BufferedReader):
    """An object that is open for reading: an ``io.BufferedReader``, so everything that reads files reads it.

    A read somewhere new asks for ``buffer_size`` bytes. Reads that go on where the last one ended find more of them on their way.
    All of them are of the version that was opened: one that is replaced meanwhile is a ``PreconditionError``.
    """

    def __init__(self, reader: _native.Reader, buffer_size: int) -> None:
        super().__init__(_Raw(reader), buffer_size)
        self._reader = reader

    def __repr__(self) -> str:
        return f"ReadableFile(path={self.meta['path']!r}, size={self.size})"

    @property
    def size(self) -> int:
        """The object's size in bytes."""
        return self._reader.size

    @property
    def meta(self) -> types.ObjectMeta:
        """The object as it was when it was opened; only ``path`` and ``size`` where the caller knew the size."""
        return self._reader.meta

    def readall(self) -> bytes:
        """All bytes from here to the end."""
        return self.read()


class AsyncReadableFile:
    """As :class:`ReadableFile`, for ``asyncio``. ``async for`` gives its lines."""

    def __init__(self, reader: _native.Reader, buffer_size: int) -> None:
        self._reader = reader
        self._buffer_size = buffer_size
        self._at = 0
        self._ahead = Bytes()
        self._ahead_at = 0
        self._closed = False
        # Position and what was read ahead go together, whichever tasks read.
        self._turn = _turn()

    def __repr__(self) -> str:
        return f"AsyncReadableFile(path={self.meta['path']!r}, size={self.size})"

    @property
    def size(self) -> int:
        """The object's size in bytes."""
        return self._reader.size

    @property
    def meta(self) -> types.ObjectMeta:
        """The object as it was when it was opened; only ``path`` and ``size`` where the caller knew the size."""
        return self._reader.meta

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Lets go of what was read ahead. Reading is an error from now on."""
        self._closed = True
        self._ahead = Bytes()
        self._reader.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """False."""
        return False

    def seekable(self) -> bool:
        """True."""
        return True

    async def tell(self) -> int:
        """The offset of the next byte."""
        self._require_open()
        return self._at

    async def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Goes to ``offset`` from the beginning, from here or from the end. Nothing is read yet."""
        async with self._turn:
            self._require_open()
            self._at = _position(offset, whence, self._at, self.size)
            return self._at

    async def read(self, size: int | None = None, /) -> types.Bytes:
        """``size`` bytes, fewer only at the end; without ``size`` all that remain."""
        async with self._turn:
            return await self._read(size)

    async def _read(self, size: int | None) -> types.Bytes:
        self._require_open()
        length = max(0, self.size - self._at) if size is None or size < 0 else size
        if length < self._buffer_size and self._at < self.size:
            await self._fill(length)
            start = self._at - self._ahead_at
            data = self._ahead[start : start + length]
        else:
            data = await start_silent(self._reader.read_joined, "get", self._at, length)
        self._at += len(data)
        return data

    async def readall(self) -> types.Bytes:
        """All bytes from here to the end."""
        return await self.read()

    async def readinto(self, buffer: types.Buffer, /) -> int:
        """Fills ``buffer`` and returns how many bytes that were: fewer than it holds only at the end."""
        # Says what cannot be filled, such as an array of objects, into which bytes would go as addresses.
        size = len(Bytes(buffer))
        try:
            view = memoryview(buffer).cast("B")
        except (TypeError, ValueError):
            # Such as an array of dates, for which `memoryview` has no word.
            view = None
        async with self._turn:
            self._require_open()
            pieces: list[types.Bytes] = await start_silent(self._reader.read, "get", self._at, size)
            if view is None:
                filled = io.BytesIO(b"".join(pieces)).readinto(buffer)
            else:
                filled = 0
                for piece in pieces:
                    view[filled : filled + len(piece)] = piece
                    filled += len(piece)
            self._at += filled
            return filled

    async def readline(self) -> types.Bytes:
        """The bytes up to the next line feed, and it; up to the end where there is none. They need not be text."""
        async with self._turn:
            return await self._readline()

    async def _readline(self) -> types.Bytes:
        self._require_open()
        length = self._buffer_size
        while True:
            await self._fill(length)
            start = self._at - self._ahead_at
            end = self._ahead.find(b"\n", start) + 1
            if end or self._ahead_at + len(self._ahead) >= self.size:
                break
            length *= 2
        line = self._ahead[start : end or len(self._ahead)]
        self._at += len(line)
        return line

    async def readlines(self, hint: int | None = -1, /) -> list[types.Bytes]:
        """The lines from here to the end, or until ``hint`` bytes were read."""
        lines: list[types.Bytes] = []
        total = 0
        while (hint is None or hint <= 0 or total < hint) and (line := await self.readline()):
            lines.append(line)
            total += len(line)
        return lines

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> types.Bytes:
        if line := await self.readline():
            return line
        raise StopAsyncIteration

    async def _fill(self, length: int) -> None:
        """Has ``length`` bytes from here on at hand, or all that remain."""
        start = self._at - self._ahead_at
        if 0 <= start <= len(self._ahead) and min(start + length, self.size - self._ahead_at) <= len(self._ahead):
            return
        kept = self._ahead[start:] if 0 <= start < len(self._ahead) else Bytes()
        # From where the last block ended: for the native reader that is no jump, and more is on its way.
        goes_on = self._at + len(kept)
        # Awaited first: a cancelled read leaves everything as it was.
        ahead = await start_silent(self._reader.read_joined, "get", goes_on, max(length - len(kept), self._buffer_size))
        self._ahead, self._ahead_at = (Bytes(kept + ahead) if kept else ahead), self._at

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError("I/O operation on closed file.")


def _turn() -> asyncio.Lock:
    """Where tasks wait for each other."""
    import asyncio

    return asyncio.Lock()


def _bytes_of(data: types.Data) -> memoryview:
    """The memory of ``data``, as bytes."""
    try:
        view = memoryview(data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    except TypeError:
        advice = "; encode it" if isinstance(data, str) else ""
        raise ArgumentTypeError(f"a bytes-like object is required, not {type(data).__name__}{advice}") from None
    except ValueError:
        # Such as an array of dates, for which `memoryview` has no word.
        view = None
    if view is not None and view.ndim == 1 and view.format == "B" and view.contiguous:
        return view
    try:
        # A copy where the memory is no single piece in the order that counts.
        return memoryview(Bytes(data, copy=view is not None and not view.c_contiguous))
    except TypeError as error:
        raise ArgumentTypeError(str(error)) from None
    except BufferError as error:
        raise InvalidArgumentError(str(error)) from None


class WritableFile(io.BufferedIOBase):
    """An object that is being written: a file of ``io``. It appears when it is closed, and as a whole.

    In a ``with`` statement an exception gives it up, and nothing appears. So does letting go of one that nobody closed, or of a
    ``TextIOWrapper`` or ``BufferedWriter`` around it that nobody closed. A ``with`` statement of such a wrapper closes the file
    after an exception too; there, call :meth:`abort`.
    """

    mode = "wb"
    # A wrapper that is let go of says so before it flushes and closes: "going" while it does, "gone" afterwards.
    _wrapper = ""

    def __init__(self, writer: _native.Writer, path: str) -> None:
        self._writer = writer
        self._path = path
        self._ended = False
        self._result: types.PutResult | None = None
        import threading

        # One call's bytes stay together, whichever threads write.
        self._turn = threading.RLock()

    def __repr__(self) -> str:
        return f"WritableFile(path={self._path!r}, closed={self.closed})"

    @property
    def name(self) -> str:
        """The object's key."""
        return self._path

    @property
    def result(self) -> types.PutResult | None:
        """What the store calls what was written; ``None`` until it is closed."""
        return self._result

    def writable(self) -> bool:
        """True."""
        self._require_open()
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        with self._turn:
            self._require_open()
            return self._writer.written()

    def write(self, data: types.Data, /) -> int:
        """Takes all of ``data``, which may be changed afterwards. Waits only where too much is on its way already."""
        view = _bytes_of(data)
        size = len(view)
        if self._wrapper == "going":
            return size
        with self._turn:
            self._require_open()
            while len(view):
                room = self._writer.room()
                if room == 0:
                    run_silent(self._writer.send, "put")
                    continue
                self._writer.push(view[:room])
                view = view[room:]
        return size

    def flush(self) -> None:
        """Waits for the parts that are full. What is no part yet stays here until it is closed."""
        with self._turn:
            if not self._ended:
                run_silent(self._writer.flush, "put")

    def close(self) -> None:
        """Makes the object. Where that fails nothing appears, and the error is raised."""
        with self._turn:
            if self._wrapper:
                self._let_go_of()
                return
            if self._ended:
                return
            self._ended = True
            try:
                self._result = run_silent(self._writer.finish, "put")
            finally:
                super().close()

    def abort(self) -> None:
        """Gives the object up: what was there of that name stays as it was."""
        with self._turn:
            if self._ended:
                return
            self._ended = True
            try:
                run_silent(self._writer.abort, "put")
            finally:
                super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.abort()
        except Exception as failure:
            # What went wrong first is what is raised.
            if error is not None:
                error.add_note(f"and what was written could not be taken back: {failure}")

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            self._ended = True
            warnings.warn(f"{self._path!r} was never closed, so it was not written", ResourceWarning, stacklevel=2)

    def _dealloc_warn(self, source: object) -> None:
        """What the wrappers of `io` call when they are let go of open, as after an exception: what was written may be a half."""
        if self._ended:
            return
        self._ended = True
        self._wrapper = "going"
        # Its parts are taken back when nobody holds it.
        del self._writer
        kind = type(source).__name__
        warnings.warn(
            f"the {kind} of {self._path!r} was never closed, so it was not written", ResourceWarning, stacklevel=2
        )

    def _let_go_of(self) -> None:
        if self._wrapper == "going":
            self._wrapper = "gone"
            super().close()
            return
        raise ValueError(
            f"{self._path!r} was not written: what was wrapped around it was let go of without being closed"
        )

    def _require_open(self) -> None:
        if self._ended:
            raise ValueError("I/O operation on closed file.")


class AsyncWritableFile:
    """As :class:`WritableFile`, for ``asyncio``."""

    def __init__(self, writer: _native.Writer, path: str) -> None:
        self._writer = writer
        self._path = path
        self._ended = False
        self._result: types.PutResult | None = None
        # One call's bytes stay together, whichever tasks write.
        self._turn = _turn()

    def __repr__(self) -> str:
        return f"AsyncWritableFile(path={self._path!r}, closed={self._ended})"

    @property
    def closed(self) -> bool:
        """Whether it was closed or given up."""
        return self._ended

    @property
    def result(self) -> types.PutResult | None:
        """What the store calls what was written; ``None`` until it is closed."""
        return self._result

    async def tell(self) -> int:
        """How many bytes were written."""
        async with self._turn:
            self._require_open()
            return self._writer.written()

    async def write(self, data: types.Data, /) -> int:
        """Takes all of ``data``. Do not change it before this has returned."""
        view = _bytes_of(data)
        size = len(view)
        async with self._turn:
            self._require_open()
            while len(view):
                room = self._writer.room()
                if room == 0:
                    await start_silent(self._writer.send, "put")
                    continue
                self._writer.push(view[:room])
                view = view[room:]
        return size

    async def flush(self) -> None:
        """Waits for the parts that are full. What is no part yet stays here until it is closed."""
        async with self._turn:
            self._require_open()
            await start_silent(self._writer.flush, "put")

    async def close(self) -> None:
        """Makes the object. Where that fails nothing appears, and the error is raised."""
        async with self._turn:
            if self._ended:
                return
            self._ended = True
            self._result = await start_silent(self._writer.finish, "put")

    async def abort(self) -> None:
        """Gives the object up: what was there of that name stays as it was."""
        async with self._turn:
            if self._ended:
                return
            self._ended = True
            await start_silent(self._writer.abort, "put")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
            return
        try:
            await self.abort()
        except Exception as failure:
            # What went wrong first is what is raised.
            if error is not None:
                error.add_note(f"and what was written could not be taken back: {failure}")

    def _require_open(self) -> None:
        if self._ended:
            raise ValueError("I/O operation on closed file.")
