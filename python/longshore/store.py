"""The store classes, with the methods that every store has.

A method does what the function of its name in :mod:`longshore.obs` does, which says what its arguments mean. An ``_async`` method is
a coroutine, so that it can be made a task.
"""

from __future__ import annotations

import builtins

from longshore import _native, obs
from longshore._lazy import abc, datetime, types, typing
from longshore._native import Store, from_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, overload

    from longshore.obs import (
        AsyncReadableFile,
        AsyncWritableFile,
        GetResult,
        ListStream,
        ReadableFile,
        RecordBatch,
        WritableFile,
    )

    # Each is mixed into a store.
    _Self = Any

# `list` is one of our names.
List = builtins.list

__all__ = [
    "AzureStore",
    "GCSStore",
    "HTTPStore",
    "LocalStore",
    "MemoryStore",
    "ObjectStoreMethods",
    "S3Store",
    "Store",
    "from_url",
]


class ObjectStoreMethods:
    """The methods of every store, for documentation and ``isinstance``."""

    __slots__ = ()

    def get(self: _Self, path: str, *, options: types.GetOptions | None = None) -> GetResult:
        """Reads an object: :func:`longshore.obs.get`."""
        return obs.get(self, path, options=options)

    async def get_async(self: _Self, path: str, *, options: types.GetOptions | None = None) -> GetResult:
        """As :meth:`get`, for ``asyncio``."""
        return await obs.get_async(self, path, options=options)

    def get_range(
        self: _Self, path: str, *, start: int, end: int | None = None, length: int | None = None
    ) -> types.Bytes:
        """Reads a part of an object: :func:`longshore.obs.get_range`."""
        return obs.get_range(self, path, start=start, end=end, length=length)

    async def get_range_async(
        self: _Self, path: str, *, start: int, end: int | None = None, length: int | None = None
    ) -> types.Bytes:
        """As :meth:`get_range`, for ``asyncio``."""
        return await obs.get_range_async(self, path, start=start, end=end, length=length)

    def get_ranges(
        self: _Self,
        path: str,
        *,
        starts: abc.Sequence[int],
        ends: abc.Sequence[int] | None = None,
        lengths: abc.Sequence[int] | None = None,
        coalesce: int = 1024 * 1024,
        max_concurrency: int = 10,
    ) -> List[types.Bytes]:
        """Reads many parts of an object: :func:`longshore.obs.get_ranges`."""
        return obs.get_ranges(
            self, path, starts=starts, ends=ends, lengths=lengths, coalesce=coalesce, max_concurrency=max_concurrency
        )

    async def get_ranges_async(
        self: _Self,
        path: str,
        *,
        starts: abc.Sequence[int],
        ends: abc.Sequence[int] | None = None,
        lengths: abc.Sequence[int] | None = None,
        coalesce: int = 1024 * 1024,
        max_concurrency: int = 10,
    ) -> List[types.Bytes]:
        """As :meth:`get_ranges`, for ``asyncio``."""
        return await obs.get_ranges_async(
            self, path, starts=starts, ends=ends, lengths=lengths, coalesce=coalesce, max_concurrency=max_concurrency
        )

    def put(
        self: _Self,
        path: str,
        file: types.PutSource,
        *,
        attributes: types.Attributes | None = None,
        tags: abc.Mapping[str, str] | None = None,
        mode: types.PutMode | None = None,
        use_multipart: bool | None = None,
        chunk_size: int = 5 * 1024 * 1024,
        max_concurrency: int = 12,
    ) -> types.PutResult:
        """Writes an object: :func:`longshore.obs.put`."""
        return obs.put(
            self,
            path,
            file,
            attributes=attributes,
            tags=tags,
            mode=mode,
            use_multipart=use_multipart,
            chunk_size=chunk_size,
            max_concurrency=max_concurrency,
        )

    async def put_async(
        self: _Self,
        path: str,
        file: types.AsyncPutSource,
        *,
        attributes: types.Attributes | None = None,
        tags: abc.Mapping[str, str] | None = None,
        mode: types.PutMode | None = None,
        use_multipart: bool | None = None,
        chunk_size: int = 5 * 1024 * 1024,
        max_concurrency: int = 12,
    ) -> types.PutResult:
        """As :meth:`put`, for ``asyncio``."""
        return await obs.put_async(
            self,
            path,
            file,
            attributes=attributes,
            tags=tags,
            mode=mode,
            use_multipart=use_multipart,
            chunk_size=chunk_size,
            max_concurrency=max_concurrency,
        )

    def head(self: _Self, path: str) -> types.ObjectMeta:
        """Describes an object: :func:`longshore.obs.head`."""
        return obs.head(self, path)

    async def head_async(self: _Self, path: str) -> types.ObjectMeta:
        """As :meth:`head`, for ``asyncio``."""
        return await obs.head_async(self, path)

    if TYPE_CHECKING:

        @overload
        def list(
            self: _Self,
            prefix: str | None = None,
            *,
            offset: str | None = None,
            chunk_size: int = 1000,
            return_arrow: Literal[False] = False,
            string_prefix: bool = False,
        ) -> ListStream[List[types.ObjectMeta]]: ...
        @overload
        def list(
            self: _Self,
            prefix: str | None = None,
            *,
            offset: str | None = None,
            chunk_size: int = 1000,
            return_arrow: Literal[True],
            string_prefix: bool = False,
        ) -> ListStream[RecordBatch]: ...

    def list(
        self: _Self,
        prefix: str | None = None,
        *,
        offset: str | None = None,
        chunk_size: int = 1000,
        return_arrow: bool = False,
        string_prefix: bool = False,
    ) -> ListStream[Any]:
        """Lists objects: :func:`longshore.obs.list`."""
        listed: Any = obs.list
        return listed(  # type: ignore[no-any-return]
            self,
            prefix,
            offset=offset,
            chunk_size=chunk_size,
            return_arrow=return_arrow,
            string_prefix=string_prefix,
        )

    list_async = list
    """The same as :meth:`list`, whose stream is for ``async for`` too."""

    def list_with_delimiter(
        self: _Self, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
    ) -> types.ListResult:
        """Lists one level: :func:`longshore.obs.list_with_delimiter`."""
        return obs.list_with_delimiter(self, prefix, return_arrow=return_arrow, string_prefix=string_prefix)

    async def list_with_delimiter_async(
        self: _Self, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
    ) -> types.ListResult:
        """As :meth:`list_with_delimiter`, for ``asyncio``."""
        return await obs.list_with_delimiter_async(
            self, prefix, return_arrow=return_arrow, string_prefix=string_prefix
        )

    def delete(self: _Self, paths: str | abc.Sequence[str]) -> None:
        """Deletes objects: :func:`longshore.obs.delete`."""
        obs.delete(self, paths)

    async def delete_async(self: _Self, paths: str | abc.Sequence[str]) -> None:
        """As :meth:`delete`, for ``asyncio``."""
        await obs.delete_async(self, paths)

    def copy(self: _Self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """Copies an object: :func:`longshore.obs.copy`."""
        obs.copy(self, from_, to, overwrite=overwrite)

    async def copy_async(self: _Self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """As :meth:`copy`, for ``asyncio``."""
        await obs.copy_async(self, from_, to, overwrite=overwrite)

    def rename(self: _Self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """Gives an object another key: :func:`longshore.obs.rename`."""
        obs.rename(self, from_, to, overwrite=overwrite)

    async def rename_async(self: _Self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """As :meth:`rename`, for ``asyncio``."""
        await obs.rename_async(self, from_, to, overwrite=overwrite)

    if TYPE_CHECKING:

        @overload
        def sign(self: _Self, method: str, paths: str, expires_in: datetime.timedelta) -> str: ...
        @overload
        def sign(
            self: _Self, method: str, paths: abc.Sequence[str], expires_in: datetime.timedelta
        ) -> List[str]: ...

    def sign(self: _Self, method: str, paths: Any, expires_in: datetime.timedelta) -> Any:
        """Makes URLs that allow one thing for a while: :func:`longshore.obs.sign`."""
        return obs.sign(self, method, paths, expires_in)

    async def sign_async(self: _Self, method: str, paths: Any, expires_in: datetime.timedelta) -> Any:
        """As :meth:`sign`, for ``asyncio``."""
        return await obs.sign_async(self, method, paths, expires_in)

    def open_reader(
        self: _Self, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None
    ) -> ReadableFile:
        """Opens an object as a file to read from: :func:`longshore.obs.open_reader`."""
        return obs.open_reader(self, path, buffer_size=buffer_size, size=size)

    async def open_reader_async(
        self: _Self, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None
    ) -> AsyncReadableFile:
        """As :meth:`open_reader`, for ``asyncio``."""
        return await obs.open_reader_async(self, path, buffer_size=buffer_size, size=size)

    def open_writer(
        self: _Self,
        path: str,
        *,
        attributes: types.Attributes | None = None,
        buffer_size: int = 10 * 1024 * 1024,
        tags: abc.Mapping[str, str] | None = None,
        max_concurrency: int = 12,
        mode: types.PutMode | None = None,
    ) -> WritableFile:
        """Opens an object as a file to write to: :func:`longshore.obs.open_writer`."""
        return obs.open_writer(
            self,
            path,
            attributes=attributes,
            buffer_size=buffer_size,
            tags=tags,
            max_concurrency=max_concurrency,
            mode=mode,
        )

    def open_writer_async(
        self: _Self,
        path: str,
        *,
        attributes: types.Attributes | None = None,
        buffer_size: int = 10 * 1024 * 1024,
        tags: abc.Mapping[str, str] | None = None,
        max_concurrency: int = 12,
        mode: types.PutMode | None = None,
    ) -> AsyncWritableFile:
        """As :meth:`open_writer`, for ``asyncio``. It is not awaited: nothing is sent yet."""
        return obs.open_writer_async(
            self,
            path,
            attributes=attributes,
            buffer_size=buffer_size,
            tags=tags,
            max_concurrency=max_concurrency,
            mode=mode,
        )


if TYPE_CHECKING:

    class _Methods:
        """For type checkers ``_native.Store`` has the methods: whatever is one is of a class of this module."""

        __slots__ = ()
else:
    _Methods = ObjectStoreMethods


class S3Store(_Methods, _native.S3Store):
    """A bucket on S3 or on a server that speaks its protocol."""

    __slots__ = ()


class GCSStore(_Methods, _native.GCSStore):
    """A bucket on Google Cloud Storage."""

    __slots__ = ()


class AzureStore(_Methods, _native.AzureStore):
    """A container in a storage account of Azure."""

    __slots__ = ()


class HTTPStore(_Methods, _native.HTTPStore):
    """A web server: read-only, listed where it offers WebDAV."""

    __slots__ = ()


class LocalStore(_Methods, _native.LocalStore):
    """Files below a folder, or all files."""

    __slots__ = ()


class MemoryStore(_Methods, _native.MemoryStore):
    """Objects in this process's memory."""

    __slots__ = ()


class _Store(_Methods, _native.Store):
    """A store that a Rust extension handed to Python."""

    __slots__ = ()


_Store.__name__ = _Store.__qualname__ = "Store"
for _class in (S3Store, GCSStore, AzureStore, HTTPStore, LocalStore, MemoryStore, _Store):
    # What users see is the package's, whatever module it is in.
    _class.__module__ = "longshore"
    _native.use_store_class(_class)
del _class
