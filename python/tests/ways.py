"""The ways to do what every client test does: by URI, and by the methods of a store, blocking and with asyncio.

A test that asks for `way` (see `conftest`) runs once over each of `WAYS`, beside the kinds of stores that it asks for. It names
objects by their URIs; a way that goes by keys finds the store of the URI, and the key in it. So one test says of all of them
what one can rely on::

    def test_writing_again_replaces_the_object(place: Place, way: Way) -> None:
        way.put(place.uri("object"), b"a longer body")
        way.put(place.uri("object"), b"short")
        assert way.get(place.uri("object")) == b"short"

On our own kinds of stores every way is gone, and on servers of others those of `ABROAD`, or those that a test names with
`@pytest.mark.abroad("uris", "methods")` because it costs more than most. Wildcards and several stores in one call are for URIs
alone, and so are the tests of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any, Protocol, cast

import longshore as s3
from longshore import exceptions
from longshore.types import Data, ObjectMeta

PIECES = 5
"""Into how many pieces an object is cut, by ways that read or write it piece by piece."""


class Way(Protocol):
    """What can be done with objects, each named by its URI."""

    def get(self, uri: str) -> bytes:
        """The object's bytes."""

    def put(self, uri: str, data: Data) -> None:
        """Writes an object."""

    def head(self, uri: str) -> ObjectMeta:
        """Describes an object."""

    def list(self, uri: str) -> list[str]:
        """The keys that begin with that text, in the order of bytes."""

    def copy(self, source: str, target: str) -> None:
        """Copies an object within its store."""

    def delete(self, *uris: str) -> None:
        """Deletes objects of one store, and nothing else."""

    def clear(self, uri: str) -> None:
        """Deletes everything below a folder, whose URI ends in a slash."""

    def exists(self, uri: str) -> bool:
        """Whether there is such an object."""


class Uris(Way):
    """The package's functions, by URI."""

    def get(self, uri: str) -> bytes:
        return s3.get(uri)

    def put(self, uri: str, data: Data) -> None:
        s3.put_bytes(uri, data)

    def head(self, uri: str) -> ObjectMeta:
        return s3.head(uri)

    def list(self, uri: str) -> list[str]:
        return s3.list(uri)

    def copy(self, source: str, target: str) -> None:
        s3.copy(source, target)

    def delete(self, *uris: str) -> None:
        for uri in uris:
            s3.delete(uri)

    def clear(self, uri: str) -> None:
        s3.delete(uri)

    def exists(self, uri: str) -> bool:
        return s3.exists(uri)


class Methods(Way):
    """The methods of a store, each called as one would first think of."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)
        return bytes(store.get(key).bytes())

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)
        store.put(key, data)

    def head(self, uri: str) -> ObjectMeta:
        store, key = spot(uri)
        return store.head(key)

    def list(self, uri: str) -> list[str]:
        store, prefix = spot(uri)
        return in_order([meta for chunk in store.list(prefix, string_prefix=True) for meta in chunk])

    def copy(self, source: str, target: str) -> None:
        (store, from_), (_, to) = spot(source), spot(target)
        store.copy(from_, to)

    def delete(self, *uris: str) -> None:
        store, _ = spot(uris[0])
        keys = [spot(uri)[1] for uri in uris]
        store.delete(keys if len(keys) > 1 else keys[0])

    def clear(self, uri: str) -> None:
        store, _ = spot(uri)
        store.delete(self.list(uri))

    def exists(self, uri: str) -> bool:
        try:
            self.head(uri)
        except exceptions.NotFoundError:
            return False
        return True


class MethodsAsync(Methods):
    """The same with asyncio."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)

        async def read() -> bytes:
            return bytes(await (await store.get_async(key)).bytes_async())

        return asyncio.run(read())

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)
        asyncio.run(store.put_async(key, data))

    def head(self, uri: str) -> ObjectMeta:
        store, key = spot(uri)
        return asyncio.run(store.head_async(key))

    def list(self, uri: str) -> list[str]:
        store, prefix = spot(uri)

        async def found() -> list[ObjectMeta]:
            return [meta async for chunk in store.list_async(prefix, string_prefix=True) for meta in chunk]

        return in_order(asyncio.run(found()))

    def copy(self, source: str, target: str) -> None:
        (store, from_), (_, to) = spot(source), spot(target)
        asyncio.run(store.copy_async(from_, to))

    def delete(self, *uris: str) -> None:
        store, _ = spot(uris[0])
        asyncio.run(store.delete_async([spot(uri)[1] for uri in uris]))

    def clear(self, uri: str) -> None:
        store, _ = spot(uri)
        asyncio.run(store.delete_async(self.list(uri)))


class Files(Methods):
    """Objects as files that are open for reading and for writing."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)
        with store.open_reader(key) as file:
            return file.read()

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)
        with store.open_writer(key) as file:
            file.write(data)


class FilesAsync(MethodsAsync):
    """The same with asyncio."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)

        async def read() -> bytes:
            async with await store.open_reader_async(key) as file:
                return bytes(await file.read())

        return asyncio.run(read())

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)

        async def write() -> None:
            async with store.open_writer_async(key) as file:
                await file.write(data)

        asyncio.run(write())


class Pieces(Methods):
    """Objects piece by piece: ranges that are read at once, and pieces that are written in turn."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)
        starts, lengths = cuts(store.head(key)["size"])
        return b"".join(map(bytes, store.get_ranges(key, starts=starts, lengths=lengths, coalesce=0)))

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)
        store.put(key, pieces(data))


class PiecesAsync(MethodsAsync):
    """The same with asyncio."""

    def get(self, uri: str) -> bytes:
        store, key = spot(uri)

        async def read() -> bytes:
            starts, lengths = cuts((await store.head_async(key))["size"])
            return b"".join(map(bytes, await store.get_ranges_async(key, starts=starts, lengths=lengths, coalesce=0)))

        return asyncio.run(read())

    def put(self, uri: str, data: Data) -> None:
        store, key = spot(uri)

        async def slowly() -> AsyncIterator[bytes]:
            for piece in pieces(data):
                await asyncio.sleep(0)
                yield piece

        asyncio.run(store.put_async(key, slowly()))


WAYS: dict[str, Way] = {
    "uris": Uris(),
    "methods": Methods(),
    "methods-async": MethodsAsync(),
    "files": Files(),
    "files-async": FilesAsync(),
    "pieces": Pieces(),
    "pieces-async": PiecesAsync(),
}


LISTING = ("uris", "methods", "methods-async")
"""Those that list and delete each in their own way; the others do it as these."""

ABROAD = ("uris", "methods-async", "files", "pieces")
"""Those that go to servers of others too. The rest differ from one of them in who waits, which no server can see."""


def spot(uri: str) -> tuple[s3.Store, str]:
    """The store of a URI, and the key in it."""
    scheme, _, rest = uri.partition("://")
    root, _, key = rest.partition("/")
    # Stars are wildcards in URIs unless they are escaped; keys have none. The keys of web servers are parts of URLs.
    star = "%2A" if scheme in {"http", "https"} else "*"
    return s3.store_for(f"{scheme}://{root}/"), key.replace(r"\*", star)


def in_order(found: list[ObjectMeta]) -> list[str]:
    """The keys in the order of bytes: methods leave the order to the server."""
    return sorted((meta["path"] for meta in found), key=str.encode)


def cuts(size: int) -> tuple[list[int], list[int]]:
    """Where the pieces of an object begin, and how long they are: together they are the object, and none is empty."""
    bounds = [size * number // PIECES for number in range(PIECES + 1)]
    found = [(start, end - start) for start, end in pairwise(bounds) if end > start]
    return [start for start, _ in found], [length for _, length in found]


def pieces(data: Data) -> Iterator[bytes]:
    """Data cut into such pieces."""
    body = bytes(memoryview(cast(Any, data)))
    for start, length in zip(*cuts(len(body)), strict=True):
        yield body[start : start + length]
