"""`longshore.fsspec` among others: its cache of instances, pickling, forks, and the libraries that are given a file system."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.registry import _registry  # type: ignore[import-untyped]

import longshore as s3
from children import run
from fsspec_worlds import requests, s3_options
from longshore import testing
from longshore.fsspec import SUPPORTED_PROTOCOLS, AsyncFile, BufferedFile, FsspecStore, register


@pytest.fixture
def server() -> Iterator[testing.Server]:
    with testing.server() as running:
        store = running.store_for("bucket")
        s3.create_bucket("s3://bucket", store=store)
        s3.put_bytes("s3://bucket/shared", b"shared", store=store)
        yield running


@pytest.mark.parametrize(
    "program",
    [
        "survive_a_fork",
        "be_used_by_threads",
        "end_with_open_files",
        "register_and_open",
        "read_with_pandas_and_pyarrow",
        "store_arrays_with_zarr",
    ],
)
def test_programs_do_what_they_say(server: testing.Server, program: str) -> None:
    # Warnings of pandas, zarr and others about each other are no failure.
    flags = ["-W", "ignore"]
    ended = run("fsspec_programs", program, json.dumps(s3_options(server)), flags=flags, seconds=90)
    assert ended.check() == ("[]\n" if program == "register_and_open" else "")
    if program == "end_with_open_files":
        assert s3.get("s3://bucket/unclosed", store=server.store_for("bucket")) == b"data"


class TestInstances:
    def test_the_same_arguments_are_the_same_file_system(self, server: testing.Server) -> None:
        options = s3_options(server)
        fs = FsspecStore("s3", **options)
        assert FsspecStore("s3", **options) is FsspecStore(protocol="s3", **options) is fs
        assert FsspecStore("s3", **{**options, "region": "us-west-2"}) is not fs
        assert FsspecStore("s3a", **options) is not fs
        assert FsspecStore("s3", skip_instance_cache=True, **options) is not fs

    def test_masked_secrets_are_told_apart_and_stay_hidden(self) -> None:
        class Masked(str):
            def __repr__(self) -> str:
                return "'****'"

        one, two = (FsspecStore("s3", config={"secret_access_key": Masked(text)}) for text in ("secret-1", "secret-2"))
        assert one is not two
        assert FsspecStore("s3", config={"secret_access_key": Masked("secret-1")}) is one
        assert one.storage_options["config"]["secret_access_key"] == "secret-1"
        assert "secret-1" not in repr(one.storage_options)
        assert "secret-1" not in repr(one)

    def test_buckets_have_a_store_each_which_is_kept(self, server: testing.Server) -> None:
        fs = FsspecStore("s3", **s3_options(server))
        assert fs._construct_store("bucket") is fs._construct_store("bucket")
        assert fs._construct_store("other") is not fs._construct_store("bucket")

    def test_a_setting_that_does_not_exist_is_refused_when_the_store_is_made(self, server: testing.Server) -> None:
        fs = FsspecStore("s3", **s3_options(server), acces_key_id="key")
        with pytest.raises(Exception, match="acces_key_id"):
            fs.ls("bucket")


class TestPickling:
    def test_another_process_has_the_same_file_system(self, server: testing.Server, tmp_path: Path) -> None:
        fs = FsspecStore("s3", **s3_options(server))
        assert pickle.loads(pickle.dumps(fs)) is fs
        (tmp_path / "pickled").write_bytes(pickle.dumps(fs))
        found = json.loads(run("fsspec_programs", "unpickle", str(tmp_path / "pickled")).check())
        assert found == ["FsspecStore_s3", True, "shared"]

    def test_one_in_memory_stays_in_its_process(self, tmp_path: Path) -> None:
        fs = FsspecStore("memory")
        fs.pipe("/a", b"data")
        assert pickle.loads(pickle.dumps(fs)) is pickle.loads(pickle.dumps(fs)) is fs
        alone = FsspecStore("memory", skip_instance_cache=True)
        assert pickle.loads(pickle.dumps(alone)) is alone is not fs
        (tmp_path / "pickled").write_bytes(pickle.dumps(fs))
        said = run("fsspec_programs", "unpickle_memory", str(tmp_path / "pickled")).check()
        assert "only in the process that has it" in said

    def test_a_subclass_travels_as_itself(self, tmp_path: Path) -> None:
        fs = Own("file")
        again = pickle.loads(pickle.dumps(fs))
        assert again is fs
        assert isinstance(again, Own)
        assert pickle.loads(pickle.dumps(OwnFiles())) is OwnFiles()


class Own(FsspecStore):
    pass


class OwnFiles(FsspecStore):
    protocol = "file"


class TestCachedListings:
    def test_nothing_is_cached_unless_it_is_asked_for(self, server: testing.Server) -> None:
        fs = FsspecStore("s3", **s3_options(server))
        assert fs.ls("bucket") == ["bucket/shared"]
        s3.put_bytes("s3://bucket/new", b"", store=server.store_for("bucket"))
        assert fs.ls("bucket") == ["bucket/new", "bucket/shared"]
        assert len(fs.dircache) == 0

    def test_a_listing_is_asked_for_once(self, server: testing.Server) -> None:
        fs = FsspecStore("s3", use_listings_cache=True, **s3_options(server))
        fs.pipe({"bucket/set/a": b"1", "bucket/set/deep/b": b"22"})
        first = fs.ls("bucket/set", detail=True)
        server.reset_stats()
        assert fs.ls("bucket/set", detail=True) == first
        assert fs.info("bucket/set/a") == first[0]
        assert fs.isdir("bucket/set/deep")
        assert fs.isdir("bucket/set")
        assert not fs.exists("bucket/set/missing")
        assert requests(server) == {}
        first[0]["size"] = 17
        assert fs.info("bucket/set/a")["size"] == 1
        store = server.store_for("bucket")
        s3.put_bytes("s3://bucket/set/a", b"other", store=store)
        assert fs.info("bucket/set/a", refresh=True)["size"] == 5
        assert fs.ls("bucket/set", detail=True, refresh=True)[0]["size"] == 5
        s3.put_bytes("s3://bucket/set/a", b"another", store=store)
        fs.invalidate_cache()
        assert fs.info("bucket/set/a")["size"] == 7

    def test_its_own_writes_are_seen(self, server: testing.Server, tmp_path: Path) -> None:
        fs = FsspecStore("s3", use_listings_cache=True, **s3_options(server))
        (tmp_path / "local").write_bytes(b"local")

        def write(name: str) -> None:
            with fs.open(f"bucket/{name}", "wb") as file:
                file.write(b"data")

        for change, expected in (
            (lambda: fs.pipe("bucket/set/a", b"1"), ["a"]),
            (lambda: write("set/b"), ["a", "b"]),
            (lambda: fs.cp("bucket/set/a", "bucket/set/c"), ["a", "b", "c"]),
            (lambda: fs.mv("bucket/set/c", "bucket/set/d"), ["a", "b", "d"]),
            (lambda: fs.put(str(tmp_path / "local"), "bucket/set/e/f"), ["a", "b", "d", "e"]),
            (lambda: fs.rm("bucket/set/e", recursive=True), ["a", "b", "d"]),
            (lambda: fs.rm(["bucket/set/a", "bucket/set/b"]), ["d"]),
            (lambda: fs.rm("bucket/set", recursive=True), []),
        ):
            change()
            if expected:
                assert [name.removeprefix("bucket/set/") for name in fs.ls("bucket/set")] == expected
            assert fs.exists("bucket/set") == bool(expected)
            assert fs.ls("bucket") == (["bucket/set"] if expected else []) + ["bucket/shared"]

    def test_listings_expire(self, server: testing.Server) -> None:
        fs = FsspecStore("s3", use_listings_cache=True, listings_expiry_time=0.2, **s3_options(server))
        assert fs.ls("bucket") == fs.ls("bucket") == ["bucket/shared"]
        s3.put_bytes("s3://bucket/new", b"", store=server.store_for("bucket"))
        time.sleep(0.3)
        assert fs.ls("bucket") == ["bucket/new", "bucket/shared"]


class TestRegistering:
    @pytest.fixture(autouse=True)
    def _unregistered_afterwards(self) -> Iterator[None]:
        before = dict(_registry)
        yield
        _registry.clear()
        _registry.update(before)

    def test_all_but_files_and_memory_are_registered(self) -> None:
        register()
        ours = {name for name in SUPPORTED_PROTOCOLS if issubclass(fsspec.get_filesystem_class(name), FsspecStore)}
        assert ours == SUPPORTED_PROTOCOLS - {"file", "memory"}
        assert fsspec.get_filesystem_class("s3").protocol == "s3"
        register("s3")
        assert fsspec.get_filesystem_class("s3") is fsspec.get_filesystem_class("s3")

    def test_a_protocol_that_does_not_exist_registers_nothing(self) -> None:
        before = dict(fsspec.registry)
        with pytest.raises(ValueError, match="no protocol 's4'"):
            register(["s3", "s4"])
        assert dict(fsspec.registry) == before


def test_importing_longshore_does_not_import_fsspec() -> None:
    program = (
        "import sys, longshore\n"
        "heavy = lambda: sorted({'fsspec', 'asyncio', 'boto3', 'azure', 'google'} & set(sys.modules))\n"
        "print(heavy())\n"
        "import longshore.fsspec\n"
        "print(heavy())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n['asyncio', 'fsspec']\n", "")


def test_type_hints_resolve_at_run_time() -> None:
    found = 0
    for kind in (FsspecStore, BufferedFile, AsyncFile):
        for parent in kind.__mro__:
            for member in vars(parent).values():
                if inspect.isfunction(member) and member.__module__.startswith("longshore"):
                    assert "return" in typing.get_type_hints(member), member
                    found += 1
    assert typing.get_type_hints(register)
    assert found > 60
