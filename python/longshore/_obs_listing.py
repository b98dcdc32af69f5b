"""A listing, which `longshore.obs` gives to go on with. Its stub says what a listing is of; `Generic` would cost an import."""

from __future__ import annotations

import builtins

from longshore._call import run_silent, start_silent
from longshore._lazy import asyncio, typing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from longshore import _native

List = builtins.list

__all__ = ["ListStream"]


class ListStream:
    """A listing, chunk by chunk, for ``for`` and ``async for``. Its next pages are on their way while a chunk is being used.

    ``collect()`` gives all that remains as one chunk, and ``await collect_async()`` does so for ``asyncio``.
    An error of the store ends it; a listing is never short without one.
    """

    __slots__ = ("__weakref__", "_chunk_size", "_listing")

    def __class_getitem__(cls, item: object, /) -> object:
        # What `list[int]` is made of: `typing` need not be imported for it.
        generic: typing.Any = type(List[int])
        return generic(cls, item)

    def __init__(self, listing: _native.Listing, chunk_size: int) -> None:
        self._listing = listing
        self._chunk_size = chunk_size

    def __iter__(self) -> ListStream:
        return self

    def __aiter__(self) -> ListStream:
        return self

    def __next__(self) -> typing.Any:
        chunk = run_silent(self._listing.next, "list", self._chunk_size)
        if not len(chunk):
            raise StopIteration
        return chunk

    async def __anext__(self) -> typing.Any:
        chunk = await start_silent(self._listing.next, "list", self._chunk_size)
        if not len(chunk):
            raise StopAsyncIteration
        return chunk

    def collect(self) -> typing.Any:
        """All that remains, in one chunk."""
        return run_silent(self._listing.next, "list", None)

    def collect_async(self) -> asyncio.Future[typing.Any]:
        """As :meth:`collect`, for ``asyncio``."""
        return start_silent(self._listing.next, "list", None)
