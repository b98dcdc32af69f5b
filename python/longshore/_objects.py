"""Objects: read, written from memory, listed, deleted, described, copied; and the stores they are in.

Each function is one call into the native module, which checks, runs and converts. What its arguments are called, default
to and mean is decided here.
"""

from __future__ import annotations

import builtins

from longshore import _native
from longshore._call import named, run, run_silent, start, start_silent
from longshore._lazy import abc, asyncio, types, typing
from longshore._native import Store
from longshore.exceptions import BaseError

# `list` is one of our names.
List = builtins.list

# The native registry keeps every store for the life of the process; so may this.
_stores: dict[Store, types.AnyStore] = {}


def get(uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None) -> bytes:
    """Reads one object.

    Parameters
    ----------
    uri
        ``s3://bucket/key``, ``file:///path``, ``memory:///key`` or ``https://host/path``. A wildcard is an error;
        :func:`get_many` expands them.
    store
        The store from :func:`store_for` to use, instead of the one that the environment describes.
    progress
        ``True`` for a progress bar on standard error (plain lines where that is no terminal), or a callable that is given
        :class:`Progress` events.

    Returns
    -------
    bytes
        The whole object. A body that breaks off is continued or refused, never returned short.

    Raises
    ------
    NotFoundError
        There is no such object.
    InvalidArgumentError, ArgumentTypeError
        The URI cannot be used; nothing was sent.
    BaseError
        Any other failure. Every failure is a ``RuntimeError``.
    """
    return run(_native.get, "get", progress, uri, store)  # type: ignore[no-any-return]


def get_async(
    uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[bytes]:
    """As :func:`get`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return start(_native.get, "get", progress, uri, store)


def get_many(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> List[tuple[str, bytes]]:
    """Reads many objects, at most ``max_in_flight`` at once.

    Parameters
    ----------
    uris
        URIs, which may repeat and may be of different stores. One with a wildcard stands for all objects that match, in key
        order: ``*`` matches within one level, ``**`` across levels, ``\\*`` is a literal star.
    max_in_flight
        Requests at once, at least 1.
    store, progress
        As for :func:`get`.

    Returns
    -------
    list of (uri, bytes)
        In the order of ``uris``, repeats included.

    Raises
    ------
    NotFoundError
        An object is missing, or nothing matches a wildcard.
    BaseError
        The first failure. It names its URI, and cancels the other requests.
    """
    return run(_native.get_many, "get_many", progress, uris, max_in_flight, store)  # type: ignore[no-any-return]


def get_many_async(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> asyncio.Future[List[tuple[str, bytes]]]:
    """As :func:`get_many`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return start(_native.get_many, "get_many", progress, uris, max_in_flight, store)


def get_many_stats(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> tuple[int, int]:
    """Reads many objects and drops their bodies: measures a store without holding its objects in memory.

    Arguments and errors are those of :func:`get_many`.

    Returns
    -------
    (count, total_bytes)
        Objects read, and the bytes of their bodies.
    """
    return run(_native.get_many_stats, "get_many_stats", progress, uris, max_in_flight, store)  # type: ignore[no-any-return]


def get_many_stats_async(
    uris: abc.Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> asyncio.Future[tuple[int, int]]:
    """As :func:`get_many_stats`, for ``asyncio``: returns a future. Cancelling it stops the requests."""
    return start(_native.get_many_stats, "get_many_stats", progress, uris, max_in_flight, store)


def put_bytes(
    uri: str, data: types.Data, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> None:
    """Writes one object from memory.

    Parameters
    ----------
    uri
        Where to.
    data
        ``bytes`` or any object with a contiguous buffer, such as an array. It is not copied: do not change it until the call
        has returned. A ``str`` is an error; encode it.
    store, progress
        As for :func:`get`.

    Raises
    ------
    NotFoundError
        There is no such bucket.
    BaseError
        Any other failure.
    """
    run(_native.put_bytes, "put_bytes", progress, uri, data, store)


def put_bytes_async(
    uri: str, data: types.Data, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[None]:
    """As :func:`put_bytes`, for ``asyncio``: do not change ``data`` until the future is done and the loop has run once more."""
    return start(_native.put_bytes, "put_bytes", progress, uri, data, store)


def put_many(
    items: abc.Iterable[tuple[str, types.Data]],
    max_in_flight: int = 32,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> None:
    """Writes many objects from memory, at most ``max_in_flight`` at once.

    Parameters
    ----------
    items
        Pairs of a URI and its data, as for :func:`put_bytes`. Two items with one URI are an error.
    max_in_flight
        Objects in flight at once, at least 1.
    store, progress
        As for :func:`get`.

    Raises
    ------
    BaseError
        The first failure. It names its URI, and cancels the other writes.
    """
    run(_native.put_many, "put_many", progress, items, max_in_flight, store)


def put_many_async(
    items: abc.Iterable[tuple[str, types.Data]],
    max_in_flight: int = 32,
    *,
    store: Store | None = None,
    progress: types.ProgressArgument = None,
) -> asyncio.Future[None]:
    """As :func:`put_many`, for ``asyncio``: returns a future whose writes are under way. Cancelling it stops them."""
    return start(_native.put_many, "put_many", progress, items, max_in_flight, store)


def list(uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None) -> List[str]:
    """Lists keys, however many there are.

    Parameters
    ----------
    uri
        What the keys begin with: plain text, so ``s3://bucket/a/b`` finds ``a/b``, ``a/bc`` and ``a/b/c``. With wildcards
        (``*`` within one level, ``**`` across levels) it must match whole keys.
    store, progress
        As for :func:`get`.

    Returns
    -------
    list of str
        Keys without ``s3://bucket/``, sorted. Empty where nothing matches. Put into a URI, a star in a key must be escaped as
        ``\\*``. Of a web server, keys are in URL form.

    Raises
    ------
    NotFoundError
        There is no such bucket.
    NotSupportedError
        A web server that offers no WebDAV.
    BaseError
        Any other failure. A listing is never cut short silently.
    """
    return run(_native.list, "list", progress, uri, store)  # type: ignore[no-any-return]


def list_async(
    uri: str, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[List[str]]:
    """As :func:`list`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return start(_native.list, "list", progress, uri, store)


def delete(
    uri: str, *, whole_bucket: bool = False, store: Store | None = None, progress: types.ProgressArgument = None
) -> None:
    """Deletes one object, or everything under a prefix that ends in ``/``.

    Parameters
    ----------
    uri
        The object or the prefix. A missing object counts as deleted. A wildcard is an error.
    whole_bucket
        Allows a bare bucket, which means every object in it. The bucket itself stays.
    store, progress
        As for :func:`get`.

    Raises
    ------
    InvalidArgumentError
        A bare bucket without ``whole_bucket=True``; nothing was deleted.
    NotFoundError
        There is no such bucket.
    BaseError
        Any other failure. Its ``failures`` say which keys could not be deleted, and why; the others are gone.
    """
    run(_native.delete, "delete", progress, uri, whole_bucket, store)


def delete_async(
    uri: str, *, whole_bucket: bool = False, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[None]:
    """As :func:`delete`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return start(_native.delete, "delete", progress, uri, whole_bucket, store)


def head(uri: str, *, store: Store | None = None) -> types.ObjectMeta:
    """Describes one object without reading it.

    Returns
    -------
    ObjectMeta
        A dict with ``path`` (the key), ``size`` in bytes, ``last_modified`` (an aware ``datetime``), ``e_tag`` and ``version``.

    Raises
    ------
    NotFoundError
        There is no such object.
    """
    return run_silent(_native.head, "head", uri, store)  # type: ignore[no-any-return]


def head_async(uri: str, *, store: Store | None = None) -> asyncio.Future[types.ObjectMeta]:
    """As :func:`head`, for ``asyncio``."""
    return start_silent(_native.head, "head", uri, store)


def exists(uri: str, *, store: Store | None = None) -> bool:
    """Whether there is such an object. A failure to find out is an error, not ``False``."""
    return run_silent(_native.exists, "exists", uri, store)  # type: ignore[no-any-return]


def exists_async(uri: str, *, store: Store | None = None) -> asyncio.Future[bool]:
    """As :func:`exists`, for ``asyncio``."""
    return start_silent(_native.exists, "exists", uri, store)


def copy(src: str, dst: str, *, store: Store | None = None) -> None:
    """Copies one object, replacing ``dst``. Within one service the bytes do not pass through this process.

    ``store`` is for both; without it ``src`` and ``dst`` may be in different kinds of stores.

    Raises
    ------
    NotFoundError
        There is no ``src``, or no bucket for ``dst``.
    """
    run_silent(_native.copy, "copy", src, dst, store)


def copy_async(src: str, dst: str, *, store: Store | None = None) -> asyncio.Future[None]:
    """As :func:`copy`, for ``asyncio``."""
    return start_silent(_native.copy, "copy", src, dst, store)


def create_bucket(uri: str, *, store: Store | None = None) -> None:
    """Makes a bucket; one that is yours already is fine. For a ``file://`` URI it makes the folder.

    Raises
    ------
    AlreadyExistsError
        The name belongs to somebody else.
    """
    run_silent(_native.create_bucket, "create_bucket", uri, store)


def create_bucket_async(uri: str, *, store: Store | None = None) -> asyncio.Future[None]:
    """As :func:`create_bucket`, for ``asyncio``."""
    return start_silent(_native.create_bucket, "create_bucket", uri, store)


def store_for(uri: str, **options: typing.Unpack[types.StoreOptions]) -> types.AnyStore:
    """The live store that ``uri`` is in: the same object for the same configuration, with one connection pool.

    The functions of this package use these stores too: ``store_for(uri)`` is what ``get(uri)`` goes through. Pass a store made
    with other options as ``store=``.

    Parameters
    ----------
    uri
        A bucket, or anything in it.
    **options
        What the kind of store knows: :class:`~longshore.types.S3Options`, :class:`~longshore.types.GCSOptions`,
        :class:`~longshore.types.AzureOptions`, :class:`~longshore.types.HTTPOptions`; files and memory have none. What is
        absent or empty comes from the URI, then from the variables of the vendor's own tools, then, for S3, from the profile.

    Raises
    ------
    UnknownConfigurationKeyError
        There is no such option; the message suggests the nearest.
    InvalidArgumentError, ArgumentTypeError
        An option or the URI cannot be used.
    UnauthenticatedError
        There are no credentials for the endpoint.
    """
    try:
        store = _native.store_for(uri, options)
    except BaseError as error:
        raise named(error, "store_for") from error.__cause__
    return _stores.setdefault(store, store)
