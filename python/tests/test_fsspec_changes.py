"""`longshore.fsspec`: writing, copying and deleting, over memory, files and S3."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from fsspec.asyn import sync  # type: ignore[import-untyped]

from fsspec_worlds import World, requests
from longshore.fsspec import FsspecStore

pytest_plugins = ["fsspec_worlds"]


class TestWriting:
    def test_bytes_become_an_object_and_replace_one(self, world: World) -> None:
        for data in (b"first", bytearray(b"second"), memoryview(b"third")):
            world.fs.pipe(world.path("a"), data)
            assert world.fs.cat(world.path("a")) == bytes(data)
        world.fs.touch(world.path("a"))
        assert world.fs.info(world.path("a"))["size"] == 0
        with pytest.raises(NotImplementedError):
            world.fs.touch(world.path("a"), truncate=False)

    def test_text_and_unknown_options_are_refused(self, world: World) -> None:
        with pytest.raises(TypeError):
            world.fs.pipe(world.path("a"), "text")
        with pytest.raises(TypeError, match="ContentType"):
            world.fs.pipe(world.path("a"), b"data", ContentType="text/plain")
        with pytest.raises(ValueError, match="mode must be"):
            world.fs.pipe_file(world.path("a"), b"data", mode="append")
        assert not world.fs.exists(world.path("a"))

    def test_creating_does_not_replace(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "local").write_bytes(b"new")
        world.fs.pipe_file(world.path("a"), b"data", mode="create")
        with pytest.raises(FileExistsError):
            world.fs.pipe_file(world.path("a"), b"new", mode="create")
        with pytest.raises(FileExistsError):
            world.fs.put_file(str(tmp_path / "local"), world.path("a"), mode="create")
        assert world.fs.cat(world.path("a")) == b"data"

    def test_attributes_go_with_an_object(self, s3_world: World) -> None:
        s3_world.fs.pipe_file(s3_world.path("a"), b"data", attributes={"Content-Type": "text/x-test"})
        with s3_world.fs.open(s3_world.path("b"), "wb", attributes={"Content-Type": "text/x-test"}) as file:
            file.write(b"data")
        for name in ("a", "b"):
            with urllib.request.urlopen(s3_world.fs.sign(s3_world.path(name))) as answer:
                assert answer.headers["Content-Type"] == "text/x-test"


class TestCopying:
    def test_objects_and_folders_are_copied(self, world: World) -> None:
        world.fill("set/a", "set/b/c")
        world.fs.cp(world.path("set/a"), world.path("one"))
        world.fs.cp(world.path("set"), world.path("copy"), recursive=True)
        assert world.names(world.fs.find(world.root)) == ["copy/a", "copy/b/c", "one", "set/a", "set/b/c"]
        assert world.fs.cat(world.path("copy/b/c")) == b"set/b/c"
        with pytest.raises(FileNotFoundError):
            world.fs.cp_file(world.path("missing"), world.path("new"))

    def test_objects_and_folders_are_moved(self, world: World) -> None:
        world.fill("set/a", "set/b/c", "one")
        world.fs.mv(world.path("set"), world.path("moved"), recursive=True)
        world.fs.mv(world.path("one"), world.path("two"))
        assert world.names(world.fs.find(world.root)) == ["moved/a", "moved/b/c", "two"]
        world.fs.mv(world.path("two"), world.path("two"))
        sync(world.fs.loop, world.fs._mv_file, world.path("two"), world.path("three"))
        sync(world.fs.loop, world.fs._mv_file, world.path("three"), world.path("three"))
        assert world.names(world.fs.find(world.root)) == ["moved/a", "moved/b/c", "three"]
        assert world.fs.cat(world.path("three")) == b"one"

    def test_objects_go_to_another_bucket(self, s3_world: World) -> None:
        content = os.urandom(11 << 20)
        s3_world.fs.pipe_file(s3_world.path("a"), content, attributes={"Content-Type": "text/x-test"})
        other = s3_world.path("a").replace("bucket/", "other/")
        s3_world.fs.cp(s3_world.path("a"), other)
        assert s3_world.fs.cat(other) == content
        with urllib.request.urlopen(s3_world.fs.sign(other)) as answer:
            assert answer.headers["Content-Type"] == "text/x-test"
        sync(s3_world.fs.loop, s3_world.fs._mv_file, s3_world.path("a"), other + "2")
        assert (s3_world.fs.exists(s3_world.path("a")), s3_world.fs.size(other + "2")) == (False, len(content))


class TestDeleting:
    def test_what_is_meant_goes_and_nothing_else(self, world: World) -> None:
        world.fill("a", "ab", "b/c", "b/d/e", "x.txt", "y.txt")
        world.fs.rm(world.path("a"))
        assert world.names(world.fs.find(world.root)) == ["ab", "b/c", "b/d/e", "x.txt", "y.txt"]
        world.fs.rm(world.path("b"), recursive=True)
        assert not world.fs.exists(world.path("b"))
        world.fs.rm(world.path("*.txt"))
        assert world.names(world.fs.find(world.root)) == ["ab"]
        world.fill("c", "d")
        world.fs.rm([world.path("c"), world.path("d")])
        world.fs.rm_file(world.path("ab"))
        assert world.fs.find(world.root) == []

    def test_nothing_to_delete_is_an_error(self, world: World) -> None:
        world.fill("a")
        for pattern, recursive in (("missing", True), ("missing*", False), ("missing*", True)):
            with pytest.raises(FileNotFoundError):
                world.fs.rm(world.path(pattern), recursive=recursive)
        world.fs.rm([])
        assert world.names(world.fs.find(world.root)) == ["a"]

    def test_many_objects_are_one_request(self, s3_world: World) -> None:
        s3_world.fill(*(f"{index % 7}/{index}" for index in range(300)))
        assert s3_world.server is not None
        s3_world.server.reset_stats()
        s3_world.fs.rm(s3_world.root, recursive=True)
        counted = requests(s3_world.server)
        assert counted.pop("DeleteObjects") == 1
        assert counted.pop("ListObjectsV2") <= 2
        assert counted.pop("HeadObject", 0) <= 1
        assert counted == {}
        assert s3_world.fs.find(s3_world.root) == []

    def test_a_bucket_is_not_deleted_by_a_slip(self, s3_world: World) -> None:
        with pytest.raises(ValueError, match="buckets are not deleted here"):
            s3_world.fs.rm("bucket")

    def test_a_machine_is_not_deleted_by_a_slip(self) -> None:
        class Harmless(FsspecStore):
            """Where the refusal is missing, nothing is looked for, and nothing is deleted."""

            async def _rm_trees(self, *_: Any) -> Any:
                raise AssertionError("it would look for everything on this machine")

            async def _below_all(self, *_: Any) -> Any:
                raise AssertionError("it would look for everything on this machine")

            async def _delete(self, *_: Any) -> Any:
                raise AssertionError("it would delete everything on this machine")

        fs = Harmless("file")
        for path in ("file:///", "/", "//"):
            with pytest.raises(ValueError, match="everything on this machine"):
                fs.rm(path, recursive=True)
        with pytest.raises(AssertionError, match="look for"):
            fs.rm("/no/such/folder/of/the/tests", recursive=True)

    def test_folders_of_files_are_made_and_removed(self, tmp_path: Path) -> None:
        fs = FsspecStore("file")
        fs.makedirs(str(tmp_path / "a/b"))
        fs.mkdir(str(tmp_path / "c"))
        assert fs.ls(str(tmp_path)) == [str(tmp_path / "a"), str(tmp_path / "c")]
        assert fs.find(str(tmp_path), withdirs=True) == [str(tmp_path / name) for name in (".", "a", "a/b", "c")]
        with pytest.raises(FileExistsError):
            fs.makedirs(str(tmp_path / "a/b"))
        with pytest.raises(FileNotFoundError):
            fs.mkdir(str(tmp_path / "d/e"), create_parents=False)
        fs.rmdir(str(tmp_path / "c"))
        fs.pipe(str(tmp_path / "a/b/file"), b"")
        fs.rm(str(tmp_path / "a"), recursive=True)
        assert list(tmp_path.iterdir()) == []
