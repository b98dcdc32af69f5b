"""Programs that end, or are interrupted, while requests are under way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import longshore as s3
from children import main

URI = "s3://bkt"
URIS = [f"{URI}/k{index}" for index in range(500)]


async def begin() -> list[Any]:
    futures: list[Any] = [s3.get_async(uri) for uri in URIS]
    futures.append(s3.get_many_async(URIS, 64))
    for index in range(50):
        s3.put_async(f"{URI}/left/", template=f"{index}_{{}}", size=100_000)
        s3.put_bytes_async(f"{URI}/left/bytes{index}", b"x" * 100_000)
    s3.list_async(URI)
    await asyncio.sleep(0.1)
    return futures


def pending_futures() -> None:
    asyncio.run(begin())


async def begin_by_methods() -> list[Any]:
    store = s3.store_for(URI)

    async def read(key: str) -> None:
        await (await store.get_async(key)).bytes_async()

    async def read_in_blocks(key: str) -> None:
        file = await store.open_reader_async(key, buffer_size=1000)
        while await file.read(1000):
            pass

    async def write(key: str) -> None:
        async with store.open_writer_async(key, buffer_size=5 << 20) as file:
            await file.write(b"x" * (6 << 20))

    async def list_all() -> None:
        async for _ in store.list_async(chunk_size=10):
            pass

    keys = [f"k{index}" for index in range(100)]
    works: list[Coroutine[Any, Any, Any]] = [
        *map(read, keys),
        *map(read_in_blocks, keys),
        *(write(f"left/writer{index}") for index in range(4)),
        list_all(),
    ]
    works += [store.put_async(f"left/method{index}", b"x" * 100_000) for index in range(50)]
    works += [store.get_ranges_async(key, starts=[0, 100_000], lengths=[50_000, 50_000], coalesce=0) for key in keys]
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.sleep(0.1)
    return tasks


def methods_under_way() -> None:
    """The loop ends, and cancels them; a stream and a file are left half read, and a writer open."""
    store = s3.store_for(URI)

    def half() -> None:
        with contextlib.suppress(s3.exceptions.BaseError):
            stream = store.get(URIS[0].removeprefix(f"{URI}/")).stream(1000)
            file = store.open_reader("k1", buffer_size=1000)
            globals()["open"] = stream, file
            next(stream)
            file.read(10)

    threading.Thread(target=half, daemon=True).start()
    globals()["writer"] = store.open_writer("left/open", buffer_size=5 << 20)
    globals()["writer"].write(b"x" * 100_000)
    asyncio.run(begin_by_methods())


def open_loop() -> None:
    """The loop is not even closed."""
    loop = asyncio.new_event_loop()
    globals()["kept"] = (loop, loop.run_until_complete(begin()))


def leave_from_coroutine() -> None:
    async def work() -> None:
        globals()["kept"] = await begin()
        sys.exit(3)

    asyncio.run(work())


def unhandled() -> None:
    async def work() -> None:
        globals()["kept"] = await begin()
        raise ValueError("mine")

    asyncio.run(work())


def at_once() -> None:
    async def work() -> None:
        globals()["kept"] = await begin()
        os._exit(4)

    asyncio.run(work())


def daemon_threads() -> None:
    works: list[Callable[[], object]] = [
        lambda: s3.get(URIS[0]),
        lambda: s3.get_many(URIS, 16, progress=lambda _: None),
        lambda: s3.put(f"{URI}/left/", num=10, size=100_000),
        lambda: s3.list(URI),
        lambda: asyncio.run(begin()),
    ]
    for work in works * 8:
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)


def threads_with_bodies_arriving() -> None:
    for _ in range(8):
        threading.Thread(target=lambda: [s3.get_many(URIS[:50], 16) for _ in range(1000)], daemon=True).start()
    time.sleep(0.2)


def bodies_arriving() -> None:
    async def work() -> None:
        globals()["kept"] = [s3.get_many_async(URIS * 4, 32) for _ in range(4)]
        await asyncio.sleep(0.05 + time.time() % 0.05)

    asyncio.run(work())


def decoding() -> None:
    """Leaves while arrays are being decoded, which takes much longer than leaving."""

    async def work() -> None:
        globals()["kept"] = [s3.read_npz_async(f"{URI}/npz") for _ in range(2)]
        await asyncio.sleep(0.3)

    asyncio.run(work())


def dropped_while_decoding() -> None:
    """As `decoding`, but only the loop goes away."""
    import gc

    async def work() -> None:
        s3.read_npz_async(f"{URI}/npz")
        await asyncio.sleep(0.3)

    for _ in range(2):
        asyncio.run(work())
        gc.collect()
    time.sleep(0.5)


CALLS: dict[str, Callable[[], object]] = {
    "get": lambda: s3.get(URIS[0]),
    "get_many": lambda: s3.get_many(URIS, 64),
    "get_many_stats": lambda: s3.get_many_stats(URIS, 64),
    "put": lambda: s3.put(f"{URI}/left/", num=100, size=100_000),
    "put_bytes": lambda: s3.put_bytes(f"{URI}/left/bytes", b"x" * (20 << 20)),
    "list": lambda: s3.list(URI),
    "delete": lambda: s3.delete(f"{URI}/left/"),
    "read_npz": lambda: s3.read_npz(f"{URI}/k0"),
    "decode": lambda: s3.read_npz(f"{URI}/npz"),
    "copy": lambda: s3.copy(URIS[0], f"{URI}/left/copy"),
    "head": lambda: s3.head(URIS[0]),
    "asyncio": lambda: asyncio.run(asyncio.wait_for(s3_get_many(), 30)),
    "progress": lambda: s3.get_many(URIS, 64, progress=lambda _: None),
}


def _read() -> None:
    with s3.store_for(URI).open_reader("k0") as file:
        file.read()


def _write() -> None:
    with s3.store_for(URI).open_writer("left/written", buffer_size=5 << 20) as file:
        file.write(b"x" * (20 << 20))


BY_KEYS: dict[str, Callable[[], object]] = {
    "bytes": lambda: s3.store_for(URI).get("k0").bytes(),
    "ranges": lambda: s3.store_for(URI).get_ranges("k0", starts=[0, 150_000], lengths=[150_000, 50_000]),
    "reader": _read,
    "writer": _write,
    "pieces": lambda: s3.store_for(URI).put("left/pieces", (b"x" * (1 << 20) for _ in range(20))),
    "chunks": lambda: s3.store_for(URI).list().collect(),
}
CALLS |= BY_KEYS
LISTINGS = {"list", "delete", "chunks"}


async def s3_get_many() -> None:
    await s3.get_many_async(URIS, 64)


def say(*words: object) -> None:
    print(*words, flush=True)


def interrupted(name: str) -> None:
    """Waits to be interrupted, says when it noticed, and goes on."""
    s3.head(URIS[1])
    import numpy  # noqa: F401 - not to be measured

    for _ in range(2):
        say("begin")
        try:
            CALLS[name]()
        except KeyboardInterrupt:
            say("interrupted", time.monotonic())
        else:
            say("finished")
        sys.stdin.readline()
        assert len(s3.get(URIS[1])) > 0
        assert len(s3.get_many(URIS[:10])) == 10
        say("usable")
        sys.stdin.readline()


def handled() -> None:
    """A handler that returns lets the call go on."""
    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(time.monotonic()))
    s3.head(URIS[1])
    say("begin")
    data = s3.get(URIS[0])
    say("got", len(data), len(seen))


def left_to_the_default() -> None:
    """A KeyboardInterrupt that nobody catches, while other threads wait too."""
    for _ in range(4):
        threading.Thread(target=lambda: s3.get_many(URIS, 64), daemon=True).start()
    say("begin")
    s3.get_many(URIS, 64)


def other_threads_wait() -> None:
    """The main thread sleeps; another one waits for the server."""
    thread = threading.Thread(target=lambda: s3.get(URIS[0]), daemon=True)
    thread.start()
    say("begin")
    try:
        time.sleep(20)
    except KeyboardInterrupt:
        say("interrupted", time.monotonic())
    sys.stdin.readline()
    thread.join(20)
    say("joined" if not thread.is_alive() else "hangs")


if __name__ == "__main__":
    main(globals())
