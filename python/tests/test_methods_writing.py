"""What writes cost and promise: memory, parts at once, buffers that are used again, and no failure that nobody hears of."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

import longshore as s3
from backends import Place
from children import run
from longshore import exceptions, obs
from longshore.testing import Server, server
from memory_programs import WRITES

MIB = 1 << 20
PART = 5 * MIB
URI = "s3://bkt"


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with server() as running:
        s3.create_bucket(URI, store=running.store_for("bkt"))
        yield running


@pytest.fixture
def aws(shared: Server) -> Iterator[Server]:
    shared.faults.clear()
    shared.reset_stats()
    yield shared
    shared.faults.clear()
    store = shared.store_for("bkt")
    store.delete([meta["path"] for meta in store.list().collect()])


def keys(aws: Server) -> list[str]:
    return [meta["path"] for meta in aws.store_for("bkt").list().collect()]


def called_off(aws: Server) -> int:
    """How many uploads in parts were called off, within a moment."""
    deadline = time.monotonic() + 5
    while not (count := aws.stats()["operations"].get("AbortMultipartUpload", 0)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("name", WRITES)
def test_a_large_object_is_written_with_a_few_parts_in_memory(aws: Server, name: str) -> None:
    peak = int(run("memory_programs", "write", name, "96", environment=aws.environment).check())
    # What is in memory already is sent from where it is. Pieces are gathered into parts, of which two are on their way.
    most = 12 if name in {"put_bytes", "put"} else 6 * PART // MIB
    assert peak < most, f"writing 96 MiB took {peak} MiB more"


@pytest.mark.parametrize("most", [1, 3])
def test_as_many_parts_are_on_their_way_at_once_as_was_said(aws: Server, most: int) -> None:
    aws.faults.latency(20, method="PUT", query="partNumber")

    async def main() -> int:
        writing = obs.put_async(aws.store_for("bkt"), "a", bytes(40 * MIB), max_concurrency=most)
        deadline = time.monotonic() + 10
        while aws.stats()["methods"].get("PUT", 0) < most and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        writing.cancel()
        return int(aws.stats()["methods"]["PUT"])

    assert asyncio.run(main()) == most


class TestBuffersThatAreUsedAgain:
    def test_a_writer_has_taken_what_it_was_given(self, quick_place: Place) -> None:
        buffer = bytearray(6 * MIB)
        with quick_place.store().open_writer(quick_place.key("a"), buffer_size=PART) as file:
            for number in range(4):
                buffer[:] = bytes([number]) * len(buffer)
                file.write(buffer)
            buffer[:] = b"\xff" * len(buffer)
        self.check(quick_place)

    def test_so_has_one_of_asyncio(self, quick_place: Place) -> None:
        async def main() -> None:
            buffer = bytearray(6 * MIB)
            async with quick_place.store().open_writer_async(quick_place.key("a"), buffer_size=PART) as file:
                for number in range(4):
                    buffer[:] = bytes([number]) * len(buffer)
                    await file.write(buffer)
                buffer[:] = b"\xff" * len(buffer)

        asyncio.run(main())
        self.check(quick_place)

    @staticmethod
    def check(place: Place) -> None:
        body = place.store().get(place.key("a")).bytes().to_bytes()
        parts = [body[at : at + 6 * MIB] for at in range(0, len(body), 6 * MIB)]
        assert [(len(part), {*part}) for part in parts] == [(6 * MIB, {number}) for number in range(4)]

    def test_put_async_is_done_with_its_memory_when_it_returns(self, quick_place: Place) -> None:
        async def main() -> None:
            buffer, store = bytearray(12 * MIB), quick_place.store()
            for number in range(3):
                buffer[:] = bytes([number]) * len(buffer)
                await store.put_async(quick_place.key(f"{number}"), buffer)
            buffer[:] = b"\xff" * len(buffer)
            buffer.clear()  # refused while anybody holds the memory

        asyncio.run(main())
        for name, body in quick_place.bodies().items():
            assert (len(body), {*body}) == (12 * MIB, {int(name)})

    @pytest.mark.parametrize("multipart", [False, True])
    @pytest.mark.parametrize("end", ["cancelled", "refused"])
    def test_a_write_that_came_to_nothing_sends_nothing_of_what_comes_after(
        self, aws: Server, end: str, multipart: bool
    ) -> None:
        store = aws.store_for("bkt", max_retries=0)
        buffer = bytearray(b"0" * 30 * MIB)
        which: Any = {"method": "PUT", "query": "partNumber"} if multipart else {"method": "PUT"}
        if end == "cancelled":
            aws.faults.latency(0.3, **which)
        else:
            aws.faults.status(403, "AccessDenied", skip=1 if multipart else 0, **which)

        async def main() -> None:
            writing = asyncio.ensure_future(store.put_async("a", buffer, use_multipart=multipart))
            if end == "cancelled":
                await asyncio.sleep(0.1)
                writing.cancel()
            with pytest.raises((asyncio.CancelledError, exceptions.PermissionDeniedError)):
                await writing
            buffer[:] = b"1" * len(buffer)
            await asyncio.sleep(0.6)

        asyncio.run(main())
        # A request that was complete when it was given up may still be carried out; then it is what it was.
        found = {bytes(store.get(key).bytes()) == b"0" * 30 * MIB for key in keys(aws)}
        assert found <= ({True} if end == "cancelled" and not multipart else set())


class TestFailedParts:
    """The second part of three is refused; every way to write says so."""

    BODY = b"x" * (3 * PART)

    @staticmethod
    def with_block(store: s3.Store) -> None:
        with store.open_writer("a", buffer_size=PART) as file:
            file.write(TestFailedParts.BODY)

    @staticmethod
    def async_with_block(store: s3.Store) -> None:
        async def main() -> None:
            async with store.open_writer_async("a", buffer_size=PART) as file:
                await file.write(TestFailedParts.BODY)

        asyncio.run(main())

    @staticmethod
    def piece_by_piece(store: s3.Store) -> None:
        with store.open_writer("a", buffer_size=PART, max_concurrency=1) as file:
            for at in range(0, len(TestFailedParts.BODY), MIB):
                file.write(TestFailedParts.BODY[at : at + MIB])

    @staticmethod
    def put(store: s3.Store) -> None:
        store.put("a", TestFailedParts.BODY)

    @staticmethod
    def put_pieces(store: s3.Store) -> None:
        store.put("a", iter([TestFailedParts.BODY]))

    @pytest.mark.parametrize("last", [False, True])
    @pytest.mark.parametrize("name", ["with_block", "async_with_block", "piece_by_piece", "put", "put_pieces"])
    def test_one_is_raised_and_nothing_is_left_behind(self, aws: Server, name: str, last: bool) -> None:
        query = "partNumber=3" if last else "partNumber=2"
        fault = aws.faults.status(403, "AccessDenied", method="PUT", query=query)
        with pytest.raises(exceptions.PermissionDeniedError) as caught:
            getattr(self, name)(aws.store_for("bkt"))
        assert (caught.value.uri, caught.value.operation) == (f"{URI}/a", "put")
        assert (fault.hits, keys(aws), called_off(aws)) == (1, [], 1)

    def test_an_error_of_the_program_is_not_hidden_by_one_of_the_writer(self, aws: Server) -> None:
        aws.faults.status(403, "AccessDenied", method="PUT", query="partNumber")
        file = aws.store_for("bkt").open_writer("a", buffer_size=PART)
        with pytest.raises(ArithmeticError):
            self.fail_in_the_middle(file)
        assert keys(aws) == []

    @staticmethod
    def fail_in_the_middle(file: obs.WritableFile) -> None:
        with file:
            with contextlib.suppress(exceptions.BaseError):
                file.write(TestFailedParts.BODY)
            raise ArithmeticError


def test_a_slash_at_the_end_deletes_nothing_below(quick_place: Place) -> None:
    quick_place.fill("folder/a", "b")
    for key in (quick_place.prefix, quick_place.key("folder/"), "/"):
        # Whether it is taken for a name or refused, it means no more than one object.
        with contextlib.suppress(exceptions.BaseError):
            quick_place.store().delete(key)
        with contextlib.suppress(exceptions.BaseError):
            quick_place.store().delete([key, key])
    assert quick_place.names() == ["b", "folder/a"]
