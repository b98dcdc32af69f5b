import asyncio
from types import GenericAlias
from typing import Any, Generic, TypeVar

from longshore import _native

__all__ = ["ListStream"]

_Chunk = TypeVar("_Chunk", covariant=True)

class ListStream(Generic[_Chunk]):
    """A listing, chunk by chunk, for ``for`` and ``async for``. Its next pages are on their way while a chunk is being used.

    ``collect()`` gives all that remains as one chunk, and ``await collect_async()`` does so for ``asyncio``.
    An error of the store ends it; a listing is never short without one.
    """

    __slots__ = ("__weakref__", "_chunk_size", "_listing")
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def __init__(self, listing: _native.Listing, chunk_size: int) -> None: ...
    def __iter__(self) -> ListStream[_Chunk]: ...
    def __aiter__(self) -> ListStream[_Chunk]: ...
    def __next__(self) -> _Chunk: ...
    async def __anext__(self) -> _Chunk: ...
    def collect(self) -> _Chunk:
        """All that remains, in one chunk."""
    def collect_async(self) -> asyncio.Future[_Chunk]:
        """As :meth:`collect`, for ``asyncio``."""
