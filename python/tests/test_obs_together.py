"""Files that several tasks or threads use at a time, and sources and moves that must lose nothing."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path

import pytest

from longshore import LocalStore, MemoryStore, exceptions, obs
from longshore.zarr import ObjectStore

BODY = bytes(range(256)) * 4096


def test_reads_of_several_tasks_take_turns() -> None:
    async def main() -> None:
        store = MemoryStore()
        await store.put_async("a", BODY)
        file = await store.open_reader_async("a", buffer_size=8192)
        one, two = await asyncio.gather(file.read(5000), file.read(10))
        assert (bytes(one), bytes(two)) == (BODY[:5000], BODY[5000:5010])
        await file.seek(5010)
        assert bytes(await file.read(100)) == BODY[5010:5110]
        await file.seek(0)
        pieces = await asyncio.gather(*(file.read(1000) for _ in range(100)))
        assert b"".join(map(bytes, pieces)) == BODY[:100_000]

    asyncio.run(main())


def test_what_one_call_writes_stays_together_whichever_tasks_write() -> None:
    async def main() -> None:
        store = MemoryStore()
        file = store.open_writer_async("a", buffer_size=5 << 20)
        await asyncio.gather(*(file.write(bytes([letter]) * (12 << 20)) for letter in b"abcd"))
        await file.close()
        written = bytes((await store.get_async("a")).bytes())
        pieces = [written[at : at + (12 << 20)] for at in range(0, 48 << 20, 12 << 20)]
        assert sorted(bytes(set(piece)) for piece in pieces) == [b"a", b"b", b"c", b"d"]

    asyncio.run(main())


def test_what_one_call_writes_stays_together_whichever_threads_write() -> None:
    store = MemoryStore()
    with store.open_writer("a", buffer_size=5 << 20) as file:
        threads = [threading.Thread(target=file.write, args=(bytes([letter]) * (12 << 20),)) for letter in b"abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    written = bytes(store.get("a").bytes())
    assert len(written) == 48 << 20
    assert all(len(set(written[at : at + (12 << 20)])) == 1 for at in range(0, 48 << 20, 12 << 20))


@pytest.mark.parametrize("waits", [False, True], ids=["sync", "async"])
def test_a_file_that_has_nothing_yet_is_not_taken_for_one_that_has_ended(waits: bool) -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.write(write, b"first")
    store = MemoryStore()
    with io.FileIO(read) as file, io.FileIO(write, "w"):
        with pytest.raises(exceptions.ArgumentTypeError, match="blocking"):
            _put(store, file, waits)
    assert obs.list(store).collect() == []


def _put(store: MemoryStore, file: io.FileIO, waits: bool) -> None:
    if not waits:
        obs.put(store, "a", file)
        return

    async def main() -> None:
        await obs.put_async(store, "a", file)

    asyncio.run(main())


def test_zarr_deletes_nothing_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine/group").mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/precious").write_bytes(b"x")
    (tmp_path / "mine/group/own").write_bytes(b"x")
    (tmp_path / "mine/group/link").symlink_to(tmp_path / "theirs")
    asyncio.run(ObjectStore(LocalStore(tmp_path / "mine")).delete_dir("group"))
    assert (tmp_path / "theirs/precious").exists()
    assert not (tmp_path / "mine/group/own").exists()
