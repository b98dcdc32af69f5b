"""The extension modules of `examples/consumers`, as `make consumers` installs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import packages

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "consumers"

NAMES = [
    "pyo3_0_23_object_store_0_11",
    "pyo3_0_23_object_store_0_12",
    "pyo3_0_24_object_store_0_11",
    "pyo3_0_24_object_store_0_12",
    "pyo3_0_28_object_store_0_13",
    "pyo3_0_30_object_store_0_14",
    "rust_without_pyo3",
    "c",
    "cpp",
]


class Consumer(Protocol):
    """What each of them offers. `store` is anything with a method `__object_store_capsule__`, or a capsule."""

    BUILT_WITH: dict[str, str]
    __name__: str

    def describe(self, store: Any, /) -> str: ...
    def get(self, store: Any, path: str, /) -> tuple[bytes, int]: ...
    def get_ranges(self, store: Any, path: str, ranges: list[tuple[int, int]], /) -> list[bytes]: ...
    def stream_length(self, store: Any, path: str, /) -> int: ...
    def gather(self, store: Any, path: str, count: int, is_attached: bool, /) -> int: ...
    def put(self, store: Any, path: str, content: bytes, *, create: bool = False) -> int: ...
    def upload(self, store: Any, path: str, parts: list[bytes], /) -> None: ...
    def list_objects(self, store: Any, prefix: str, /) -> list[tuple[str, int]]: ...
    def keep(self, store: Any, /) -> None: ...
    def get_kept(self, path: str, /) -> bytes: ...


def consumer(name: str) -> Consumer:
    """One of them; without it a test is skipped, and fails where CI is true."""
    module: Consumer = packages.module(f"consumers.{name}", "make consumers")
    return module


def everybody() -> list[Consumer]:
    return [consumer(name) for name in NAMES]


def exporter() -> Any:
    """A library whose stores are live for the others."""
    return packages.module("consumers.exporter", "make consumers")


def table() -> str:
    """What works together, as the modules say what they were built with: a table for the guide."""
    rows = ["| language | binding | stores as |", "|---|---|---|"]
    rows += [
        f"| {module.BUILT_WITH['language']} | {module.BUILT_WITH['binding']} | `{module.BUILT_WITH['store']}` |"
        for module in everybody()
    ]
    return "\n".join(rows) + "\n"
