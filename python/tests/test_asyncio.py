"""The `_async` functions: started futures of the running loop, cancelled for real, and no burden to it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import io
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshore as s3
import packages
from asyncio_calls import RESULTS, STARTS, URI, Future, content
from longshore import obs
from longshore.exceptions import GenericError, InvalidArgumentError, NotFoundError
from longshore.testing import Server, server


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with server() as running:
        store = running.store_for("bkt")
        archive = io.BytesIO()
        np.savez(archive, x=np.arange(100))
        s3.create_bucket(URI, store=store)
        s3.put_many([(f"{URI}/k{index}", b"%d" % index) for index in range(1200)], store=store)
        s3.put_many([(f"{URI}/npz", archive.getvalue()), (f"{URI}/big", content(1 << 20))], store=store)
        yield running


@pytest.fixture
def aws(shared: Server) -> Server:
    shared.faults.clear()
    shared.reset_stats()
    return shared


def requests(aws: Server) -> int:
    return sum(aws.stats()["methods"].values())


@pytest.mark.parametrize("name", STARTS)
def test_a_function_returns_a_future_that_is_under_way(aws: Server, name: str) -> None:
    async def main() -> None:
        future = STARTS[name](aws.store_for("bkt"))
        assert asyncio.isfuture(future)
        assert isinstance(future, asyncio.Future)
        assert not inspect.iscoroutine(future)
        assert future.get_loop() is asyncio.get_running_loop()
        assert not future.done()
        deadline = time.monotonic() + 5
        while requests(aws) == 0 and time.monotonic() < deadline:
            time.sleep(0.001)  # the loop stands still, and the request goes out all the same
        assert requests(aws) >= 1
        assert RESULTS.get(name, lambda result: result is None)(await future)

    asyncio.run(main())


@pytest.mark.parametrize("name", STARTS)
def test_without_a_running_loop_it_is_an_error_and_nothing_is_sent(aws: Server, name: str) -> None:
    store = aws.store_for("bkt")
    with pytest.raises(RuntimeError, match="no running event loop"):
        STARTS[name](store)
    time.sleep(0.05)
    assert requests(aws) == 0


def test_bad_arguments_are_raised_at_once(aws: Server) -> None:
    async def main() -> None:
        with pytest.raises(InvalidArgumentError):
            s3.get_many_async([f"{URI}/k1"], 0, store=aws.store_for("bkt"))
        with pytest.raises(InvalidArgumentError):
            s3.get_async("nonsense")

    asyncio.run(main())
    assert requests(aws) == 0


async def _timeout(future: Future) -> Any:
    async with asyncio.timeout(10):
        return await future


async def _group(future: Future) -> Any:
    async def wait() -> Any:
        return await future

    async with asyncio.TaskGroup() as group:
        task = group.create_task(wait())
    return task.result()


async def _completed(future: Future) -> Any:
    (result,) = [await done for done in asyncio.as_completed([future])]
    return result


async def _called_back(future: Future) -> Any:
    seen: Future = asyncio.get_running_loop().create_future()
    future.add_done_callback(seen.set_result)
    assert await seen is future
    return future.result()


async def _waited(future: Future) -> Any:
    done, _ = await asyncio.wait([future])
    return done.pop().result()


WAYS: dict[str, Callable[[Future], Coroutine[Any, Any, Any]]] = {
    "timeout": _timeout,
    "task_group": _group,
    "as_completed": _completed,
    "callback": _called_back,
    "wait": _waited,
    "wait_for": lambda future: asyncio.wait_for(future, 10),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_future_works_with_everything_in_asyncio(aws: Server, way: str) -> None:
    async def main() -> None:
        store = aws.store_for("bkt")
        assert await WAYS[way](s3.get_async(f"{URI}/k7", store=store)) == b"7"
        with pytest.raises((NotFoundError, ExceptionGroup)):
            await WAYS[way](s3.get_async(f"{URI}/none", store=store))

    asyncio.run(main())


def test_gather_and_shield(aws: Server) -> None:
    async def main() -> None:
        store = aws.store_for("bkt")
        futures = [s3.get_async(f"{URI}/{key}", store=store) for key in ["k1", "none", "k2"]]
        one, error, two = await asyncio.gather(*futures, return_exceptions=True)
        assert (one, two) == (b"1", b"2")
        assert isinstance(error, NotFoundError)
        assert error.uri == f"{URI}/none"
        aws.faults.latency(0.2, method="GET")
        inner = s3.get_async(f"{URI}/k3", store=store)
        outer = asyncio.shield(inner)
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        assert await inner == b"3"

    asyncio.run(main())


def _cancel(future: Future) -> None:
    assert future.cancel("enough")
    assert future.cancelled()
    assert not future.cancel()


async def _cancel_task(future: Future) -> None:
    async def wait() -> None:
        await future

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _cancel_by_timeout(future: Future) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(future, 0.01)


@pytest.mark.parametrize("way", ["cancel", "task", "wait_for"])
@pytest.mark.parametrize(
    "name",
    ["get_many", "get_many_stats", "put", "list", "delete", "obs.get_ranges", "obs.put", "obs.list", "obs.delete"],
)
def test_cancelling_stops_the_requests(aws: Server, name: str, way: str) -> None:
    store = aws.store_for("bkt")
    uris = [f"{URI}/k{index}" for index in range(1200)]
    starts: dict[str, Callable[[], Future]] = {
        "get_many": lambda: s3.get_many_async(uris, 4, store=store),
        "get_many_stats": lambda: s3.get_many_stats_async(uris, 4, store=store),
        "put": lambda: s3.put_async(f"{URI}/cancelled/", 1000, size=10, max_in_flight=4, store=store),
        "list": lambda: s3.list_async(URI, store=store),
        "delete": lambda: s3.delete_async(f"{URI}/", whole_bucket=True, store=store),
        "obs.get_ranges": lambda: obs.get_ranges_async(
            store, "big", starts=range(0, 1_000_000, 1000), lengths=[1] * 1000, coalesce=0, max_concurrency=4
        ),
        "obs.put": lambda: obs.put_async(store, "cancelled/a", bytes(40 << 20), max_concurrency=1),
        "obs.list": lambda: obs.list(store, chunk_size=1).collect_async(),
        "obs.delete": lambda: obs.delete_async(store, [f"cancelled/{index}" for index in range(100_000)]),
    }

    async def main() -> None:
        aws.faults.latency(0.1)
        future = starts[name]()
        while requests(aws) == 0:
            await asyncio.sleep(0.001)
        if way == "cancel":
            _cancel(future)
        else:
            await (_cancel_task if way == "task" else _cancel_by_timeout)(future)
        assert future.cancelled()
        seen = requests(aws)
        await asyncio.sleep(0.35)
        assert requests(aws) <= seen + 4  # those that were on their way
        assert "DeleteObjects" not in aws.stats()["operations"]

    asyncio.run(main())


def test_a_result_and_a_cancellation_never_both_happen(aws: Server) -> None:
    async def main() -> None:
        store = aws.store_for("bkt")
        for _ in range(300):
            future = s3.get_async(f"{URI}/k1", store=store)
            time.sleep(random.random() / 300)  # the result may be waiting for the loop by now
            assert future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future
            done = s3.get_async(f"{URI}/k1", store=store)
            assert await done == b"1"
            assert not done.cancel()
            assert done.result() == b"1"

    asyncio.run(main())


def test_two_loops_in_two_threads(aws: Server) -> None:
    failures: list[BaseException] = []

    async def main(offset: int) -> None:
        store = aws.store_for("bkt")
        for _ in range(5):
            uris = [f"{URI}/k{offset + index}" for index in range(200)]
            bodies = await asyncio.gather(*(s3.get_async(uri, store=store) for uri in uris))
            assert bodies == [b"%d" % (offset + index) for index in range(200)]

    def run(offset: int) -> None:
        try:
            asyncio.run(main(offset))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(offset,)) for offset in (0, 300, 600)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert failures == []


def test_a_loop_may_stop_and_go_on(aws: Server) -> None:
    loop = asyncio.new_event_loop()
    store = aws.store_for("bkt")

    async def start() -> Future:
        return s3.get_async(f"{URI}/k5", store=store)

    for _ in range(3):
        future = loop.run_until_complete(start())
        time.sleep(0.02)
        assert loop.run_until_complete(future) == b"5"
    loop.close()


def descriptors() -> int:
    """Open descriptors, but for sockets: the pool keeps connections, and both ends of them are in this process."""
    gc.collect()
    names = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(not name.startswith("socket:") for name in names)


@pytest.mark.parametrize("wait", [0, 0.002], ids=["at_once", "soon"])
@pytest.mark.parametrize("key", ["k1", "big"])
def test_a_loop_that_ends_with_pending_futures_leaves_nothing_behind(aws: Server, key: str, wait: float) -> None:
    store = aws.store_for("bkt")

    async def leave() -> weakref.ref[Any]:
        for _ in range(4):
            s3.get_async(f"{URI}/{key}", store=store)
        await asyncio.sleep(wait)
        return weakref.ref(asyncio.get_running_loop())

    for _ in range(5):
        asyncio.run(leave())
    before = descriptors()
    loops = [asyncio.run(leave()) for _ in range(40)]
    deadline = time.monotonic() + 5  # what was cut short may take a moment to end
    while (after := descriptors()) > before and time.monotonic() < deadline and any(loop() is None for loop in loops):
        time.sleep(0.05)
    alive = sum(loop() is not None for loop in loops)
    assert (alive, after <= before) == (0, True), f"{alive} of 40 loops live on; descriptors {before} -> {after}"

    async def work() -> Any:
        return await s3.get_async(f"{URI}/k9", store=store)

    assert asyncio.run(work()) == b"9"


def test_loops_that_end_in_order_leave_nothing_behind(aws: Server) -> None:
    store = aws.store_for("bkt")

    async def work() -> None:
        assert await s3.get_async(f"{URI}/k1", store=store) == b"1"

    asyncio.run(work())
    before = descriptors()
    for _ in range(100):
        asyncio.run(work())
    assert descriptors() <= before


def test_a_future_that_nobody_keeps_still_completes(aws: Server) -> None:
    async def main() -> None:
        store = aws.store_for("bkt")
        done: list[Any] = []
        aws.faults.latency(0.05)
        s3.put_bytes_async(f"{URI}/forgotten", b"data", store=store).add_done_callback(
            lambda f: done.append(f.result())
        )
        gc.collect()
        while not done:
            await asyncio.sleep(0.01)
        assert await s3.get_async(f"{URI}/forgotten", store=store) == b"data"
        s3.delete(f"{URI}/forgotten", store=store)

    asyncio.run(asyncio.wait_for(main(), 10))


class TestProgress:
    def test_it_is_called_on_the_thread_of_the_loop(self, aws: Server) -> None:
        threads: list[int] = []
        events: list[s3.Progress] = []

        def listen(event: s3.Progress) -> None:
            threads.append(threading.get_ident())
            events.append(event)

        async def main() -> None:
            aws.faults.latency(0.01)
            uris = [f"{URI}/k{index}" for index in range(200)]
            await s3.get_many_async(uris, 8, store=aws.store_for("bkt"), progress=listen)

        asyncio.run(main())
        assert set(threads) == {threading.get_ident()}
        assert [event.finished for event in events] == [False] * (len(events) - 1) + [True]
        assert events[-1].objects == events[-1].total == 200

    @pytest.mark.parametrize("kind", [ValueError, StopIteration, NotFoundError])
    def test_what_it_raises_reaches_the_caller(self, aws: Server, kind: type[Exception]) -> None:
        def listen(_: s3.Progress) -> None:
            raise kind("mine")

        async def main() -> None:
            future = s3.get_async(f"{URI}/k1", store=aws.store_for("bkt"), progress=listen)
            done, _ = await asyncio.wait([future], timeout=3)
            assert done, "the future never completes"
            error = future.exception()
            # A future cannot hold a StopIteration; asyncio itself wraps it in a RuntimeError.
            assert isinstance(error, kind if kind is not StopIteration else RuntimeError)

        asyncio.run(main())

    def test_it_may_cancel_and_it_may_read(self, aws: Server) -> None:
        store = aws.store_for("bkt")
        seen: list[bytes] = []

        async def main() -> None:
            def listen(_: s3.Progress) -> None:
                seen.append(s3.get(f"{URI}/k2", store=store))
                future.cancel()

            future = s3.get_async(f"{URI}/k1", store=store, progress=listen)
            with pytest.raises(asyncio.CancelledError):
                await future

        asyncio.run(main())
        assert seen == [b"2"]


class TestLoad:
    def test_twenty_thousand_reads_complete_and_the_loop_keeps_turning(self, tmp_path: Path) -> None:
        uri = f"file://{tmp_path}/k"
        s3.put_bytes(uri, b"data")
        gaps: list[float] = []

        async def tick(stop: asyncio.Event) -> None:
            last = time.perf_counter()
            while not stop.is_set():
                await asyncio.sleep(0)
                now = time.perf_counter()
                gaps.append(now - last)
                last = now

        async def main() -> None:
            stop = asyncio.Event()
            futures: list[Future] = []
            for _ in range(200):
                futures.extend(s3.get_async(uri) for _ in range(100))
                await asyncio.sleep(0)
            ticker = asyncio.create_task(tick(stop))
            await asyncio.sleep(0)
            for future in futures:
                assert await future == b"data"
            stop.set()
            await ticker

        asyncio.run(main())
        # A drain takes 2 ms or 256 results. The worst gap of all says more about the machine than about us, so it may be longer.
        gaps.sort()
        assert gaps[int(len(gaps) * 0.99)] < 0.05
        assert gaps[-1] < 0.5, f"{len(gaps)} turns, the longest {gaps[-1] * 1000:.0f} ms"

    def test_large_bodies_land_where_they_belong(self, aws: Server) -> None:
        store = aws.store_for("bkt")
        sizes = [65_535, 65_536, 65_537, 100_000, 300_000, 1 << 20]
        s3.put_many([(f"{URI}/sized/{size}", content(size)) for size in sizes], store=store)
        expected = {size: content(size) for size in sizes}

        async def main() -> None:
            wanted = [random.choice(sizes) for _ in range(300)]
            futures = [s3.get_async(f"{URI}/sized/{size}", store=store) for size in wanted]
            lists = [
                s3.get_many_async([f"{URI}/sized/{size}" for size in wanted[:50]], 16, store=store) for _ in range(4)
            ]
            for size, body in zip(wanted, await asyncio.gather(*futures), strict=True):
                assert body == expected[size]
            for pairs in await asyncio.gather(*lists):
                assert [body for _, body in pairs] == [expected[size] for size in wanted[:50]]

        asyncio.run(main())
        s3.delete(f"{URI}/sized/", store=store)

    def test_an_exception_carries_its_particulars(self, aws: Server) -> None:
        async def main() -> None:
            aws.faults.status(503, "SlowDown")
            with pytest.raises(GenericError) as caught:
                await s3.get_async(f"{URI}/k1", store=aws.store_for("bkt", max_retries=1))
            assert (caught.value.status, caught.value.attempts, caught.value.uri) == (503, 2, f"{URI}/k1")

        asyncio.run(main())

    def test_uvloop(self, aws: Server) -> None:
        uvloop = packages.module("uvloop")
        store = aws.store_for("bkt")

        async def main() -> None:
            bodies = await asyncio.gather(*(s3.get_async(f"{URI}/k{index}", store=store) for index in range(500)))
            assert bodies == [b"%d" % index for index in range(500)]
            assert await s3.get_async(f"{URI}/big", store=store) == content(1 << 20)
            future = s3.get_async(f"{URI}/big", store=store)
            assert future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future

        uvloop.run(main())
