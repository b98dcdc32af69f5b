"""Programs of the tests of `longshore.fsspec` that need a process to themselves."""

from __future__ import annotations

import json
import pickle
import signal
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.implementations.dirfs import DirFileSystem  # type: ignore[import-untyped]

from children import main
from fork_programs import fork, reap
from longshore.exceptions import PreconditionError
from longshore.fsspec import FsspecStore, register


def unpickle(path: str) -> None:
    """Uses a file system that another process has pickled."""
    fs = pickle.loads(Path(path).read_bytes())
    print(json.dumps([type(fs).__name__, isinstance(fs, FsspecStore), fs.cat("bucket/shared").decode()]))


def unpickle_memory(path: str) -> None:
    try:
        pickle.loads(Path(path).read_bytes())
    except NotImplementedError as error:
        print(error)


def survive_a_fork(options: str) -> None:
    """Uses file systems and files in children, while the parent goes on with them."""
    fs = FsspecStore("s3", **json.loads(options))
    memory = FsspecStore("memory")
    memory.pipe("/shared", b"memory")
    assert fs.cat("bucket/shared") == b"shared"
    file = fs.open("bucket/shared")
    assert file.read(3) == b"sha"

    writer = fs.open("bucket/written", "wb")
    writer.write(b"1")

    def child(number: int) -> None:
        # One that hangs would keep the pipes of this program open.
        signal.alarm(20)
        # What happens when the child lets go of it.
        writer.__del__()
        assert not fs.exists("bucket/written")
        assert fs.cat("bucket/shared") == b"shared"
        assert file.read() == b"red"
        assert memory.cat("/shared") == b"memory"
        fs.pipe(f"bucket/child{number}", b"child")
        assert FsspecStore("s3", **json.loads(options)).exists(f"bucket/child{number}")

    children = [fork(lambda number=number: child(number)) for number in range(3)]  # type: ignore[misc]
    assert file.read() == b"red"
    for each in children:
        reap(each)
    writer.close()
    assert fs.cat("bucket/written") == b"1"
    assert fs.ls("bucket") == [f"bucket/{name}" for name in ("child0", "child1", "child2", "shared", "written")]

    file = fs.open("bucket/shared")
    fs.pipe("bucket/shared", b"another")

    def late() -> None:
        signal.alarm(20)
        with pytest.raises(PreconditionError, match="replaced after it was opened"):
            file.read()

    reap(fork(late))


def end_with_open_files(options: str) -> None:
    """Ends while a file that is written, and one that is read, are open: what Python's own files do is to be complete."""
    fs = FsspecStore("s3", **json.loads(options))
    kept.append(fs.open("bucket/shared"))
    kept[0].read(1)
    kept.append(fs.open("bucket/unclosed", "wb"))
    kept[1].write(b"data")


kept: list[Any] = []


def be_used_by_threads(options: str) -> None:
    fs = FsspecStore("s3", **json.loads(options))
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for index in range(20):
                name = f"bucket/threads/{number}/{index}"
                with fs.open(name, "wb") as file:
                    file.write(name.encode())
                assert fs.cat(name) == name.encode()
            assert len(fs.find(f"bucket/threads/{number}")) == 20
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures, failures


def register_and_open(options: str) -> None:
    """What a program does: register once, and give URLs to others."""
    register()
    settings: dict[str, Any] = json.loads(options)
    with fsspec.open("s3://bucket/opened", "wb", **settings) as file:
        file.write(b"data")
    with fsspec.open("s3a://bucket/opened", "r", **settings) as file:
        assert file.read() == "data"
    fs, path = fsspec.core.url_to_fs("s3://bucket/opened", **settings)
    assert isinstance(fs, FsspecStore)
    assert path == "bucket/opened"
    assert fsspec.core.url_to_fs("s3://bucket/other", **settings)[0] is fs
    assert not isinstance(fsspec.filesystem("memory"), FsspecStore)
    register(["memory", "file"])
    assert isinstance(fsspec.filesystem("memory"), FsspecStore)
    assert isinstance(fsspec.filesystem("file"), FsspecStore)
    # What fsspec puts on top of others.
    for chain in ("simplecache", "filecache", "blockcache"):
        with fsspec.open(f"{chain}::s3://bucket/opened", "rb", s3=settings) as file:
            assert file.read() == b"data", chain
    folder = DirFileSystem("bucket", fs=fs)
    assert folder.find("") == ["opened", "shared"]
    assert folder.cat("opened") == b"data"
    with fs.open("bucket/archive.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inside", b"packed")
    with fsspec.open("zip://inside::s3://bucket/archive.zip", "rb", s3=settings) as file:
        assert file.read() == b"packed"
    fs.rm("bucket/archive.zip")
    mapper = fsspec.get_mapper("s3://bucket/map", **settings)
    mapper["a"] = b"1"
    assert dict(mapper) == {"a": b"1"}
    assert "b" not in mapper
    register("s3", asynchronous=True)
    assert fsspec.filesystem("s3", **settings).asynchronous is True
    again = pickle.loads(pickle.dumps(fsspec.filesystem("s3", **settings)))
    assert again.asynchronous is True
    print(sorted(name for name in ("pandas", "s3fs", "obstore") if name in sys.modules))


def read_with_pandas_and_pyarrow(options: str) -> None:
    import pandas as pd  # type: ignore[import-untyped]
    import pyarrow.dataset  # type: ignore[import-untyped]
    import pyarrow.fs  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    register("s3")
    settings = json.loads(options)
    frame = pd.DataFrame({"a": range(1000), "b": [f"text {index}" for index in range(1000)]})
    frame.to_parquet("s3://bucket/table/one.parquet", storage_options=settings)
    frame.to_csv("s3://bucket/table.csv.gz", index=False, storage_options=settings)
    assert pd.read_parquet("s3://bucket/table/one.parquet", storage_options=settings).equals(frame)
    assert pd.read_csv("s3://bucket/table.csv.gz", storage_options=settings).equals(frame)
    fs = FsspecStore("s3", **settings)
    arrow = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fs))
    pyarrow.parquet.write_to_dataset(
        pyarrow.Table.from_pandas(frame.assign(part=[index % 3 for index in range(1000)])),
        "bucket/set",
        partition_cols=["part"],
        filesystem=arrow,
    )
    found = pyarrow.dataset.dataset("bucket/set", filesystem=fs, partitioning="hive").to_table()
    assert sorted(found["a"].to_pylist()) == list(range(1000))
    columns = pyarrow.parquet.read_table("bucket/table/one.parquet", filesystem=fs, columns=["b"])
    assert columns["b"].to_pylist() == list(frame["b"])
    from fsspec.parquet import open_parquet_file  # type: ignore[import-untyped]

    with open_parquet_file("bucket/table/one.parquet", fs=fs, columns=["a"], engine="pyarrow") as file:
        assert pd.read_parquet(file, columns=["a"])["a"].tolist() == list(range(1000))


def store_arrays_with_zarr(options: str) -> None:
    import numpy as np
    import zarr
    from zarr.storage import FsspecStore as ZarrStore

    fs = FsspecStore("s3", asynchronous=True, **json.loads(options))
    store = ZarrStore(fs, path="bucket/zarr")
    values = np.arange(10_000).reshape(100, 100)
    array = zarr.create_array(
        store, name="a", shape=values.shape, chunks=(10, 100), shards=(50, 100), dtype=values.dtype
    )
    array[:] = values
    again = zarr.open_array(ZarrStore(fs, path="bucket/zarr"), path="a", mode="r")
    assert np.array_equal(again[:], values)
    assert np.array_equal(again[17:23, 5], values[17:23, 5])
    group = zarr.open_group(store, mode="r")
    assert list(group.array_keys()) == ["a"]


if __name__ == "__main__":
    main(globals())
