"""The whole job in one program: `make demo`, or `python examples/demo.py --objects 32 --size 4MiB`.

Starts an S3 server inside this process and, for each kind of data set, generates it into a bucket, lists it, reads it back,
checks every byte and every array, and deletes it. Prints what each step took. Exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import io
import math
import re
import shutil
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import longshore as s3
from longshore.testing import Server, server

T = TypeVar("T")

KINDS = {"NPZ": "npz", "TFRECORD": "tfrecord", "HDF5": "h5", "RAW": "bin"}
SEED = 2026


class MismatchError(Exception):
    """What was read is not what was written."""


@dataclass
class Row:
    """One line of the table."""

    kind: str
    operation: str
    objects: int
    bytes: int | None
    seconds: float
    single: list[float] | None = None
    """Seconds of each object on its own."""


class Screen:
    """A bar for each step on a terminal, a plain line for each step anywhere else."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.width = min(shutil.get_terminal_size().columns, 100)

    def say(self, text: str = "") -> None:
        """Prints a line."""
        print(text, flush=True)

    @contextmanager
    def step(self, kind: str, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Shows a step while it runs. What it gives is called with the number of objects that are done."""
        started = time.perf_counter()
        label = f"{kind:<8}  {what:<22}"

        def show(done: int) -> None:
            if self.live:
                self._draw(f"{label}  {_bar(done, total, max(self.width - 56, 8))}  {done:>5}/{total}")

        show(0)
        try:
            yield show
        except BaseException:
            if self.live:
                print(flush=True)
            raise
        seconds = f"{time.perf_counter() - started:>7.2f} s"
        if self.live:
            show(total)
            print(seconds, flush=True)
        else:
            self.say(f"{label}  {total:>6} objects {seconds}")

    def _draw(self, text: str) -> None:
        print(f"\r\x1b[K{text}", end="", flush=True)


def _bar(done: int, total: int, width: int) -> str:
    filled = width * done // max(total, 1)
    encoding = sys.stdout.encoding or "ascii"
    full, empty = ("█", "░") if encoding.lower().startswith("utf") else ("#", "-")
    return full * filled + empty * (width - filled)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


class Demo:
    """One run against one server."""

    def __init__(self, running: Server, screen: Screen, objects: int, size: int) -> None:
        self.screen = screen
        self.objects = objects
        self.size = size
        # Given to every call, so that what the machine's environment says about S3 does not matter.
        self.store = running.store_for("demo")
        self.rows: list[Row] = []

    def run(self) -> None:
        """All kinds, one after the other."""
        s3.create_bucket("s3://demo", store=self.store)
        for kind, extension in KINDS.items():
            self._data_set(kind, f"s3://demo/{kind.lower()}/", f"object_{{:05d}}_of_{{}}.{extension}")
        left = s3.list("s3://demo/", store=self.store)
        if left:
            raise MismatchError(f"{len(left)} objects are left after everything was deleted, the first is {left[0]}")

    def _data_set(self, kind: str, prefix: str, template: str) -> None:
        count, volume = self.objects, self.objects * self.size

        with self.screen.step(kind, "put", count) as show:
            seconds, _ = _timed(lambda: self._generate(kind, prefix, template, self.store, show))
        put = self._row(kind, "put", seconds, volume)

        with self.screen.step(kind, "list", count):
            seconds, keys = _timed(lambda: s3.list(prefix, store=self.store))
        expected = [f"{kind.lower()}/{template.format(index, count)}" for index in range(count)]
        if keys != sorted(expected):
            raise MismatchError(f"list({prefix!r}) gave {len(keys)} keys that are not the {count} that were written")
        self._row(kind, "list", seconds, None)
        uris = [f"s3://demo/{key}" for key in expected]

        with self.screen.step(kind, "get_many", count) as show:
            seconds, pairs = _timed(lambda: s3.get_many(uris, store=self.store, progress=lambda now: show(now.objects)))
        get_many = self._row(kind, "get_many", seconds, volume)
        if [uri for uri, _ in pairs] != uris:
            raise MismatchError(f"get_many of {prefix} did not answer in the order of its input")
        bodies = [body for _, body in pairs]

        with self.screen.step(kind, "get, one by one", count) as show:
            get_many.single = list(self._one_by_one(uris, bodies, show))
        with self.screen.step(kind, "put_bytes, one by one", count) as show:
            put.single = [
                _timed(lambda uri=uri, body=body: s3.put_bytes(uri, body, store=self.store))[0]  # type: ignore[misc]
                for uri, body in _counted(zip(uris, bodies, strict=True), show)
            ]

        with self.screen.step(kind, "verify bytes", count):
            self._verify_bytes(kind, uris, bodies, template)
        if kind == "NPZ":
            self._read_npz(uris, bodies)
        elif kind in CHECKS:
            with self.screen.step(kind, "verify contents", count) as show:
                for index, (uri, body) in enumerate(_counted(zip(uris, bodies, strict=True), show)):
                    with _reading(uri):
                        CHECKS[kind](index, uri, body)

        with self.screen.step(kind, "delete", count) as show:
            seconds, _ = _timed(lambda: s3.delete(prefix, store=self.store, progress=lambda now: show(now.objects)))
        self._row(kind, "delete", seconds, None)
        if s3.list(prefix, store=self.store):
            raise MismatchError(f"delete({prefix!r}) left something behind")

    def _row(self, kind: str, operation: str, seconds: float, volume: int | None) -> Row:
        self.rows.append(Row(kind, operation, self.objects, volume, seconds))
        return self.rows[-1]

    def _generate(
        self, kind: str, prefix: str, template: str, store: s3.Store | None, show: Callable[[int], None]
    ) -> None:
        s3.put(
            prefix,
            num=self.objects,
            template=template,
            size=self.size,
            object_type=kind,
            seed=SEED,
            store=store,
            progress=lambda now: show(now.objects),
        )

    def _one_by_one(self, uris: list[str], bodies: list[bytes], show: Callable[[int], None]) -> Iterator[float]:
        for uri, body in _counted(zip(uris, bodies, strict=True), show):
            seconds, again = _timed(lambda uri=uri: s3.get(uri, store=self.store))  # type: ignore[misc]
            if again != body:
                raise MismatchError(f"get and get_many differ on {uri}")
            yield seconds

    def _verify_bytes(self, kind: str, uris: list[str], bodies: list[bytes], template: str) -> None:
        """Generates the data set once more, into memory, and compares; the bucket now holds what `put_bytes` wrote."""
        self._generate(kind, "memory://demo-again/", template, None, lambda _: None)
        made = s3.get_many([f"memory://demo-again/{template.format(i, self.objects)}" for i in range(self.objects)])
        stored = s3.get_many(uris, store=self.store)
        s3.delete("memory://demo-again/", whole_bucket=True)
        for uri, body, (_, once), (_, twice) in zip(uris, bodies, made, stored, strict=True):
            if len(body) != self.size:
                raise MismatchError(f"{uri} has {len(body)} bytes, not {self.size}")
            for other, what in ((once, "generated again"), (twice, "written back and read again")):
                if body != other:
                    where = next((i for i, (a, b) in enumerate(zip(body, other, strict=False)) if a != b), len(other))
                    raise MismatchError(f"{uri} differs at byte {where} from what is {what}")
        if self.size >= 1024 and len(set(bodies)) != len(bodies):
            raise MismatchError(f"some of the {len(bodies)} {kind} objects have the same contents")

    def _read_npz(self, uris: list[str], bodies: list[bytes]) -> None:
        arrays: list[NDArray[Any]] = []
        single = []
        with self.screen.step("NPZ", "read_npz", len(uris)) as show:
            for uri in _counted(uris, show):
                seconds, array = _timed(lambda uri=uri: s3.read_npz(uri, store=self.store))  # type: ignore[misc]
                single.append(seconds)
                arrays.append(array)
        volume = sum(array.nbytes for array in arrays)
        self.rows.append(Row("NPZ", "read_npz", len(uris), volume, sum(single), single))
        with self.screen.step("NPZ", "verify arrays", len(uris)) as show:
            for index, (uri, body, array) in enumerate(_counted(list(zip(uris, bodies, arrays, strict=True)), show)):
                self._verify_npz(index, uri, body, array)

    def _verify_npz(self, index: int, uri: str, body: bytes, array: NDArray[Any]) -> None:
        """Compares with NumPy's own reader, which checks the archive's CRCs."""
        with _reading(uri), np.load(io.BytesIO(body), allow_pickle=False) as archive:
            if archive.files != ["x", "y"]:
                raise MismatchError(f"{uri} has the arrays {archive.files}, not x and y")
            x, y = archive["x"], archive["y"]
        if array.dtype != x.dtype or array.shape != x.shape or not np.array_equal(array, x):
            raise MismatchError(f"read_npz and NumPy differ on {uri}: {array.dtype}{array.shape}, {x.dtype}{x.shape}")
        label = s3.read_npz(uri, "y", store=self.store)
        if not np.array_equal(label, y) or y.tolist() != [index] or y.dtype != np.int64:
            raise MismatchError(f"{uri} has the label {label}, NumPy reads {y}, and {index} was written")


def _counted(items: Iterable[T], show: Callable[[int], None]) -> Iterator[T]:
    """The items, showing how many are done, often enough for an eye."""
    shown = time.perf_counter()
    for done, item in enumerate(items):
        if time.perf_counter() - shown > 0.05:
            shown = time.perf_counter()
            show(done)
        yield item


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """Makes a mismatch of whatever another reader has to say against an object."""
    try:
        yield
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise MismatchError(f"{uri} is refused by an independent reader: {error}") from error


def _verify_hdf5(index: int, uri: str, body: bytes) -> None:
    """Reads both datasets with h5py."""
    import h5py  # type: ignore[import-untyped]

    with h5py.File(io.BytesIO(body), "r") as file:
        if sorted(file) != ["labels", "records"]:
            raise MismatchError(f"{uri} has the datasets {sorted(file)}, not labels and records")
        records, labels = file["records"], file["labels"]
        start = records.id.get_offset()
        if records.dtype != np.uint8 or labels[()].tolist() != [index]:
            raise MismatchError(f"{uri} has records of {records.dtype} and the labels {labels[()]}, not {index}")
        if records[()].tobytes() != body[start : start + records.nbytes]:
            raise MismatchError(f"h5py reads other records from {uri} than are in it")


def _verify_tfrecord(_index: int, uri: str, body: bytes) -> None:
    """Checks both CRCs of each record, and that the file ends where a record ends."""
    position = 0
    while position < len(body):
        if position + 12 > len(body):
            raise MismatchError(f"{uri} ends within the head of the record at byte {position}")
        length, checksum = struct.unpack_from("<QI", body, position)
        end = position + 12 + length
        if end + 4 > len(body):
            raise MismatchError(f"{uri} ends within the record at byte {position}")
        if masked_crc32c(body[position : position + 8]) != checksum:
            raise MismatchError(f"{uri} has a wrong checksum over the length of the record at byte {position}")
        if masked_crc32c(body[position + 12 : end]) != struct.unpack_from("<I", body, end)[0]:
            raise MismatchError(f"{uri} has a wrong checksum over the record at byte {position}")
        if b"image" not in body[position + 12 : end] or b"size" not in body[position + 12 : end]:
            raise MismatchError(f"{uri} has a record without image and size at byte {position}")
        position = end + 4


CHECKS: dict[str, Callable[[int, str, bytes], None]] = {"HDF5": _verify_hdf5, "TFRECORD": _verify_tfrecord}

# CRC-32C with NumPy: the data are cut into lanes of 64 bytes, each lane's CRC is made in step with the others', and neighbours
# are joined until one is left. Joining uses that a CRC register fed with zero bytes changes by a linear map.
LANE = 64


@cache
def _byte_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


@cache
def _zeros_table(lanes: int) -> NDArray[np.uint32]:
    """What a register becomes after that many lanes of zeros, by each of its four bytes."""
    if lanes > 1:
        half = _zeros_table(lanes // 2)
        return np.stack([_apply(half, row) for row in half])
    rows = np.stack([np.arange(256, dtype=np.uint32) << np.uint32(8 * byte) for byte in range(4)])
    for _ in range(LANE):
        rows = _byte_table()[rows & 0xFF] ^ (rows >> 8)
    return rows


def _apply(tables: NDArray[np.uint32], registers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    result: NDArray[np.uint32] = tables[0][registers & 0xFF]
    for byte in range(1, 4):
        result = result ^ tables[byte][(registers >> (8 * byte)) & 0xFF]
    return result


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord files, over at least 4 bytes."""
    lanes = 1 << max(0, math.ceil(math.log2(len(data) / LANE)))
    # Zeros in front leave a register of zeros alone; the usual first value is folded into the first four bytes.
    padded = np.zeros(lanes * LANE, np.uint8)
    start = len(padded) - len(data)
    padded[start:] = np.frombuffer(data, np.uint8)
    padded[start : start + 4] ^= 0xFF
    columns = padded.reshape(lanes, LANE).T.astype(np.uint32)
    registers = np.zeros(lanes, np.uint32)
    for column in columns:
        registers = _byte_table()[(registers ^ column) & 0xFF] ^ (registers >> 8)
    joined = 1
    while len(registers) > 1:
        registers = _apply(_zeros_table(joined), registers[0::2]) ^ registers[1::2]
        joined *= 2
    crc = int(registers[0]) ^ 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


HEADINGS = ("data set", "operation", "objects", "bytes", "seconds", "objects/s", "MiB/s", "p50 ms", "p99 ms")


def table(rows: list[Row]) -> str:
    """The rows, aligned."""
    cells = [HEADINGS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for cell in cells:
        texts = [text.ljust(width) for text, width in zip(cell[:2], widths[:2], strict=True)]
        numbers = [text.rjust(width) for text, width in zip(cell[2:], widths[2:], strict=True)]
        lines.append(" ".join(texts + numbers).rstrip())
    rule = "-" * len(lines[0])
    body = [lines[1]]
    for (before, after), line in zip(pairwise(rows), lines[2:], strict=True):
        body += [rule, line] if before.kind != after.kind else [line]
    return "\n".join([lines[0], rule, *body])


def _cells(row: Row) -> tuple[str, ...]:
    rate = "" if row.bytes is None else f"{row.bytes / 2**20 / row.seconds:,.1f}"
    volume = "" if row.bytes is None else f"{row.bytes:,}"
    single = ("", "")
    if row.single:
        percentiles = np.percentile(row.single, [50, 99]) * 1000
        single = (f"{percentiles[0]:.2f}", f"{percentiles[1]:.2f}")
    per_second = f"{row.objects / row.seconds:,.0f}"
    return (row.kind, row.operation, f"{row.objects:,}", volume, f"{row.seconds:.3f}", per_second, rate, *single)


NOTES = """\
MiB/s counts whole objects; for read_npz, which reads one object after the
other, the array alone. The time of put includes making the data. p50 and p99
are of single calls, one after the other: of get beside get_many, of put_bytes
beside put. The server shares this machine and this process."""


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9.]+) ?([kmg]?)(i?b)?", text.strip().lower())
    scale = {"": 0, "k": 10, "m": 20, "g": 30}
    try:
        return int(float(match[1]) * 2 ** scale[match[2]])  # type: ignore[index]
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write bytes, or 512KiB, 4MiB") from None


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def main() -> int:
    """Runs the demo. Returns its exit code."""
    parser = argparse.ArgumentParser(
        description="Generates, lists, reads, verifies and deletes data sets on an S3 server."
    )
    parser.add_argument(
        "--objects", type=_positive, default=128, help="objects in each data set (default: %(default)s)"
    )
    parser.add_argument("--size", type=_size, default="1MiB", help="size of each object (default: %(default)s)")
    options = parser.parse_args()
    screen = Screen()
    try:
        with server() as running:
            screen.say(f"longshore {s3.__version__}. S3 server at {running.endpoint}, in this process.")
            screen.say(f"{len(KINDS)} data sets of {options.objects} objects, {options.size:,} bytes each.\n")
            demo = Demo(running, screen, options.objects, options.size)
            started = time.perf_counter()
            demo.run()
            seconds = time.perf_counter() - started
        screen.say(f"\n{table(demo.rows)}\n\n{NOTES}")
        total = len(KINDS) * options.objects
        screen.say(
            f"\nEvery byte and every array of {total:,} objects is right. {seconds:.1f} s. The server has stopped."
        )
    except KeyboardInterrupt:
        print("\ninterrupted; the server has stopped", file=sys.stderr)
        return 130
    except (MismatchError, s3.exceptions.BaseError) as error:
        print(f"\nthe demo failed: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"\nthe demo needs {error.name} to check what it reads: pip install {error.name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
