"""What is about the process or a configuration, and not about objects."""

from __future__ import annotations

from longshore import _native
from longshore._call import named, run_silent, start_silent
from longshore._lazy import asyncio, types, typing
from longshore.exceptions import BaseError


def configure(*, threads: int | None = None, memory: int | None = None, connections: int | None = None) -> None:
    """Says what this process may use at most. To be called once, before any other function.

    A forked child keeps what its parent has configured.

    Parameters
    ----------
    threads
        Threads that do the work; by default as many as there are processors.
    memory
        Bytes of objects that one call holds at once, besides its result: a mebibyte (``1 << 20``) or more, by default a
        gibibyte. An object that is larger is handled alone.
    connections
        Requests at once to one host, each on a connection of its own; by default as many as there are in flight. At times a
        few more connections are open.

    Raises
    ------
    InvalidArgumentError
        It was called before, or after another function; or a number is less than 1, ``memory`` less than a mebibyte.
    ArgumentTypeError
        Something is no whole number.
    """
    try:
        _native.configure(threads, memory, connections)
    except BaseError as error:
        raise named(error, "configure") from error.__cause__


def doctor(uri: str, **options: typing.Unpack[types.StoreOptions]) -> types.DoctorReport:
    """Finds out why a URI does not work, or shows that it does. Writes nothing.

    Parameters
    ----------
    uri
        A bucket, a folder or an object.
    **options
        As for :func:`store_for`.

    Returns
    -------
    DoctorReport
        A dictionary: ``healthy``; ``settings``, each with its ``value`` and ``origin`` (secrets are ``"****"``); and ``steps``,
        each with its ``state`` (``"ok"``, ``"failed"`` or ``"skipped"``), what it ``said`` and its ``advice``. What cannot be
        used is a failed step, not an exception.
    """
    return run_silent(_native.doctor, "doctor", uri, options)  # type: ignore[no-any-return]


def doctor_async(uri: str, **options: typing.Unpack[types.StoreOptions]) -> asyncio.Future[types.DoctorReport]:
    """As :func:`doctor`, for ``asyncio``."""
    return start_silent(_native.doctor, "doctor", uri, options)
