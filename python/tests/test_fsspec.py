"""`longshore.fsspec`: paths, listings and whole objects, over memory, files and S3."""

from __future__ import annotations

import asyncio
import io
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback  # type: ignore[import-untyped]

import longshore as s3
from fsspec_worlds import World, requests, s3_options
from longshore import testing
from longshore.fsspec import SUPPORTED_PROTOCOLS, FsspecStore

pytest_plugins = ["fsspec_worlds"]


class TestPaths:
    def test_a_scheme_in_any_of_its_spellings_may_stand_before_a_path(self, s3_world: World) -> None:
        s3_world.fill("a")
        path = s3_world.path("a")
        for spelled in (path, f"s3://{path}", f"s3a://{path}", f"s3://{path}/"):
            assert s3_world.fs.cat(spelled) == b"a"
            assert s3_world.fs.info(spelled)["name"] == path
            assert s3_world.fs.find(spelled) == [path]
        assert s3_world.fs.unstrip_protocol(path) == f"s3://{path}"

    def test_a_path_of_another_protocol_is_refused(self, s3_world: World) -> None:
        with pytest.raises(ValueError, match=r"for s3; make one with FsspecStore\('gs'\)"):
            s3_world.fs.info("gs://bucket/a")

    def test_a_path_without_a_bucket_is_refused(self, s3_world: World) -> None:
        for call in (s3_world.fs.ls, s3_world.fs.cat, s3_world.fs.find):
            with pytest.raises(ValueError, match="names no bucket; write s3://bucket/key"):
                call("s3://")

    def test_nothing_in_a_key_has_a_meaning(self, world: World) -> None:
        names = ["a?b", "a#b", "a b", "a%20b", "ä", "a:b", "x/a+b;c=d"]
        world.fill(*names)
        assert world.names(world.fs.find(world.root)) == sorted(names)
        for name in names:
            # `cat` would take the question mark for a pattern.
            assert world.fs.cat_file(world.path(name)) == name.encode()
            assert world.fs.info(world.path(name))["name"] == world.path(name)

    def test_paths_of_memory_begin_with_a_slash(self) -> None:
        fs = FsspecStore("memory", skip_instance_cache=True)
        fs.pipe("memory://a/b", b"data")
        assert fs.cat("/a/b") == fs.cat("a/b") == fs.cat("memory:///a/b") == b"data"
        assert (fs.find("/"), fs.ls("/"), fs.info("a/b")["name"]) == (["/a/b"], ["/a"], "/a/b")
        assert fs._parent("/a") == "/"

    def test_paths_of_files_are_made_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        fs = FsspecStore("file")
        fs.pipe("a", b"data")
        assert (tmp_path / "a").read_bytes() == fs.cat(f"file://{tmp_path}/a") == b"data"

    def test_a_protocol_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no protocol 's4'; there are abfs, "):
            FsspecStore("s4")
        with pytest.raises(ValueError, match="needs a protocol"):
            FsspecStore()

    @pytest.mark.parametrize("protocol", sorted(SUPPORTED_PROTOCOLS))
    def test_the_protocol_is_an_attribute_as_others_expect(self, protocol: str) -> None:
        fs = FsspecStore(protocol)
        assert isinstance(fs, FsspecStore)
        assert fs.protocol == type(fs).protocol == protocol

    def test_a_subclass_can_have_a_protocol_or_be_given_one(self) -> None:
        class Own(FsspecStore):
            pass

        class OwnMemory(FsspecStore):
            protocol = "memory"

        assert isinstance(Own("memory"), Own)
        assert Own("memory")._strip_protocol("memory://a") == "/a"
        assert OwnMemory()._strip_protocol("memory://a/") == "/a"


class TestListing:
    def test_an_object_and_a_folder_are_told_apart(self, world: World) -> None:
        world.fill("set/a", "set/deep/b")
        found = world.fs.info(world.path("set/a"))
        assert (found["name"], found["size"], found["type"]) == (world.path("set/a"), 5, "file")
        assert abs(found["last_modified"] - datetime.now(UTC)) < timedelta(minutes=2)
        folder = {"name": world.path("set"), "size": 0, "type": "directory"}
        assert world.fs.info(world.path("set")) == world.fs.info(world.path("set/")) == folder
        assert (world.fs.isdir(world.path("set")), world.fs.isfile(world.path("set"))) == (True, False)
        assert (world.fs.isdir(world.path("set/a")), world.fs.isfile(world.path("set/a"))) == (False, True)

    def test_what_is_not_there_is_said_so(self, world: World) -> None:
        world.fill("set/a")
        # A name that others begin with is not a folder.
        for name in ("se", "set/b", "set/a/b", "nothing/at/all"):
            path = world.path(name)
            assert not world.fs.exists(path), name
            assert not world.fs.isdir(path)
            assert world.fs.find(path) == []
            for call in (world.fs.info, world.fs.ls):
                with pytest.raises(FileNotFoundError, match="there is no such object or folder") as caught:
                    call(path)
                assert caught.value.filename is not None
                assert name in caught.value.filename

    def test_a_listing_has_one_level_in_order(self, world: World) -> None:
        world.fill("b", "a", "c/d/e", "c/f")
        assert world.names(world.fs.ls(world.root)) == ["a", "b", "c"]
        detailed = world.fs.ls(world.root, detail=True)
        assert [each["type"] for each in detailed] == ["file", "file", "directory"]
        for each in detailed:
            assert each == world.fs.info(each["name"])
        assert world.names(world.fs.ls(world.path("c"))) == ["c/d", "c/f"]
        assert world.names(world.fs.ls(world.path("a"))) == ["a"]

    def test_a_bucket_is_a_folder_also_when_it_is_empty(self, fsspec_server: testing.Server, s3_world: World) -> None:
        s3.create_bucket("s3://empty", store=fsspec_server.store_for("empty"))
        fs = s3_world.fs
        assert fs.info("empty") == {"name": "empty", "size": 0, "type": "directory"}
        assert (fs.ls("empty"), fs.find("empty"), fs.exists("s3://empty/")) == ([], [], True)
        assert (fs.exists("missing"), fs.find("missing")) == (False, [])
        with pytest.raises(FileNotFoundError):
            fs.ls("missing")

    def test_a_key_that_ends_in_a_slash_is_a_folder(self, fsspec_server: testing.Server, s3_world: World) -> None:
        store = fsspec_server.store_for("bucket")
        for name in ("empty/", "full/", "full/a"):
            s3.put_bytes(f"s3://{s3_world.root}/{name}", b"", store=store)
        fs = s3_world.fs
        assert s3_world.names(fs.ls(s3_world.root)) == ["empty", "full"]
        assert s3_world.names(fs.find(s3_world.root)) == ["full/a"]
        assert s3_world.names(fs.find(s3_world.root, withdirs=True)) == ["", "empty", "full", "full/a"]
        assert fs.isdir(s3_world.path("empty"))
        assert fs.ls(s3_world.path("empty")) == []
        fs.rm(s3_world.root, recursive=True)
        assert s3.list(f"s3://{s3_world.root}/", store=store) == []

    def test_everything_below_is_found(self, world: World) -> None:
        world.fill("a", "b/c", "b/d/e", "bb")
        fs, root = world.fs, world.root
        assert world.names(fs.find(root)) == ["a", "b/c", "b/d/e", "bb"]
        assert world.names(fs.find(world.path("b"))) == ["b/c", "b/d/e"]
        assert world.names(fs.find(root, withdirs=True)) == ["", "a", "b", "b/c", "b/d", "b/d/e", "bb"]
        assert world.names(fs.find(root, maxdepth=1)) == ["a", "bb"]
        assert world.names(fs.find(root, maxdepth=1, withdirs=True)) == ["", "a", "b", "bb"]
        assert world.names(fs.find(root, maxdepth=2)) == ["a", "b/c", "bb"]
        assert fs.find(world.path("a"), detail=True) == {world.path("a"): fs.info(world.path("a"))}
        assert all(fs.info(name) == entry for name, entry in fs.find(root, detail=True, withdirs=True).items())
        with pytest.raises(ValueError, match="maxdepth must be at least 1"):
            fs.find(root, maxdepth=0)

    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("*", ["a.txt", "b", "b.bin"]),
            ("*.txt", ["a.txt"]),
            ("b/*", ["b/c", "b/d.txt"]),
            ("*/c/*", ["b/c/e.txt"]),
            ("**/*.txt", ["a.txt", "b/c/e.txt", "b/d.txt"]),
            ("b*", ["b", "b.bin"]),
            ("[ab].*", ["a.txt", "b.bin"]),
            ("?", ["b"]),
            ("nothing*", []),
            ("a.txt", ["a.txt"]),
        ],
    )
    def test_patterns_match_as_in_a_shell(self, world: World, pattern: str, expected: list[str]) -> None:
        world.fill("a.txt", "b.bin", "b/d.txt", "b/c/e.txt")
        assert world.names(world.fs.glob(world.path(pattern))) == expected

    def test_folders_are_walked(self, world: World) -> None:
        world.fill("a", "b/c", "b/d/e")
        walked = [
            (world.names([path])[0], sorted(dirs), sorted(files)) for path, dirs, files in world.fs.walk(world.root)
        ]
        assert walked == [("", ["b"], ["a"]), ("b", ["d"], ["c"]), ("b/d", [], ["e"])]
        assert [dirs for _, dirs, _ in world.fs.walk(world.path("nothing"))] == [[]]

    def test_sizes_are_added_up(self, world: World) -> None:
        world.fill("a", "b/cc", "b/d/eee")
        sizes = {"a": 1, "b/cc": 4, "b/d/eee": 7}
        assert world.fs.du(world.root) == 12
        assert world.fs.du(world.root, total=False) == {world.path(name): size for name, size in sizes.items()}
        assert world.fs.du(world.root, maxdepth=2) == 5
        assert world.fs.sizes([world.path(name) for name in sizes]) == list(sizes.values())

    def test_finding_and_adding_up_take_one_request(self, s3_world: World) -> None:
        s3_world.fill(*(f"{index % 7}/{index}" for index in range(40)))
        assert s3_world.server is not None
        for call in (
            s3_world.fs.find,
            s3_world.fs.du,
            lambda path: s3_world.fs.glob(f"{path}/**"),
            lambda path: s3_world.fs.glob(f"{path}/*"),
            lambda path: s3_world.fs.find(path, maxdepth=1, withdirs=True),
            s3_world.fs.ls,
        ):
            s3_world.server.reset_stats()
            assert call(s3_world.root)
            assert requests(s3_world.server) == {"ListObjectsV2": 1}, call

    def test_a_listing_that_fails_is_not_a_short_one(self, s3_world: World) -> None:
        s3_world.fill("a/b", "c/d")
        assert s3_world.server is not None
        for call in (s3_world.fs.find, s3_world.fs.ls, s3_world.fs.du, lambda path: list(s3_world.fs.walk(path))):
            with_fault = s3_world.server.faults.status(403, "AccessDenied", query="list-type")
            with pytest.raises(PermissionError):
                call(s3_world.root)
            assert with_fault.hits > 0
            s3_world.server.faults.clear()
        fault = s3_world.server.faults.status(403, "AccessDenied", query="list-type", skip=1)
        with pytest.raises(PermissionError):
            list(s3_world.fs.walk(s3_world.root))
        assert fault.hits > 0
        assert len(list(s3_world.fs.walk(s3_world.root, on_error="omit"))) == 1
        s3_world.server.faults.clear()

    def test_the_time_of_writing_is_known(self, world: World) -> None:
        world.fill("a")
        for moment in (world.fs.modified(world.path("a")), world.fs.created(world.path("a"))):
            assert abs(moment - datetime.now(UTC)) < timedelta(minutes=2)
        with pytest.raises(FileNotFoundError):
            world.fs.modified(world.path("b"))


DATA = bytes(range(100))
EDGES = [None, 0, 1, 50, 99, 100, 101, 1000, -1, -50, -100, -101]


class TestReading:
    @pytest.mark.parametrize("start", EDGES)
    def test_a_part_is_what_a_slice_has(self, world: World, start: int | None) -> None:
        world.fs.pipe(world.path("a"), DATA)
        found = {end: world.fs.cat_file(world.path("a"), start=start, end=end) for end in EDGES}
        assert found == {end: DATA[start:end] for end in EDGES}

    def test_a_part_of_nothing_is_nothing(self, world: World) -> None:
        world.fs.pipe(world.path("a"), b"")
        assert [world.fs.cat_file(world.path("a"), start=start) for start in (None, 0, 5, -5)] == [b""] * 4
        with pytest.raises(FileNotFoundError):
            world.fs.cat_file(world.path("b"), start=1)

    def test_one_object_is_bytes_and_several_are_a_dict(self, world: World) -> None:
        world.fill("a", "b/c", "b/d/e")
        fs = world.fs
        data = fs.cat(world.path("a"))
        assert data == b"a"
        assert type(data) is bytes
        assert fs.cat([world.path("a")]) == {world.path("a"): b"a"}
        below = {world.path("b/c"): b"b/c", world.path("b/d/e"): b"b/d/e"}
        assert fs.cat(world.path("b"), recursive=True) == below
        assert fs.cat(world.path("b/*")) == {world.path("b/c"): b"b/c"}
        with pytest.raises(FileNotFoundError):
            fs.cat(world.path("nothing*"))

    def test_what_cannot_be_read_is_raised_or_returned_or_left_out(self, world: World) -> None:
        world.fill("a")
        paths = [world.path("a"), world.path("b")]
        with pytest.raises(FileNotFoundError):
            world.fs.cat(paths)
        assert world.fs.cat(paths, on_error="omit") == {paths[0]: b"a"}
        found = world.fs.cat(paths, on_error="return")
        assert found[paths[0]] == b"a"
        assert isinstance(found[paths[1]], FileNotFoundError)

    def test_ranges_come_in_the_order_that_was_asked_for(self, world: World) -> None:
        world.fs.pipe({world.path("a"): DATA, world.path("b"): DATA[::-1]})
        a, b = world.path("a"), world.path("b")
        found = world.fs.cat_ranges([b, a, b, a, a], [90, 10, 0, 0, -5], [100, 20, 10, 10, None])
        assert found == [DATA[::-1][90:], DATA[10:20], DATA[::-1][:10], DATA[:10], DATA[95:]]
        assert {type(each) for each in found} == {bytes}
        assert world.fs.cat_ranges([a, b], 1, 3) == [DATA[1:3], DATA[::-1][1:3]]
        assert world.fs.cat_ranges([a, a], [0, 95], [5, 200]) == [DATA[:5], DATA[95:]]
        assert world.fs.cat_ranges([a, a], [0, 500], [5, 600]) == [DATA[:5], b""]
        assert world.fs.cat_ranges([], [], []) == []

    @pytest.mark.parametrize(("starts", "ends"), [([0], [1, 2]), ([0, 1], [2]), ([0, 1, 2], [3, 4, 5])])
    def test_ranges_that_do_not_fit_the_paths_are_refused(
        self, world: World, starts: list[int], ends: list[int]
    ) -> None:
        with pytest.raises(ValueError, match="for 2 paths"):
            world.fs.cat_ranges([world.path("a"), world.path("b")], starts, ends)
        with pytest.raises(TypeError, match="paths must be a list"):
            world.fs.cat_ranges(world.path("a"), starts, ends)

    def test_a_range_that_cannot_be_read_is_in_its_place_or_raised(self, world: World) -> None:
        world.fs.pipe(world.path("a"), DATA)
        paths = [world.path("missing"), world.path("a"), world.path("missing")]
        found = world.fs.cat_ranges(paths, [0, 1, 2], [1, 2, 3])
        assert [type(each) is bytes for each in found] == [False, True, False]
        assert isinstance(found[0], FileNotFoundError)
        with pytest.raises(FileNotFoundError):
            world.fs.cat_ranges(paths, [0, 1, 2], [1, 2, 3], on_error="raise")

    def test_ranges_that_are_near_each_other_are_one_request(self, s3_world: World) -> None:
        s3_world.fs.pipe(s3_world.path("a"), DATA)
        assert s3_world.server is not None
        for gap, count in ((None, 1), (5, 2)):
            s3_world.server.reset_stats()
            found = s3_world.fs.cat_ranges([s3_world.path("a")] * 3, [0, 10, 90], [10, 20, 100], max_gap=gap)
            assert found == [DATA[:10], DATA[10:20], DATA[90:]]
            assert requests(s3_world.server) == {"GetObject": count}

    def test_a_signed_url_gives_the_object_to_anybody(self, s3_world: World) -> None:
        s3_world.fill("a b")
        with urllib.request.urlopen(s3_world.fs.sign(s3_world.path("a b"), expiration=60)) as answer:
            assert answer.read() == b"a b"
        with pytest.raises((NotImplementedError, TypeError)):
            FsspecStore("memory").sign("/a")


class Progress(Callback):  # type: ignore[misc]
    """A callback of fsspec that remembers those of the files."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, Callback] = {}

    def branched(self, path_1: str, path_2: str, **_: Any) -> Callback:
        self.files[str(path_1)] = Callback()
        return self.files[str(path_1)]


class TestFilesInAndOut:
    def test_a_tree_goes_there_and_back_and_tells_how_far_it_is(self, world: World, tmp_path: Path) -> None:
        there = tmp_path / "there"
        contents = {"a": b"1", "b/c": b"22" * 1000, "b/d/e": os.urandom(9 << 20), "empty": b""}
        for name, content in contents.items():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            (there / name).write_bytes(content)
        progress = Progress()
        world.fs.put(f"{there}/", world.path("set"), recursive=True, callback=progress)
        assert (progress.size, progress.value) == (4, 4)
        told = {Path(name).name: (each.size, each.value) for name, each in progress.files.items()}
        assert told == {Path(name).name: (len(content), len(content)) for name, content in contents.items()}
        back, progress = tmp_path / "back", Progress()
        world.fs.get(f"{world.path('set')}/", str(back), recursive=True, callback=progress)
        found = {str(path.relative_to(back)): path.read_bytes() for path in back.rglob("*") if path.is_file()}
        assert found == contents
        files = {each.size: each.value for each in progress.files.values() if each.size is not None}
        assert files == {len(content): len(content) for content in contents.values()}

    def test_without_a_callback_it_is_the_same(self, world: World, tmp_path: Path) -> None:
        content = os.urandom(6 << 20)
        (tmp_path / "local").write_bytes(content)
        world.fs.put_file(str(tmp_path / "local"), world.path("a"))
        assert world.fs.cat(world.path("a")) == content
        target = io.BytesIO()
        world.fs.get_file(world.path("a"), target)
        assert target.getvalue() == content
        world.fs.get_file(world.path("a"), str(tmp_path / "new" / "folder" / "b"))
        assert (tmp_path / "new" / "folder" / "b").read_bytes() == content
        with pytest.raises(IsADirectoryError, match="name a file in it"):
            world.fs.get_file(world.path("a"), str(tmp_path / "new"))

    def test_a_file_that_is_not_there_is_an_error_and_nothing_is_left(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "old").write_bytes(b"old")
        with pytest.raises(FileNotFoundError):
            world.fs.put_file(str(tmp_path / "missing"), world.path("a"))
        with pytest.raises(FileNotFoundError):
            world.fs.get_file(world.path("missing"), str(tmp_path / "old"))
        assert not world.fs.exists(world.path("a"))
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"old")]

    def test_a_download_that_fails_leaves_the_file_as_it_was(self, world: World, tmp_path: Path) -> None:
        class Full(Callback):  # type: ignore[misc]
            def relative_update(self, inc: int = 1) -> None:
                raise OSError("no space left")

        world.fill("a")
        (tmp_path / "old").write_bytes(b"old")
        with pytest.raises(OSError, match="no space left"):
            world.fs.get_file(world.path("a"), str(tmp_path / "old"), callback=Full())
        assert (tmp_path / "old").read_bytes() == b"old"
        assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_coroutines_of_a_program_use_its_own_loop(fsspec_server: testing.Server) -> None:
    async def main() -> list[str]:
        fs = FsspecStore("s3", asynchronous=True, **s3_options(fsspec_server))
        assert fs.loop is None
        await fs._pipe({f"bucket/coroutines/{index}": b"data" for index in range(20)})
        assert await fs._cat_file("bucket/coroutines/3") == b"data"
        found: list[str] = await fs._find("bucket/coroutines")
        await fs._rm("bucket/coroutines", recursive=True)
        return found

    assert len(asyncio.run(main())) == 20
