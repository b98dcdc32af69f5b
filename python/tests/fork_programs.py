"""Programs that fork. They exit with 0 where all went well, and otherwise say on standard error what did not."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import longshore as s3
from children import main
from longshore.exceptions import NotFoundError

URI = "s3://bkt"
URIS = [f"{URI}/k{index}" for index in range(20)]
CHILD_SECONDS = 10


def body(index: int) -> bytes:
    return b"%06d" % index * 20_000  # 120 kB: large enough to land in place


def fork(work: Callable[[], object]) -> int:
    """Runs `work` in a child, which then ends without cleaning up."""
    child = os.fork()
    if child != 0:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def reap(child: int) -> None:
    """Waits for a child to exit with 0; one that does not end in time is killed."""
    deadline = time.monotonic() + CHILD_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if status != 0:
                fail(f"a child ended with status {os.waitstatus_to_exitcode(status)}")
            return
        time.sleep(0.002)
    os.kill(child, signal.SIGABRT)
    os.waitpid(child, 0)
    fail("a child hangs")


def fail(why: str) -> NoReturn:
    print(why, file=sys.stderr, flush=True)
    os._exit(1)


class Load:
    """Threads that do each of `works` over and over."""

    def __init__(self, *works: Callable[[], object]) -> None:
        self.rounds = [0] * len(works)
        self.stopping = False
        self.threads = [threading.Thread(target=self._run, args=each, daemon=True) for each in enumerate(works)]
        for thread in self.threads:
            thread.start()
        self.goes_on()

    def _run(self, index: int, work: Callable[[], object]) -> None:
        try:
            while not self.stopping:
                work()
                self.rounds[index] += 1
        except BaseException:
            traceback.print_exc()
            fail("a thread of the parent failed")

    def goes_on(self) -> None:
        """Waits until every thread has done something more."""
        before, deadline = list(self.rounds), time.monotonic() + CHILD_SECONDS
        while any(now == then for now, then in zip(self.rounds, before, strict=True)):
            if time.monotonic() > deadline:
                fail(f"the parent stands still: {before} -> {self.rounds}")
            time.sleep(0.002)

    def stop(self) -> None:
        self.stopping = True
        for thread in self.threads:
            thread.join(CHILD_SECONDS)
            if thread.is_alive():
                fail("a thread of the parent hangs")


async def gather(uris: list[str], store: Any = None) -> list[bytes]:
    return await asyncio.gather(*(s3.get_async(uri, store=store) for uri in uris))


def read_everything(store: Any = None) -> None:
    assert s3.get(URIS[3], store=store) == body(3)
    assert [data for _, data in s3.get_many(URIS, 8, store=store)] == [body(index) for index in range(20)]
    assert len(s3.list(f"{URI}/k", store=store)) == 20
    name = f"{URI}/child{os.getpid()}/"
    s3.put(name, num=3, size=70_000, object_type="npz", store=store)
    array = s3.read_npz(f"{name}object_1_of_3.dat", store=store)
    assert array.dtype == "uint8"
    assert asyncio.run(gather(URIS, store)) == [body(index) for index in range(20)]
    s3.delete(name, store=store)
    try:
        s3.get(f"{URI}/none", store=store)
    except NotFoundError:
        return
    raise AssertionError("there is no such object")


async def gather_by_methods(store: s3.Store) -> list[bytes]:
    async def one(key: str) -> bytes:
        return bytes(await (await store.get_async(key)).bytes_async())

    return await asyncio.gather(*(one(f"k{index}") for index in range(20)))


def use_every_method(store: s3.Store) -> None:
    """As `read_everything`, by the methods of a store."""
    assert store.get("k3").bytes() == body(3)
    assert b"".join(map(bytes, store.get_ranges("k4", starts=[0, 60_000], lengths=[60_000, 60_000]))) == body(4)
    with store.open_reader("k5", buffer_size=10_000) as file:
        assert file.read() == body(5)
    assert sum(len(chunk) for chunk in store.list("k", string_prefix=True)) == 20
    name = f"child{os.getpid()}-{threading.get_ident()}"
    store.put(f"{name}/a", body(6))
    with store.open_writer(f"{name}/b") as writer:
        writer.write(body(7))
    store.copy(f"{name}/a", f"{name}/c")
    store.rename(f"{name}/c", f"{name}/d")
    assert [store.head(f"{name}/{key}")["size"] for key in "abd"] == [120_000] * 3
    assert asyncio.run(gather_by_methods(store)) == [body(index) for index in range(20)]
    store.delete([f"{name}/{key}" for key in "abd"])
    try:
        store.head(f"{name}/a")
    except NotFoundError:
        return
    raise AssertionError("it was deleted")


def methods_under_load(times: str) -> None:
    """Forks while other threads use a store that the children use too."""
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))
    store = s3.store_for(URI)

    def read_in_blocks() -> None:
        with store.open_reader("k1", buffer_size=7_000) as file:
            while file.read(7_000):
                pass

    load = Load(
        lambda: use_every_method(store),
        lambda: asyncio.run(gather_by_methods(store)),
        lambda: store.list().collect(),
        read_in_blocks,
    )
    for _ in range(int(times)):
        reap(fork(functools.partial(use_every_method, store)))
        load.goes_on()
    load.stop()
    use_every_method(store)


def under_load(times: str) -> None:
    """Forks while other threads read, write and list."""
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))
    store = s3.store_for(URI)
    load = Load(
        lambda: s3.get_many(URIS, 8),
        lambda: s3.put(f"{URI}/parent/", num=8, size=70_000),
        lambda: s3.list(URI),
        lambda: asyncio.run(gather(URIS)),
        lambda: s3.get(URIS[5], store=store),
    )
    for count in range(int(times)):
        reap(fork(functools.partial(read_everything, store if count % 2 else None)))
        load.goes_on()
    load.stop()
    read_everything(store)


def grandchild() -> None:
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))

    def child() -> None:
        read_everything()
        reap(fork(read_everything))
        read_everything()

    reap(fork(child))
    read_everything()


def with_memory(times: str) -> None:
    """A child has what its parent had put into memory, and what it writes stays its own."""
    fixed = {f"memory:///fixed/{index}": body(index) for index in range(50)}
    s3.put_many(fixed.items())
    load = Load(
        lambda: s3.put("memory:///busy/", num=20, size=5_000),
        lambda: s3.put_many([(f"memory:///busy/own{index}", b"data") for index in range(20)]),
        lambda: s3.get_many(fixed),
        lambda: s3.list("memory:///"),
        lambda: s3.delete("memory:///busy/"),
        lambda: s3.store_for(f"memory://{time.monotonic_ns()}/"),
    )

    def child() -> None:
        assert dict(s3.get_many(fixed)) == fixed
        assert set(s3.list("memory:///fixed/")) == {f"fixed/{index}" for index in range(50)}
        s3.put_bytes("memory:///child/a", b"mine")
        s3.delete("memory:///fixed/")
        assert s3.list("memory:///fixed/") == []
        assert asyncio.run(gather(["memory:///child/a"])) == [b"mine"]

    for _ in range(int(times)):
        reap(fork(child))
        assert s3.list("memory:///child/") == []
        load.goes_on()
    load.stop()
    assert dict(s3.get_many(fixed)) == fixed


def with_pending_futures(times: str) -> None:
    """Forks on the loop's thread while hundreds of requests are under way, and gives up the inherited ones in the child."""
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))

    async def parent() -> None:
        for count in range(int(times)):
            futures = [s3.get_async(uri) for uri in URIS * 10]
            await asyncio.sleep(0.001 * (count % 8))

            def child(futures: list[Any] = futures) -> None:
                assert asyncio.run(gather(URIS)) == [body(index) for index in range(20)]
                for future in futures:
                    future.cancel()
                futures.clear()
                gc.collect()
                assert asyncio.run(gather(URIS)) == [body(index) for index in range(20)]
                read_everything()

            # The parent's loop must turn meanwhile, or its requests would not be under way.
            pid = fork(child)
            await asyncio.to_thread(reap, pid)
            assert await asyncio.gather(*futures) == [body(index) for index in range(20)] * 10

    asyncio.run(parent())


def cancel_inherited(times: str) -> None:
    """A child cancels futures of its parent, whose runtime is taking in new work at the moment of the fork."""
    s3.put_bytes("memory:///busy", b"data")

    async def parent() -> None:
        waiting = [s3.get_async(URIS[0]) for _ in range(100)]
        await asyncio.sleep(0.1)

        def child() -> None:
            for future in waiting:
                future.cancel()

        for _ in range(int(times)):
            busy = [s3.get_async("memory:///busy") for _ in range(100)]
            reap(fork(child))
            await asyncio.gather(*busy)
        assert not any(future.done() for future in waiting)

    asyncio.run(parent())


def fresh_contents() -> None:
    """Children that generate data do not all generate the same."""
    s3.put(f"{URI}/parent/", size=1000)

    def child() -> None:
        s3.put(f"{URI}/child{os.getpid()}/", size=1000)

    children = [fork(child) for _ in range(3)]
    for each in children:
        reap(each)
    child()
    names = [f"{URI}/{key}" for key in s3.list(URI)]
    bodies = {data for _, data in s3.get_many(names)}
    if len(bodies) != 5:
        fail(f"5 objects generated in 4 processes have {len(bodies)} different contents")


def read(index: int) -> bytes:
    return s3.get(URIS[index])


def read_none(index: int) -> bytes:
    return s3.get(f"{URI}/none{index}")


def pools(method: str) -> None:
    """Workers of the standard library's pools read, and their exceptions come back whole."""
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))
    load = Load(lambda: s3.get_many(URIS, 8))
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(read, range(20))) == [body(index) for index in range(20)]
        error = executor.submit(read_none, 7).exception(timeout=20)
        assert isinstance(error, NotFoundError), error
        found = (error.uri, error.operation, error.status, error.code, error.attempts, error.errno)
        assert found == (f"{URI}/none7", "get", 404, "NoSuchKey", 1, 2), found
        assert error.request_id
    with context.Pool(2) as pool:
        assert pool.map(read, range(20), chunksize=3) == [body(index) for index in range(20)]
    load.goes_on()
    load.stop()


def ordinary_exit() -> None:
    """A child that leaves the ordinary way, with the parent's futures and stores to clean up."""
    s3.put_many(list(zip(URIS, map(body, range(20)), strict=True)))
    loop = asyncio.new_event_loop()

    async def begin() -> list[Any]:
        return [s3.get_async(uri) for uri in URIS * 10]

    futures = loop.run_until_complete(begin())
    child = os.fork()
    if child == 0:
        assert asyncio.run(gather(URIS)) == [body(index) for index in range(20)]
        sys.exit(0)
    reap(child)
    assert (
        loop.run_until_complete(asyncio.wait_for(asyncio.gather(*futures), 20))
        == [body(index) for index in range(20)] * 10
    )
    loop.close()


if __name__ == "__main__":
    main(globals())
