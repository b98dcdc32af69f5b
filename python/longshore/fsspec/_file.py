"""The files of :mod:`longshore.fsspec`: readers and writers of :mod:`longshore.obs`, dressed as fsspec's files."""

# pyright: basic
from __future__ import annotations

import io
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from longshore import obs
from longshore.exceptions import AlreadyExistsError, InvalidArgumentError, PreconditionError

if TYPE_CHECKING:
    from longshore.fsspec._bases import _AbstractBufferedFile as AbstractBufferedFile
    from longshore.fsspec._bases import _AsyncFileSystem as AsyncFileSystem
    from longshore.types import GetOptions
else:
    from fsspec.asyn import AsyncFileSystem
    from fsspec.spec import AbstractBufferedFile

__all__ = ["BufferedFile", "TextFile", "plain"]

READ_BUFFER = 1 << 20
WRITE_BUFFER = 10 << 20

MODES = ("rb", "wb", "ab", "xb")


class BufferedFile(AbstractBufferedFile):
    """An object, opened for reading or for writing.

    What is written becomes the object when the file is closed; when a ``with`` block ends by an exception, nothing does.
    """

    def __init__(
        self,
        fs: AsyncFileSystem,
        path: str,
        mode: str = "rb",
        *,
        buffer_size: int | None = None,
        attributes: Any = None,
        tags: dict[str, str] | None = None,
        block_size: Any = None,
        autocommit: bool = True,
        cache_type: str | None = None,
        cache_options: dict[str, Any] | None = None,
        size: int | None = None,
    ) -> None:
        """Opens the object.

        Parameters
        ----------
        fs
            The file system.
        path
            The path in it.
        mode
            ``"rb"``; ``"wb"`` replaces the object; ``"xb"`` makes it if there is none; ``"ab"`` replaces it by what it holds
            and what is written, which reads all of it first.
        buffer_size
            Bytes that are asked for at least, and sent at once; ``block_size`` is the same for programs that use fsspec's name.
        attributes, tags
            Those of an object that is written.
        autocommit
            Whether closing the file makes the object. In a transaction its end does.
        cache_type, cache_options
            One of fsspec's caches, to read with instead of our own read-ahead.
        size
            The size of the object, where it is known; saves a request.

        Raises
        ------
        FileNotFoundError
            There is nothing to read.
        FileExistsError
            The object of an exclusive write is there already.
        """
        # Set first: a file that could not be opened is not closed when it goes away.
        self.closed: bool = True
        self._reader: Any = None
        self._writer: Any = None
        self._position = 0
        self._process = os.getpid()
        self._buffer_size: int | None = buffer_size or (block_size if isinstance(block_size, int) else None)
        base: Any = super()
        if mode not in MODES:
            raise InvalidArgumentError(f"an object is opened with the mode {', '.join(MODES)}, not {mode!r}")
        bucket, self._key = fs._split_path(path)
        self._store = fs._construct_store(bucket)
        if mode == "rb":
            if cache_type is None:
                self._reader = obs.open_reader(
                    self._store, self._key, buffer_size=self._buffer_size or READ_BUFFER, size=size
                )
                size = self._reader.size
            base.__init__(fs, path, mode, block_size, autocommit, cache_type or "none", cache_options, size)
        else:
            base.__init__(fs, path, mode, block_size, autocommit)
            self.closed = True
            # What is too small for the store becomes larger there.
            self._open_writer(self._buffer_size or WRITE_BUFFER, attributes, tags)
        self.closed = False

    def _open_writer(self, buffer_size: int, attributes: Any, tags: dict[str, str] | None) -> None:
        if self.mode == "xb" and self.fs.exists(self.path):
            # The store says so too, but only when everything has been written.
            raise AlreadyExistsError(
                f"open {self.full_name}: there is such an object already, and the mode is 'xb'", uri=self.full_name
            )
        old = None
        if self.mode == "ab":
            try:
                old = obs.get(self._store, self._key)
            except FileNotFoundError:
                pass
            else:
                attributes = old.attributes if attributes is None else attributes
        self._writer = obs.open_writer(
            self._store,
            self._key,
            attributes=attributes,
            buffer_size=buffer_size,
            tags=tags,
            mode="create" if self.mode == "xb" else None,
        )
        if old is not None:
            for chunk in old.stream():
                self._writer.write(chunk)

    # Reading

    def read(self, length: int | None = -1) -> bytes:
        """Reads so many bytes, fewer only at the end; everything that is left where `length` is negative."""
        self._check("rb")
        length = -1 if length is None else int(length)
        if self._reader is None:
            # fsspec's cache: it does not stop at the end by itself.
            left = max(self.size - self.loc, 0)
            base: Any = super()
            return bytes(base.read(left if length < 0 else min(length, left)))
        return plain(self._reader.read() if length < 0 else self._reader.read(length))

    def readinto(self, buffer: Any) -> int:
        """Reads into memory of the caller, and returns how many bytes that were."""
        self._check("rb")
        if self._reader is None:
            base: Any = super()
            return int(base.readinto(buffer))
        return int(self._reader.readinto(buffer))

    def readline(self, size: int = -1) -> bytes:
        """Reads up to the next newline, and with it."""
        self._check("rb")
        if self._reader is None:
            base: Any = super()
            return bytes(base.readline())
        return plain(self._reader.readline() if size < 0 else self._reader.readline(size))

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Reads all lines that are left, or as many as have `hint` bytes together."""
        lines: list[bytes] = []
        length = 0
        while (not 0 < hint <= length) and (line := self.readline()):
            lines.append(line)
            length += len(line)
        return lines

    def seek(self, loc: int, whence: int = 0) -> int:
        """Moves to a position from the start, from here or from the end, and returns it."""
        self._check("rb")
        if whence not in (0, 1, 2):
            raise InvalidArgumentError(f"whence must be 0, 1 or 2, not {whence!r}")
        target = int(loc) + (0, self.loc if whence == 1 else 0, self.size)[whence]
        if target < 0:
            raise InvalidArgumentError(f"position {target} of {self.full_name} is before its start")
        self.loc = target
        return target

    def _fetch_range(self, start: int, end: int) -> bytes:
        """Called by fsspec's caches, from any thread. All ranges are of one version."""
        end = min(end, self.size)
        if start >= end:
            return b""
        options: GetOptions = {"range": (start, end)}
        tag = self.details.get("e_tag")
        if tag:
            options["if_match"] = tag
        return plain(obs.get(self._store, self._key, options=options).bytes())

    # Writing

    def write(self, data: Any) -> int:
        """Takes bytes, and returns how many."""
        self._check("wb", "ab", "xb")
        return int(self._writer.write(data))

    def flush(self, force: bool = False) -> None:
        """Does nothing: an object becomes visible when it is complete, which is when the file is closed."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def commit(self) -> None:
        """Makes the object. fsspec calls it at the end of a transaction; outside of one, closing the file does it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            finally:
                self.fs.invalidate_cache(self.path)

    def discard(self) -> None:
        """Gives up what was written. The object stays as it was."""
        writer, self._writer = self._writer, None
        self.closed = True
        if writer is not None:
            writer.abort()

    # Both

    @property
    def loc(self) -> int:
        """The position."""
        if self._writer is not None:
            return int(self._writer.tell())
        return self._position if self._reader is None else int(self._reader.tell())

    @loc.setter
    def loc(self, value: int) -> None:
        if self._reader is None:
            self._position = value
        else:
            self._reader.seek(value)

    def tell(self) -> int:
        """The position."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        return self.loc

    def close(self) -> None:
        """Ends reading; makes the object that was written, and raises if that fails."""
        if self.closed:
            return
        self.closed = True
        if self.mode == "rb":
            self._position = self.loc
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self.cache: Any = None
        elif self.autocommit:
            self.commit()

    def __del__(self) -> None:
        # A child has inherited files that its parent goes on writing.
        if not self.closed and self._process == os.getpid():
            self.close()

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if kind is None or self.mode == "rb":
            self.close()
        else:
            self.discard()

    def __enter__(self) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.mode != "rb":
            raise TypeError(f"{self.full_name} is being written; only a file that is read can be pickled")
        cache = None if self._reader is not None or self.cache is None else self.cache.name
        return _reopen, (self.fs, self.path, self._buffer_size, cache, self.loc)

    def _check(self, *modes: str) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if self.mode not in modes:
            raise io.UnsupportedOperation(f"{self.full_name} is open with the mode {self.mode!r}")
        if self._reader is not None and self._process != os.getpid():
            self._reopen_reader()

    def _reopen_reader(self) -> None:
        """Goes on in a forked child, with connections of the child's own and in the same version of the object."""
        old, position = self._reader.meta, self._reader.tell()
        self._reader = obs.open_reader(self._store, self._key, buffer_size=self._buffer_size or READ_BUFFER)
        self._process = os.getpid()
        if self._reader.meta["e_tag"] != old.get("e_tag") or self._reader.size != old["size"]:
            raise PreconditionError(
                f"read {self.full_name}: it was replaced after it was opened, in the parent process; open it again",
                uri=self.full_name,
            )
        self._reader.seek(position)


class TextFile(io.TextIOWrapper):
    """Text on top of a :class:`BufferedFile`. It discards what was written where that does."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and isinstance(self.buffer, BufferedFile) and self.buffer.mode != "rb":
            # It is closed then, and so is this, with what has not been passed on yet.
            self.buffer.discard()
        else:
            self.close()


def plain(data: Any) -> bytes:
    """Those bytes as `bytes`, which fsspec promises."""
    return data if type(data) is bytes else bytes(data)


def _reopen(
    fs: AsyncFileSystem, path: str, buffer_size: int | None, cache_type: str | None, position: int
) -> BufferedFile:
    file = BufferedFile(fs, path, "rb", buffer_size=buffer_size, cache_type=cache_type)
    if position:
        file.seek(position)
    return file
