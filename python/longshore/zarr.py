"""A store of zarr, on top of the stores.

>>> import zarr
>>> from longshore import MemoryStore
>>> from longshore.zarr import ObjectStore
>>> array = zarr.create_array(ObjectStore(MemoryStore()), shape=(4,), dtype="i4", fill_value=7)
>>> array[:2] = 1
>>> array[:].tolist()
[1, 1, 7, 7]

It takes the place of ``zarr.storage.ObjectStore``, which takes obstore's stores only.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, Generic, Self, TypeVar, cast

import zarr
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.abc.store import Store as ZarrStore
from zarr.core.buffer import Buffer, BufferPrototype

from longshore import Store, obs
from longshore.exceptions import (
    AlreadyExistsError,
    ArgumentTypeError,
    GenericError,
    InvalidArgumentError,
    NotSupportedError,
)
from longshore.store import HTTPStore, LocalStore
from longshore.types import Bytes, GetOptions

__all__ = ["ObjectStore"]

StoreT = TypeVar("StoreT", bound=Store)

# `list` is one of the names of a store.
List = builtins.list


class ObjectStore(ZarrStore, Generic[StoreT]):
    """A store of zarr whose keys are the keys of a store, below its prefix.

    Two are equal, and hash alike, when their stores do and both or neither are read-only. It pickles as its store does, with
    the secrets in it; one over a :class:`~longshore.MemoryStore` stays in its process. It can be used after a fork.

    Parameters
    ----------
    store
        Any store of this package.
    read_only
        Refuses to write and to delete.

    Raises
    ------
    ArgumentTypeError
        ``store`` is something else, such as a store of obstore.
    """

    store: StoreT
    """What it was made of."""

    def __init__(self, store: StoreT, *, read_only: bool = False) -> None:
        if not isinstance(store, Store):
            kind = f"{type(store).__module__}.{type(store).__qualname__}"
            cure = "; zarr.storage.ObjectStore takes that one" if kind.startswith("obstore.") else ""
            raise ArgumentTypeError(f"store must be a store of longshore, not {kind}{cure}")
        super().__init__(read_only=read_only)
        self.store = store

    def __eq__(self, value: object) -> bool:
        if not isinstance(value, ObjectStore):
            return NotImplemented
        other = cast("ObjectStore[Store]", value)
        return self.read_only == other.read_only and self.store == other.store

    def __hash__(self) -> int:
        return hash((ObjectStore, self.store, self.read_only))

    def __str__(self) -> str:
        return f"object_store://{self.store}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def with_read_only(self, read_only: bool = False) -> Self:
        """One over the same store that writes, or does not."""
        return type(self)(self.store, read_only=read_only)

    @property
    def supports_writes(self) -> bool:
        """Whether the store can be written to, which web servers cannot."""
        return not isinstance(self.store, HTTPStore)

    @property
    def supports_deletes(self) -> bool:
        """Whether objects can be deleted, which those of web servers cannot."""
        return not isinstance(self.store, HTTPStore)

    @property
    def supports_listing(self) -> bool:
        """Always so. A web server without WebDAV answers with a :class:`~longshore.exceptions.NotSupportedError`."""
        return True

    # Reading

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """The object, or a part of it, without a copy where the prototype's buffers allow that; ``None`` if there is none."""
        try:
            body = await self._read(key, byte_range)
        except FileNotFoundError:
            return None
        return _buffer(prototype, body)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> List[Buffer | None]:
        """Parts of objects, in the order that was asked for; ``None`` for each part of an object that does not exist.

        Bounded ranges of one object come from one version of it, and near ones with one request.
        """
        wanted = List(key_ranges)
        found: List[Buffer | None] = [None] * len(wanted)
        bounded: dict[str, List[tuple[int, RangeByteRequest]]] = {}
        seats = asyncio.Semaphore(zarr.config.get("async.concurrency"))

        async def one(index: int, key: str, byte_range: ByteRequest | None) -> None:
            async with seats:
                found[index] = await self.get(key, prototype, byte_range)

        async def many(key: str, ranges: List[tuple[int, RangeByteRequest]]) -> None:
            async with seats:
                try:
                    bodies = await self._between(key, [each for _, each in ranges])
                except FileNotFoundError:
                    return
            for (index, _), body in zip(ranges, bodies, strict=True):
                found[index] = _buffer(prototype, body)

        work: List[Coroutine[Any, Any, None]] = []
        for index, (key, byte_range) in enumerate(wanted):
            if isinstance(byte_range, RangeByteRequest):
                bounded.setdefault(key, []).append((index, byte_range))
            else:
                work.append(one(index, key, byte_range))
        work += [many(key, ranges) for key, ranges in bounded.items()]
        await _all(work)
        return found

    async def _read(self, key: str, byte_range: ByteRequest | None) -> Bytes:
        """The bytes of a range as slices have them: none of an empty range, or of one behind the end."""
        match byte_range:
            case RangeByteRequest(start, end) if start >= end:
                return await self._nothing(key)
            case SuffixByteRequest(0):
                return await self._nothing(key)
            case None | RangeByteRequest() | OffsetByteRequest() | SuffixByteRequest():
                pass
            case _:
                # Words that zarr's own suite looks for.
                raise ArgumentTypeError(f"Unexpected byte_range, got {byte_range!r}")
        try:
            return await self._asked(key, byte_range)
        except GenericError:
            match byte_range:
                case RangeByteRequest(begin, _) | OffsetByteRequest(begin):
                    pass
                case _:
                    begin = 0
            if byte_range is None or (await obs.head_async(self.store, key))["size"] > begin:
                raise
            return Bytes()

    async def _asked(self, key: str, byte_range: ByteRequest | None) -> Bytes:
        match byte_range:
            case None:
                return await self._body(key, {})
            case RangeByteRequest(start, end):
                return await obs.get_range_async(self.store, key, start=start, end=end)
            case OffsetByteRequest(offset):
                return await self._body(key, {"range": {"offset": offset}})
            case SuffixByteRequest(suffix):
                try:
                    return await self._body(key, {"range": {"suffix": suffix}})
                except NotSupportedError:
                    return await self._last(key, suffix)

    async def _nothing(self, key: str) -> Bytes:
        """No bytes of an object, which has to be there."""
        await obs.head_async(self.store, key)
        return Bytes()

    async def _between(self, key: str, ranges: List[RangeByteRequest]) -> List[Bytes]:
        """Ranges of one version of an object, some of which may have no bytes."""
        try:
            return await obs.get_ranges_async(
                self.store, key, starts=[each.start for each in ranges], ends=[each.end for each in ranges]
            )
        except (GenericError, InvalidArgumentError):
            size = (await obs.head_async(self.store, key))["size"]
            full = [each for each in ranges if each.start < min(each.end, size)]
            if len(full) == len(ranges):
                raise
        found = iter(await self._between(key, full) if full else [])
        return [next(found) if each.start < min(each.end, size) else Bytes() for each in ranges]

    async def _body(self, key: str, options: GetOptions) -> Bytes:
        answer = await obs.get_async(self.store, key, options=options)
        return await answer.bytes_async()

    async def _last(self, key: str, count: int) -> Bytes:
        """The last bytes, from a store that has to be told where they begin. They are those of the version with that size."""
        described = await obs.head_async(self.store, key)
        size, tag = described["size"], described["e_tag"]
        options: GetOptions = {"if_match": tag} if tag is not None else {}
        if size > count:
            options["range"] = (size - count, size)
        return await self._body(key, options)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            await obs.head_async(self.store, key)
        except FileNotFoundError:
            return False
        return True

    async def getsize(self, key: str) -> int:
        """The size of an object, without reading it."""
        return (await obs.head_async(self.store, key))["size"]

    async def getsize_prefix(self, prefix: str) -> int:
        """The sizes of all objects below a prefix, together, from one listing."""
        total = 0
        async for chunk in obs.list(self.store, prefix):
            total += sum(meta["size"] for meta in chunk)
        return total

    # Writing

    async def set(self, key: str, value: Buffer) -> None:
        """Writes an object, from the buffer's own memory."""
        self._check_writable()
        await obs.put_async(self.store, key, value.as_buffer_like())

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Writes an object where there is none, whoever else writes at that moment."""
        self._check_writable()
        with contextlib.suppress(AlreadyExistsError):
            await obs.put_async(self.store, key, value.as_buffer_like(), mode="create")

    async def delete(self, key: str) -> None:
        """Deletes an object. A missing one counts as deleted."""
        self._check_writable()
        await obs.delete_async(self.store, key)

    async def delete_dir(self, prefix: str) -> None:
        """Deletes all objects below a prefix, as many in a request as the server takes."""
        self._check_writable()
        # Listed to the end first: not every server goes on correctly in a listing whose objects are gone.
        keys = [key async for key in self.list_prefix(prefix)]
        if isinstance(self.store, LocalStore):
            keys = [key for key in keys if not _through_link(self.store, key)]
        await obs.delete_async(self.store, keys)

    # Listing

    async def list(self) -> AsyncIterator[str]:
        """All keys."""
        async for key in self.list_prefix(""):
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """The keys below a prefix of whole segments: ``a`` finds ``a/b``, and not ``ab``."""
        async for chunk in obs.list(self.store, prefix):
            for meta in chunk:
                yield meta["path"]

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """The names directly below a prefix, without it."""
        level = await obs.list_with_delimiter_async(self.store, prefix)
        cut = len(prefix.rstrip("/")) + 1 if prefix.rstrip("/") else 0
        for path in [*level["common_prefixes"], *(meta["path"] for meta in level["objects"])]:
            # An object that is named as the folder has no name in it.
            if path[cut:]:
                yield path[cut:]


def _buffer(prototype: BufferPrototype, body: Bytes) -> Buffer:
    # zarr's hint names `bytes` and its like; its buffers take whatever has memory, and `memoryview` is in the hint.
    return prototype.buffer.from_bytes(memoryview(body))


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Does everything; the first failure ends the rest."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _through_link(store: LocalStore, key: str) -> bool:
    """Whether a link of the file system leads to the file, which then belongs to somebody else."""
    folder = os.path.join(store.prefix or "/", os.path.dirname(key))
    root = os.path.abspath(store.prefix or "/")
    while len(folder) > len(root):
        if os.path.islink(folder):
            return True
        folder = os.path.dirname(folder)
    return False
