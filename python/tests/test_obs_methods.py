"""The same as methods of every store; the classes that have them; URLs for others; memory that Rust keeps."""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest

import longshore as s3
import longshore.store
from backends import Backends, Place
from longshore import exceptions, obs

LocalStore: Any = s3.LocalStore
S3Store: Any = s3.S3Store


def address(data: s3.Bytes) -> int:
    """Where the bytes are."""
    return numpy.frombuffer(memoryview(data), "uint8").ctypes.data


NAMES = [
    "copy", "delete", "get", "get_range", "get_ranges", "head", "list", "list_with_delimiter", "open_reader", "open_writer",
    "put", "rename", "sign",
]  # fmt: skip


def test_every_function_is_a_method_with_the_same_arguments() -> None:
    for name in NAMES:
        for full in (name, f"{name}_async"):
            function, method = getattr(obs, full), getattr(longshore.store.ObjectStoreMethods, full)
            given = list(inspect.signature(function).parameters.values())[1:]
            taken = list(inspect.signature(method).parameters.values())[1:]
            assert [(p.name, p.kind, p.default) for p in given] == [(p.name, p.kind, p.default) for p in taken], full


def test_every_store_has_them(readable_place: Place) -> None:
    readable_place.write({"a": b"body"})
    store, key = readable_place.store(), readable_place.key("a")
    assert isinstance(store, longshore.store.ObjectStoreMethods)
    assert type(store) is readable_place.kind.store
    assert store.get(key).bytes() == b"body"
    assert store.head(key)["size"] == 4
    assert store.get_range(key, start=1, length=2) == b"od"
    assert store.get_ranges(key, starts=[0, 2], ends=[1, 4]) == [b"b", b"dy"]
    assert [meta["path"] for meta in store.list(readable_place.prefix).collect()] == [key]
    assert len(store.list_with_delimiter(readable_place.prefix)["objects"]) == 1
    with store.open_reader(key) as file:
        assert file.read() == b"body"


def test_stores_are_written_through_their_methods(place: Place) -> None:
    store = place.store()
    store.put(place.key("a"), b"body")
    store.copy(place.key("a"), place.key("b"))
    store.rename(place.key("b"), place.key("c"))
    with store.open_writer(place.key("d")) as file:
        file.write(b"d")
    store.delete([place.key("a")])
    assert place.bodies() == {"c": b"body", "d": b"d"}


def test_async_methods_are_coroutines_that_can_be_tasks(quick_place: Place) -> None:
    store = quick_place.store()

    async def main() -> None:
        await asyncio.create_task(store.put_async(quick_place.key("a"), b"body"))
        result = await asyncio.create_task(store.get_async(quick_place.key("a")))
        assert await result.bytes_async() == b"body"
        assert (await store.head_async(quick_place.key("a")))["size"] == 4
        assert await store.get_range_async(quick_place.key("a"), start=0, end=2) == b"bo"
        assert await store.get_ranges_async(quick_place.key("a"), starts=[0], ends=[2]) == [b"bo"]
        await store.copy_async(quick_place.key("a"), quick_place.key("b"))
        await store.rename_async(quick_place.key("b"), quick_place.key("c"))
        await store.delete_async(quick_place.key("c"))
        assert len((await store.list_with_delimiter_async(quick_place.prefix))["objects"]) == 1
        assert [len(chunk) async for chunk in store.list_async(quick_place.prefix)] == [1]
        file = await store.open_reader_async(quick_place.key("a"))
        assert await file.read() == b"body"
        async with store.open_writer_async(quick_place.key("w")) as writer:
            await writer.write(b"w")

    asyncio.run(main())


class TestClasses:
    def test_a_memory_store_is_nobody_elses(self) -> None:
        one, other = s3.MemoryStore(), s3.MemoryStore()
        one.put("a", b"x")
        assert other.list().collect() == []
        assert one.get("a").bytes() == b"x"
        assert isinstance(one, s3.Store)

    def test_a_local_store_has_keys_below_its_folder(self, tmp_path: Path) -> None:
        store = LocalStore(tmp_path / "made", mkdir=True)
        store.put("deep/a", b"x")
        assert (tmp_path / "made/deep/a").read_bytes() == b"x"
        [meta] = store.list().collect()
        assert meta["path"] == "deep/a"
        assert store.head("deep/a")["path"] == "deep/a"
        assert store.get("deep/a").meta["path"] == "deep/a"
        assert store.list_with_delimiter()["common_prefixes"] == ["deep"]
        assert store.list(offset="deep/a").collect() == []
        assert len(store.list(offset="deep/Z").collect()) == 1
        with pytest.raises(exceptions.InvalidPathError):
            store.get("../secret")

    def test_a_local_store_takes_empty_folders_away_where_that_was_said(self, tmp_path: Path) -> None:
        for tidies in (True, False):
            store = LocalStore(tmp_path / "root", mkdir=True, automatic_cleanup=tidies)
            for key in ("deep/er/a", "deep/er/b", "deep/c"):
                store.put(key, b"")
            store.delete("deep/er/a")
            assert (tmp_path / "root/deep/er/b").exists()
            store.delete(["deep/er/b", "missing/d"])
            assert (tmp_path / "root/deep/er").exists() is not tidies
            store.delete("deep/c")
            assert (tmp_path / "root/deep").exists() is not tidies
            assert (tmp_path / "root").exists()

    def test_a_prefix_stands_before_every_key_and_in_none_that_comes_back(self, gateway_place: Place) -> None:
        prefix = gateway_place.key("under/here")
        store = S3Store(gateway_place.backend.root.removeprefix("s3://").rstrip("/"), prefix=prefix)
        store.put("a", b"1")
        store.put("deep/b", b"2")
        assert gateway_place.names() == ["under/here/a", "under/here/deep/b"]
        assert sorted(meta["path"] for meta in store.list().collect()) == ["a", "deep/b"]
        assert [meta["path"] for meta in store.list("deep").collect()] == ["deep/b"]
        assert [meta["path"] for meta in store.list(offset="a").collect()] == ["deep/b"]
        assert store.list_with_delimiter()["common_prefixes"] == ["deep"]
        assert store.head("a")["path"] == "a"
        assert store.get("deep/b").meta["path"] == "deep/b"
        with store.open_reader("deep/b") as file:
            assert (file.read(), file.name, file.meta["path"]) == (b"2", "deep/b", "deep/b")
        store.rename("a", "c")
        store.copy("c", "d")
        store.delete(["c", "d"])
        assert gateway_place.names() == ["under/here/deep/b"]
        with pytest.raises(exceptions.NotFoundError, match="under/here/missing"):
            store.get("missing")

    def test_names_of_the_module_are_there(self) -> None:
        for name in longshore.store.__all__:
            assert hasattr(longshore.store, name), name
        namespace: dict[str, object] = {}
        exec("from longshore.store import *", namespace)
        exec("from longshore.obs import *", namespace)
        assert {"S3Store", "from_url", "get", "open_reader"} <= namespace.keys()

    def test_a_store_is_pickled_with_its_methods(self, gateway_place: Place) -> None:
        gateway_place.write({"a": b"x"})
        store = pickle.loads(pickle.dumps(gateway_place.store()))
        assert type(store) is s3.S3Store
        assert store.get(gateway_place.key("a")).bytes() == b"x"

    def test_an_empty_key_is_refused_before_anything_is_done(self, place: Place) -> None:
        place.fill("kept")
        store = place.store()
        for call in (
            lambda: store.delete(""),
            lambda: store.delete([place.key("kept"), ""]),
            lambda: store.get(""),
            lambda: store.put("", b""),
            lambda: store.rename("", "a"),
            lambda: store.head(""),
            lambda: store.open_writer(""),
        ):
            with pytest.raises(exceptions.InvalidArgumentError, match="is empty"):
                call()
        assert place.names() == ["kept"]

    def test_what_was_opened_before_a_fork_is_refused_after_it(self, gateway_place: Place) -> None:
        gateway_place.write({"a": b"x" * 3_000_000})
        store, key = gateway_place.store(), gateway_place.key("a")
        result, listing = store.get(key), store.list(gateway_place.prefix)
        reader, writer = store.open_reader(key), store.open_writer(gateway_place.key("b"))
        child = os.fork()
        if child == 0:
            refused = 0
            for use in (result.bytes, listing.collect, reader.read, lambda: writer.write(b"x")):
                try:
                    use()
                except RuntimeError as error:
                    refused += "parent process" in str(error)
            del result, listing, reader
            fresh = store.get(key).bytes()
            os._exit(0 if refused == 4 and len(fresh) == 3_000_000 else refused + 10)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(result.bytes()) == 3_000_000
        writer.abort()


LEAVE = """
import asyncio, sys, threading
import longshore as s3
store = s3.store_for("s3://" + sys.argv[2])
result = store.get(sys.argv[3])
chunks = result.stream(1000)
next(chunks)
reader = store.open_reader(sys.argv[3], buffer_size=1000)
reader.read(10)
writer = store.open_writer(sys.argv[3] + "-new", buffer_size=5 << 20)
writer.write(b"x" * 12_000_000)
listing = store.list(chunk_size=1)
next(listing)
if sys.argv[1] == "a thread":
    threading.Thread(target=lambda: list(store.get(sys.argv[3]).stream(10)), daemon=True).start()
if sys.argv[1] == "a loop":
    async def main():
        writing = store.put_async(sys.argv[3] + "-async", (b"x" * 1_000_000 for _ in range(50)))
        task = asyncio.create_task(writing)
        await asyncio.sleep(0.05)
    asyncio.run(main())
print("bye")
"""


@pytest.mark.parametrize("busy", ["nobody", "a thread", "a loop"])
def test_a_process_leaves_with_everything_open(gateway_place: Place, busy: str) -> None:
    gateway_place.write({"a": b"x" * 9_000_000})
    bucket = gateway_place.backend.root.removeprefix("s3://")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LEAVE, busy, bucket, gateway_place.key("a")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "bye\n", "")
    assert gateway_place.names() == ["a"]


class TestSigning:
    HOUR = timedelta(hours=1)

    def test_a_url_does_what_it_was_signed_for_and_nothing_else(self, s3_place: Place) -> None:
        s3_place.write({"a b": b"body"})
        store, key = s3_place.store(), s3_place.key("a b")
        url = store.sign("GET", key, self.HOUR)
        assert isinstance(url, str)
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"body"
        put = urllib.request.Request(store.sign("PUT", s3_place.key("new"), self.HOUR), data=b"new", method="PUT")
        # Otherwise it says that this is a form, and moto reads it as one.
        put.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(put, timeout=10) as answer:
            assert answer.status == 200
        assert store.get(s3_place.key("new")).bytes() == b"new"
        if s3_place.kind.name == "gateway":
            for wrong in (url.replace("a%20b", "other"), url[:-1] + ("0" if url[-1] != "0" else "1")):
                with pytest.raises(urllib.error.HTTPError):
                    urllib.request.urlopen(wrong, timeout=10)

    def test_many_keys_give_many_urls_and_asyncio_signs_too(self, gateway_place: Place) -> None:
        store = gateway_place.store()
        urls = store.sign("GET", ["a", "b"], self.HOUR)
        assert len(urls) == 2
        assert store.sign("GET", [], self.HOUR) == []
        assert isinstance(asyncio.run(store.sign_async("GET", "a", self.HOUR)), str)
        gateway_place.reset()
        store.sign("DELETE", "a", self.HOUR)
        assert gateway_place.count("DeleteObject") == 0

    def test_azure_signs_too(self, backends: Backends) -> None:
        backend = backends["azurite"]
        options: Any = backend.options
        store = s3.store_for(backend.root, **options)
        store.put("signed", b"body")
        with urllib.request.urlopen(store.sign("GET", "signed", self.HOUR), timeout=10) as answer:
            assert answer.read() == b"body"

    def test_a_store_without_credentials_or_urls_cannot(self, quick_place: Place) -> None:
        store = quick_place.store()
        if quick_place.backend.scheme == "s3":
            store = s3.store_for(quick_place.backend.root, skip_signature=True)
        with pytest.raises(exceptions.NotSupportedError, match="no signed URLs"):
            store.sign("GET", "a", self.HOUR)

    def test_arguments_that_cannot_be_meant_are_refused(self, gateway_place: Place) -> None:
        store = gateway_place.store()
        with pytest.raises(ValueError, match="method must be one of"):
            store.sign("FETCH", "a", self.HOUR)
        with pytest.raises(TypeError, match="timedelta"):
            store.sign("GET", "a", 60)  # type: ignore[call-overload]
        with pytest.raises(ValueError, match="at least a second"):
            store.sign("GET", "a", timedelta(0))
        with pytest.raises(TypeError, match="paths must be a str or a sequence of str"):
            store.sign("GET", 5, self.HOUR)  # type: ignore[call-overload]


class TestBuffers:
    def test_bodies_do_what_bytes_do_without_being_copied(self, readable_place: Place) -> None:
        readable_place.write({"a": bytes(range(256))})
        data = s3.get_buffer(readable_place.uri("a"))
        assert type(data) is s3.Bytes
        assert data == bytes(range(256))
        assert address(data) == address(data[0:]) == address(data[10:]) - 10
        assert numpy.frombuffer(memoryview(data), "uint8").tolist() == list(range(256))

    def test_an_object_in_memory_is_the_same_memory_every_time(self) -> None:
        s3.put_bytes("memory://buffers/a", os.urandom(1000))
        addresses = {address(s3.get_buffer("memory://buffers/a")) for _ in range(3)}
        assert len(addresses) == 1
        store = s3.store_for("memory://buffers/")
        assert address(store.get("a").bytes()) in addresses
        assert address(store.get_range("a", start=10, end=20)) - 10 in addresses

    def test_many_come_in_the_order_of_their_uris_with_repeats(self, readable_place: Place) -> None:
        readable_place.fill("a", "b", "c")
        uris = readable_place.uris(["c", "a", "c", "b"])
        found = [(uri, bytes(body)) for uri, body in s3.get_many_buffers(uris)]
        assert found == list(zip(uris, [b"c", b"a", b"c", b"b"], strict=True))
        assert [body for _, body in s3.get_many_buffers([readable_place.uri("*")])] == [b"a", b"b", b"c"]
        assert s3.get_many_buffers([]) == []
        with pytest.raises(exceptions.NotFoundError, match="missing"):
            s3.get_many_buffers([*uris, readable_place.uri("missing")])

    def test_asyncio_reads_them_too_and_progress_is_told(self, quick_place: Place) -> None:
        quick_place.fill("a", "b")
        events: list[s3.Progress] = []
        assert s3.get_buffer(quick_place.uri("a"), progress=events.append) == b"a"
        assert events[-1].finished
        assert events[-1].bytes == 1

        async def main() -> None:
            assert await s3.get_buffer_async(quick_place.uri("b")) == b"b"
            found = await s3.get_many_buffers_async(quick_place.uris(["a", "b"]))
            assert [bytes(body) for _, body in found] == [b"a", b"b"]

        asyncio.run(main())


class TestSlashesAtTheEnds:
    """A key is what it says. Taking slashes away, as obstore does, would make one name of several objects."""

    def test_they_belong_to_the_key(self, s3_store: Any) -> None:
        keys = ["/lead", "lead", "mark", "mark/"]
        for key in keys:
            obs.put(s3_store, key, key.encode())
        assert {key: obs.get(s3_store, key).bytes() for key in keys} == {key: key.encode() for key in keys}
        with pytest.raises(exceptions.NotFoundError):
            obs.get(s3_store, "/mark")
        with pytest.raises(exceptions.NotFoundError):
            obs.head(s3_store, "lead/")

    def test_what_a_listing_says_is_what_is_deleted(self, s3_store: Any) -> None:
        for key in ("/lead", "lead", "mark", "mark/"):
            obs.put(s3_store, key, b"")
        listed = [meta["path"] for meta in obs.list(s3_store).collect()]
        obs.delete(s3_store, [path for path in listed if path.startswith("/") or path.endswith("/")])
        assert sorted(meta["path"] for meta in obs.list(s3_store).collect()) == ["lead", "mark"]

    @pytest.mark.parametrize("key", ["/a", "a/"])
    @pytest.mark.parametrize("kind", ["files", "memory"])
    def test_where_no_key_can_have_them_they_are_refused(self, tmp_path: Path, kind: str, key: str) -> None:
        store: Any = LocalStore(tmp_path) if kind == "files" else s3.MemoryStore()
        obs.put(store, "a", b"as it was")
        for call, *more in ((obs.put, b"new"), (obs.get,), (obs.head,), (obs.delete,)):
            with pytest.raises(exceptions.InvalidPathError, match="slash"):
                call(store, key, *more)
        assert obs.get(store, "a").bytes() == b"as it was"


@pytest.fixture
def s3_store() -> Any:
    from longshore import testing

    with testing.server() as aws:
        store = aws.store_for("bucket")
        s3.create_bucket("s3://bucket", store=store)
        yield store
