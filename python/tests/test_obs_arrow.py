"""Listings as Arrow record batches, read by Arrow libraries that are not ours, and by a reader of the C structures."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from typing import Any

import longshore as s3
import packages
from backends import Place
from longshore import obs

pyarrow: Any = packages.module("pyarrow")


def batch_of(chunk: obs.RecordBatch) -> Any:
    return pyarrow.record_batch(chunk)


def test_a_batch_says_what_the_dictionaries_say(readable_place: Place) -> None:
    readable_place.fill("a", "b", "zwölf", "deep/c")
    store = readable_place.store()
    chunk = store.list(readable_place.prefix, return_arrow=True).collect()
    assert isinstance(chunk, obs.RecordBatch)
    assert (len(chunk), chunk.num_rows, chunk.num_columns) == (4, 4, 5)
    batch = batch_of(chunk)
    batch.validate(full=True)
    assert batch.schema.names == chunk.column_names == ["path", "last_modified", "size", "e_tag", "version"]
    assert [str(field.type) for field in batch.schema] == [
        "string", "timestamp[us, tz=UTC]", "uint64", "string", "string",
    ]  # fmt: skip
    assert [field.nullable for field in batch.schema] == [False, False, False, True, True]
    rows = sorted(batch.to_pylist(), key=lambda row: row["path"])
    assert rows == sorted(store.list(readable_place.prefix).collect(), key=lambda meta: meta["path"])
    assert "num_rows=4" in repr(chunk)


def test_chunks_are_batches(quick_place: Place) -> None:
    quick_place.fill(*[f"{number:04}" for number in range(1100)])
    stream = quick_place.store().list(quick_place.prefix, chunk_size=500, return_arrow=True)
    assert [batch_of(chunk).num_rows for chunk in stream] == [500, 500, 100]
    assert batch_of(stream.collect()).num_rows == 0

    async def main() -> None:
        store = quick_place.store()
        chunks = [chunk async for chunk in store.list(quick_place.prefix, chunk_size=600, return_arrow=True)]
        assert [chunk.num_rows for chunk in chunks] == [600, 500]
        level = await store.list_with_delimiter_async(quick_place.prefix, return_arrow=True)
        assert batch_of(level["objects"]).num_rows == 1100

    asyncio.run(main())


def test_one_level_is_a_batch_too(quick_place: Place) -> None:
    quick_place.fill("a", "deep/b")
    level = obs.list_with_delimiter(quick_place.store(), quick_place.prefix, return_arrow=True)
    assert level["common_prefixes"] == [quick_place.key("deep")]
    assert pyarrow.table(level["objects"]).column("path").to_pylist() == [quick_place.key("a")]


def test_a_batch_is_a_table_and_a_stream_and_outlives_everything() -> None:
    store = s3.MemoryStore()
    for name in "abc":
        store.put(name, name.encode())
    chunk = store.list(return_arrow=True).collect()
    table, twice = pyarrow.table(chunk), pyarrow.table(chunk)
    reader = pyarrow.RecordBatchReader.from_stream(chunk)
    del chunk, store
    gc.collect()
    assert table == twice
    assert reader.read_all() == table
    assert table.column("path").to_pylist() == ["a", "b", "c"]
    assert pyarrow.Table.from_batches(table.to_batches()).equals(table)


def test_a_capsule_that_nobody_takes_lets_go_of_its_memory() -> None:
    store = s3.MemoryStore()
    store.put("a", b"")
    chunk = store.list(return_arrow=True).collect()
    for _ in range(1000):
        capsules = [chunk.__arrow_c_schema__(), *chunk.__arrow_c_array__(), chunk.__arrow_c_stream__()]
    names = ["arrow_schema", "arrow_schema", "arrow_array", "arrow_array_stream"]
    is_valid = ctypes.pythonapi.PyCapsule_IsValid
    is_valid.argtypes, is_valid.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_int
    assert all(is_valid(capsule, name.encode()) for capsule, name in zip(capsules, names, strict=True))
    del capsules
    assert batch_of(chunk).num_rows == 1


def test_no_arrow_library_is_imported() -> None:
    import subprocess
    import sys

    program = """
import sys, longshore
store = longshore.MemoryStore()
store.put("a", b"")
batch = store.list(return_arrow=True).collect()
batch.__arrow_c_array__()
print(len(batch), sorted(name for name in sys.modules if name.partition(".")[0] in {"pyarrow", "arro3", "polars"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1 []\n"
