"""One measurement in this process, so that no measurement sees what another left behind.

`python bench/cells.py measure NAME` runs against the server that the environment names, `count NAME` runs a smaller copy against
a server in this process and counts requests. Each prints one line of JSON. `run.py` calls them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import longshore as s3
from longshore.testing import server

KIB, MIB = 2**10, 2**20
WARM_UP = 64


@dataclass(frozen=True)
class Cell:
    """What is measured: one call, or one loop of calls, over `objects` objects of `size` bytes."""

    name: str
    what: str
    objects: int
    size: int
    in_flight: int
    run: str
    count_objects: int
    """Objects when requests are counted."""

    @property
    def prefix(self) -> str:
        return f"s3://bench/{'put' if self.run.startswith('put') else 'data'}/{self.size}-{self.objects}/"

    def uris(self) -> list[str]:
        return [f"{self.prefix}{index:06d}" for index in range(self.objects)]


CELLS = [
    Cell("get_small", "`get_many`", 10_000, 4 * KIB, 64, "get_many", 200),
    Cell("get_small_async", "`get_async`, gathered", 10_000, 4 * KIB, 64, "get_async", 200),
    Cell("get_large", "`get_many`", 8, 64 * MIB, 8, "get_many", 2),
    Cell("put_small", "`put_many`", 10_000, 4 * KIB, 32, "put_many", 200),
    Cell("put_large", "`put_many`", 8, 64 * MIB, 8, "put_many", 2),
    Cell("list", "`list`", 20_000, 0, 1, "list", 2000),
]


class Bodies:
    """Contents that differ from object to object and cost little to make and to check."""

    def __init__(self, size: int) -> None:
        self._common = random.Random(size).randbytes(size)

    def make(self, index: int) -> bytes:
        return struct.pack("<Q", index)[: len(self._common)] + self._common[8:]

    def check(self, index: int, body: bytes) -> None:
        if body != self.make(index):
            raise SystemExit(f"object {index} came back with other bytes: {len(body)} of {len(self._common)}")


def prepare(cell: Cell) -> None:
    """Writes what the cell reads."""
    if cell.run == "put_many":
        return
    bodies = Bodies(cell.size)
    s3.put_many(((uri, bodies.make(index)) for index, uri in enumerate(cell.uris())), max_in_flight=cell.in_flight)


def work_of(cell: Cell) -> tuple[Callable[[list[str]], Any], Callable[[Any], None]]:
    """The cell's work on a list of URIs, and the check of its result, which is not timed."""
    bodies = Bodies(cell.size)

    def check_bodies(result: list[bytes]) -> None:
        assert len(result) == cell.objects
        for index, body in enumerate(result):
            bodies.check(index, body)

    def check_pairs(result: list[tuple[str, bytes]]) -> None:
        assert [uri for uri, _ in result] == cell.uris()
        check_bodies([body for _, body in result])

    async def gathered(uris: list[str]) -> list[bytes]:
        result: list[bytes] = []
        for start in range(0, len(uris), cell.in_flight):
            result += await asyncio.gather(*map(s3.get_async, uris[start : start + cell.in_flight]))
        return result

    if cell.run == "get_many":
        return lambda uris: s3.get_many(uris, max_in_flight=cell.in_flight), check_pairs
    if cell.run == "get_async":
        runner = asyncio.Runner()
        return lambda uris: runner.run(gathered(uris)), check_bodies
    if cell.run == "put_many":
        items = [(uri, bodies.make(index)) for index, uri in enumerate(cell.uris())]
        return (
            lambda uris: s3.put_many(items[: len(uris)], max_in_flight=cell.in_flight),
            lambda _: check_pairs(s3.get_many(cell.uris())),
        )

    def check_keys(keys: list[str]) -> None:
        assert [f"s3://bench/{key}" for key in keys] == cell.uris()

    return lambda _: s3.list(cell.prefix), check_keys


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(cell: Cell) -> dict[str, float]:
    """Wall clock, and CPU of all threads of this process, user and system; the server is another process."""
    work, check = work_of(cell)
    work(cell.uris()[: min(WARM_UP, cell.objects // 8 or 1)])
    gc.collect()
    cpu, wall = _cpu(), time.perf_counter()
    result = work(cell.uris())
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    check(result)
    return {"seconds": wall, "cpu_seconds": cpu}


def count(cell: Cell) -> dict[str, float]:
    """Requests per object, counted by a server in this process."""
    small = replace(cell, objects=cell.count_objects)
    with server() as running:
        os.environ.update(running.environment)
        s3.create_bucket("s3://bench")
        prepare(small)
        work, check = work_of(small)
        running.reset_stats()
        result = work(small.uris())
        requests = sum(running.stats()["operations"].values())
        check(result)
    return {"requests_per_object": requests / small.objects}


def main(arguments: list[str]) -> None:
    cells = {cell.name: cell for cell in CELLS}
    match arguments:
        case ["describe"]:
            print(json.dumps([asdict(cell) for cell in CELLS]))
        case ["prepare"]:
            s3.create_bucket("s3://bench")
            for prefix in {cell.prefix: cell for cell in CELLS}.values():
                prepare(prefix)
        case ["measure", name]:
            print(json.dumps(measure(cells[name])))
        case ["count", name]:
            print(json.dumps(count(cells[name])))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
