"""`longshore.zarr` beyond zarr's own suite: what it asks of a store, whole arrays, and processes."""

from __future__ import annotations

import asyncio
import inspect
import json
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import cpu, default_buffer_prototype

import longshore as s3
import packages
from children import run
from fsspec_worlds import requests
from longshore import HTTPStore, LocalStore, MemoryStore, S3Store, Store, obs, testing
from longshore.exceptions import AlreadyExistsError, ArgumentTypeError, BaseError, NotSupportedError, PreconditionError
from longshore.zarr import ObjectStore
from test_zarr_suite import settled

PROTOTYPE = default_buffer_prototype()


@pytest.fixture(scope="module")
def server() -> Iterator[testing.Server]:
    with testing.server() as running:
        s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
        yield running


@pytest.fixture
def aws(server: testing.Server) -> testing.Server:
    """A server whose counts begin at zero."""
    server.faults.clear()
    server.reset_stats()
    return server


@pytest.fixture(params=["memory", "file", "s3"])
def beneath(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each of our own kinds."""
    if request.param == "s3":
        return settled(request.getfixturevalue("aws"))
    # With the folders that are left empty gone, it looks as the others do.
    return MemoryStore() if request.param == "memory" else LocalStore(tmp_path, automatic_cleanup=True)


def read(store: Store, key: str, byte_range: ByteRequest | None = None) -> bytes | None:
    found = asyncio.run(ObjectStore(store).get(key, PROTOTYPE, byte_range))
    return None if found is None else found.to_bytes()


def names(store: ObjectStore[Any], prefix: str) -> list[str]:
    async def all_of_them() -> list[str]:
        return sorted([name async for name in store.list_dir(prefix)])

    return asyncio.run(all_of_them())


class TestArrays:
    @pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
    def test_groups_shards_and_consolidated_metadata_are_written_and_read(self, beneath: Store) -> None:
        store = ObjectStore(beneath)
        values = np.arange(120 * 80, dtype="f4").reshape(120, 80)
        root = zarr.create_group(store, attributes={"of": "tests"})
        array = root.create_group("deep").create_array(
            "a", shape=values.shape, chunks=(10, 20), shards=(60, 40), dtype=values.dtype
        )
        array[:] = values
        root.create_array("b", shape=(7,), chunks=(2,), dtype="i8", fill_value=-1)[:3] = 5
        zarr.consolidate_metadata(store)

        again = zarr.open_consolidated(ObjectStore(beneath, read_only=True), mode="r")
        assert again.metadata.consolidated_metadata is not None
        assert again.attrs["of"] == "tests"
        assert sorted(again) == ["b", "deep"]
        found: Any = again["deep/a"]
        assert np.array_equal(found[:], values)
        assert np.array_equal(found[17:93, 5], values[17:93, 5])
        other: Any = again["b"]
        assert other[:].tolist() == [5, 5, 5, -1, -1, -1, -1]
        assert names(store, "deep/a/c") == ["0", "1"]

        del root["deep"]
        assert [each["path"] for each in obs.list(beneath, "deep").collect()] == []
        assert sorted(zarr.open_group(store, mode="r", use_consolidated=False)) == ["b"]

    def test_a_shard_takes_as_many_requests_as_the_guide_says(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        array = zarr.create_array(store, shape=(100,), chunks=(10,), shards=(100,), dtype="i4")
        array[:] = 1
        for wanted, count in [(slice(0, 30), 4), (slice(None), 1)]:
            aws.reset_stats()
            assert np.asarray(array[wanted]).sum() == len(range(100)[wanted])
            assert requests(aws) == {"GetObject": count}

    def test_an_overwritten_array_leaves_nothing_of_the_old_one(self, beneath: Store) -> None:
        store = ObjectStore(beneath)
        zarr.create_array(store, name="a", shape=(6,), chunks=(1,), dtype="i4")[:] = 1
        zarr.create_array(store, name="ab", shape=(1,), dtype="i4")[:] = 1
        zarr.create_array(store, name="a", shape=(2,), chunks=(2,), dtype="i4", overwrite=True)[:] = 2
        keys = [each["path"] for each in obs.list(beneath, "a").collect()]
        assert sorted(keys) == ["a/c/0", "a/zarr.json"]
        assert asyncio.run(store.exists("ab/c/0"))

    def test_what_zarrs_own_store_wrote_is_read_and_the_other_way_round(self, tmp_path: Path) -> None:
        stores: list[Any] = [zarr.storage.LocalStore(tmp_path), ObjectStore(LocalStore(tmp_path))]
        for writer, reader in [stores, stores[::-1]]:
            array = zarr.create_array(writer, name="a", shape=(9,), chunks=(3,), dtype="i4", overwrite=True)
            array[:] = np.arange(9) * (1 + stores.index(writer))
            assert list(np.asarray(zarr.open_array(reader, path="a", mode="r"))) == list(np.asarray(array))

    def test_the_bytes_of_an_uncompressed_chunk_are_not_copied(self, beneath: Store) -> None:
        obs.put(beneath, "k", bytes(range(256)) * 400)
        found = asyncio.run(ObjectStore(beneath).get("k", PROTOTYPE))
        assert found is not None
        view: Any = found.as_numpy_array().base
        assert isinstance(view, memoryview)
        assert type(view.obj).__name__ == "Bytes"


class TestReading:
    def test_what_is_not_there_is_none(self, beneath: Store) -> None:
        obs.put(beneath, "a/b", b"0123")
        for key in ["missing", "a", "a/b/c"]:
            assert read(beneath, key) is None
            assert read(beneath, key, SuffixByteRequest(2)) is None
            assert not asyncio.run(ObjectStore(beneath).exists(key))

    def test_ranges_that_end_beyond_the_object_give_what_there_is(self, beneath: Store) -> None:
        obs.put(beneath, "k", b"0123")
        assert read(beneath, "k", RangeByteRequest(2, 900)) == b"23"
        assert read(beneath, "k", SuffixByteRequest(900)) == b"0123"

    def test_ranges_without_bytes_are_empty_as_in_zarrs_own_store(self, beneath: Store, tmp_path_factory: Any) -> None:
        own = asyncio.run(zarr.storage.LocalStore.open(tmp_path_factory.mktemp("own")))
        ranges: list[ByteRequest | None] = [
            RangeByteRequest(2, 2),
            RangeByteRequest(4, 5),
            RangeByteRequest(9, 12),
            RangeByteRequest(3, 9),
            OffsetByteRequest(4),
            OffsetByteRequest(9),
            SuffixByteRequest(0),
            SuffixByteRequest(2),
            RangeByteRequest(0, 2),
            None,
        ]
        for body in (b"0123", b""):
            obs.put(beneath, "k", body)
            asyncio.run(own.set("k", PROTOTYPE.buffer.from_bytes(body)))
            for each in ranges:
                expected = asyncio.run(own.get("k", PROTOTYPE, each))
                assert read(beneath, "k", each) == (None if expected is None else expected.to_bytes()), each
            together = asyncio.run(ObjectStore(beneath).get_partial_values(PROTOTYPE, [("k", each) for each in ranges]))
            assert [None if each is None else each.to_bytes() for each in together] == [
                read(beneath, "k", each) for each in ranges
            ]
        for each in ranges:
            assert read(beneath, "missing", each) is None, each

    def test_parts_come_in_the_order_that_was_asked_for_and_none_for_missing_ones(self, beneath: Store) -> None:
        obs.put(beneath, "k", b"0123456789")
        obs.put(beneath, "other", b"abc")
        wanted: list[tuple[str, ByteRequest | None]] = [
            ("k", RangeByteRequest(7, 9)),
            ("other", None),
            ("missing", RangeByteRequest(0, 1)),
            ("k", RangeByteRequest(0, 2)),
            ("k", SuffixByteRequest(1)),
            ("missing", None),
            ("k", RangeByteRequest(7, 9)),
            ("other", OffsetByteRequest(1)),
        ]
        found = asyncio.run(ObjectStore(beneath).get_partial_values(PROTOTYPE, iter(wanted)))
        texts = [None if each is None else each.to_bytes() for each in found]
        assert texts == [b"78", b"abc", None, b"01", b"9", None, b"78", b"bc"]

    def test_near_ranges_of_one_object_take_one_request(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        obs.put(store.store, "k", bytes(100_000))
        aws.reset_stats()
        ranges = [("k", RangeByteRequest(start, start + 10)) for start in range(0, 90_000, 1000)]
        found = asyncio.run(store.get_partial_values(PROTOTYPE, ranges))
        assert len(found) == 90
        assert requests(aws) == {"GetObject": 1}

    def test_a_part_that_fails_ends_the_others(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        obs.put(store.store, "bad", b"x")
        obs.put(store.store, "slow", b"x")
        fault = aws.faults.latency(20, path="slow")
        aws.faults.status(403, "AccessDenied", path="bad")
        wanted: list[tuple[str, ByteRequest | None]] = [("slow", None), ("bad", None)]

        async def fail() -> int:
            with pytest.raises(BaseError, match="bad"):
                await asyncio.wait_for(store.get_partial_values(PROTOTYPE, wanted), 10)
            await asyncio.sleep(0)
            return len(asyncio.all_tasks())

        assert asyncio.run(fail()) == 1
        assert fault.hits == 1

    def test_no_more_requests_are_under_way_than_zarr_is_set_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = ObjectStore(MemoryStore())
        now: list[int] = []
        most: list[int] = []

        async def slow(*_: object) -> None:
            now.append(1)
            most.append(len(now))
            await asyncio.sleep(0.001)
            now.pop()

        monkeypatch.setattr(store, "get", slow)
        with zarr.config.set({"async.concurrency": 3}):
            asyncio.run(store.get_partial_values(PROTOTYPE, [(str(number), None) for number in range(20)]))
        assert (len(most), max(most)) == (20, 3)

    @pytest.mark.parametrize(("count", "expected"), [(3, b"789"), (10, b"0123456789"), (900, b"0123456789")])
    def test_a_store_that_has_no_suffixes_is_told_where_they_begin(
        self, beneath: Store, monkeypatch: pytest.MonkeyPatch, count: int, expected: bytes
    ) -> None:
        obs.put(beneath, "k", b"0123456789")
        asked = refuse_suffixes(monkeypatch)
        assert read(beneath, "k", SuffixByteRequest(count)) == expected
        found = asyncio.run(ObjectStore(beneath).get_partial_values(PROTOTYPE, [("k", SuffixByteRequest(count))]))
        assert [each and each.to_bytes() for each in found] == [expected]
        assert len(asked) == 4

    def test_the_end_of_an_object_that_is_replaced_meanwhile_is_of_one_version(
        self, beneath: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        obs.put(beneath, "k", b"0123456789")
        asked = refuse_suffixes(monkeypatch, lambda: obs.put(beneath, "k", b"another, and longer"))
        with pytest.raises(PreconditionError):
            read(beneath, "k", SuffixByteRequest(3))
        assert len(asked) == 2


def refuse_suffixes(monkeypatch: pytest.MonkeyPatch, between: Callable[[], object] = lambda: None) -> list[Any]:
    """Makes every store one without suffixes, in which something happens `between` asking for the size and for the bytes."""
    asked: list[Any] = []
    original = obs.get_async

    def get_async(store: Store, path: str, *, options: Any = None) -> Any:
        asked.append(options)
        if isinstance(options.get("range"), dict) and "suffix" in options["range"]:
            raise NotSupportedError("no suffixes here")
        between()
        return original(store, path, options=options)

    monkeypatch.setattr(obs, "get_async", get_async)
    return asked


class TestWriting:
    def test_of_many_who_write_where_there_is_nothing_one_does(self, beneath: Store) -> None:
        store = ObjectStore(beneath)
        bodies = [str(number).encode() for number in range(8)]

        async def race() -> bytes:
            await asyncio.gather(*(store.set_if_not_exists("k", cpu.Buffer.from_bytes(body)) for body in bodies))
            first = await store.get("k", PROTOTYPE)
            await store.set_if_not_exists("k", cpu.Buffer.from_bytes(b"late"))
            assert first is not None
            return first.to_bytes()

        assert asyncio.run(race()) == read(beneath, "k")
        assert read(beneath, "k") in bodies

    def test_another_failure_of_that_is_told(self, aws: testing.Server) -> None:
        fault = aws.faults.status(403, "AccessDenied", method="PUT")
        with pytest.raises(BaseError, match="AccessDenied") as caught:
            asyncio.run(ObjectStore(settled(aws)).set_if_not_exists("k", cpu.Buffer.from_bytes(b"x")))
        assert not isinstance(caught.value, AlreadyExistsError)
        assert fault.hits == 1

    def test_a_folder_is_deleted_with_a_listing_and_a_batch(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        for number in range(30):
            obs.put(store.store, f"a/c/{number}", b"x")
        obs.put(store.store, "ab/c", b"x")
        aws.reset_stats()
        asyncio.run(store.delete_dir("a"))
        assert requests(aws) == {"ListObjectsV2": 1, "DeleteObjects": 1}
        assert [each["path"] for each in obs.list(store.store).collect()] == ["ab/c"]

    @pytest.mark.parametrize("work", ["set", "set_if_not_exists", "delete", "delete_dir"])
    def test_one_that_is_read_only_asks_nothing_of_the_store(self, aws: testing.Server, work: str) -> None:
        store = ObjectStore(settled(aws), read_only=True)
        arguments = ["k", cpu.Buffer.from_bytes(b"x")] if work.startswith("set") else ["k"]
        with pytest.raises(ValueError, match="read-only"):
            asyncio.run(getattr(store, work)(*arguments))
        assert requests(aws) == {}

    def test_sizes_of_a_folder_come_from_one_listing_and_leave_its_neighbours_out(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        for key in ["a/1", "a/b/2", "ab/3", "a"]:
            obs.put(store.store, key, b"12345")
        aws.reset_stats()
        assert asyncio.run(store.getsize_prefix("a")) == 10
        assert requests(aws) == {"ListObjectsV2": 1}


class TestItself:
    def test_equality_and_hash_are_those_of_the_stores(self, tmp_path: Path) -> None:
        one, other = ObjectStore(LocalStore(tmp_path)), ObjectStore(LocalStore(tmp_path))
        assert (one == other, hash(one) == hash(other)) == (True, True)
        assert len({one, other, one.with_read_only(True), ObjectStore(LocalStore(tmp_path / "a", mkdir=True))}) == 3
        assert one != one.with_read_only(True)
        assert one != LocalStore(tmp_path)
        assert ObjectStore(MemoryStore()) != ObjectStore(MemoryStore())

    def test_what_is_no_store_of_ours_is_refused_and_the_cure_is_named(self, tmp_path: Path) -> None:
        theirs: Any = packages.module("obstore.store").LocalStore(tmp_path)
        with pytest.raises(ArgumentTypeError, match=r"obstore\.store\.LocalStore; zarr\.storage\.ObjectStore takes"):
            ObjectStore(theirs)
        wrong: Any = "s3://bucket"
        with pytest.raises(TypeError, match=r"store must be a store of longshore, not builtins\.str$"):
            ObjectStore(wrong)

    def test_it_shows_no_secret(self, aws: testing.Server) -> None:
        store = ObjectStore(settled(aws))
        assert "bucket" in repr(store)
        assert aws.secret_key not in repr(store) + str(store)

    def test_a_web_server_is_read(self) -> None:
        store = ObjectStore(HTTPStore("http://127.0.0.1:1/"))
        assert (store.supports_writes, store.supports_deletes, store.supports_listing) == (False, False, True)

    def test_a_key_that_is_the_name_of_a_folder_is_no_name_in_it(self, aws: testing.Server) -> None:
        settings: dict[str, Any] = {**aws.options, "client_options": {"allow_http": True}}
        store = ObjectStore(S3Store("bucket", **settings))
        s3.put_bytes("s3://bucket/marked/", b"", store=store.store)
        s3.put_bytes("s3://bucket/marked/a", b"", store=store.store)
        assert names(store, "marked") == names(store, "marked/") == ["a"]


@pytest.mark.parametrize("program", ["survive_a_fork", "be_pickled_to_spawned_processes", "be_used_by_threads"])
def test_programs_do_what_they_say(aws: testing.Server, program: str) -> None:
    options = json.dumps({**aws.options, "client_options": {"allow_http": True}, "prefix": program})
    assert run("zarr_programs", program, options, flags=["-W", "ignore"], seconds=90).check() == ""


def test_pickled_it_carries_what_it_is(aws: testing.Server) -> None:
    store = ObjectStore(settled(aws), read_only=True)
    again = pickle.loads(pickle.dumps(store))
    assert (again == store, again.read_only, type(again.store)) == (True, True, S3Store)


def test_type_hints_resolve_at_run_time() -> None:
    members = [each.fget if isinstance(each, property) else each for each in vars(ObjectStore).values()]
    methods = [each for each in members if inspect.isfunction(each)]
    assert len(methods) > 20
    for method in methods:
        assert "return" in typing.get_type_hints(method), method


def test_importing_longshore_does_not_import_zarr() -> None:
    program = "import sys, longshore, longshore.obs, longshore.store; print('zarr' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], timeout=30) == b"False\n"
