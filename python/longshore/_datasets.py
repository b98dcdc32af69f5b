"""Data sets: generated into a store, and read back as arrays."""

from __future__ import annotations

from longshore import _native
from longshore._call import named, run, start
from longshore._lazy import asyncio, npt, types, typing
from longshore._native import Store
from longshore.exceptions import ArgumentTypeError, BaseError, InvalidArgumentError

DEFAULT_OBJECT_SIZE: int = 20 * 2**20
"""Bytes of a generated object, unless ``size`` says otherwise: 20 MiB."""

_OBJECT_TYPES = frozenset({"NPZ", "TFRECORD", "HDF5", "RAW"})


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
    progress: types.ProgressArgument = None,
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
    run(
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
    progress: types.ProgressArgument = None,
) -> asyncio.Future[None]:
    """As :func:`put`, for ``asyncio``: returns a future whose writes are under way. Cancelling it stops them."""
    return start(
        _native.put,
        "put",
        progress,
        *_generation(
            prefix, num, template, max_in_flight, size, should_create_bucket, object_type, seed, dedup, compress, store
        ),
    )


def read_npz(
    uri: str, array_name: str | None = None, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> npt.NDArray[typing.Any]:
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
    return run(_native.read_npz, "read_npz", progress, uri, array_name, store)  # type: ignore[no-any-return]


def read_npz_async(
    uri: str, array_name: str | None = None, *, store: Store | None = None, progress: types.ProgressArgument = None
) -> asyncio.Future[npt.NDArray[typing.Any]]:
    """As :func:`read_npz`, for ``asyncio``: returns a future whose request is under way. Cancelling it stops it."""
    return start(_native.read_npz, "read_npz", progress, uri, array_name, store)


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
    try:
        names = _names(template, num)
        if not isinstance(object_type, str):
            raise ArgumentTypeError(f"object_type must be a str, not {type(object_type).__name__}")
    except BaseError as error:
        raise named(error, "put", prefix if isinstance(prefix, str) else None) from error.__cause__
    if object_type.upper() not in _OBJECT_TYPES:
        import warnings

        known = ", ".join(sorted(_OBJECT_TYPES))
        warnings.warn(f"unknown object_type {object_type!r}, using RAW; there are {known}", UserWarning, stacklevel=3)
        object_type = "RAW"
    size = DEFAULT_OBJECT_SIZE if size is None else size
    data = (object_type, size, seed, dedup, compress)
    return prefix, names, max_in_flight, should_create_bucket, data, store


def _names(template: str, num: int) -> list[str]:
    """The names of ``num`` objects; an error where two would be the same."""
    if not isinstance(template, str):
        raise ArgumentTypeError(f"template must be a str, not {type(template).__name__}")
    if isinstance(num, bool) or not hasattr(num, "__index__"):
        raise ArgumentTypeError(f"num must be an int, not {type(num).__name__}")
    if num < 0:
        raise InvalidArgumentError(f"num must be at least 0, not {num}")
    try:
        names = [template.format(index, num) for index in range(num)]
    except Exception as error:  # whatever a format specification can make `str.format` raise
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
