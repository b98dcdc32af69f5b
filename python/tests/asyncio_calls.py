"""Every `_async` function, called on the bucket of `test_asyncio`, and what comes of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import longshore as s3
from longshore import obs

URI = "s3://bkt"
Future = asyncio.Future[Any]


def content(size: int) -> bytes:
    """What the object of that size holds."""
    return random.Random(size).randbytes(size)


STARTS: dict[str, Callable[[Any], Future]] = {
    "get": lambda store: s3.get_async(f"{URI}/k1", store=store),
    "get_many": lambda store: s3.get_many_async([f"{URI}/k1", f"{URI}/k2"], store=store),
    "get_many_stats": lambda store: s3.get_many_stats_async([f"{URI}/k1", f"{URI}/k10"], store=store),
    "list": lambda store: s3.list_async(f"{URI}/k119", store=store),
    "head": lambda store: s3.head_async(f"{URI}/k1", store=store),
    "exists": lambda store: s3.exists_async(f"{URI}/k1", store=store),
    "read_npz": lambda store: s3.read_npz_async(f"{URI}/npz", store=store),
    "put": lambda store: s3.put_async(f"{URI}/new/", size=10, store=store),
    "put_bytes": lambda store: s3.put_bytes_async(f"{URI}/new/a", b"a", store=store),
    "put_many": lambda store: s3.put_many_async([(f"{URI}/new/a", b"a")], store=store),
    "copy": lambda store: s3.copy_async(f"{URI}/k1", f"{URI}/new/b", store=store),
    "delete": lambda store: s3.delete_async(f"{URI}/new/none", store=store),
    "create_bucket": lambda store: s3.create_bucket_async(URI, store=store),
    # The same by the keys of the store.
    "obs.get": lambda store: obs.get_async(store, "k1"),
    "obs.get_range": lambda store: obs.get_range_async(store, "big", start=5, length=3),
    "obs.get_ranges": lambda store: obs.get_ranges_async(store, "big", starts=[9, 0], lengths=[2, 1]),
    "obs.head": lambda store: obs.head_async(store, "k1"),
    "obs.list_with_delimiter": lambda store: obs.list_with_delimiter_async(store, "none"),
    "obs.put": lambda store: obs.put_async(store, "new/a", b"a"),
    "obs.copy": lambda store: obs.copy_async(store, "k1", "new/b"),
    "obs.rename": lambda store: obs.rename_async(store, "k1", "k1"),
    "obs.delete": lambda store: obs.delete_async(store, ["new/none"]),
    "obs.open_reader": lambda store: obs.open_reader_async(store, "k1"),
}
RESULTS: dict[str, Callable[[Any], bool]] = {
    "get": lambda result: result == b"1",
    "get_many": lambda result: result == [(f"{URI}/k1", b"1"), (f"{URI}/k2", b"2")],
    "get_many_stats": lambda result: result == (2, 3),
    "list": lambda result: result == ["k119", *(f"k119{digit}" for digit in range(10))],
    "head": lambda result: result["size"] == 1,
    "exists": lambda result: result is True,
    "read_npz": lambda result: result.tolist() == list(range(100)),
    "obs.get": lambda result: result.bytes() == b"1",
    "obs.get_range": lambda result: result == content(1 << 20)[5:8],
    "obs.get_ranges": lambda result: result == [content(1 << 20)[9:11], content(1 << 20)[:1]],
    "obs.head": lambda result: result["size"] == 1,
    "obs.list_with_delimiter": lambda result: result == {"common_prefixes": [], "objects": []},
    "obs.put": lambda result: bool(result["e_tag"]),
    "obs.open_reader": lambda result: result.size == 1,
}
