"""An extension module of somebody else: `examples/extension/harbour`, with stores and bytes of its own.

It receives its own stores, longshore's, obstore's, URLs, paths and file systems of fsspec, over every kind of store.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import children
import extension_built
import longshore
from backends import Backends, Place
from longshore import testing

PROGRAMS = sorted((Path(__file__).resolve().parents[2] / "examples" / "extension" / "programs").glob("*.py"))

pytestmark = pytest.mark.filterwarnings(extension_built.BUILT_ANEW)

BODIES = {"a": b"abc", "b/c": b"", "b/d": bytes(300_000)}
MANIFEST = [(key, len(body), zlib.crc32(body)) for key, body in sorted(BODIES.items())]
BELOW_B = [("c", 0, 0), ("d", 300_000, zlib.crc32(bytes(300_000)))]


@pytest.fixture(autouse=True)
def _no_machine_is_asked_for_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that lost its keys on the way fails at once."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def harbour() -> Any:
    return extension_built.module("harbour")


@pytest.fixture(scope="module")
def obstore() -> Any:
    return extension_built.module("obstore.store")


@pytest.fixture(scope="module")
def server() -> Iterator[testing.Server]:
    """Our gateway, with the objects of `BODIES` in a bucket."""
    with testing.server() as gateway:
        store = gateway.store_for("cargo")
        longshore.create_bucket("s3://cargo", store=store)
        longshore.put_many([(f"s3://cargo/{key}", body) for key, body in BODIES.items()], store=store)
        yield gateway


@pytest.fixture
def options(server: testing.Server) -> Iterator[dict[str, Any]]:
    """What a class `S3Store` of any library needs to reach the server, in `config`."""
    server.faults.clear()
    yield {"config": server.options, "client_options": {"allow_http": True}}
    server.faults.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the objects of `BODIES`."""
    for key, body in BODIES.items():
        path = tmp_path / "cargo" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return tmp_path / "cargo"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_a_program_of_the_guide_prints_what_stands_beneath_it(harbour: Any, program: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(longshore.__file__).parents[1])}
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == program.with_suffix(".txt").read_text(encoding="utf-8")


class TestItsOwnStores:
    def test_every_kind_of_store_is_reached_by_its_url(self, harbour: Any, readable_place: Place) -> None:
        readable_place.write(BODIES)
        uri = readable_place.uri()
        if readable_place.kind.name == "memory":
            # Memory has no name that two modules know.
            with pytest.raises(harbour.exceptions.InvalidArgumentError, match="names something in memory"):
                harbour.manifest(uri)
            assert harbour.manifest("memory:///") == []
            return
        if readable_place.kind.store is longshore.HTTPStore:
            # `object_store` asks for whole trees at once, which these servers refuse.
            assert {key: harbour.read(harbour.store.from_url(uri), key) for key in BODIES} == BODIES
            return
        assert harbour.manifest(uri.rstrip("/")) == MANIFEST
        assert harbour.manifest(harbour.store.from_url(uri), "b") == MANIFEST[1:]

    def test_what_rust_writes_rust_reads(self, harbour: Any, place: Place) -> None:
        made = {"mkdir": True} if place.kind.name == "file" else {}
        store = harbour.store.from_url("memory:///" if place.kind.name == "memory" else place.uri(), **made)
        data = np.arange(50_000, dtype=np.float32).reshape(2, -1)
        harbour.write(store, "x/y", data)
        read = harbour.read(store, "x/y")
        assert read == data
        assert harbour.crc32(read) == zlib.crc32(data.tobytes())
        assert harbour.total_size(store) == (1, 200_000)
        assert place.kind.name == "memory" or place.bodies() == {"x/y": data.tobytes()}

    def test_an_object_that_is_not_there_is_its_own_exception_and_pythons(
        self, harbour: Any, options: dict[str, Any], folder: Path
    ) -> None:
        stores = (
            harbour.store.MemoryStore(),
            harbour.store.LocalStore(folder),
            harbour.store.S3Store("cargo", **options),
        )
        for store in stores:
            with pytest.raises(FileNotFoundError, match="none") as caught:
                harbour.read(store, "none")
            assert type(caught.value) is harbour.exceptions.NotFoundError
            assert type(caught.value).__module__ == "harbour.exceptions"
            assert isinstance(caught.value, harbour.exceptions.BaseError)
            assert not isinstance(caught.value, longshore.exceptions.BaseError)
            assert type(pickle.loads(pickle.dumps(caught.value))) is harbour.exceptions.NotFoundError

    def test_a_key_that_cannot_be_one_is_refused(self, harbour: Any) -> None:
        with pytest.raises(ValueError, match="cannot be a key"):
            harbour.read(harbour.store.MemoryStore(), "a//b")

    def test_its_classes_are_called_by_its_name_and_pickle(self, harbour: Any, options: dict[str, Any]) -> None:
        store = harbour.store.S3Store("cargo", prefix="b", **options)
        assert type(store).__module__ == "harbour.store"
        again = pickle.loads(pickle.dumps(store))
        assert type(again) is harbour.store.S3Store
        assert again == store
        assert harbour.manifest(again) == BELOW_B
        names: dict[str, object] = {}
        exec("from harbour.store import *; from harbour.exceptions import *", names)
        assert names["S3Store"] is harbour.store.S3Store
        assert names["NotFoundError"] is harbour.exceptions.NotFoundError

    def test_a_class_that_python_derived_is_one_of_its_own(self, harbour: Any, folder: Path) -> None:
        class Cargo(harbour.store.LocalStore):  # type: ignore[misc]
            def get(self, _key: str) -> bytes:
                return b"not what Rust reads"

        assert harbour.read(Cargo(folder), "a") == b"abc"
        assert harbour.manifest(Cargo(folder)) == MANIFEST

    def test_secrets_are_in_no_message(self, harbour: Any, server: testing.Server, options: dict[str, Any]) -> None:
        store = harbour.store.S3Store("cargo", **options)
        shown = f"{store!r} {store.config} {harbour.settings(store)}"
        server.faults.status(403, "AccessDenied")
        with pytest.raises(harbour.exceptions.PermissionDeniedError) as caught:
            harbour.read(store, "a")
        assert server.secret_key not in f"{shown} {caught.value!s} {caught.value!r}"
        assert server.secret_key == store.config["secret_access_key"]


class TestHandingBack:
    def test_a_store_that_rust_made_is_one_of_its_stores(self, harbour: Any, folder: Path) -> None:
        part = harbour.below(harbour.store.LocalStore(folder), "b")
        assert type(part) is harbour.store.Store
        assert harbour.manifest(part) == BELOW_B
        assert harbour.read(part, "c") == b""
        whole = harbour.store.LocalStore(folder.parent)
        assert harbour.read(harbour.below(harbour.below(whole, "cargo"), "b"), "c") == b""

    def test_it_keeps_what_it_is_made_of(self, harbour: Any) -> None:
        memory = harbour.store.MemoryStore()
        harbour.write(memory, "x/y", b"abc")
        part = harbour.below(memory, "x")
        alive = weakref.ref(memory)
        del memory
        gc.collect()
        assert alive() is None
        assert harbour.read(part, "y") == b"abc"

    def test_nobody_else_knows_how_it_was_made(self, harbour: Any) -> None:
        part = harbour.below(harbour.store.MemoryStore(), "x")
        assert harbour.settings(part) is None
        with pytest.raises(harbour.exceptions.NotSupportedError, match="extension module made"):
            pickle.dumps(part)

    def test_rust_reads_what_was_said_about_a_store(
        self, harbour: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], server: testing.Server
    ) -> None:
        monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
        found = harbour.settings(harbour.store.S3Store("cargo", prefix="b", retry_config={"max_retries": 3}, **options))
        assert found["bucket"] == "cargo"
        assert found["prefix"] == "b"
        assert found["endpoint"] == server.endpoint
        assert found["max_retries"] == "3"
        assert found["request_payer"] == "true"
        assert "secret_access_key" not in found


class TestStoresOfOthers:
    @pytest.fixture(params=["longshore", "obstore", "ported"])
    def other(self, request: pytest.FixtureRequest) -> Any:
        """The module with the store classes of another library, which is loaded beside it."""
        if request.param == "longshore":
            return longshore
        name = {"obstore": "obstore.store", "ported": "ported.store"}[request.param]
        extension_built.module(name.partition(".")[0])
        return extension_built.module(name)

    def test_an_s3_store_is_received(self, harbour: Any, other: Any, options: dict[str, Any]) -> None:
        assert harbour.manifest(other.S3Store("cargo", **options)) == MANIFEST
        assert harbour.manifest(other.S3Store("cargo", prefix="b", **options)) == BELOW_B

    def test_what_the_environment_said_comes_along(
        self, harbour: Any, other: Any, monkeypatch: pytest.MonkeyPatch, server: testing.Server
    ) -> None:
        with monkeypatch.context() as environment:
            for name, value in server.environment.items():
                environment.setenv(name, value)
            environment.setenv("AWS_ALLOW_HTTP", "true")
            store = other.S3Store("cargo")
            assert harbour.manifest(store) == MANIFEST
            again = other.S3Store("cargo", prefix="b")
        if other.__name__ != "obstore.store":  # which does not tell what it found there
            assert harbour.manifest(again) == BELOW_B

    def test_a_folder_is_received(self, harbour: Any, other: Any, folder: Path) -> None:
        assert harbour.manifest(other.LocalStore(folder)) == MANIFEST
        assert harbour.manifest(other.LocalStore(str(folder)), "b") == MANIFEST[1:]

    def test_the_same_object_has_one_connection(self, harbour: Any, other: Any) -> None:
        with testing.server() as alone:
            longshore.create_bucket("s3://cargo", store=alone.store_for("cargo"))
            opened = alone.stats()["connections"]
            store = other.S3Store("cargo", config=alone.options, client_options={"allow_http": True})
            for _ in range(5):
                assert harbour.total_size(store) == (0, 0)
            # One of longshore's has the connection that made the bucket.
            assert alone.stats()["connections"] == opened + (other is not longshore)

    def test_what_a_class_that_python_derived_changes_is_never_lost(
        self, harbour: Any, other: Any, folder: Path
    ) -> None:
        class Named(other.LocalStore):  # type: ignore[misc]
            name = "cargo"

        class Other(other.LocalStore):  # type: ignore[misc]
            def get(self, *_: object) -> bytes:
                return b""

        assert harbour.manifest(Named(folder)) == MANIFEST
        if other is longshore:
            assert harbour.manifest(Other(folder)) == [(key, 0, 0) for key in sorted(BODIES)]
            return
        # Neither is there a method `list` in a module without functions for Python.
        with pytest.raises(
            harbour.exceptions.NotSupportedError, match=r"overrides get, which would be lost|Other has no method list"
        ):
            harbour.manifest(Other(folder))

    def test_memory_crosses_alive_or_the_error_says_what_to_do(self, harbour: Any, other: Any) -> None:
        if hasattr(other.MemoryStore, "__object_store_capsule__"):
            assert harbour.manifest(other.MemoryStore()) == []
            return
        with pytest.raises(harbour.exceptions.NotSupportedError, match="memory that only its own library can read"):
            harbour.manifest(other.MemoryStore())

    def test_a_function_for_its_own_stores_names_the_cure(self, harbour: Any, other: Any, folder: Path) -> None:
        for store in (other.LocalStore(folder), other.MemoryStore()):
            with pytest.raises(TypeError, match=r"another library.*harbour\.store.*AnyObjectStore") as caught:
                harbour.read(store, "a")
            assert isinstance(caught.value, harbour.exceptions.BaseError)

    def test_its_stores_cross_to_others(self, harbour: Any, options: dict[str, Any], folder: Path) -> None:
        ported = extension_built.module("ported")
        for store in (harbour.store.S3Store("cargo", **options), harbour.store.LocalStore(folder)):
            assert ported.keys(store) == sorted(BODIES)
            assert ported.kind_of(store) == "own"


@pytest.mark.parametrize("library", ["longshore.store", "ported.store"])
def test_a_store_of_every_kind_is_received_alive(harbour: Any, library: str, readable_place: Place) -> None:
    readable_place.write(BODIES)
    in_memory = readable_place.kind.name == "memory"
    store = extension_built.module(library).from_url("memory:///" if in_memory else readable_place.uri())
    assert type(store).__name__ == readable_place.kind.store.__name__
    if in_memory:
        assert harbour.manifest(store) == []
        return
    if readable_place.kind.store is longshore.HTTPStore:
        # No listing: see above.
        assert extension_built.module("ported").header(store, "b/d") == bytes(8)
        return
    assert harbour.manifest(store) == MANIFEST
    assert harbour.manifest(store, "b") == MANIFEST[1:]


def test_stores_of_obstore_for_azure_and_the_web_are_built_anew(harbour: Any, obstore: Any, backends: Backends) -> None:
    azure = backends["azurite"]
    name = azure.root.removeprefix("az://").rstrip("/")
    theirs = obstore.AzureStore(name, config=azure.options, client_options={"allow_http": True})
    theirs.put("cargo/a", b"abc")
    assert harbour.manifest(theirs, "cargo") == [("cargo/a", 3, zlib.crc32(b"abc"))]
    web = backends["wsgidav"]
    theirs = obstore.HTTPStore.from_url(web.root, client_options={"allow_http": True})
    (web.door or Path()).joinpath("crate").write_bytes(b"oranges!")
    assert extension_built.module("ported").header(theirs, "crate") == b"oranges!"


def test_a_warning_says_once_for_each_class_that_nothing_is_shared(folder: Path) -> None:
    extension_built.module("harbour")
    printed = children.run("extension_programs", "warn", str(folder)).check()
    said = [json.loads(line) for line in printed.splitlines()]
    assert [len(messages) for messages in said] == [1, 0, 0, 1, 0], said
    assert said[0][0].startswith("obstore.store.LocalStore was built anew as harbour.store.LocalStore")


class TestWhatNamesAStore:
    def test_a_path_is_a_folder(self, harbour: Any, folder: Path) -> None:
        assert harbour.manifest(folder) == MANIFEST
        assert harbour.manifest(f"file://{folder}") == MANIFEST

    @pytest.mark.parametrize("nothing", [None, 5, b"s3://cargo", object()])
    def test_what_is_no_store_is_refused(self, harbour: Any, nothing: object) -> None:
        with pytest.raises(TypeError, match="expected an object store or a file system, not"):
            harbour.manifest(nothing)
        with pytest.raises(TypeError, match=r"expected a store, such as harbour\.store\.S3Store, not"):
            harbour.read(nothing, "a")

    def test_a_text_that_is_no_url_is_refused(self, harbour: Any) -> None:
        with pytest.raises(ValueError, match=r"cargo.*is no URL.*pathlib\.Path"):
            harbour.manifest("cargo")

    def test_file_systems_of_fsspec_are_received(self, harbour: Any, folder: Path, options: dict[str, Any]) -> None:
        fsspec = extension_built.module("fsspec")
        dir_file_system = extension_built.module("fsspec.implementations.dirfs").DirFileSystem
        local = dir_file_system(path=str(folder), fs=fsspec.filesystem("file"))
        assert harbour.manifest(local) == MANIFEST
        s3 = extension_built.module("obstore.fsspec").FsspecStore("s3", **options)
        assert harbour.manifest(dir_file_system(path="cargo", fs=s3)) == MANIFEST
        assert harbour.manifest(dir_file_system(path="cargo/b", fs=s3)) == BELOW_B
        # Without a folder it is all buckets, and keys begin with one.
        assert harbour.manifest(s3, "cargo/b") == [(f"cargo/{key}", *rest) for key, *rest in MANIFEST[1:]]
        with pytest.raises(harbour.exceptions.NotSupportedError, match="memory that only Python can read"):
            harbour.manifest(fsspec.filesystem("memory"))


class TestBytes:
    @pytest.mark.parametrize(
        "buffer",
        [
            b"abc",
            bytearray(b"abc"),
            memoryview(b"abc"),
            np.frombuffer(b"abc", np.uint8),
            np.arange(12, dtype=np.float64).reshape(3, 4),
            longshore.Bytes(b"abc"),
            b"",
        ],
        ids=lambda buffer: type(buffer).__name__,
    )
    def test_the_memory_of_anything_is_taken(self, harbour: Any, buffer: Any) -> None:
        assert harbour.crc32(buffer) == zlib.crc32(buffer)
        assert harbour.crc32(harbour.Bytes(buffer)) == zlib.crc32(buffer)

    def test_bytes_of_other_libraries_are_taken_and_given(self, harbour: Any, obstore: Any) -> None:
        theirs = extension_built.module("obstore").Bytes(b"abc")
        assert harbour.crc32(theirs) == zlib.crc32(b"abc")
        ours = harbour.Bytes(theirs)
        assert ours == theirs
        assert ours == longshore.Bytes(theirs)
        memory = obstore.MemoryStore()
        memory.put("a", ours)
        assert memory.get("a").bytes() == ours

    def test_what_it_reads_is_in_its_own_class(self, harbour: Any, folder: Path) -> None:
        body = harbour.read(harbour.store.LocalStore(folder), "a")
        assert type(body) is harbour.Bytes
        assert harbour.Bytes is not longshore.Bytes
        again = pickle.loads(pickle.dumps(body, 5))
        assert type(again) is harbour.Bytes
        assert again == b"abc"

    def test_memory_is_let_go_when_the_call_ends(self, harbour: Any) -> None:
        source = bytearray(b"abc")
        store = harbour.store.LocalStore("/tmp")
        harbour.crc32(source)
        memory = harbour.store.MemoryStore()
        harbour.write(memory, "a", bytes(source))
        assert harbour.read(memory, "a") == b"abc"
        with pytest.raises(TypeError):
            harbour.write(store, "a", "text")
        source.append(0)  # a buffer that is still lent refuses this

    def test_memory_that_python_changes_is_changed_in_rust_too(self, harbour: Any) -> None:
        # The caveat of the buffer protocol, and the way out of it.
        source = bytearray(b"abc")
        view, copy = harbour.Bytes(source), harbour.Bytes(source, copy=True)
        source[0] = ord("x")
        assert view == b"xbc"
        assert copy == b"abc"


class TestProcesses:
    @pytest.fixture
    def alone(self, harbour: Any) -> Iterator[testing.Server]:
        """A server with one object in its bucket, for one test alone."""
        with testing.server() as gateway:
            store = gateway.store_for("cargo")
            longshore.create_bucket("s3://cargo", store=store)
            longshore.put_bytes("s3://cargo/a", b"abc", store=store)
            yield gateway

    def run(self, program: str, server: testing.Server) -> children.Ended:
        given = {"config": server.options, "client_options": {"allow_http": True}}
        return children.run("extension_programs", program, json.dumps(given), seconds=60)

    def test_importing_starts_nothing(self, harbour: Any) -> None:
        assert children.run("extension_programs", "import_it").check() == "1\n"

    def test_a_store_works_in_a_forked_child(self, alone: testing.Server) -> None:
        assert self.run("fork_it", alone).check() == "all read\n"

    def test_a_wait_can_be_interrupted(self, alone: testing.Server) -> None:
        slow = alone.faults.latency(20)
        assert self.run("interrupt", alone).check() == "interrupted\n" * 3 + f"{zlib.crc32(b'abc')}\n"
        assert slow.hits >= 3

    def test_a_program_ends_while_requests_are_under_way(self, alone: testing.Server) -> None:
        slow = alone.faults.latency(20)
        ended = self.run("end_early", alone)
        assert ended.check() == "ending\n"
        assert ended.seconds < 10
        assert slow.hits >= 2

    def test_other_threads_run_while_one_waits(self, alone: testing.Server) -> None:
        alone.faults.latency(0.5)
        assert self.run("let_others_run", alone).check() == "others ran\n"
