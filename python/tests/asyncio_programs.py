"""Programs that cancel and interrupt at random moments. They are run with the checks of Python's development mode."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import longshore as s3
from children import main

URI = "s3://bkt"
SIZES = [1_000, 70_000, 300_000, 2_000_000]


def body(size: int) -> bytes:
    return random.Random(size).randbytes(size)


BODIES = {f"{URI}/sized/{size}": body(size) for size in SIZES}


def cancel_at_random(rounds: str) -> None:
    """Cancels some of many requests at any moment; what is not cancelled is complete."""
    choice = random.Random(0)
    s3.put_many(BODIES.items())

    async def work() -> None:
        for count in range(int(rounds)):
            wanted = choice.choices(list(BODIES), k=8)
            futures: list[Any] = [s3.get_async(uri) for uri in wanted]
            batches: list[Any] = [s3.get_many_async(wanted, choice.randint(1, 8)) for _ in range(2)]
            others: list[Any] = [
                s3.put_async(f"{URI}/left/", num=4, size=100_000),
                s3.put_bytes_async(f"{URI}/left/bytes", bytearray(200_000)),
                s3.list_async(f"{URI}/sized/"),
                s3.read_npz_async(f"{URI}/npz"),
            ]
            await asyncio.sleep(choice.random() * 0.01)
            for future in futures[::2] + batches[:1] + others:
                future.cancel()
            if count % 50 == 0:
                gc.collect()
            for uri, future in zip(wanted[1::2], futures[1::2], strict=True):
                assert await future == BODIES[uri]
            assert await batches[1] == [(uri, BODIES[uri]) for uri in wanted]

    asyncio.run(work())


def leave_loops_at_random(rounds: str) -> None:
    """Loops end while bodies arrive."""
    choice = random.Random(0)
    s3.put_many(BODIES.items())

    async def work() -> None:
        for _ in range(2):
            s3.get_many_async(list(BODIES) * 8, 16)
        await asyncio.sleep(choice.random() * 0.02)

    for count in range(int(rounds)):
        asyncio.run(work())
        if count % 4 == 0:
            gc.collect()
    assert dict(s3.get_many(BODIES)) == BODIES


def interrupt_at_random(rounds: str) -> None:
    """Interrupts blocking reads and writes at any moment."""
    choice = random.Random(0)
    s3.put_many(BODIES.items())
    interrupted = 0
    for count in range(int(rounds)):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0005 + choice.random() * 0.02)
            if count % 3 == 0:
                s3.put_many([(f"{URI}/left/{index}", bytearray(300_000)) for index in range(8)])
            else:
                assert s3.get_many(list(BODIES) * 4, 8) == list(BODIES.items()) * 4
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
    assert dict(s3.get_many(BODIES)) == BODIES
    print(interrupted)


def cancelled_memory() -> None:
    """What cancelled reads have received is given back, though the server never ends them."""

    async def work() -> None:
        for _ in range(2):
            futures = [s3.get_async(f"{URI}/big{index}") for index in range(4)]
            await asyncio.sleep(0.3)
            for future in futures:
                future.cancel()
            await asyncio.sleep(0.1)

    s3.put_many([(f"{URI}/big{index}", bytes(16 << 20)) for index in range(4)])
    asyncio.run(work())
    once = resident()
    for _ in range(2):
        asyncio.run(work())
    print(resident() - once)


def resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def in_order() -> None:
    """An ordinary program, which development mode should have nothing to say about."""

    async def work() -> None:
        s3.put_bytes(f"{URI}/a", b"data")
        assert await s3.get_async(f"{URI}/a") == b"data"
        events: list[s3.Progress] = []
        await s3.put_async(f"{URI}/p/", num=20, size=1000, object_type="npz", progress=events.append)
        uris = [f"{URI}/{key}" for key in await s3.list_async(f"{URI}/p/")]
        assert len(await s3.get_many_async(uris)) == 20
        arrays = await asyncio.gather(*(s3.read_npz_async(uri) for uri in uris))
        assert {array.dtype.name for array in arrays} == {"uint8"}
        await s3.delete_async(f"{URI}/p/")
        assert events[-1].finished

    asyncio.run(work())
    asyncio.run(work())
    time.sleep(0.1)


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    main(globals())
    sys.stdout.flush()
