"""Programs of the tests of `longshore.zarr` that need a process to themselves."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import signal
import threading
from typing import Any

import numpy as np
import zarr

from children import main
from fork_programs import fork, reap
from longshore import MemoryStore, S3Store
from longshore.zarr import ObjectStore

ROWS = 8


def made(options: str) -> tuple[ObjectStore[S3Store], Any]:
    """A store, and an array in it whose rows are chunks."""
    store = ObjectStore(S3Store("bucket", **json.loads(options)))
    return store, zarr.create_array(store, name="a", shape=(ROWS, 100), chunks=(1, 100), dtype="i4", fill_value=-1)


def check(store: ObjectStore[Any]) -> None:
    rows = zarr.open_array(store, path="a", mode="r")
    assert np.array_equal(rows[:], np.arange(ROWS)[:, None].repeat(100, axis=1))


def survive_a_fork(options: str) -> None:
    """Writes and reads in children, through what the parent has used and goes on to use."""
    store, array = made(options)
    array[0] = 0
    memory = ObjectStore(MemoryStore())
    zarr.create_array(memory, name="m", shape=(3,), dtype="i4")[:] = 5

    def child(row: int) -> None:
        # One that hangs would keep the pipes of this program open.
        signal.alarm(20)
        assert array[0].tolist() == [0] * 100
        array[row] = row
        assert list(np.asarray(zarr.open_array(memory, path="m", mode="r"))) == [5] * 3

    children = [fork(lambda row=row: child(row)) for row in range(1, ROWS)]  # type: ignore[misc]
    assert array[0].tolist() == [0] * 100
    for each in children:
        reap(each)
    check(store)


def fill(pickled: bytes, row: int) -> int:
    """What a worker is given: a store as it was pickled elsewhere."""
    store = pickle.loads(pickled)
    zarr.open_array(store, path="a", mode="r+")[row] = row
    return row


def be_pickled_to_spawned_processes(options: str) -> None:
    """What dask does with its workers: each gets the store, and an array over it, in a pickle."""
    store, array = made(options)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        rows = pool.starmap(fill, [(pickle.dumps(store), row) for row in range(ROWS)])
        assert rows == list(range(ROWS))
        # The array itself travels too, and finds its store.
        assert pool.apply(np.asarray, (array,)).tolist() == array[:].tolist()
    check(store)


def be_used_by_threads(options: str) -> None:
    store, array = made(options)
    failures: list[BaseException] = []

    def work(row: int) -> None:
        try:
            array[row] = row
            assert array[row].tolist() == [row] * 100
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(row,)) for row in range(ROWS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures, failures
    check(store)


if __name__ == "__main__":
    main(globals())
