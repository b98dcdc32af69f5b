"""Stores that are written in Python, used by Rust: by longshore's own, and by a module of somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import os
import threading
import time
import weakref
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import extension_built
import longshore
from longshore import exceptions, obs
from longshore.store import MemoryStore, Store
from longshore.types import Attributes, Buffer, Bytes, GetOptions, ObjectMeta, PutMode, PutResult, StoreProtocol

pytestmark = pytest.mark.filterwarnings("error")

WRITTEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Double:
    """A store in a dictionary, as a test of somebody's writes it. It has no more than what is needed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.threads: set[str] = set()
        self.refusal: BaseException | None = None

    def check(self, path: str) -> bytes:
        self.threads.add(threading.current_thread().name)
        if self.refusal is not None:
            raise self.refusal
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def get(self, path: str, /, *, options: GetOptions | None = None) -> Buffer:
        return self.check(path)

    def put(
        self,
        path: str,
        body: Bytes,
        /,
        *,
        mode: PutMode = "overwrite",
        attributes: Attributes | None = None,
        tags: Any = None,
    ) -> PutResult | None:
        if mode == "create" and path in self.objects:
            raise FileExistsError(path)
        self.objects[path] = bytes(body)
        return {"e_tag": self.e_tag(path), "version": None}

    def e_tag(self, path: str) -> str:
        return f'"{zlib.crc32(self.objects[path])}"'

    def list(self, prefix: str | None, /) -> Iterator[ObjectMeta | Sequence[ObjectMeta]]:
        for path in sorted(self.objects):
            yield self.head(path)

    def delete(self, path: str, /) -> None:
        self.check(path)
        del self.objects[path]

    def head(self, path: str, /) -> ObjectMeta:
        size = len(self.check(path))
        return {"path": path, "size": size, "last_modified": WRITTEN, "e_tag": self.e_tag(path), "version": None}


class Later:
    """The same with coroutines."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.most = self.now = 0
        self.loops: set[int] = set()

    async def get(self, path: str, /, *, options: GetOptions | None = None) -> Any:
        self.loops.add(id(asyncio.get_running_loop()))
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.05)
        self.now -= 1
        return await self.store.get_async(path, options=options)

    async def put(self, path: str, body: Bytes, /, **said: Any) -> PutResult:
        return await self.store.put_async(path, body, **said)

    async def list(self, prefix: str | None, /) -> AsyncIterator[Any]:
        async for chunk in self.store.list(prefix):
            yield chunk

    async def delete(self, path: str, /) -> None:
        await self.store.delete_async(path)

    async def head(self, path: str, /) -> ObjectMeta:
        return await self.store.head_async(path)


class Cache:
    """Keeps what it has read; everything else is the other store's."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.kept: dict[str, Any] = {}
        self.missed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def get(self, path: str, *, options: GetOptions | None = None) -> Any:
        if options:
            return self.store.get(path, options=options)
        if path not in self.kept:
            self.missed += 1
            self.kept[path] = self.store.get(path).bytes()
        return self.kept[path]


@pytest.fixture(scope="module")
def harbour() -> Any:
    return extension_built.module("harbour")


def _pipes() -> Iterator[int]:
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("pipe:"):
                yield int(name)


class TestHere:
    """By longshore's own functions, which are Rust."""

    def test_what_is_exported_is_a_store(self) -> None:
        double: StoreProtocol = Double()
        store = longshore.export_store(double)
        assert isinstance(store, Store)
        assert store.put("a/b", b"0123456789")["e_tag"] is not None
        assert bytes(store.get("a/b").bytes()) == b"0123456789"
        assert store.head("a/b")["last_modified"] == WRITTEN
        assert [meta["path"] for chunk in store.list() for meta in chunk] == ["a/b"]
        store.delete("a/b")
        assert double.objects == {}  # type: ignore[attr-defined]

    def test_a_range_is_cut_out_of_a_buffer(self) -> None:
        store = longshore.export_store(Double())
        store.put("a", b"0123456789")
        assert bytes(store.get_range("a", start=2, end=5)) == b"234"
        assert [bytes(part) for part in store.get_ranges("a", starts=[0, 7], ends=[1, 10])] == [b"0", b"789"]
        assert bytes(store.get("a", options={"range": {"suffix": 3}}).bytes()) == b"789"
        assert bytes(store.get("a", options={"range": {"offset": 8}}).bytes()) == b"89"

    def test_conditions_are_checked_against_the_description(self) -> None:
        store = longshore.export_store(Double())
        tag = store.put("a", b"abc")["e_tag"]
        assert bytes(store.get("a", options={"if_match": tag}).bytes()) == b"abc"
        with pytest.raises(exceptions.PreconditionError):
            store.get("a", options={"if_match": '"other"'})
        with pytest.raises(exceptions.NotModifiedError):
            store.get("a", options={"if_none_match": tag})
        with pytest.raises(exceptions.NotModifiedError):
            store.get("a", options={"if_modified_since": WRITTEN})

    def test_folders_are_made_of_a_listing(self) -> None:
        store = longshore.export_store(Double())
        for path in ["a", "b/c", "b/d/e", "bb/f"]:
            store.put(path, b"")
        level = store.list_with_delimiter()
        assert (level["common_prefixes"], [meta["path"] for meta in level["objects"]]) == (["b", "bb"], ["a"])
        level = store.list_with_delimiter("b")
        assert (level["common_prefixes"], [meta["path"] for meta in level["objects"]]) == (["b/d"], ["b/c"])

    def test_a_large_write_is_one_write(self) -> None:
        double = Double()
        body = bytes(range(256)) * 60_000
        longshore.export_store(double).put("big", body, use_multipart=True, chunk_size=5 * 1024 * 1024)
        assert double.objects == {"big": body}

    @pytest.mark.parametrize(
        ("raised", "seen"),
        [
            (FileNotFoundError("x"), exceptions.NotFoundError),
            (exceptions.NotFoundError("x"), exceptions.NotFoundError),
            (FileExistsError("x"), exceptions.AlreadyExistsError),
            (exceptions.PreconditionError("x"), exceptions.PreconditionError),
            (PermissionError("x"), exceptions.PermissionDeniedError),
            (exceptions.UnauthenticatedError("x"), exceptions.UnauthenticatedError),
            (NotImplementedError("x"), exceptions.NotSupportedError),
            (ZeroDivisionError("x"), exceptions.GenericError),
            (SystemExit(3), exceptions.GenericError),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.__name__,
    )
    def test_what_it_raises_keeps_its_meaning_and_is_the_cause(self, raised: Any, seen: Any) -> None:
        double = Double()
        double.refusal = raised
        with pytest.raises(seen) as caught:
            longshore.export_store(double).get("a")
        assert type(caught.value) is seen
        assert caught.value.__cause__ is raised

    def test_what_it_lacks_is_not_supported(self) -> None:
        class Reader:
            def get(self, path: str) -> bytes:
                return b"abc"

        store = longshore.export_store(Reader())
        assert bytes(store.get("a").bytes()) == b"abc"
        with pytest.raises(exceptions.NotSupportedError, match="Reader has no method put"):
            store.put("a", b"x")
        with pytest.raises(exceptions.NotSupportedError, match="Reader has no method list"):
            list(store.list())

    def test_an_answer_that_cannot_be_one_is_an_error_that_names_the_class(self) -> None:
        class Wrong:
            def __init__(self, answer: object) -> None:
                self.answer = answer

            def get(self, path: str, *, options: object = None) -> Any:
                return self.answer

        class Short:
            range = (0, 10)

            def __init__(self) -> None:
                self.meta = {"path": "a", "size": 10, "last_modified": WRITTEN, "e_tag": None, "version": None}

            def bytes(self) -> bytes:
                return b"short"

        for answer in ["text", 5, None]:
            with pytest.raises(exceptions.GenericError, match="TypeError"):
                longshore.export_store(Wrong(answer)).get("a")
        with pytest.raises(exceptions.GenericError, match=r"Wrong: get of a gave 5 bytes"):
            longshore.export_store(Wrong(Short())).get("a")

    def test_coroutines_run_together_on_one_loop(self) -> None:
        later = Later()
        store = longshore.export_store(later, threads=1)
        for number in range(20):
            store.put(f"k/{number}", b"%d" % number)

        async def all_of_them() -> list[bytes]:
            async def read(number: int) -> bytes:
                return bytes(await (await store.get_async(f"k/{number}")).bytes_async())

            return await asyncio.gather(*(read(number) for number in range(20)))

        assert asyncio.run(all_of_them()) == [b"%d" % number for number in range(20)]
        assert later.most > 5
        assert len(later.loops) == 1
        assert len([meta for chunk in store.list("k") for meta in chunk]) == 20
        with pytest.raises(exceptions.NotFoundError):
            store.get("nothing")

    def test_as_many_threads_ask_as_were_allowed(self) -> None:
        class Slow(Double):
            now = most = 0

            def get(self, path: str, /, *, options: GetOptions | None = None) -> Buffer:
                self.now += 1
                self.most = max(self.most, self.now)
                time.sleep(0.02)
                self.now -= 1
                return super().get(path)

        for threads in (1, 4):
            slow = Slow()
            store = longshore.export_store(slow, threads=threads)
            store.put("a", b"abc")

            async def read(store: Store = store) -> None:
                await asyncio.gather(*(store.get_async("a") for _ in range(16)))

            asyncio.run(read())
            assert slow.most == threads
            assert all(name.startswith("longshore: ") for name in slow.threads)

    @pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="only Linux says how long a pipe is")
    def test_more_requests_than_its_pipe_holds_leave_the_io_of_others_alone(self) -> None:
        count, opened = 6000, threading.Event()

        class Slow(Double):
            def get(self, path: str, /, *, options: GetOptions | None = None) -> Buffer:
                opened.wait(60)
                return b"slow"

        before = set(_pipes())
        slow, other = longshore.export_store(Slow(), threads=4), MemoryStore()
        slow.put("a", b"")
        other.put("a", b"other")
        shortened = [fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096) for pipe in set(_pipes()) - before]
        assert min(shortened) < count

        async def main() -> None:
            asking = [asyncio.ensure_future(slow.get_async("a")) for _ in range(count)]
            await asyncio.sleep(0.5)
            try:
                found = await asyncio.wait_for(other.get_async("a"), 20)
                assert bytes(await found.bytes_async()) == b"other"
            finally:
                opened.set()
            for found in await asyncio.gather(*asking):
                assert bytes(await found.bytes_async()) == b"slow"

        asyncio.run(main())

    def test_where_there_are_no_more_threads_those_that_are_there_do_the_work(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin, left = threading.Thread.start, 0

        def start(thread: threading.Thread) -> None:
            nonlocal left
            if thread.name.startswith("longshore: "):
                left -= 1
                if left < 0:
                    raise RuntimeError("can't start new thread")
            begin(thread)

        monkeypatch.setattr(threading.Thread, "start", start)
        store = longshore.export_store(Double())
        with pytest.raises((RuntimeError, exceptions.GenericError), match=r"can't start new thread|gave no answer"):
            store.put("a", b"abc")
        left = 1
        for _ in range(3):
            store.put("a", b"abc")
            assert bytes(store.get("a").bytes()) == b"abc"
        left = 1
        later = longshore.export_store(Later())
        with pytest.raises(exceptions.GenericError, match="can't start new thread"):
            later.put("a", b"abc")
        left = 2
        later.put("a", b"abc")

    def test_a_class_that_changes_a_coroutine_alone_crosses_with_it(self) -> None:
        class Changed(MemoryStore):
            asked = 0

            async def get_async(self, path: str, *, options: GetOptions | None = None) -> Any:
                Changed.asked += 1
                return await super().get_async(path, options=options)

        store = Changed()
        store.put("a", b"abc")
        crossed = store.__object_store_capsule__()
        assert bytes(obs.get(crossed, "a").bytes()) == b"abc"  # type: ignore[arg-type]
        assert Changed.asked == 1

    def test_it_is_let_go_with_its_threads(self) -> None:
        double, later = Double(), Later()
        gone = weakref.ref(double), weakref.ref(later)

        def use(exported: Store) -> None:
            exported.put("a", b"abc")
            exported.get("a")

        use(longshore.export_store(double))
        use(longshore.export_store(later))
        del double, later
        until = time.monotonic() + 10
        while any(one() is not None for one in gone) and time.monotonic() < until:
            gc.collect()
            time.sleep(0.01)
        assert [one() for one in gone] == [None, None]

    @pytest.mark.parametrize("threads", [0, 2000])
    def test_a_number_of_threads_that_cannot_be_is_refused(self, threads: int) -> None:
        with pytest.raises(exceptions.InvalidArgumentError, match="from 1 to 1024"):
            longshore.export_store(Double(), threads=threads)

    def test_a_store_of_ours_is_that_store(self) -> None:
        store = MemoryStore()
        assert longshore.export_store(store) is store


class TestElsewhere:
    """By a module of somebody else."""

    def test_a_double_is_read_and_written(self, harbour: Any) -> None:
        double = Double()
        store = longshore.export_store(double)
        harbour.write(harbour.live(store), "a/b", b"abc")
        assert double.objects == {"a/b": b"abc"}
        assert harbour.manifest(store) == [("a/b", 3, zlib.crc32(b"abc"))]
        assert harbour.same(store) is store

    def test_a_cache_in_front_of_a_store_is_asked_once(self, harbour: Any) -> None:
        cache = Cache(MemoryStore())
        cache.put("a", b"abc")
        cache.put("b/c", b"")
        store = longshore.export_store(cache)
        for _ in range(3):
            assert harbour.manifest(store) == [("a", 3, zlib.crc32(b"abc")), ("b/c", 0, 0)]
        assert cache.missed == 2

    def test_coroutines_serve_it(self, harbour: Any) -> None:
        later = Later()
        store = longshore.export_store(later)
        for number in range(10):
            store.put(f"k{number}", b"abc")
        assert len(harbour.manifest(store)) == 10
        assert later.most > 1

    @pytest.mark.parametrize(
        ("raised", "seen"),
        [
            (FileNotFoundError("mine"), "NotFoundError"),
            (exceptions.PreconditionError("mine"), "PreconditionError"),
            (PermissionError("mine"), "PermissionDeniedError"),
            (NotImplementedError("mine"), "NotSupportedError"),
            (ValueError("mine"), "GenericError"),
        ],
        ids=["not found", "precondition", "permission", "not supported", "anything"],
    )
    def test_a_double_that_fails_fails_with_the_same_meaning(self, harbour: Any, raised: Any, seen: str) -> None:
        double = Double()
        double.refusal = raised
        store = harbour.live(longshore.export_store(double))
        with pytest.raises(getattr(harbour.exceptions, seen), match="mine"):
            harbour.read(store, "a")

    def test_a_write_that_must_not_replace_loses_its_race(self, harbour: Any) -> None:
        theirs = harbour.live(longshore.export_store(Double()))
        obs.put(theirs, "a", b"first", mode="create")
        with pytest.raises(exceptions.AlreadyExistsError):
            obs.put(theirs, "a", b"second", mode="create")

    def test_attributes_and_tags_arrive(self, harbour: Any) -> None:
        said: dict[str, Any] = {}

        class Noting(Double):
            def put(self, path: str, body: Bytes, /, **more: Any) -> None:
                said.update(more)

        theirs = harbour.live(longshore.export_store(Noting()))
        obs.put(theirs, "a", b"", attributes={"Content-Type": "text/plain", "mine": "yes"}, tags={"k e": "v&1"})
        assert said == {"attributes": {"Content-Type": "text/plain", "mine": "yes"}, "tags": {"k e": "v&1"}}

    def test_a_forked_child_asks_its_own_threads(self, harbour: Any) -> None:
        import os

        store = longshore.export_store(Double())
        store.put("a", b"abc")
        assert harbour.total_size(store) == (1, 3)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if harbour.total_size(store) == (1, 3) and bytes(store.get("a").bytes()) == b"abc" else 1)
            finally:
                os._exit(2)
        until = time.monotonic() + 20
        while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
            time.sleep(0.01)
        if ended[0] == 0:
            os.kill(child, 9)
            os.waitpid(child, 0)
        assert ended == (child, 0)
        assert harbour.total_size(store) == (1, 3)
