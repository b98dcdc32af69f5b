"""The files of `longshore.fsspec`, compared with Python's own."""

from __future__ import annotations

import asyncio
import io
import os
import pickle
import random
from typing import Any

import fsspec.spec  # type: ignore[import-untyped]
import pytest

import longshore as s3
from backends import new_name
from fsspec_worlds import World, requests, s3_options
from longshore import testing
from longshore.fsspec import BufferedFile, FsspecStore

DATA = random.Random(1).randbytes(3_000_000)


pytest_plugins = ["fsspec_worlds"]

CACHES = [None, "none", "readahead", "bytes", "all", "background", "mmap", "blockcache", "first"]


class TestReading:
    @pytest.mark.parametrize("cache", CACHES)
    def test_any_order_of_reads_and_seeks_gives_what_a_file_does(self, world: World, cache: str | None) -> None:
        world.fs.pipe(world.path("a"), DATA)
        chance = random.Random(cache)
        expected = io.BytesIO(DATA)
        with world.fs.open(world.path("a"), "rb", block_size=100_000, cache_type=cache) as file:
            assert isinstance(file, BufferedFile)
            assert file.size == len(DATA)
            for _ in range(60):
                position = chance.choice([0, len(DATA), len(DATA) + 5, chance.randrange(len(DATA))])
                assert file.seek(position) == expected.seek(position) == file.tell() == file.loc
                for _ in range(4):
                    length = chance.choice([0, 1, 7, 1000, 99_999, 100_001, 250_000])
                    # All of it, also in the middle of the file and across the end of a buffer.
                    assert file.read(length) == expected.read(length)
                    assert file.tell() == expected.tell()
            file.seek(-1000, 2)
            file.seek(-100, 1)
            assert file.read() == DATA[-1100:]
            assert file.read() == file.read(5) == b""

    def test_asking_for_the_position_keeps_what_was_read_ahead(self, s3_world: World) -> None:
        s3_world.fs.pipe(s3_world.path("a"), DATA[:100_000])
        assert s3_world.server is not None
        s3_world.server.reset_stats()
        with s3_world.fs.open(s3_world.path("a"), "rb") as file:
            for index in range(1000):
                assert file.tell() == index * 100
                assert file.read(100) == DATA[index * 100 : index * 100 + 100]
        counted = requests(s3_world.server)
        assert counted["GetObject"] <= 3, counted
        assert counted.get("HeadObject", 0) <= 1, counted

    def test_positions_before_the_start_are_refused(self, world: World) -> None:
        world.fs.pipe(world.path("a"), DATA[:100])
        with world.fs.open(world.path("a")) as file:
            file.seek(10)
            for offset, whence in ((-5, 0), (-11, 1), (-101, 2)):
                with pytest.raises(ValueError, match="before its start"):
                    file.seek(offset, whence)
            with pytest.raises(ValueError, match="whence"):
                file.seek(0, 3)
            assert (file.tell(), file.read(1)) == (10, DATA[10:11])

    def test_lines_need_not_be_text(self, world: World) -> None:
        lines = [b"\xff\xfe first\n", b"\n", b"x" * 200_000 + b"\n", b"\x00\xc3(", b"last \xe4"]
        content = b"".join(lines)
        world.fs.pipe(world.path("a"), content)
        path = world.path("a")
        for cache in (None, "readahead"):
            with world.fs.open(path, cache_type=cache) as file:
                assert list(file) == io.BytesIO(content).readlines()
                file.seek(0)
                assert file.readlines() == io.BytesIO(content).readlines()
                file.seek(3)
                assert file.readline() == lines[0][3:]
                assert file.tell() == len(lines[0])
                assert file.readuntil(b"x") == b"\nx"
                file.seek(0)
                assert file.readlines(5) == io.BytesIO(content).readlines(5)
        with world.fs.open(path) as file:
            assert file.readline(4) == lines[0][:4]

    def test_bytes_are_read_into_memory_of_the_caller(self, world: World) -> None:
        world.fs.pipe(world.path("a"), DATA[:1000])
        for cache in (None, "bytes"):
            with world.fs.open(world.path("a"), cache_type=cache) as file:
                target = bytearray(600)
                assert file.readinto(target) == 600
                assert bytes(target) == DATA[:600]
                assert file.readinto(target) == 400
                assert bytes(target[:400]) == DATA[600:1000]
                assert file.readinto(target) == 0

    def test_a_read_is_bytes(self, world: World) -> None:
        world.fs.pipe(world.path("a"), b"line\nline\n")
        with world.fs.open(world.path("a")) as file:
            assert [type(each) for each in (file.read(1), file.readline(), file.readlines()[0])] == [bytes] * 3

    def test_a_closed_file_and_the_wrong_direction_are_errors(self, world: World) -> None:
        world.fs.pipe(world.path("a"), b"data")
        file = world.fs.open(world.path("a"))
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"data")
        file.close()
        file.close()
        assert file.closed
        for call in (file.read, file.readline, file.tell, lambda: file.seek(0), file.flush, lambda: file.readinto(b"")):
            with pytest.raises(ValueError, match="closed file"):
                call()
        with world.fs.open(world.path("b"), "wb") as file:
            for call in (file.read, lambda: file.seek(0), file.readline):
                with pytest.raises(io.UnsupportedOperation, match="open with the mode 'wb'"):
                    call()

    def test_what_is_not_there_cannot_be_opened(self, world: World) -> None:
        for cache in (None, "bytes"):
            with pytest.raises(FileNotFoundError):
                world.fs.open(world.path("missing"), cache_type=cache)
        with pytest.raises(FileNotFoundError):
            world.fs.open(world.path("missing"), "r")

    def test_a_file_that_is_read_can_be_pickled_where_it_is(self, world: World) -> None:
        world.fs.pipe(world.path("a"), DATA[:1000])
        for cache in (None, "readahead"):
            with world.fs.open(world.path("a"), cache_type=cache) as file:
                file.seek(100)
                with pickle.loads(pickle.dumps(file)) as other:
                    assert (other.tell(), other.read()) == (100, DATA[100:1000])
                assert file.read(5) == DATA[100:105]
        with world.fs.open(world.path("b"), "wb") as file:
            with pytest.raises(TypeError, match="is being written"):
                pickle.dumps(file)

    def test_ranges_of_a_cache_are_of_one_version(self, s3_world: World) -> None:
        s3_world.fs.pipe(s3_world.path("a"), b"1" * 1000)
        with s3_world.fs.open(s3_world.path("a"), cache_type="none") as file:
            assert file.read(10) == b"1" * 10
            s3_world.fs.pipe(s3_world.path("a"), b"2" * 1000)
            with pytest.raises(s3.exceptions.PreconditionError):
                file.read(10)

    def test_fsspecs_ways_to_open_work(self, world: World) -> None:
        world.fs.pipe(world.path("a"), b"one\r\ntwo\r\n")
        with world.fs.open(world.path("a"), "r", encoding="ascii", newline="") as file:
            assert file.read() == "one\r\ntwo\r\n"
        with world.fs.open(world.path("a"), "rt") as file:
            assert list(file) == ["one\n", "two\n"]
        assert world.fs.read_block(world.path("a"), 2, 5, b"\r\n") == b"two\r\n"
        assert world.fs.head(world.path("a"), 4) == b"one\r"
        assert world.fs.tail(world.path("a"), 5) == b"two\r\n"
        with world.fs.open(world.path("b.gz"), "wt", compression="infer") as file:
            file.write("text")
        assert world.fs.cat(world.path("b.gz"))[:2] == b"\x1f\x8b"
        with world.fs.open(world.path("b.gz"), "rt", compression="gzip") as file:
            assert file.read() == "text"


class TestWriting:
    def test_an_object_appears_when_its_file_is_closed(self, world: World) -> None:
        with world.fs.open(world.path("a"), "wb") as file:
            assert file.write(DATA) == len(DATA)
            assert file.write(memoryview(DATA)[:10]) == 10
            file.flush()
            assert file.tell() == len(DATA) + 10
            assert not world.fs.exists(world.path("a"))
        assert file.closed
        assert world.fs.cat(world.path("a")) == DATA + DATA[:10]

    def test_a_large_object_is_sent_in_parts(self, s3_world: World) -> None:
        content = os.urandom(1 << 20)
        assert s3_world.server is not None
        s3_world.server.reset_stats()
        # Asked for parts that S3 refuses.
        with s3_world.fs.open(s3_world.path("a"), "wb", block_size=1000) as file:
            for _ in range(16):
                file.write(content)
        assert requests(s3_world.server)["UploadPart"] >= 2
        assert s3_world.fs.cat(s3_world.path("a")) == content * 16

    def test_nothing_and_text_are_written(self, world: World) -> None:
        with world.fs.open(world.path("a"), "wb"):
            pass
        assert world.fs.cat(world.path("a")) == b""
        with world.fs.open(world.path("a"), "w", encoding="latin-1", newline="\r\n") as file:
            file.write("ä\n")
        assert world.fs.cat(world.path("a")) == b"\xe4\r\n"

    @pytest.mark.parametrize("mode", ["wb", "w", "ab", "xb", "x"])
    def test_a_block_that_fails_leaves_the_object_as_it_was(self, world: World, mode: str) -> None:
        path = world.path("a")
        if "x" not in mode:
            world.fs.pipe(path, b"old")

        def fail() -> None:
            with world.fs.open(path, mode) as file:
                file.write(b"new" if "b" in mode else "new")
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert not world.fs.exists(path) if "x" in mode else world.fs.cat(path) == b"old"

    def test_a_block_that_fails_leaves_no_upload_behind(self, s3_world: World) -> None:
        def fail() -> None:
            with s3_world.fs.open(s3_world.path("a"), "wb") as file:
                file.write(os.urandom(25 << 20))
                raise RuntimeError("stop")

        assert s3_world.server is not None
        s3_world.server.reset_stats()
        with pytest.raises(RuntimeError, match="stop"):
            fail()
        counted = requests(s3_world.server)
        assert counted.get("CompleteMultipartUpload", 0) == 0
        assert counted.get("CreateMultipartUpload", 0) == counted.get("AbortMultipartUpload", 0)

    def test_a_write_that_fails_is_raised_when_the_file_is_closed(self, s3_world: World) -> None:
        assert s3_world.server is not None
        fault = s3_world.server.faults.status(403, "AccessDenied", method="PUT")
        file = s3_world.fs.open(s3_world.path("a"), "wb")
        file.write(b"data")
        with pytest.raises(PermissionError):
            file.close()
        assert fault.hits == 1
        s3_world.server.faults.clear()
        file.close()
        assert not s3_world.fs.exists(s3_world.path("a"))

    def test_appending_keeps_what_is_there(self, world: World) -> None:
        world.fs.pipe(world.path("a"), DATA)
        with world.fs.open(world.path("a"), "ab") as file:
            assert file.tell() == len(DATA)
            file.write(b"more")
        assert world.fs.cat(world.path("a")) == DATA + b"more"
        for text in ("one", "two"):
            with world.fs.open(world.path("b"), "a") as file:
                file.write(text)
        assert world.fs.cat(world.path("b")) == b"onetwo"

    def test_an_exclusive_write_never_replaces(self, world: World) -> None:
        with world.fs.open(world.path("a"), "xb") as file:
            file.write(b"data")
        with pytest.raises(FileExistsError, match="the mode is 'xb'"):
            world.fs.open(world.path("a"), "xb")
        file = world.fs.open(world.path("b"), "xb")
        file.write(b"mine")
        # Somebody is faster.
        world.fs.pipe(world.path("b"), b"theirs")
        with pytest.raises(FileExistsError):
            file.close()
        assert (world.fs.cat(world.path("a")), world.fs.cat(world.path("b"))) == (b"data", b"theirs")

    @pytest.mark.parametrize("mode", ["r+b", "w+b", "b", "rwb", "U"])
    def test_other_modes_are_refused(self, world: World, mode: str) -> None:
        with pytest.raises(ValueError, match="opened with the mode"):
            world.fs.open(world.path("a"), mode)

    def test_arguments_that_mean_nothing_are_refused(self, world: World) -> None:
        with pytest.raises(TypeError, match="fill_cache"):
            world.fs.open(world.path("a"), "wb", fill_cache=True)

    def test_a_transaction_makes_all_of_its_objects_or_none(self, world: World) -> None:
        with world.fs.transaction:
            for name in ("a", "b"):
                with world.fs.open(world.path(name), "wb") as file:
                    file.write(name.encode())
            assert world.fs.find(world.root) == []
        assert [world.fs.cat(world.path(name)) for name in ("a", "b")] == [b"a", b"b"]

        def fail() -> None:
            with world.fs.transaction:
                with world.fs.open(world.path("c"), "wb") as file:
                    file.write(b"c")
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert not world.fs.exists(world.path("c"))

    def test_a_file_that_goes_away_is_closed_as_pythons_own_are(self, world: World) -> None:
        world.fs.open(world.path("a"), "wb").write(b"data")
        assert world.fs.cat(world.path("a")) == b"data"


class TestCoroutines:
    def test_files_are_read_and_written_by_coroutines(self, fsspec_server: testing.Server) -> None:
        async def main() -> None:
            fs = FsspecStore("s3", asynchronous=True, **s3_options(fsspec_server))
            path = f"bucket/{new_name()}"
            async with await fs.open_async(path, "wb") as file:
                for start in range(0, len(DATA), 1_000_000):
                    assert await file.write(DATA[start : start + 1_000_000]) == 1_000_000
                assert file.tell() == len(DATA)
            async with await fs.open_async(path) as file:
                assert file.size == len(DATA)
                assert await file.read(10) == DATA[:10]
                file.seek(-10, 2)
                assert await file.read() == DATA[-10:]
                assert (await file.read(), await file.read(5), file.tell()) == (b"", b"", len(DATA))
                file.seek(100)
                assert await file.readline() == io.BytesIO(DATA[100:]).readline()
                with pytest.raises(io.UnsupportedOperation):
                    await file.write(b"data")
            with pytest.raises(ValueError, match="closed file"):
                await file.read()
            with pytest.raises(FileNotFoundError):
                await fs.open_async(path + "2")
            with pytest.raises(ValueError, match="rb or wb here"):
                await fs.open_async(path, "ab")

        asyncio.run(main())

    def test_a_block_that_fails_leaves_the_object_as_it_was(self, fsspec_server: testing.Server) -> None:
        fs = FsspecStore("s3", asynchronous=True, **s3_options(fsspec_server))
        path = f"bucket/{new_name()}"

        async def fail() -> None:
            async with await fs.open_async(path, "wb") as file:
                await file.write(DATA)
                raise RuntimeError("stop")

        async def main() -> bytes:
            await fs._pipe_file(path, b"old")
            with pytest.raises(RuntimeError, match="stop"):
                await fail()
            return await fs._cat_file(path)

        assert asyncio.run(main()) == b"old"


def test_a_file_is_one_of_fsspecs(world: World) -> None:
    world.fs.pipe(world.path("a"), b"data")
    with world.fs.open(world.path("a")) as file:
        assert isinstance(file, fsspec.spec.AbstractBufferedFile)
        assert file.info() == world.fs.info(world.path("a"))
        assert (file.full_name, file.fs) == (world.fs.unstrip_protocol(world.path("a")), world.fs)
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        same: Any = world.fs.open(world.path("a"))
        assert same == file
        same.close()
    with world.fs.open(world.path("b"), "wb") as file:
        assert (file.readable(), file.seekable(), file.writable()) == (False, False, True)
