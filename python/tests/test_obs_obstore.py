"""A program of obstore moves over by changing its import: the same calls on both, and the same results."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
import longshore.store
import packages

obstore: Any = packages.module("obstore")
obstore_stores: Any = packages.module("obstore.store")

Case = Callable[[Any, Any], Any]


def plain(value: Any) -> Any:
    """What of a result does not depend on the clock, or on who counts versions."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name not in {"last_modified", "e_tag"}}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    try:
        return bytes(memoryview(value))
    except TypeError:
        return value


def outcome(case: Case, package: Any, store: Any) -> Any:
    try:
        return plain(case(package, store))
    except FileNotFoundError:
        # Ours has a name of its own beside, whatever the store.
        return "FileNotFoundError"
    except Exception as error:
        return type(error).__name__


def fill(package: Any, store: Any) -> None:
    for name in ["a", "deep/b", "deep/er/c", "deep.d"]:
        package.put(store, name, name.encode() * 3)


CASES: dict[str, Case] = {
    "put": lambda obs, store: obs.put(store, "new", b"x"),
    "put a file": lambda obs, store: (obs.put(store, "new", io.BytesIO(b"xyz")), obs.get(store, "new").bytes()),
    "put a path": lambda obs, store: (obs.put(store, "new", Path(__file__)), obs.head(store, "new")["path"]),
    "put pieces": lambda obs, store: (obs.put(store, "new", iter([b"x", b"y"])), obs.get(store, "new").bytes()),
    "put new": lambda obs, store: obs.put(store, "new", b"x", mode="create"),
    "put what is there": lambda obs, store: obs.put(store, "a", b"x", mode="create"),
    "get": lambda obs, store: obs.get(store, "a").bytes(),
    "buffer": lambda obs, store: obs.get(store, "a").buffer(),
    "meta": lambda obs, store: obs.get(store, "a").meta,
    "range of get": lambda obs, store: obs.get(store, "deep/b").range,
    "attributes": lambda obs, store: obs.get(store, "a").attributes,
    "get missing": lambda obs, store: obs.get(store, "missing"),
    "options": lambda obs, store: obs.get(store, "deep/b", options={"range": (1, 4)}).bytes(),
    "offset": lambda obs, store: obs.get(store, "deep/b", options={"range": {"offset": 4}}).bytes(),
    "suffix": lambda obs, store: obs.get(store, "deep/b", options={"range": {"suffix": 4}}).range,
    "wrong tag": lambda obs, store: obs.get(store, "a", options={"if_match": '"other"'}),
    "head of options": lambda obs, store: obs.get(store, "a", options={"head": True}).meta,
    "stream": lambda obs, store: list(obs.get(store, "a").stream(min_chunk_size=1)),
    "iterate": lambda obs, store: list(obs.get(store, "a")),
    "get_range": lambda obs, store: obs.get_range(store, "deep/b", start=2, end=5),
    "get_range by length": lambda obs, store: obs.get_range(store, "deep/b", start=2, length=5),
    "get_range beyond": lambda obs, store: obs.get_range(store, "deep/b", start=2, length=5000),
    "get_ranges": lambda obs, store: obs.get_ranges(store, "deep/b", starts=[2, 0], ends=[5, 3]),
    "get_ranges by length": lambda obs, store: obs.get_ranges(store, "deep/b", starts=[2, 0], lengths=[2, 3]),
    "head": lambda obs, store: obs.head(store, "deep/er/c"),
    "head missing": lambda obs, store: obs.head(store, "missing"),
    "list": lambda obs, store: sorted(meta["path"] for meta in obs.list(store).collect()),
    "list a prefix": lambda obs, store: sorted(meta["path"] for meta in obs.list(store, "deep").collect()),
    "list a prefix with a slash": lambda obs, store: sorted(meta["path"] for meta in obs.list(store, "deep/").collect()),
    "list no prefix": lambda obs, store: obs.list(store, "dee").collect(),
    "list chunks": lambda obs, store: [len(chunk) for chunk in obs.list(store, chunk_size=3)],
    "list an offset": lambda obs, store: sorted(meta["path"] for meta in obs.list(store, offset="deep.d").collect()),
    "list next": lambda obs, store: len(next(obs.list(store, chunk_size=1))),
    "level": lambda obs, store: obs.list_with_delimiter(store)["common_prefixes"],
    "level below": lambda obs, store: obs.list_with_delimiter(store, "deep"),
    "delete": lambda obs, store: (obs.delete(store, "a"), sorted(m["path"] for m in obs.list(store).collect())),
    "delete many": lambda obs, store: (obs.delete(store, ["a", "deep/b"]), len(obs.list(store).collect())),
    "copy": lambda obs, store: (obs.copy(store, "a", "b"), obs.get(store, "b").bytes()),
    "copy over": lambda obs, store: obs.copy(store, "a", "deep/b", overwrite=False),
    "copy missing": lambda obs, store: obs.copy(store, "missing", "b"),
    "rename": lambda obs, store: (obs.rename(store, "a", "b"), sorted(m["path"] for m in obs.list(store).collect())),
    "rename over": lambda obs, store: obs.rename(store, "a", "deep/b", overwrite=False),
    "reader": lambda obs, store: obs.open_reader(store, "deep/b").read(),
    "reader by parts": lambda obs, store: [(f := obs.open_reader(store, "deep/b")).read(4), f.tell(), f.seek(1), f.read(2)],
    "reader's size": lambda obs, store: obs.open_reader(store, "deep/b").size,
    # Without the empty line that obstore adds at the end.
    "reader's lines": lambda obs, store: list(filter(len, obs.open_reader(store, "deep/b").readlines())),
    "readall": lambda obs, store: obs.open_reader(store, "deep/b").readall(),
    "from the end": lambda obs, store: [(f := obs.open_reader(store, "deep/b")).seek(-3, 2), f.read()],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_results_are_the_same(name: str, tmp_path: Path) -> None:
    found = []
    for package, stores in [(obstore, obstore_stores), (longshore.obs, longshore.store)]:
        folder = tmp_path / package.__name__
        for store in (stores.MemoryStore(), stores.LocalStore(folder, mkdir=True)):
            fill(package, store)
            found.append(outcome(CASES[name], package, store))
    theirs, ours = found[:2], found[2:]
    assert ours == theirs


def test_writers_write_the_same() -> None:
    for package, store in [(obstore, obstore_stores.MemoryStore()), (longshore.obs, s3.MemoryStore())]:
        with package.open_writer(store, "a", attributes={"Content-Type": "text/plain"}) as file:
            assert file.write(b"abc") == 3
            file.flush()
        assert bytes(package.get(store, "a").bytes()) == b"abc"
        assert package.get(store, "a").attributes == {"Content-Type": "text/plain"}


def test_the_same_with_asyncio() -> None:
    async def use(package: Any, store: Any) -> list[Any]:
        await package.put_async(store, "a", b"0123456789")
        result = await package.get_async(store, "a")
        found: list[Any] = [bytes(await result.bytes_async())]
        found.append([bytes(chunk) async for chunk in (await package.get_async(store, "a")).stream(min_chunk_size=1)])
        found.append(bytes(await package.get_range_async(store, "a", start=1, end=3)))
        found.append([len(chunk) async for chunk in package.list(store)])
        found.append(len(await package.list(store).collect_async()))
        reader = await package.open_reader_async(store, "a")
        found.append(
            [bytes(await reader.read(3)), await reader.tell(), await reader.seek(0), bytes(await reader.readall())]
        )
        async with package.open_writer_async(store, "b") as writer:
            await writer.write(b"xyz")
        found.append((await package.head_async(store, "b"))["size"])
        await package.rename_async(store, "b", "c")
        await package.copy_async(store, "c", "d")
        await package.delete_async(store, ["c"])
        found.append((await package.list_with_delimiter_async(store))["common_prefixes"])
        return found

    theirs = asyncio.run(use(obstore, obstore_stores.MemoryStore()))
    assert asyncio.run(use(longshore.obs, s3.MemoryStore())) == theirs
