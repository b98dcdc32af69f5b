"""What reads cost and promise: memory, requests at once, one version of an object, and no judgement of a server by another."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import longshore as s3
from children import run
from longshore import exceptions, obs
from longshore.store import HTTPStore
from longshore.testing import Server, server
from memory_programs import READS
from servers.s3 import pattern

MIB = 1 << 20
URI = "s3://bkt"


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with server() as running:
        store = running.store_for("bkt")
        s3.create_bucket(URI, store=store)
        s3.put_many([(f"{URI}/small", b"small"), (f"{URI}/large", pattern(MIB) * 64)], store=store)
        yield running


@pytest.fixture
def aws(shared: Server) -> Iterator[Server]:
    shared.faults.clear()
    shared.reset_stats()
    yield shared
    shared.faults.clear()


def asked(aws: Server) -> int:
    """How many reads have arrived."""
    return int(aws.stats()["methods"].get("GET", 0))


async def arrive(aws: Server, count: int, seconds: float = 10) -> int:
    """Waits until so many requests have arrived, and a little longer, and says how many there are."""
    deadline = time.monotonic() + seconds
    while asked(aws) < count and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.2)
    return asked(aws)


class TestMemory:
    """A body is in memory once."""

    pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")

    @pytest.mark.parametrize(
        "name",
        READS,
    )
    def test_a_large_object_takes_no_more_memory_than_it_has_bytes(self, aws: Server, name: str) -> None:
        peak = int(run("memory_programs", "read", name, "large", environment=aws.environment).check())
        if name == "chunks":
            # What is read ahead, and one chunk.
            assert peak < 32, f"reading 64 MiB in chunks took {peak} MiB"
        else:
            assert 60 <= peak < 64 * 1.3, f"reading 64 MiB took {peak} MiB"


class TestAtOnce:
    """A server that answers nothing tells how many requests were made without an answer."""

    def test_a_large_object_comes_by_several_requests_at_once(self, aws: Server) -> None:
        # The first answer, which says how large it is, is given.
        aws.faults.latency(20, method="GET", skip=1)

        async def main() -> int:
            store = aws.store_for("bkt", timeout=47)  # options of its own, so a pool of its own
            reading = asyncio.ensure_future((await obs.get_async(store, "large")).bytes_async())
            seen = await arrive(aws, 3)
            reading.cancel()
            return seen

        assert 3 <= asyncio.run(main()) <= 9

    def test_a_large_object_comes_over_several_connections(self, aws: Server) -> None:
        store = aws.store_for("bkt", timeout=48)
        assert len(store.get("large").bytes()) == 64 * MIB
        assert 2 <= aws.stats()["connections"] <= 8
        assert aws.stats()["operations"] == {"GetObject": asked(aws)}

    @pytest.mark.parametrize("most", [1, 3, 8])
    def test_as_many_ranges_are_asked_for_at_once_as_was_said(self, aws: Server, most: int) -> None:
        aws.faults.latency(20, method="GET")

        async def main() -> int:
            reading = obs.get_ranges_async(
                aws.store_for("bkt"),
                "large",
                starts=range(0, 32 * MIB, 4 * MIB),
                lengths=[10] * 8,
                coalesce=0,
                max_concurrency=most,
            )
            seen = await arrive(aws, most)
            reading.cancel()
            return seen

        assert asyncio.run(main()) == most

    @pytest.mark.parametrize(
        "asynchronous",
        [False, True],
    )
    def test_a_reader_has_asked_for_what_comes_next_before_it_is_read(self, aws: Server, asynchronous: bool) -> None:
        block, size = 4 * MIB, 64 * MIB

        async def main() -> tuple[int, int]:
            store, said = aws.store_for("bkt"), {"buffer_size": block, "size": size}
            file: Any
            if asynchronous:
                file = await obs.open_reader_async(store, "large", **said)
            else:
                file = obs.open_reader(store, "large", **said)

            async def read(size: int) -> bytes:
                data = file.read(size)
                return bytes(await data if asynchronous else data)

            assert await read(1) == pattern(MIB)[:1]
            first = asked(aws)
            # Into the second block, whose request is the second. Whoever reads on from the front wants the third one, too.
            for _ in range(16):
                assert len(await read(block // 16)) == block // 16
            return first, await arrive(aws, 3, 2)

        first, then = asyncio.run(main())
        assert (first, then) == (1, 3)


class TestOneVersion:
    """What a call returns is of one version of the object, or it is an error."""

    OLD, NEW = b"0" * (40 * MIB), b"1" * (40 * MIB)

    @pytest.fixture
    def store(self, aws: Server) -> s3.Store:
        """Two objects of one size, so that a server can replace one by the other in no time."""
        store = aws.store_for("bkt")
        store.put("replaced", self.OLD)
        store.put("new", self.NEW)
        aws.reset_stats()
        return store

    def test_the_ranges_of_one_call_are_of_one_version(self, aws: Server, store: s3.Store) -> None:
        # The second request waits until the object was replaced.
        fault = aws.faults.latency(1, method="GET", skip=1, times=1)

        async def main() -> None:
            reading = obs.get_ranges_async(
                store, "replaced", starts=[0, 39 * MIB], lengths=[1, 1], coalesce=0, max_concurrency=1
            )
            await arrive(aws, 2)
            await obs.copy_async(store, "new", "replaced")
            with pytest.raises(exceptions.PreconditionError, match="replaced"):
                await reading

        asyncio.run(main())
        assert fault.hits == 1

    @pytest.mark.parametrize("how", ["bytes", "stream", "get_range"])
    def test_a_large_object_that_comes_in_ranges_is_of_one_version(
        self, aws: Server, store: s3.Store, how: str
    ) -> None:
        aws.faults.latency(1, method="GET", skip=1)
        found: list[bytes] = []

        def read() -> None:
            try:
                if how == "bytes":
                    found.append(bytes(store.get("replaced").bytes()))
                elif how == "get_range":
                    found.append(bytes(store.get_range("replaced", start=0, length=40 * MIB)))
                else:
                    found.append(b"".join(store.get("replaced").stream(MIB)))
            except exceptions.PreconditionError:
                found.append(b"refused")

        thread = threading.Thread(target=read)
        thread.start()
        asyncio.run(arrive(aws, 2 if how != "stream" else 1))
        store.copy("new", "replaced")
        thread.join(20)
        # A stream is one answer, which goes on to its end. The others came in ranges, and say what happened.
        assert (found == [self.OLD]) if how == "stream" else (found == [b"refused"]), [len(each) for each in found]


class Handler(BaseHTTPRequestHandler):
    """A web server with one object, which may know nothing of HEAD."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    knows_head = True
    seen: list[str]

    def do_HEAD(self) -> None:
        self.answer(200 if self.knows_head else 405, b"", 4 if self.knows_head else 0)

    def do_GET(self) -> None:
        self.answer(200, b"body", 4)

    def answer(self, status: int, body: bytes, length: int) -> None:
        self.seen.append(self.command)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server(knows_head: bool) -> Iterator[tuple[HTTPStore, list[str]]]:
    """A store on a `Handler`, and the methods of the requests that it got."""
    seen: list[str] = []
    handler = type("Handler", (Handler,), {"knows_head": knows_head, "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield HTTPStore(f"http://127.0.0.1:{running.server_port}"), seen
        finally:
            running.shutdown()


class TestNoLatch:
    """What one server cannot do is held against no other, in whatever order they are asked."""

    HEADS: tuple[Callable[[HTTPStore], int], ...] = (
        lambda store: store.head("a")["size"],
        lambda store: s3.head(f"{store.url}/a")["size"],
        lambda store: asyncio.run(store.head_async("a"))["size"],
    )

    def test_a_server_without_head_changes_nothing_for_the_next(self) -> None:
        with web_server(False) as (one, asked_of_one), web_server(True) as (other, asked_of_other):
            for head in self.HEADS:
                assert (head(one), head(other)) == (4, 4)
            assert asked_of_other == ["HEAD"] * 3
            # It was asked all the same, and then in the only way that it knows.
            assert asked_of_one == ["HEAD", "GET"] * 3
