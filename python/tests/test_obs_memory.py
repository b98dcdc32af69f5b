"""Whatever has a buffer is written and filled alike, by every method that takes memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import longshore as s3
from longshore import exceptions, obs

DATES = numpy.array(["2026-11-20", "1970-01-01"], dtype="datetime64[s]")
RECORDS = numpy.zeros(3, dtype=[("Offset", "<i4"), ("O", "<f8")])
ARRAYS = {
    "dates": DATES,
    "spans": numpy.array([1, 2], dtype="timedelta64[ms]"),
    "records with dates": numpy.zeros(2, dtype=[("when", "M8[s]"), ("O", "<i4")]),
    "records with names like a code": RECORDS,
    "two dimensions": numpy.arange(6, dtype="float32").reshape(2, 3),
    "none at all": numpy.zeros((0, 3), dtype="M8[s]"),
}
OBJECTS = {
    "objects": numpy.array([object(), None]),
    "every second object": numpy.array([object(), None, 1], dtype=object)[::2],
    "records with objects": numpy.zeros(2, dtype=[("a", "<i4"), ("b", "O")]),
    "records with dates and objects": numpy.zeros(2, dtype=[("a", "M8[s]"), ("b", "O")]),
}


def by_put(store: Any, data: Any) -> None:
    obs.put(store, "a", data)


def by_pieces(store: Any, data: Any) -> None:
    obs.put(store, "a", [data])


def by_writer(store: Any, data: Any) -> None:
    with obs.open_writer(store, "a") as file:
        assert file.write(data) == data.nbytes


def by_put_async(store: Any, data: Any) -> None:
    asyncio.run(store.put_async("a", data))


def by_pieces_async(store: Any, data: Any) -> None:
    asyncio.run(store.put_async("a", [data]))


def by_writer_async(store: Any, data: Any) -> None:
    async def write() -> None:
        async with obs.open_writer_async(store, "a") as file:
            assert await file.write(data) == data.nbytes

    asyncio.run(write())


WAYS = [by_put, by_pieces, by_writer, by_put_async, by_pieces_async, by_writer_async]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ARRAYS)
def test_every_array_is_written_as_its_memory(way: Callable[[Any, Any], None], name: str) -> None:
    store: Any = s3.MemoryStore()
    way(store, ARRAYS[name])
    assert obs.get(store, "a").bytes() == ARRAYS[name].tobytes()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OBJECTS)
def test_addresses_of_objects_are_never_written(way: Callable[[Any, Any], None], name: str) -> None:
    store: Any = s3.MemoryStore()
    with pytest.raises((exceptions.ArgumentTypeError, exceptions.InvalidArgumentError)):
        way(store, OBJECTS[name])
    assert obs.list(store).collect() == []


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "none at all"])
def test_every_array_can_be_filled(name: str) -> None:
    store: Any = s3.MemoryStore()
    source = ARRAYS[name]
    obs.put(store, "a", source)

    async def fill(array: Any, count: int = 1) -> int:
        async with await obs.open_reader_async(store, "a") as file:
            for _ in range(count):
                filled = await file.readinto(array)
            assert await file.tell() == source.nbytes
            return filled

    blank: Any = numpy.empty_like(source)
    assert asyncio.run(fill(blank)) == source.nbytes
    assert blank.tobytes() == source.tobytes()
    assert asyncio.run(fill(blank, 2)) == 0
    blank = numpy.empty_like(source)
    with obs.open_reader(store, "a") as file:
        assert file.readinto(blank) == source.nbytes
    assert blank.tobytes() == source.tobytes()


def test_what_cannot_be_filled_is_left_alone() -> None:
    store: Any = s3.MemoryStore()
    obs.put(store, "a", bytes(range(64)))

    async def fill(target: Any) -> None:
        async with await obs.open_reader_async(store, "a") as file:
            with pytest.raises((TypeError, BufferError)):
                await file.readinto(target)
            assert await file.tell() == 0

    fixed = DATES.copy()
    fixed.flags.writeable = False
    scattered = numpy.zeros(8, "u1")[::2]
    for target in [*OBJECTS.values(), fixed, bytes(8), scattered, "text"]:
        asyncio.run(fill(target))
    assert (fixed == DATES).all()
    assert not scattered.any()
    assert OBJECTS["objects"][1] is None
