"""The functions of the package: what their arguments are called, default to and mean.

Each is one call into the native module, which checks, runs and converts.
"""

from __future__ import annotations

from longshore import _native, _progress
from longshore._native import LocalStore, MemoryStore, S3Store, Store
from longshore.exceptions import ArgumentTypeError, BaseError, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from typing import Any, List, Tuple, TypeAlias

    import numpy
    from typing_extensions import Buffer

    from longshore.types import ObjectMeta

    _ProgressArgument: TypeAlias = bool | Callable[[_progress.Progress], object] | None

DEFAULT_OBJECT_SIZE: int = 20 * 2**20
"""Bytes of a generated object, unless ``size`` says otherwise: 20 MiB."""

# The native registry keeps every store for the life of the process; so may this.
_stores: dict[Store, Any] = {}

_OBJECT_TYPES = frozenset({"NPZ", "TFRECORD", "HDF5", "RAW"})


def get(uri: str, *, store: Store | None = None, progress: _ProgressArgument = None) -> bytes:
    """Reads one object.

    Parameters
    ----------
    uri
        ``s3://bucket/key``, ``file:///path`` or ``memory:///key``. A wildcard is an error; :func:`get_many` expands them.
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
    return _run(_native.get, "get", progress, uri, store)  # type: ignore[no-any-return]


def get_async(uri: str, *, store: Store | None = None, progress: _ProgressArgument = None) -> asyncio.Future[bytes]:
    """As :func:`get`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return _start(_native.get, "get", progress, uri, store)


def get_many(
    uris: Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> List[Tuple[str, bytes]]:
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
    return _run(_native.get_many, "get_many", progress, uris, max_in_flight, store)  # type: ignore[no-any-return]


def get_many_async(
    uris: Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> asyncio.Future[List[Tuple[str, bytes]]]:
    """As :func:`get_many`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return _start(_native.get_many, "get_many", progress, uris, max_in_flight, store)


def get_many_stats(
    uris: Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> Tuple[int, int]:
    """Reads many objects and drops their bodies: measures a store without holding its objects in memory.

    Arguments and errors are those of :func:`get_many`.

    Returns
    -------
    (count, total_bytes)
        Objects read, and the bytes of their bodies.
    """
    return _run(_native.get_many_stats, "get_many_stats", progress, uris, max_in_flight, store)  # type: ignore[no-any-return]


def get_many_stats_async(
    uris: Iterable[str],
    max_in_flight: int = 64,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> asyncio.Future[Tuple[int, int]]:
    """As :func:`get_many_stats`, for ``asyncio``: returns a future. Cancelling it stops the requests."""
    return _start(_native.get_many_stats, "get_many_stats", progress, uris, max_in_flight, store)


def put(
    prefix: str,
    num: int = 1,
    template: str = "object_{}_of_{}.dat",
    max_in_flight: int = 32,
    size: int | None = None,
    should_create_bucket: bool = False,
    object_type: str = "RAW",
    *,
    seed: int | None = None,
    dedup: float = 1.0,
    compress: float = 1.0,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> None:
    """Generates ``num`` objects and writes them under ``prefix``.

    Parameters
    ----------
    prefix
        Where to, for example ``s3://bucket/data/``. A missing ``/`` at its end is added; an empty key prefix stays empty.
    num
        How many objects.
    template
        Name of each object, in the syntax of ``str.format``: the first ``{}`` (or ``{0}``) is the index, from 0, the second the
        count. Two objects of the same name are an error.
    max_in_flight
        Objects in flight at once, at least 1.
    size
        Exact bytes of each object; ``None`` is :data:`DEFAULT_OBJECT_SIZE`. Too few for the format is an error that says
        the least.
    should_create_bucket
        Makes the bucket first, if it is missing. Without it a missing bucket is :class:`NotFoundError`.
    object_type
        In any case: ``"NPZ"`` (members ``x``, uint8, and ``y``, one int64 label), ``"TFRECORD"`` (``tf.train.Example``
        with ``image`` and ``size``), ``"HDF5"`` (datasets ``records``, uint8, and ``labels``), ``"RAW"``. Anything else
        means RAW, with a warning.
    seed
        Starts the contents, so that a run can be repeated byte for byte. ``None`` takes a new one each time.
    dedup
        How often the average 4096-byte block of an object occurs in it; 1.0 for no repeats.
    compress
        How many times smaller the contents compress; 1.0 for incompressible.
    store, progress
        As for :func:`get`.

    Raises
    ------
    InvalidArgumentError, ArgumentTypeError
        An argument cannot be used; nothing was written.
    BaseError
        The first failure. It names its URI, and cancels the other writes.
    """
    _run(
        _native.put,
        "put",
        progress,
        *_generation(
            prefix, num, template, max_in_flight, size, should_create_bucket, object_type, seed, dedup, compress, store
        ),
    )


def put_async(
    prefix: str,
    num: int = 1,
    template: str = "object_{}_of_{}.dat",
    max_in_flight: int = 32,
    size: int | None = None,
    should_create_bucket: bool = False,
    object_type: str = "RAW",
    *,
    seed: int | None = None,
    dedup: float = 1.0,
    compress: float = 1.0,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> asyncio.Future[None]:
    """As :func:`put`, for ``asyncio``: returns a future whose writes are under way. Cancelling it stops them."""
    return _start(
        _native.put,
        "put",
        progress,
        *_generation(
            prefix, num, template, max_in_flight, size, should_create_bucket, object_type, seed, dedup, compress, store
        ),
    )


def put_bytes(uri: str, data: Buffer, *, store: Store | None = None, progress: _ProgressArgument = None) -> None:
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
    _run(_native.put_bytes, "put_bytes", progress, uri, data, store)


def put_bytes_async(
    uri: str, data: Buffer, *, store: Store | None = None, progress: _ProgressArgument = None
) -> asyncio.Future[None]:
    """As :func:`put_bytes`, for ``asyncio``: do not change ``data`` until the future is done and the loop has run once more."""
    return _start(_native.put_bytes, "put_bytes", progress, uri, data, store)


def put_many(
    items: Iterable[Tuple[str, Buffer]],
    max_in_flight: int = 32,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
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
    _run(_native.put_many, "put_many", progress, items, max_in_flight, store)


def put_many_async(
    items: Iterable[Tuple[str, Buffer]],
    max_in_flight: int = 32,
    *,
    store: Store | None = None,
    progress: _ProgressArgument = None,
) -> asyncio.Future[None]:
    """As :func:`put_many`, for ``asyncio``: returns a future whose writes are under way. Cancelling it stops them."""
    return _start(_native.put_many, "put_many", progress, items, max_in_flight, store)


def list(uri: str, *, store: Store | None = None, progress: _ProgressArgument = None) -> List[str]:
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
        Keys without ``s3://bucket/``, sorted. Empty where nothing matches.

    Raises
    ------
    NotFoundError
        There is no such bucket.
    BaseError
        Any other failure. A listing is never cut short silently.
    """
    return _run(_native.list, "list", progress, uri, store)  # type: ignore[no-any-return]


def list_async(
    uri: str, *, store: Store | None = None, progress: _ProgressArgument = None
) -> asyncio.Future[List[str]]:
    """As :func:`list`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return _start(_native.list, "list", progress, uri, store)


def delete(
    uri: str, *, whole_bucket: bool = False, store: Store | None = None, progress: _ProgressArgument = None
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
    _run(_native.delete, "delete", progress, uri, whole_bucket, store)


def delete_async(
    uri: str, *, whole_bucket: bool = False, store: Store | None = None, progress: _ProgressArgument = None
) -> asyncio.Future[None]:
    """As :func:`delete`, for ``asyncio``: returns a future whose requests are under way. Cancelling it stops them."""
    return _start(_native.delete, "delete", progress, uri, whole_bucket, store)


def read_npz(
    uri: str, array_name: str | None = None, *, store: Store | None = None, progress: _ProgressArgument = None
) -> numpy.ndarray[Any, numpy.dtype[Any]]:
    """Reads one array of a NumPy ``.npz`` archive.

    Parameters
    ----------
    uri
        The archive.
    array_name
        The member, with or without ``.npy``; ``None`` for the first one in the archive.
    store, progress
        As for :func:`get`.

    Returns
    -------
    numpy.ndarray
        Of the dtype, shape and memory order that were saved; writable. Stored and deflated members can be read, pickled
        objects are refused. Checksums and lengths are verified.

    Raises
    ------
    NotFoundError
        There is no such object, or no such array in it.
    GenericError
        The archive is damaged, or of a kind that is not read.
    """
    return _run(_native.read_npz, "read_npz", progress, uri, array_name, store)  # type: ignore[no-any-return]


def read_npz_async(
    uri: str, array_name: str | None = None, *, store: Store | None = None, progress: _ProgressArgument = None
) -> asyncio.Future[numpy.ndarray[Any, numpy.dtype[Any]]]:
    """As :func:`read_npz`, for ``asyncio``: returns a future whose request is under way. Cancelling it stops it."""
    return _start(_native.read_npz, "read_npz", progress, uri, array_name, store)


def head(uri: str, *, store: Store | None = None) -> ObjectMeta:
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
    return _native.head(None, uri, store)  # type: ignore[no-any-return]


def head_async(uri: str, *, store: Store | None = None) -> asyncio.Future[ObjectMeta]:
    """As :func:`head`, for ``asyncio``."""
    return _start_silent(_native.head, uri, store)


def exists(uri: str, *, store: Store | None = None) -> bool:
    """Whether there is such an object. A failure to find out is an error, not ``False``."""
    return _native.exists(None, uri, store)  # type: ignore[no-any-return]


def exists_async(uri: str, *, store: Store | None = None) -> asyncio.Future[bool]:
    """As :func:`exists`, for ``asyncio``."""
    return _start_silent(_native.exists, uri, store)


def copy(src: str, dst: str, *, store: Store | None = None) -> None:
    """Copies one object, replacing ``dst``. Within one service the bytes do not pass through this process.

    ``store`` is for both; without it ``src`` and ``dst`` may be in different kinds of stores.

    Raises
    ------
    NotFoundError
        There is no ``src``, or no bucket for ``dst``.
    """
    _native.copy(None, src, dst, store)


def copy_async(src: str, dst: str, *, store: Store | None = None) -> asyncio.Future[None]:
    """As :func:`copy`, for ``asyncio``."""
    return _start_silent(_native.copy, src, dst, store)


def create_bucket(uri: str, *, store: Store | None = None) -> None:
    """Makes a bucket; one that is yours already is fine. For a ``file://`` URI it makes the folder.

    Raises
    ------
    AlreadyExistsError
        The name belongs to somebody else.
    """
    _native.create_bucket(None, uri, store)


def create_bucket_async(uri: str, *, store: Store | None = None) -> asyncio.Future[None]:
    """As :func:`create_bucket`, for ``asyncio``."""
    return _start_silent(_native.create_bucket, uri, store)


def store_for(uri: str, **options: str | int | float | bool | timedelta | None) -> S3Store | LocalStore | MemoryStore:
    """The live store that ``uri`` is in: the same object for the same configuration, with one connection pool.

    The functions of this package use these stores too: ``store_for(uri)`` is what ``get(uri)`` goes through. Pass a store made
    with other options as ``store=``.

    Parameters
    ----------
    uri
        A bucket, or anything in it.
    **options
        For S3: ``access_key_id``, ``secret_access_key``, ``session_token``, ``region``, ``endpoint``, ``allow_http``,
        ``skip_signature``, ``unsigned_payload``, ``virtual_hosted_style_request``, ``request_payer``, ``ca_bundle`` (a PEM file
        of certificates to trust besides the system's). ``timeout`` is the longest silence in either direction, 60 s;
        ``connect_timeout`` the longest wait for a connection, 5 s; ``max_retries`` how often a request is repeated, 8;
        ``retry_timeout`` when to stop repeating, unlimited. Lengths of time are seconds, ``timedelta`` or ``"250ms"``. What
        is absent or empty comes from the ``AWS_*`` variables.

    Raises
    ------
    UnknownConfigurationKeyError
        There is no such option; the message suggests the nearest.
    InvalidArgumentError, ArgumentTypeError
        An option or the URI cannot be used.
    UnauthenticatedError
        There are no credentials for the endpoint.
    """
    store = _native.store_for(uri, options)
    return _stores.setdefault(store, store)  # type: ignore[no-any-return]


def _run(native: Callable[..., Any], operation: str, progress: _ProgressArgument, *arguments: object) -> Any:
    """Blocks for a native operation. The listener, if any, is the operation's last argument."""
    listener = None if progress is None else _progress.listener(operation, progress)
    try:
        return native(None, *arguments, listener)
    except BaseError as error:
        # Arguments are refused before it is known what for.
        error.operation = error.operation or operation
        raise
    finally:
        if listener is not None:
            listener.close()


def _start(
    native: Callable[..., Any], operation: str, progress: _ProgressArgument, *arguments: object
) -> asyncio.Future[Any]:
    """Starts a native operation for the running event loop."""
    # Imported here because `asyncio` takes longer to import than the rest of this package.
    from longshore._asyncio import start

    listener = _progress.listener(operation, progress)
    try:
        return start(native, (*arguments, listener), listener)
    except BaseException as error:
        if listener is not None:
            listener.close()
        if isinstance(error, BaseError):
            error.operation = error.operation or operation
        raise


def _start_silent(native: Callable[..., Any], *arguments: object) -> asyncio.Future[Any]:
    """Starts a native operation that reports no progress."""
    from longshore._asyncio import start

    return start(native, arguments, None)


def _generation(
    prefix: str,
    num: int,
    template: str,
    max_in_flight: int,
    size: int | None,
    should_create_bucket: bool,
    object_type: str,
    seed: int | None,
    dedup: float,
    compress: float,
    store: Store | None,
) -> tuple[object, ...]:
    """The native arguments of a generated data set."""
    if not isinstance(object_type, str):
        raise ArgumentTypeError(f"object_type must be a str, not {type(object_type).__name__}")
    if object_type.upper() not in _OBJECT_TYPES:
        import warnings

        known = ", ".join(sorted(_OBJECT_TYPES))
        warnings.warn(f"unknown object_type {object_type!r}, using RAW; there are {known}", UserWarning, stacklevel=3)
        object_type = "RAW"
    size = DEFAULT_OBJECT_SIZE if size is None else size
    data = (object_type, size, seed, dedup, compress)
    return prefix, _names(template, num), max_in_flight, should_create_bucket, data, store


def _names(template: str, num: int) -> List[str]:
    """The names of ``num`` objects; an error where two would be the same."""
    if not isinstance(template, str):
        raise ArgumentTypeError(f"template must be a str, not {type(template).__name__}")
    if isinstance(num, bool) or not hasattr(num, "__index__"):
        raise ArgumentTypeError(f"num must be an int, not {type(num).__name__}")
    if num < 0:
        raise InvalidArgumentError(f"num must be at least 0, not {num}")
    try:
        names = [template.format(index, num) for index in range(num)]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"template {template!r} cannot be filled with the index and the count: {error}"
        ) from error
    if len(set(names)) != num:
        raise InvalidArgumentError(
            f"template {template!r} gives several of the {num} objects the same name; put {{}} where the index goes"
        )
    if "" in names:
        raise InvalidArgumentError(f"template {template!r} gives an empty name")
    return names
