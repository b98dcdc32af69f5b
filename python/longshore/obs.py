"""What the methods of a store do, as functions: ``longshore.obs.get(store, path)`` is ``store.get(path)``.

Objects are named by their key in a store, rather than by a URI as in the package's other functions, and everything can be said
of them that stores know: conditions, versions, ranges, attributes, tags. Names, arguments and results are those of obstore, so
that a program moves over by changing its import. What an ``_async`` function returns can be awaited, and its requests are under
way.
"""

from __future__ import annotations

import builtins

from longshore import _native, exceptions
from longshore._call import named, refuse_itself, run_silent, start_silent
from longshore._lazy import abc, asyncio, datetime, types
from longshore._native import Bytes, RecordBatch, Store
from longshore._obs_files import AsyncReadableFile, AsyncWritableFile, ReadableFile, WritableFile
from longshore._obs_listing import ListStream
from longshore._obs_put import Said
from longshore._obs_put import put as _put
from longshore._obs_put import put_async as _put_async
from longshore._obs_put import writer as _writer
from longshore._obs_results import BytesStream, GetResult
from longshore._scheme import parse_scheme
from longshore.exceptions import BaseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Literal, overload

    from longshore import store

# `list` is one of our names.
List = builtins.list

__all__ = [
    "AsyncReadableFile",
    "AsyncWritableFile",
    "Bytes",
    "BytesStream",
    "GetResult",
    "ListStream",
    "ReadableFile",
    "RecordBatch",
    "WritableFile",
    "copy",
    "copy_async",
    "delete",
    "delete_async",
    "exceptions",
    "get",
    "get_async",
    "get_range",
    "get_range_async",
    "get_ranges",
    "get_ranges_async",
    "head",
    "head_async",
    "list",
    "list_async",
    "list_with_delimiter",
    "list_with_delimiter_async",
    "open_reader",
    "open_reader_async",
    "open_writer",
    "open_writer_async",
    "parse_scheme",
    "put",
    "put_async",
    "rename",
    "rename_async",
    "sign",
    "sign_async",
    "store",
]


def __getattr__(name: str) -> ModuleType:
    # The module with the classes, whose methods are these functions, comes after this one.
    if name == "store":
        from longshore import store

        return store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get(store: Store, path: str, *, options: types.GetOptions | None = None) -> GetResult:
    """Reads an object, or what ``options`` say of it. Its bytes come when they are asked of the result.

    Parameters
    ----------
    store
        Where it is.
    path
        Its key, relative to the store's prefix. A slash at its beginning or end is part of it: ``/a`` and ``a/`` are other
        objects than ``a`` on S3, Google and Azure, and no keys at all of files and memory.
    options
        Conditions, a range, a version; see :class:`~longshore.types.GetOptions`. Unknown ones are an error.

    Raises
    ------
    NotFoundError
        There is no such object.
    PreconditionError, NotModifiedError
        A condition does not hold.
    NotSupportedError
        A version, of a store that keeps none.
    BaseError
        Any other failure.
    """
    return run_silent(_native.store_get, "get", store, path, options, GetResult)  # type: ignore[no-any-return]


def get_async(store: Store, path: str, *, options: types.GetOptions | None = None) -> asyncio.Future[GetResult]:
    """As :func:`get`, for ``asyncio``."""
    return start_silent(_native.store_get, "get", store, path, options, GetResult)


def get_range(store: Store, path: str, *, start: int, end: int | None = None, length: int | None = None) -> types.Bytes:
    """Reads a part of an object.

    Parameters
    ----------
    store, path
        As for :func:`get`.
    start
        The offset of the first byte.
    end, length
        The offset after the last byte, or how many there are; one of both. Where the object ends before, what there is of the
        range is returned.

    Raises
    ------
    BaseError
        The range is empty, or begins after the object's end.
    """
    return run_silent(_native.store_get_range, "get", store, path, start, end, length)  # type: ignore[no-any-return]


def get_range_async(
    store: Store, path: str, *, start: int, end: int | None = None, length: int | None = None
) -> asyncio.Future[types.Bytes]:
    """As :func:`get_range`, for ``asyncio``."""
    return start_silent(_native.store_get_range, "get", store, path, start, end, length)


def get_ranges(
    store: Store,
    path: str,
    *,
    starts: abc.Sequence[int],
    ends: abc.Sequence[int] | None = None,
    lengths: abc.Sequence[int] | None = None,
    coalesce: int = 1024 * 1024,
    max_concurrency: int = 10,
) -> List[types.Bytes]:
    """Reads many parts of an object, all of the same version of it.

    Parameters
    ----------
    store, path
        As for :func:`get`.
    starts, ends, lengths
        As for :func:`get_range`, one for each range; ``starts`` must be as many as the others.
    coalesce
        Ranges that are no further apart than this come with one request. A local file is opened once in any case.
    max_concurrency
        Requests at once.

    Returns
    -------
    list of Bytes
        In the order of ``starts``.

    Raises
    ------
    PreconditionError
        The object was replaced while its ranges were read.
    BaseError
        As for :func:`get_range`.
    """
    arguments = (store, path, starts, ends, lengths, coalesce, max_concurrency)
    return run_silent(_native.store_get_ranges, "get", *arguments)  # type: ignore[no-any-return]


def get_ranges_async(
    store: Store,
    path: str,
    *,
    starts: abc.Sequence[int],
    ends: abc.Sequence[int] | None = None,
    lengths: abc.Sequence[int] | None = None,
    coalesce: int = 1024 * 1024,
    max_concurrency: int = 10,
) -> asyncio.Future[List[types.Bytes]]:
    """As :func:`get_ranges`, for ``asyncio``."""
    arguments = (store, path, starts, ends, lengths, coalesce, max_concurrency)
    return start_silent(_native.store_get_ranges, "get", *arguments)


def put(
    store: Store,
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
    """Writes an object. It appears as a whole, or not at all.

    Parameters
    ----------
    store, path
        As for :func:`get`.
    file
        What to write: ``bytes`` or any object with a contiguous buffer, whatever its shape; a ``pathlib.Path``, which names a
        local file; a file that was opened in binary mode; or an iterable of pieces with buffers. A ``str`` is an error, because
        it could be the content or the name of a file.
    attributes
        What to say of the content: ``{"Content-Type": "text/plain"}``, and other names as the object's metadata.
    tags
        Tags, on S3 and Azure.
    mode
        ``"create"`` writes only where there is nothing; a dict with ``e_tag`` and ``version``, as a write returns them, only
        where that version still is. Both make it one request.
    use_multipart
        Whether to send it in parts; ``None`` leaves that to the size. Without parts a file is held in memory.
    chunk_size
        The size of a part. Parts become larger where there would be more than 10,000, and are at least 5 MiB where the store asks
        for that.
    max_concurrency
        Parts at once.

    Returns
    -------
    PutResult
        ``e_tag`` and ``version`` of what was written, as far as the store tells.

    Raises
    ------
    AlreadyExistsError, PreconditionError
        ``mode`` does not allow it.
    ArgumentTypeError
        ``file`` is nothing that can be written.
    NotSupportedError
        The store has no attributes, tags or conditions of that kind.
    BaseError
        Any other failure.
    """
    return _put(store, path, file, Said(attributes, tags, mode, use_multipart, chunk_size, max_concurrency))


def put_async(
    store: Store,
    path: str,
    file: types.AsyncPutSource,
    *,
    attributes: types.Attributes | None = None,
    tags: abc.Mapping[str, str] | None = None,
    mode: types.PutMode | None = None,
    use_multipart: bool | None = None,
    chunk_size: int = 5 * 1024 * 1024,
    max_concurrency: int = 12,
) -> asyncio.Future[types.PutResult]:
    """As :func:`put`, for ``asyncio``. ``file`` may also be an async iterable, such as what :func:`get_async` gives.

    A file or an iterable that is not async is read in a thread, so that the loop goes on.
    """
    return _put_async(store, path, file, Said(attributes, tags, mode, use_multipart, chunk_size, max_concurrency))


def head(store: Store, path: str) -> types.ObjectMeta:
    """Describes an object without reading it.

    Raises
    ------
    NotFoundError
        There is no such object.
    """
    return run_silent(_native.store_head, "head", store, path)  # type: ignore[no-any-return]


def head_async(store: Store, path: str) -> asyncio.Future[types.ObjectMeta]:
    """As :func:`head`, for ``asyncio``."""
    return start_silent(_native.store_head, "head", store, path)


if TYPE_CHECKING:

    @overload
    def list(
        store: Store,
        prefix: str | None = None,
        *,
        offset: str | None = None,
        chunk_size: int = 1000,
        return_arrow: Literal[False] = False,
        string_prefix: bool = False,
    ) -> ListStream[List[types.ObjectMeta]]: ...
    @overload
    def list(
        store: Store,
        prefix: str | None = None,
        *,
        offset: str | None = None,
        chunk_size: int = 1000,
        return_arrow: Literal[True],
        string_prefix: bool = False,
    ) -> ListStream[RecordBatch]: ...


def list(
    store: Store,
    prefix: str | None = None,
    *,
    offset: str | None = None,
    chunk_size: int = 1000,
    return_arrow: bool = False,
    string_prefix: bool = False,
) -> ListStream[List[types.ObjectMeta]] | ListStream[RecordBatch]:
    """Lists objects, chunk by chunk. Nothing is asked of the store before the first chunk is.

    Parameters
    ----------
    store
        What to list.
    prefix
        Whole segments that the keys begin with: ``a/b`` finds ``a/b/c``, and neither ``a/bc`` nor ``a/b``.
    offset
        Only keys that come after this one in the order of bytes, whatever order the server has.
    chunk_size
        Every chunk but the last has so many objects.
    return_arrow
        Makes each chunk a :class:`RecordBatch`, which takes a fraction of the time and memory of a list of dictionaries. Whatever
        speaks the Arrow PyCapsule interface takes it: ``pyarrow.record_batch(chunk)``, ``polars.DataFrame(chunk)``.
    string_prefix
        Takes ``prefix`` for plain text: ``a/b`` finds ``a/b``, ``a/bc`` and ``a/b/c``.
    """
    try:
        refuse_itself((store,))
        listing = _native.store_list(store, prefix, offset, string_prefix, return_arrow)
    except BaseError as error:
        raise named(error, "list") from error.__cause__
    return ListStream(listing, chunk_size)


list_async = list
"""The same as :func:`list`, whose stream is for ``async for`` too."""


def list_with_delimiter(
    store: Store, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
) -> types.ListResult:
    """Lists one level: the objects in it, and the prefixes that the others have in common, as folders.

    Parameters
    ----------
    store, prefix, return_arrow, string_prefix
        As for :func:`list`.

    Returns
    -------
    ListResult
        A dict with ``objects`` and ``common_prefixes``, which have no slash at their ends.
    """
    arguments = (store, prefix, string_prefix, return_arrow)
    return run_silent(_native.store_list_with_delimiter, "list", *arguments)  # type: ignore[no-any-return]


def list_with_delimiter_async(
    store: Store, prefix: str | None = None, *, return_arrow: bool = False, string_prefix: bool = False
) -> asyncio.Future[types.ListResult]:
    """As :func:`list_with_delimiter`, for ``asyncio``."""
    return start_silent(_native.store_list_with_delimiter, "list", store, prefix, string_prefix, return_arrow)


def delete(store: Store, paths: str | abc.Sequence[str]) -> None:
    """Deletes objects, in batches where the store has them. A missing one counts as deleted.

    Raises
    ------
    BaseError
        Its ``failures`` say which of several could not be deleted, and why; the others are gone.
    """
    run_silent(_native.store_delete, "delete", store, paths)


def delete_async(store: Store, paths: str | abc.Sequence[str]) -> asyncio.Future[None]:
    """As :func:`delete`, for ``asyncio``."""
    return start_silent(_native.store_delete, "delete", store, paths)


def copy(store: Store, from_: str, to: str, *, overwrite: bool = True) -> None:
    """Copies an object within the store; its bytes do not pass through this process.

    Parameters
    ----------
    store, from_, to
        The store, and the two keys.
    overwrite
        ``False`` copies only where there is nothing at ``to``.

    Raises
    ------
    AlreadyExistsError
        There is something at ``to``, and ``overwrite`` is ``False``.
    NotFoundError
        There is nothing at ``from_``.
    """
    run_silent(_native.store_copy, "copy", store, from_, to, overwrite)


def copy_async(store: Store, from_: str, to: str, *, overwrite: bool = True) -> asyncio.Future[None]:
    """As :func:`copy`, for ``asyncio``."""
    return start_silent(_native.store_copy, "copy", store, from_, to, overwrite)


def rename(store: Store, from_: str, to: str, *, overwrite: bool = True) -> None:
    """Gives an object another key. A file is renamed; elsewhere it is copied, and then deleted.

    Arguments and errors are those of :func:`copy`. An object that is renamed to its own key stays.
    """
    run_silent(_native.store_rename, "rename", store, from_, to, overwrite)


def rename_async(store: Store, from_: str, to: str, *, overwrite: bool = True) -> asyncio.Future[None]:
    """As :func:`rename`, for ``asyncio``."""
    return start_silent(_native.store_rename, "rename", store, from_, to, overwrite)


if TYPE_CHECKING:

    @overload
    def sign(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
        store: Store, method: str, paths: str, expires_in: datetime.timedelta
    ) -> str: ...
    @overload
    def sign(store: Store, method: str, paths: abc.Sequence[str], expires_in: datetime.timedelta) -> List[str]: ...


def sign(store: Store, method: str, paths: str | abc.Sequence[str], expires_in: datetime.timedelta) -> str | List[str]:
    """Makes URLs that allow one thing with one object for a while, to whoever has them. No request is sent for it.

    Parameters
    ----------
    store
        A store of S3, Azure or Google, with credentials to sign with.
    method
        The HTTP method that the URL is for: ``"GET"``, ``"PUT"``, ``"DELETE"``, …
    paths
        One key, or several.
    expires_in
        For how long; at most seven days on S3 and Google.

    Returns
    -------
    str or list of str
        The URL, or one for each key. They are as good as a password while they last.

    Raises
    ------
    NotSupportedError
        This kind of store has no such URLs, or there is nothing to sign with.
    """
    return run_silent(_native.store_sign, "sign", store, method, paths, expires_in)  # type: ignore[no-any-return]


if TYPE_CHECKING:

    @overload
    def sign_async(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
        store: Store, method: str, paths: str, expires_in: datetime.timedelta
    ) -> asyncio.Future[str]: ...
    @overload
    def sign_async(
        store: Store, method: str, paths: abc.Sequence[str], expires_in: datetime.timedelta
    ) -> asyncio.Future[List[str]]: ...


def sign_async(
    store: Store, method: str, paths: str | abc.Sequence[str], expires_in: datetime.timedelta
) -> asyncio.Future[str] | asyncio.Future[List[str]]:
    """As :func:`sign`, for ``asyncio``. Credentials that have to be fetched first are."""
    return start_silent(_native.store_sign, "sign", store, method, paths, expires_in)


def open_reader(store: Store, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None) -> ReadableFile:
    """Opens an object as a file to read from.

    Parameters
    ----------
    store, path
        As for :func:`get`.
    buffer_size
        How much is asked for at least, and held.
    size
        The object's size, where it is known. It saves the first request, and is checked against the first answer.

    Raises
    ------
    NotFoundError
        There is no such object; with ``size``, only the first read tells.
    """

    def opened(reader: _native.Reader) -> ReadableFile:
        return ReadableFile(reader, buffer_size)

    return run_silent(_native.store_reader, "get", store, path, buffer_size, size, opened)  # type: ignore[no-any-return]


def open_reader_async(
    store: Store, path: str, *, buffer_size: int = 1024 * 1024, size: int | None = None
) -> asyncio.Future[AsyncReadableFile]:
    """As :func:`open_reader`, for ``asyncio``."""

    def opened(reader: _native.Reader) -> AsyncReadableFile:
        return AsyncReadableFile(reader, buffer_size)

    return start_silent(_native.store_reader, "get", store, path, buffer_size, size, opened)


def open_writer(
    store: Store,
    path: str,
    *,
    attributes: types.Attributes | None = None,
    buffer_size: int = 10 * 1024 * 1024,
    tags: abc.Mapping[str, str] | None = None,
    max_concurrency: int = 12,
    mode: types.PutMode | None = None,
) -> WritableFile:
    """Opens an object as a file to write to. It appears when the file is closed; nothing is sent before a part is full.

    Parameters
    ----------
    store, path, attributes, tags, max_concurrency, mode
        As for :func:`put`.
    buffer_size
        The size of a part. They become larger where there would be more than 10,000.
    """
    said = Said(attributes, tags, mode, None, buffer_size, max_concurrency)
    return WritableFile(_writer(store, path, said), path)


def open_writer_async(
    store: Store,
    path: str,
    *,
    attributes: types.Attributes | None = None,
    buffer_size: int = 10 * 1024 * 1024,
    tags: abc.Mapping[str, str] | None = None,
    max_concurrency: int = 12,
    mode: types.PutMode | None = None,
) -> AsyncWritableFile:
    """As :func:`open_writer`, for ``asyncio``. It is not awaited: nothing is sent yet."""
    said = Said(attributes, tags, mode, None, buffer_size, max_concurrency)
    return AsyncWritableFile(_writer(store, path, said), path)
