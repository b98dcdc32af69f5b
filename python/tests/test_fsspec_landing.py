"""What the fsspec file system writes into local files, and what it deletes beside what was named."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from fsspec_worlds import World
from longshore import obs
from longshore.exceptions import BaseError
from longshore.fsspec import FsspecStore

pytest_plugins = ["fsspec_worlds"]


@pytest.fixture
def fs() -> FsspecStore:
    memory = FsspecStore("memory", skip_instance_cache=True)
    memory.pipe("/new", b"new")
    return memory


class TestGetFile:
    def test_a_link_is_written_through(self, fs: FsspecStore, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        target, link = tmp_path / "folder/target", tmp_path / "link"
        target.write_bytes(b"old")
        link.symlink_to(target)
        fs.get_file("/new", str(link))
        assert link.is_symlink()
        assert target.read_bytes() == b"new"
        assert os.listdir(tmp_path / "folder") == ["target"]

    def test_a_link_to_what_is_not_there_yet_makes_it(self, fs: FsspecStore, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("target")
        fs.get_file("/new", str(tmp_path / "link"))
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_bytes() == b"new"

    def test_a_pipe_stays_one_and_gets_the_bytes(self, fs: FsspecStore, tmp_path: Path) -> None:
        fs.pipe("/large", bytes(range(256)) * 4096)
        os.mkfifo(tmp_path / "pipe")
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()), daemon=True)
        reader.start()
        fs.get_file("/large", str(tmp_path / "pipe"))
        reader.join(20)
        assert read == [bytes(range(256)) * 4096]
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)

    def test_a_device_stays_one(self, fs: FsspecStore, tmp_path: Path) -> None:
        # By a link, so that a failure of this test spares the machine's own.
        (tmp_path / "null").symlink_to("/dev/null")
        fs.get_file("/new", str(tmp_path / "null"))
        assert (tmp_path / "null").is_symlink()
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
    def test_the_mode_of_what_is_replaced_is_kept(self, fs: FsspecStore, tmp_path: Path, mode: int) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"old")
        file.chmod(mode)
        fs.get_file("/new", str(file))
        assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", mode)

    def test_a_new_file_has_the_mode_of_any_other(self, fs: FsspecStore, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(b"")
        fs.get_file("/new", str(tmp_path / "file"))
        assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode

    def test_the_name_may_be_as_long_as_names_may_be(self, fs: FsspecStore, tmp_path: Path) -> None:
        fs.get_file("/new", str(tmp_path / ("n" * 255)))
        assert (tmp_path / ("n" * 255)).read_bytes() == b"new"

    def test_what_fails_leaves_the_file_and_nothing_beside_it(self, s3_world: World, tmp_path: Path) -> None:
        assert s3_world.server is not None
        s3_world.fs.pipe(s3_world.path("a"), b"x" * 100_000)
        (tmp_path / "file").write_bytes(b"old")
        cut = s3_world.server.faults.cut_body(1000, times=100)
        try:
            with pytest.raises(BaseError):
                s3_world.fs.get_file(s3_world.path("a"), str(tmp_path / "file"))
            assert cut.hits
        finally:
            s3_world.server.faults.clear()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


class TestDeletingATree:
    def test_the_object_of_that_very_name_goes_too(self, s3_world: World) -> None:
        s3_world.fill("q", "q/a", "q/b/c", "qq")
        s3_world.fs.rm(s3_world.path("q"), recursive=True)
        assert s3_world.names(s3_world.fs.find(s3_world.root)) == ["qq"]
        assert not s3_world.fs.exists(s3_world.path("q"))

    def test_the_keys_that_mark_folders_go_too(self, s3_world: World) -> None:
        store = s3_world.fs._construct_store("bucket")
        below = s3_world.root.removeprefix("bucket/")
        for key in ("mk/", "mk/sub/", "mk/sub/a", "mk/odd//"):
            obs.put(store, f"{below}/{key}", b"")
        s3_world.fs.rm(s3_world.path("mk"), recursive=True)
        assert [meta["path"] for chunk in obs.list(store, below) for meta in chunk] == []
        assert not s3_world.fs.exists(s3_world.path("mk"))
        with pytest.raises(FileNotFoundError, match="mk"):
            s3_world.fs.rm(s3_world.path("mk"), recursive=True)

    def test_a_pattern_finds_objects_that_are_folders_as_well(self, s3_world: World) -> None:
        s3_world.fill("q1", "q1/a", "q2/a", "other")
        s3_world.fs.rm(s3_world.path("q*"), recursive=True)
        assert s3_world.names(s3_world.fs.find(s3_world.root)) == ["other"]

    def test_as_many_levels_as_were_said(self, s3_world: World) -> None:
        s3_world.fill("t/a", "t/b/c", "t/b/d/e")
        s3_world.fs.rm(s3_world.path("t"), recursive=True, maxdepth=2)
        assert s3_world.names(s3_world.fs.find(s3_world.root)) == ["t/b/d/e"]
