"""Stores that cross, alive, into a module of somebody else: `examples/extension/harbour`, with its own copy of our crates."""

from __future__ import annotations

import ctypes
import gc
import json
import threading
import time
import weakref
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import children
import extension_built
import longshore
from longshore import obs, testing
from longshore.store import LocalStore, MemoryStore, S3Store

BODIES = {"a": b"abc", "b/c": b"", "b/d": bytes(300_000)}
MANIFEST = [(key, len(body), zlib.crc32(body)) for key, body in sorted(BODIES.items())]

# What is built anew is warned of. Nothing here is.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def harbour() -> Any:
    return extension_built.module("harbour")


@pytest.fixture
def server() -> Iterator[testing.Server]:
    with testing.server() as gateway:
        longshore.create_bucket("s3://cargo", store=gateway.store_for("cargo"))
        yield gateway


def filled(store: Any) -> Any:
    for key, body in BODIES.items():
        store.put(key, body)
    return store


class TestCapsule:
    def test_every_kind_of_store_has_one_that_says_what_it_is(self, tmp_path: Path) -> None:
        keys: Any = {"config": {"region": "x"}, "skip_signature": True}
        for store in [MemoryStore(), LocalStore(tmp_path), S3Store("bucket", **keys), longshore.HTTPStore("http://h")]:
            capsule = store.__object_store_capsule__()
            assert type(capsule).__name__ == "PyCapsule"
            assert '"object_store_v1"' in repr(capsule)

    def test_an_importer_that_is_too_old_is_told_both_versions(self) -> None:
        store = MemoryStore()
        with pytest.raises(BufferError, match=r"version 0 .*longshore-store \d+\.\d+\.\d+ has version 1\.0"):
            store.__object_store_capsule__(max_abi=(0, 9))
        for known in [None, (1, 0), (1, 7), (2, 0)]:
            assert store.__object_store_capsule__(max_abi=known) is not None

    def test_a_keyword_that_it_does_not_know_is_refused(self) -> None:
        method: Any = MemoryStore().__object_store_capsule__
        with pytest.raises(TypeError):
            method(device="gpu")
        with pytest.raises(TypeError):
            method((1, 0))

    def test_a_store_has_one_table_for_everybody(self) -> None:
        store = MemoryStore()
        assert data_of(store) == data_of(store) != data_of(MemoryStore())

    def test_what_is_no_store_is_refused(self, harbour: Any) -> None:
        class Broken:
            def __object_store_capsule__(self, *, max_abi: object = None) -> object:
                return 5

        class Raises:
            def __object_store_capsule__(self, *, max_abi: object = None) -> object:
                raise ZeroDivisionError("mine")

        with pytest.raises(TypeError, match="Broken returned int"):
            harbour.manifest(Broken())
        with pytest.raises(ZeroDivisionError, match="mine"):
            harbour.manifest(Raises())


def data_of(store: Any) -> tuple[int, int]:
    """The two pointers that a consumer in C reads."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = store.__object_store_capsule__()  # what it leads to goes with it
    found = pointer(capsule, b"object_store_v1")
    table, data = ctypes.cast(found, ctypes.POINTER(ctypes.c_void_p * 2)).contents
    assert table
    assert data
    return table, data


class TestLive:
    def test_memory_crosses(self, harbour: Any) -> None:
        store = filled(MemoryStore())
        assert harbour.manifest(store) == MANIFEST
        store.put("z", b"later")
        assert harbour.total_size(store)[0] == 4

    def test_memory_of_another_module_is_read_and_written_by_ours(self, harbour: Any) -> None:
        theirs = harbour.store.MemoryStore()
        harbour.write(theirs, "a", b"abc")
        assert bytes(obs.get(theirs, "a").bytes()) == b"abc"
        obs.put(theirs, "b", b"from here")
        assert bytes(harbour.read(theirs, "b")) == b"from here"
        with pytest.raises(longshore.exceptions.NotFoundError):
            obs.get(theirs, "nothing")
        with pytest.raises(longshore.exceptions.AlreadyExistsError):
            obs.put(theirs, "a", b"x", mode="create")

    def test_a_folder_and_a_prefix_cross(self, harbour: Any, tmp_path: Path, server: testing.Server) -> None:
        filled(LocalStore(tmp_path))
        assert harbour.manifest(LocalStore(tmp_path)) == MANIFEST
        assert harbour.manifest(LocalStore(tmp_path), "b") == MANIFEST[1:]
        config: Any = server.options
        filled(S3Store("cargo", prefix="p/q", config=config, client_options={"allow_http": True}))
        part = S3Store("cargo", prefix="p", config=config, client_options={"allow_http": True})
        assert harbour.manifest(part) == [(f"q/{key}", size, crc) for key, size, crc in MANIFEST]

    def test_one_server_sees_one_pool(self, harbour: Any, server: testing.Server) -> None:
        config: Any = server.options
        store = filled(S3Store("cargo", config=config, client_options={"allow_http": True}))
        before = server.stats()["connections"]
        for _ in range(5):
            assert harbour.total_size(store)[0] == 3
            assert bytes(store.get("a").bytes()) == b"abc"
        assert server.stats()["connections"] == before

    def test_credentials_are_fetched_once_for_both(self, harbour: Any, server: testing.Server) -> None:
        asked: list[str] = []

        def provider() -> Any:
            asked.append(threading.current_thread().name)
            return {
                "access_key_id": server.access_key,
                "secret_access_key": server.secret_key,
                "expires_at": datetime.now(UTC) + timedelta(hours=1),
            }

        options: Any = {"endpoint": server.endpoint, "region": "us-east-1"}
        store = S3Store("cargo", config=options, client_options={"allow_http": True}, credential_provider=provider)
        assert harbour.total_size(store) == (0, 0)
        store.put("a", b"abc")
        assert harbour.total_size(store) == (1, 3)
        assert len(asked) == 1

    def test_a_class_that_python_derived_crosses(self, harbour: Any) -> None:
        class Named(MemoryStore):
            name = "cargo"

        assert harbour.manifest(filled(Named())) == MANIFEST

    def test_what_a_derived_class_changes_is_changed_for_others_too(self, harbour: Any) -> None:
        class Shouting(MemoryStore):
            def get(self, path: str, *, options: Any = None) -> Any:
                return bytes(super().get(path).bytes()).upper()

        store = filled(Shouting())
        assert harbour.manifest(store)[0] == ("a", 3, zlib.crc32(b"ABC"))
        gone = weakref.ref(store)
        del store
        until = time.monotonic() + 10
        while gone() is not None and time.monotonic() < until:
            # What was let go by a thread that Python has never seen goes when this module is next called.
            MemoryStore()
            gc.collect()
            time.sleep(0.01)
        assert gone() is None

    def test_a_store_that_rust_made_crosses(self, harbour: Any) -> None:
        theirs = harbour.store.MemoryStore()
        for key, body in BODIES.items():
            harbour.write(theirs, f"p/{key}", body)
        part = harbour.below(theirs, "p")
        assert sorted(meta["path"] for chunk in obs.list(part) for meta in chunk) == sorted(BODIES)

    def test_an_object_that_passes_the_method_on_is_that_store(self, harbour: Any) -> None:
        class Wrapper:
            def __init__(self, store: Any) -> None:
                self.store = store

            def __object_store_capsule__(self, *, max_abi: Any = None) -> Any:
                return self.store.__object_store_capsule__(max_abi=max_abi)

        store = filled(MemoryStore())
        assert harbour.manifest(Wrapper(store)) == MANIFEST
        # In our own module it is unwrapped.
        assert bytes(obs.get(Wrapper(store), "a").bytes()) == b"abc"
        assert harbour.manifest(store.__object_store_capsule__()) == MANIFEST

    def test_the_address_that_is_read_is_the_address_that_was_written(self, harbour: Any) -> None:
        theirs = harbour.store.MemoryStore()
        harbour.write(theirs, "big", bytes(1_000_000))
        assert address(obs.get(theirs, "big").bytes()) == address(harbour.read(theirs, "big"))
        ours = MemoryStore()
        ours.put("big", bytes(1_000_000))
        # What crosses twice, too: through a table into the other module, and through one of that module's back.
        again = harbour.below(harbour.live(ours), "")
        assert type(again).__module__ == "harbour.store"
        assert address(harbour.read(again, "big")) == address(ours.get("big").bytes())
        assert address(obs.get(again, "big").bytes()) == address(ours.get("big").bytes())

    def test_a_live_store_is_given_back_as_the_object_that_it_was(self, harbour: Any) -> None:
        store = MemoryStore()
        assert harbour.same(store) is store
        assert type(harbour.live(store)) is harbour.store.Store


def address(buffer: Any) -> int:
    import numpy

    return int(numpy.frombuffer(buffer, numpy.uint8).__array_interface__["data"][0])


class TestProcesses:
    def run(self, program: str, server: testing.Server) -> children.Ended:
        given = {"config": server.options, "client_options": {"allow_http": True}}
        return children.run("crossing_programs", program, json.dumps(given), seconds=60)

    def test_a_child_that_asks_again_has_a_store_that_works(self, harbour: Any, server: testing.Server) -> None:
        longshore.put_bytes("s3://cargo/a", b"abc", store=server.store_for("cargo"))
        assert self.run("fork_it", server).check() == "refused\n" * 3 + "all read\n"

    def test_a_program_ends_while_requests_of_others_are_under_way(self, harbour: Any, server: testing.Server) -> None:
        slow = server.faults.latency(20)
        ended = self.run("end_early", server)
        assert ended.check() == "ending\n"
        assert ended.seconds < 10
        assert slow.hits >= 2

    def test_a_program_ends_while_a_store_in_python_does_not_answer(self, harbour: Any) -> None:
        for _ in range(3):
            ended = children.run("crossing_programs", "end_amid_python", seconds=60)
            assert ended.check() == "ending\n"
            assert ended.seconds < 10
