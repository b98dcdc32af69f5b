"""Programs that say how much memory a read or a write took, in a process of its own. Linux tells the peak, and resets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import longshore as s3
from children import main

MIB = 1 << 20
URI = "s3://bkt"


def _kib(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def peak_of(work: Callable[[], object]) -> int:
    """How many MiB more than before were in use at the worst moment of that."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    kept = work()
    del kept
    return (_kib("VmHWM") - before) // 1024


def _read(key: str) -> bytes:
    with s3.store_for(URI).open_reader(key) as file:
        return file.read()


def _read_async(key: str) -> bytes:
    async def read() -> bytes:
        async with await s3.store_for(URI).open_reader_async(key) as file:
            data = await file.read()
        return bytes(data[:1])

    return asyncio.run(read())


def _iterate(key: str) -> int:
    return sum(len(chunk) for chunk in s3.store_for(URI).get(key).stream(MIB))


READS: dict[str, Callable[[str], object]] = {
    "get": lambda key: s3.get(f"{URI}/{key}"),
    "get_buffer": lambda key: s3.get_buffer(f"{URI}/{key}"),
    "get_many": lambda key: s3.get_many([f"{URI}/{key}"]),
    "bytes": lambda key: s3.store_for(URI).get(key).bytes(),
    "get_range": lambda key: s3.store_for(URI).get_range(key, start=0, length=1 << 40),
    "reader": _read,
    "reader by asyncio": _read_async,
    "chunks": _iterate,
}


def read(name: str, key: str) -> None:
    READS[name]("small")
    print(peak_of(lambda: READS[name](key)))


def _write(data: bytes, concurrency: int) -> None:
    with s3.store_for(URI).open_writer("written", buffer_size=5 * MIB, max_concurrency=concurrency) as file:
        file.write(data)


WRITES: dict[str, Callable[[bytes], object]] = {
    "put_bytes": lambda data: s3.put_bytes(f"{URI}/written", data),
    "put": lambda data: s3.store_for(URI).put("written", data, max_concurrency=2),
    "pieces": lambda data: s3.store_for(URI).put(
        "written", (memoryview(data)[at : at + MIB] for at in range(0, len(data), MIB)), max_concurrency=2
    ),
    "writer": lambda data: _write(data, 2),
}


def write(name: str, mebibytes: str) -> None:
    data = b"x" * (int(mebibytes) * MIB)
    WRITES[name](b"small")
    print(peak_of(lambda: WRITES[name](data)))


if __name__ == "__main__":
    main(globals())
