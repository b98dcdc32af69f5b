"""The store classes, with the methods that every store has.

A method does what the function of its name in :mod:`longshore.obs` does, which says what its arguments mean. An ``_async``
method is a coroutine, so that it can be made a task.
"""

from __future__ import annotations

import builtins

from longshore import _native, obs
from longshore._lazy import abc, datetime, types
from longshore._native import RecordBatch, Store, from_url
from longshore._obs_files import AsyncReadableFile, AsyncWritableFile, ReadableFile, WritableFile
from longshore._obs_listing import ListStream
from longshore._obs_results import GetResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, overload

    # What is said to a store, for annotations: `if TYPE_CHECKING: from longshore.store import S3Config`.
    from longshore._stores import AzureAccessKey as AzureAccessKey
    from longshore._stores import AzureBearerToken as AzureBearerToken
    from longshore._stores import AzureConfig as AzureConfig
    from longshore._stores import AzureCredentialProvider as AzureCredentialProvider
    from longshore._stores import AzureSASToken as AzureSASToken
    from longshore._stores import BackoffConfig as BackoffConfig
    from longshore._stores import ClientConfig as ClientConfig
    from longshore._stores import GCSConfig as GCSConfig
    from longshore._stores import GCSCredential as GCSCredential
    from longshore._stores import GCSCredentialProvider as GCSCredentialProvider
    from longshore._stores import RetryConfig as RetryConfig
    from longshore._stores import S3Config as S3Config
    from longshore._stores import S3Credential as S3Credential
    from longshore._stores import S3CredentialProvider as S3CredentialProvider

# `list` is one of our names.
List = builtins.list

__all__ = [
    "AzureStore",
    "GCSStore",
    "HTTPStore",
    "LocalStore",
    "MemoryStore",
    "ObjectStore",
    "ObjectStoreMethods",
    "S3Store",
    "Store",
    "export_store",
    "from_url",
]


class ObjectStoreMethods:
    """The methods of every store, for documentation and ``isinstance``."""

    __slots__ = ()

    def get(self, path: str, *, options: types.GetOptions | None = None) -> GetResult:
        """Reads an object: :func:`longshore.obs.get`."""
        return obs.get(_of(self), path, options=options)

    async def get_async(self, path: str, *, options: types.GetOptions | None = None) -> GetResult:
        """As :meth:`get`, for ``asyncio``."""
        return await obs.get_async(_of(self), path, options=options)

    def get_range(self, path: str, *, start: int, end: int | None = None, length: int | None = None) -> types.Bytes:
        """Reads a part of an object: :func:`longshore.obs.get_range`."""
        return obs.get_range(_of(self), path, start=start, end=end, length=length)

    async def get_range_async(
        self, path: str, *, start: int, end: int | None = None, length: int | None = None
    ) -> types.Bytes:
        """As :meth:`get_range`, for ``asyncio``."""
        return await obs.get_range_async(_of(self), path, start=start, end=end, length=length)

    def get_ranges(
        self,
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
            _of(self),
            path,
            starts=starts,
            ends=ends,
            lengths=lengths,
            coalesce=coalesce,
            max_concurrency=max_concurrency,
        )

    async def get_ranges_async(
        self,
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
            _of(self),
            path,
            starts=starts,
            ends=ends,
            lengths=lengths,
            coalesce=coalesce,
            max_concurrency=max_concurrency,
        )

    def put(
        self,
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
            _of(self),
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
        self,
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
            _of(self),
            path,
            file,
            attributes=attributes,
            tags=tags,
            mode=mode,
            use_multipart=use_multipart,
            chunk_size=chunk_size,
            max_concurrency=max_concurrency,
        )

    def head(self, path: str) -> types.ObjectMeta:
        """Describes an object: :func:`longshore.obs.head`."""
        return obs.head(_of(self), path)

    async def head_async(self, path: str) -> types.ObjectMeta:
        """As :meth:`head`, for ``asyncio``."""
        return await obs.head_async(_of(self), path)

    if TYPE_CHECKING:

        @overload
        def list(
            self,
            prefix: str | None = None,
            *,
            offset: str | None = None,
            chunk_size: int = 1000,
            return_arrow: Literal[False] = False,
            string_prefix: bool = False,
        ) -> ListStream[List[types.ObjectMeta]]: ...
        @overload
        def list(
            self,
            prefix: str | None = None,
            *,
            offset: str | None = None,
            chunk_size: int = 1000,
            return_arrow: Literal[True],
            string_prefix: bool = False,
        ) -> ListStream[RecordBatch]: ...

    def list(
        self,
        prefix: str | None = None,
        *,
        offset: str | None = None,
        chunk_size: int = 1000,
        return_arrow: bool = False,
        string_prefix: bool = False,
    ) -> ListStream[List[types.ObjectMeta]] | ListStream[RecordBatch]:
        """Lists objects: :func:`longshore.obs.list`."""
        listed: Any = obs.list
        return listed(  # type: ignore[no-any-return]
            _of(self),
            prefix,
            offset=offset,
            chunk_size=chunk_size,
            return_arrow=return_arrow,
            string_prefix=string_prefix,
        )

    list_async = list
    """The same as :meth:`list`, whose stream is for ``async for`` too."""

    def list_with_delimiter(
        self, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
    ) -> types.ListResult:
        """Lists one level: :func:`longshore.obs.list_with_delimiter`."""
        return obs.list_with_delimiter(_of(self), prefix, return_arrow=return_arrow, string_prefix=string_prefix)

    async def list_with_delimiter_async(
        self, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
    ) -> types.ListResult:
        """As :meth:`list_with_delimiter`, for ``asyncio``."""
        return await obs.list_with_delimiter_async(
            _of(self), prefix, return_arrow=return_arrow, string_prefix=string_prefix
        )

    def delete(self, paths: str | abc.Sequence[str]) -> None:
        """Deletes objects: :func:`longshore.obs.delete`."""
        obs.delete(_of(self), paths)

    async def delete_async(self, paths: str | abc.Sequence[str]) -> None:
        """As :meth:`delete`, for ``asyncio``."""
        await obs.delete_async(_of(self), paths)

    def copy(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """Copies an object: :func:`longshore.obs.copy`."""
        obs.copy(_of(self), from_, to, overwrite=overwrite)

    async def copy_async(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """As :meth:`copy`, for ``asyncio``."""
        await obs.copy_async(_of(self), from_, to, overwrite=overwrite)

    def rename(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """Gives an object another key: :func:`longshore.obs.rename`."""
        obs.rename(_of(self), from_, to, overwrite=overwrite)

    async def rename_async(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """As :meth:`rename`, for ``asyncio``."""
        await obs.rename_async(_of(self), from_, to, overwrite=overwrite)

    if TYPE_CHECKING:

        @overload
        def sign(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
            self, method: str, paths: str, expires_in: datetime.timedelta
        ) -> str: ...
        @overload
        def sign(self, method: str, paths: abc.Sequence[str], expires_in: datetime.timedelta) -> List[str]: ...

    def sign(self, method: str, paths: str | abc.Sequence[str], expires_in: datetime.timedelta) -> str | List[str]:
        """Makes URLs that allow one thing for a while: :func:`longshore.obs.sign`."""
        signed: Any = obs.sign
        return signed(_of(self), method, paths, expires_in)  # type: ignore[no-any-return]

    if TYPE_CHECKING:

        @overload
        async def sign_async(  # type: ignore[overload-overlap]
            self, method: str, paths: str, expires_in: datetime.timedelta
        ) -> str: ...
        @overload
        async def sign_async(
            self, method: str, paths: abc.Sequence[str], expires_in: datetime.timedelta
        ) -> List[str]: ...

    async def sign_async(
        self, method: str, paths: str | abc.Sequence[str], expires_in: datetime.timedelta
    ) -> str | List[str]:
        """As :meth:`sign`, for ``asyncio``."""
        signed: Any = obs.sign_async
        return await signed(_of(self), method, paths, expires_in)  # type: ignore[no-any-return]

    def open_reader(self, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None) -> ReadableFile:
        """Opens an object as a file to read from: :func:`longshore.obs.open_reader`."""
        return obs.open_reader(_of(self), path, buffer_size=buffer_size, size=size)

    async def open_reader_async(
        self, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None
    ) -> AsyncReadableFile:
        """As :meth:`open_reader`, for ``asyncio``."""
        return await obs.open_reader_async(_of(self), path, buffer_size=buffer_size, size=size)

    def open_writer(
        self,
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
            _of(self),
            path,
            attributes=attributes,
            buffer_size=buffer_size,
            tags=tags,
            max_concurrency=max_concurrency,
            mode=mode,
        )

    def open_writer_async(
        self,
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
            _of(self),
            path,
            attributes=attributes,
            buffer_size=buffer_size,
            tags=tags,
            max_concurrency=max_concurrency,
            mode=mode,
        )


def _of(methods: ObjectStoreMethods) -> Store:
    """The store that has them."""
    return methods  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


class S3Store(_native.S3Store, ObjectStoreMethods):
    """A bucket on S3 or on a server that speaks its protocol."""

    __slots__ = ()


class GCSStore(_native.GCSStore, ObjectStoreMethods):
    """A bucket on Google Cloud Storage."""

    __slots__ = ()


class AzureStore(_native.AzureStore, ObjectStoreMethods):
    """A container in a storage account of Azure."""

    __slots__ = ()


class HTTPStore(_native.HTTPStore, ObjectStoreMethods):
    """A web server: read-only, listed where it offers WebDAV."""

    __slots__ = ()


class LocalStore(_native.LocalStore, ObjectStoreMethods):
    """Files below a folder, or all files."""

    __slots__ = ()


class MemoryStore(_native.MemoryStore, ObjectStoreMethods):
    """Objects in this process's memory."""

    __slots__ = ()


ObjectStore = AzureStore | GCSStore | HTTPStore | S3Store | LocalStore | MemoryStore
"""Any of the stores that a program makes, for annotations and ``isinstance``."""


class _Store(_native.Store, ObjectStoreMethods):
    """A store that a Rust extension handed to Python."""

    __slots__ = ()


def export_store(store: types.StoreProtocol | Store, *, threads: int = 8) -> Store:
    """Makes a store of an object that has the methods of one, written in Python, so that Rust can use it.

    What it returns is a live store like any other: longshore's functions take it, and so does every extension module that
    takes longshore's stores. Each request becomes a call of a method of ``store``, on threads that are started for it;
    coroutines run on an event loop of their own. Bodies and listings are handed over as a whole.

    Parameters
    ----------
    store
        An object with ``get``, ``put``, ``list``, ``delete`` and ``head``, as :class:`longshore.types.StoreProtocol` says,
        and with as many of ``get_range``, ``get_ranges``, ``list_with_delimiter``, ``copy`` and ``rename`` as it likes. A
        store of this package is returned as it is, unless its class is one that changes what it does.
    threads
        How many requests it is asked at the same time. Coroutines that wait for something are not counted.

    Raises
    ------
    InvalidArgumentError
        For a number of threads that cannot be.
    """
    return _native.export_store(store, threads=threads)


_Store.__name__ = _Store.__qualname__ = "Store"
for _class in (S3Store, GCSStore, AzureStore, HTTPStore, LocalStore, MemoryStore, _Store):
    # What users see is the package's, whatever module it is in.
    _class.__module__ = "longshore"
    _native.use_store_class(_class)
del _class
