"""The answer to a read, which `longshore.obs` gives to go on with."""

from __future__ import annotations

from longshore._call import run_silent, start_silent
from longshore._lazy import asyncio, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from longshore import _native

__all__ = ["BytesStream", "GetResult"]


class GetResult:
    """The answer to a read: what the store says of the object, and its bytes when they are asked for.

    The bytes can be had once: in one piece with :meth:`bytes`, or chunk by chunk with :meth:`stream` or a ``for`` loop. Until
    then they wait with the server, so take them soon or let the result go.
    """

    __slots__ = ("__weakref__", "_answer")

    def __init__(self, answer: _native.Answer) -> None:
        self._answer = answer

    def __repr__(self) -> str:
        meta, (start, end) = self.meta, self.range
        return f"GetResult(path={meta['path']!r}, size={meta['size']}, range=({start}, {end}))"

    @property
    def meta(self) -> types.ObjectMeta:
        """The whole object, as its store describes it."""
        return self._answer.meta

    @property
    def attributes(self) -> dict[str, str]:
        """What is said of its content, by the names of headers such as ``"Content-Type"`` and what else its writer chose."""
        return self._answer.attributes

    @property
    def range(self) -> tuple[int, int]:
        """Which bytes of the object these are, as the offset of the first and the one after the last."""
        return self._answer.range

    def bytes(self) -> types.Bytes:
        """All of them, in one piece."""
        return run_silent(self._answer.collect, "get")  # type: ignore[no-any-return]

    def bytes_async(self) -> asyncio.Future[types.Bytes]:
        """As :meth:`bytes`, for ``asyncio``."""
        return start_silent(self._answer.collect, "get")

    def buffer(self) -> types.Bytes:
        """The same as :meth:`bytes`."""
        return self.bytes()

    def buffer_async(self) -> asyncio.Future[types.Bytes]:
        """The same as :meth:`bytes_async`."""
        return self.bytes_async()

    def stream(self, min_chunk_size: int = 10 * 1024 * 1024) -> BytesStream:
        """Chunks of at least so many bytes, save the last. The next one is put together while one is being used."""
        return BytesStream(self._answer, min_chunk_size)

    def __iter__(self) -> BytesStream:
        return self.stream()

    def __aiter__(self) -> BytesStream:
        return self.stream()


class BytesStream:
    """The bytes of an object, chunk by chunk, for ``for`` and ``async for``."""

    __slots__ = ("__weakref__", "_answer", "_least")

    def __init__(self, answer: _native.Answer, min_chunk_size: int) -> None:
        self._answer = answer
        self._least = min_chunk_size

    def __iter__(self) -> BytesStream:
        return self

    def __aiter__(self) -> BytesStream:
        return self

    def __next__(self) -> types.Bytes:
        chunk: types.Bytes | None = run_silent(self._answer.next, "get", self._least)
        if chunk is None:
            raise StopIteration
        return chunk

    async def __anext__(self) -> types.Bytes:
        chunk: types.Bytes | None = await start_silent(self._answer.next, "get", self._least)
        if chunk is None:
            raise StopAsyncIteration
        return chunk
