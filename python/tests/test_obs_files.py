"""Objects as files, on every kind of store: for reading and for writing, blocking and with asyncio."""

from __future__ import annotations

import asyncio
import gc
import gzip
import io
import os
import pickle
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest

import longshore as s3
from backends import Place
from longshore import exceptions, obs

MIB = 1 << 20
BODY = bytes(range(256)) * 4000


def reader(place: Place, name: str = "a", **arguments: Any) -> obs.ReadableFile:
    return obs.open_reader(place.store(), place.key(name), **arguments)


def give_up(file: obs.WritableFile, size: int) -> None:
    with file:
        file.write(b"x" * size)
        raise ArithmeticError


async def give_up_async(file: obs.AsyncWritableFile) -> None:
    async with file:
        await file.write(b"x" * 11 * MIB)
        raise ArithmeticError


class TestReading:
    def test_a_file_is_one_of_io(self, readable_place: Place) -> None:
        readable_place.write({"a": BODY})
        with reader(readable_place) as file:
            assert isinstance(file, io.BufferedIOBase)
            assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
            assert (file.size, file.mode, file.name) == (len(BODY), "rb", readable_place.key("a"))
            assert file.read() == BODY
            assert file.read() == b""
        assert file.closed
        with pytest.raises(ValueError, match="closed"):
            file.read()

    def test_reads_are_exact_in_the_middle_of_a_file(self, readable_place: Place) -> None:
        readable_place.write({"a": BODY})
        with reader(readable_place, buffer_size=1000) as file:
            for size in (1, 999, 1000, 1001, 5000, 123_456):
                at = file.tell()
                assert file.read(size) == BODY[at : at + size], size
            rest = len(BODY) - file.tell()
            assert len(file.read(rest + 500)) == rest

    def test_readinto_fills_what_it_is_given(self, readable_place: Place) -> None:
        readable_place.write({"a": BODY})
        with reader(readable_place, buffer_size=1000) as file:
            array: Any = numpy.zeros(500, dtype="uint16")
            assert file.readinto(array) == 1000
            assert array.tobytes() == BODY[:1000]
            buffer = bytearray(300_000)
            assert file.readinto(buffer) == 300_000
            assert bytes(buffer) == BODY[1000:301_000]
            file.seek(-10, os.SEEK_END)
            assert file.readinto(buffer) == 10
            assert file.readinto(buffer) == 0

    def test_seeks_are_those_of_files(self, readable_place: Place, tmp_path: Path) -> None:
        readable_place.write({"a": BODY})
        (tmp_path / "twin").write_bytes(BODY)
        with reader(readable_place) as file, open(tmp_path / "twin", "rb") as twin:
            seeks = [
                (0, 0), (-5, 2), (10, 0), (5, 1), (-3, 1), (0, 2), (10**7, 0), (3, 2), (0, 1), (7, 0),
                (-5, 0), (-(10**8), 2), (-(10**8), 1), (0, 9),
            ]  # fmt: skip
            for offset, whence in seeks:
                outcomes: list[object] = []
                for this in (file, twin):
                    try:
                        outcomes.append((this.seek(offset, whence), this.tell(), this.read(3)))
                    except (OSError, ValueError) as error:
                        outcomes.append((type(error), getattr(error, "errno", None), this.tell()))
                assert outcomes[0] == outcomes[1], (offset, whence)

    def test_tell_costs_nothing_and_keeps_the_buffer(self, gateway_place: Place) -> None:
        gateway_place.write({"a": BODY})
        gateway_place.reset()
        with reader(gateway_place, buffer_size=MIB) as file:
            for expected in range(0, 10_000, 10):
                assert file.tell() == expected
                file.read(10)
        assert (gateway_place.count("GetObject"), gateway_place.count("HeadObject")) == (1, 0)

    def test_lines_need_not_be_text(self, readable_place: Place) -> None:
        body = b"\xff\xfe first\n\x80second\r\n\nlast \xc3"
        readable_place.write({"a": body})
        with reader(readable_place, buffer_size=4) as file:
            assert file.readline() == b"\xff\xfe first\n"
            assert list(file) == [b"\x80second\r\n", b"\n", b"last \xc3"]
            file.seek(0)
            assert file.readlines() == io.BytesIO(body).readlines()

    def test_an_empty_object_is_an_empty_file(self, readable_place: Place) -> None:
        readable_place.write({"a": b""})
        with reader(readable_place) as file:
            assert (file.size, file.read(), file.readline(), file.seek(0, 2)) == (0, b"", b"", 0)

    def test_libraries_read_it_as_any_file(self, quick_place: Place) -> None:
        archive, tar = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("x", b"zipped")
        with tarfile.open(fileobj=tar, mode="w") as tarred:
            tarred.addfile(tarfile.TarInfo("empty"))
        array = io.BytesIO()
        numpy.save(array, numpy.arange(5))
        quick_place.write(
            {
                "zip": archive.getvalue(),
                "tar": tar.getvalue(),
                "npy": array.getvalue(),
                "pickle": pickle.dumps({"a": 1}),
                "gz": gzip.compress(b"squeezed"),
                "text": "zwölf\n".encode(),
            }
        )
        with reader(quick_place, "zip") as file, zipfile.ZipFile(file) as found:
            assert found.read("x") == b"zipped"
        with reader(quick_place, "tar") as file, tarfile.open(fileobj=file) as names:
            assert names.getnames() == ["empty"]
        with reader(quick_place, "npy") as file:
            assert numpy.load(file).tolist() == [0, 1, 2, 3, 4]
        with reader(quick_place, "pickle") as file:
            assert pickle.load(file) == {"a": 1}
        with reader(quick_place, "gz") as file, gzip.open(file) as unzipped:
            assert unzipped.read() == b"squeezed"
        with reader(quick_place, "text") as file, io.TextIOWrapper(file, "utf-8") as text:
            assert text.read() == "zwölf\n"

    def test_reading_from_front_to_back_takes_few_requests_and_no_head(self, gateway_place: Place) -> None:
        body = os.urandom(MIB) * 37
        gateway_place.write({"a": body})
        gateway_place.reset()
        with reader(gateway_place) as file:
            chunks = []
            while chunk := file.read(100_000):
                chunks.append(chunk)
        assert b"".join(chunks) == body
        assert gateway_place.count("GetObject") <= 9
        assert gateway_place.count("HeadObject") == 0
        gateway_place.reset()
        with reader(gateway_place) as file:
            assert file.read() == body
        assert gateway_place.count("GetObject") <= 8

    def test_reading_here_and_there_brings_no_more_than_a_block_each(self, gateway_place: Place) -> None:
        body = os.urandom(MIB) * 20
        gateway_place.write({"a": body})
        gateway_place.reset()
        with reader(gateway_place, buffer_size=1000) as file:
            for at in (19 * MIB, 3 * MIB, 11 * MIB, 7):
                file.seek(at)
                assert file.read(8) == body[at : at + 8]
        assert gateway_place.count("GetObject") <= 5

    def test_a_known_size_saves_the_first_request_and_a_wrong_one_is_found_out(self, gateway_place: Place) -> None:
        gateway_place.write({"a": BODY})
        gateway_place.reset()
        with reader(gateway_place, size=len(BODY)) as file:
            assert gateway_place.count("GetObject") == 0
            assert file.size == len(BODY)
            assert file.read() == BODY
        assert gateway_place.count("HeadObject") == 0
        for wrong in (len(BODY) - 1, len(BODY) + 1, 10):
            with reader(gateway_place, size=wrong) as file:
                with pytest.raises(exceptions.BaseError, match=f"has {len(BODY)} bytes|server sent"):
                    file.read()

    def test_an_object_that_is_replaced_while_it_is_open_is_never_mixed(self, gateway_place: Place) -> None:
        gateway_place.write({"a": b"0" * 9 * MIB})
        with reader(gateway_place, buffer_size=1000) as file:
            assert file.read(10) == b"0" * 10
            gateway_place.write({"a": b"1" * 9 * MIB})
            with pytest.raises(exceptions.PreconditionError):
                file.read()

    def test_a_closed_file_lets_go_of_what_was_read_ahead(self, gateway_place: Place) -> None:
        gateway_place.write({"a": BODY})
        file = reader(gateway_place, buffer_size=1000)
        assert file.read(1500) == BODY[:1500]
        native: Any = file._reader
        file.close()
        file.close()
        with pytest.raises(ValueError, match="closed"):
            native.read(None, 0, 10)

        async def use() -> Any:
            opened = await obs.open_reader_async(gateway_place.store(), gateway_place.key("a"), buffer_size=1000)
            assert await opened.read(1500) == BODY[:1500]
            opened.close()
            opened.close()
            return opened._reader

        native = asyncio.run(use())
        with pytest.raises(ValueError, match="closed"):
            native.read(None, 0, 10)

    def test_an_open_local_file_stays_what_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"first " * 1000)
        with obs.open_reader(s3.store_for("file:///"), str(path).lstrip("/")) as file:
            obs.put(s3.store_for("file:///"), str(path).lstrip("/"), b"second")
            assert file.read() == b"first " * 1000


def test_the_prefix_of_a_store_is_applied_once(gateway_place: Place) -> None:
    bucket = gateway_place.backend.root.removeprefix("s3://").rstrip("/")
    # A key that begins like the prefix tells once from never and from twice.
    store = s3.S3Store(bucket, prefix=gateway_place.key("a"))
    with obs.open_writer(store, "a/sync") as writer:
        writer.write(b"deep")

    async def main() -> None:
        async with obs.open_writer_async(store, "a/async") as written:
            await written.write(b"deep")
        async with await obs.open_reader_async(store, "a/sync") as file:
            assert bytes(await file.read()) == b"deep"

    asyncio.run(main())
    assert gateway_place.bodies() == {"a/a/sync": b"deep", "a/a/async": b"deep"}
    with obs.open_reader(store, "a/async") as file:
        assert (file.name, file.read()) == ("a/async", b"deep")
    assert bytes(obs.get_range(store, "a/sync", start=1, length=2)) == b"ee"
    assert [bytes(part) for part in obs.get_ranges(store, "a/sync", starts=[0, 2], lengths=[1, 2])] == [b"d", b"ep"]


class TestReadingAsync:
    def test_it_reads_seeks_and_tells(self, readable_place: Place) -> None:
        readable_place.write({"a": BODY})

        async def main() -> None:
            store, key = readable_place.store(), readable_place.key("a")
            async with await obs.open_reader_async(store, key, buffer_size=1000) as file:
                assert file.size == len(BODY)
                for size in (1, 999, 1000, 1001, 5000, 123_456):
                    at = await file.tell()
                    assert await file.read(size) == BODY[at : at + size], size
                assert await file.seek(-5, os.SEEK_END) == len(BODY) - 5
                assert await file.read(100) == BODY[-5:]
                assert await file.read() == b""
                with pytest.raises(OSError, match="before the beginning"):
                    await file.seek(-5)
                await file.seek(0)
                buffer = bytearray(3000)
                assert await file.readinto(buffer) == 3000
                assert bytes(buffer) == BODY[:3000]
                await file.seek(7)
                assert await file.readall() == BODY[7:]
            with pytest.raises(ValueError, match="closed"):
                await file.read()

        asyncio.run(main())

    def test_lines_need_not_be_text(self, readable_place: Place) -> None:
        body = b"\xff\xfe first\n\x80second\r\n\nlast \xc3"
        readable_place.write({"a": body})

        async def main() -> None:
            store, key = readable_place.store(), readable_place.key("a")
            for buffer_size in (1, 4, 1000):
                file = await obs.open_reader_async(store, key, buffer_size=buffer_size)
                assert await file.readline() == b"\xff\xfe first\n"
                assert await file.read(3) == b"\x80se"
                assert [line async for line in file] == [b"cond\r\n", b"\n", b"last \xc3"]
                await file.seek(0)
                assert await file.readlines() == io.BytesIO(body).readlines()

        asyncio.run(main())

    def test_a_cancelled_read_moves_nothing(self, gateway_place: Place) -> None:
        gateway_place.write({"a": BODY})
        gateway = gateway_place.backend.gateway
        assert gateway is not None

        async def main() -> None:
            store, key = gateway_place.store(), gateway_place.key("a")
            file = await obs.open_reader_async(store, key, buffer_size=100)
            await file.read(50)
            gateway.faults.latency(1, method="GET", times=1)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(file.read(100_000), 0.1)
            assert await file.tell() == 50
            assert await file.read(100_000) == BODY[50:100_050]

        asyncio.run(main())


class TestWriting:
    def test_an_object_appears_when_it_is_closed(self, place: Place) -> None:
        with obs.open_writer(place.store(), place.key("a")) as file:
            assert isinstance(file, io.BufferedIOBase)
            assert (file.writable(), file.readable(), file.seekable()) == (True, False, False)
            assert file.write(b"one ") == 4
            assert file.write(numpy.arange(3, dtype="uint16")) == 6
            assert file.tell() == 10
            file.writelines([b"x", bytearray(b"y")])
            assert place.names() == []
        assert file.closed
        assert file.result is not None
        assert place.bodies() == {"a": b"one " + numpy.arange(3, dtype="uint16").tobytes() + b"xy"}
        with pytest.raises(ValueError, match="closed"):
            file.write(b"")
        file.close()

    def test_a_large_object_is_written_in_parts(self, place: Place) -> None:
        pieces = [os.urandom(size) for size in (3, 7 * MIB, 100, 6 * MIB, MIB)]
        with obs.open_writer(place.store(), place.key("a"), buffer_size=5 * MIB) as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
        assert place.bodies() == {"a": b"".join(pieces)}

    def test_an_exception_gives_it_up(self, place: Place) -> None:
        place.write({"a": b"old"})
        for size in (10, 11 * MIB):
            file = obs.open_writer(place.store(), place.key("a"))
            with pytest.raises(ArithmeticError):
                give_up(file, size)
            assert file.closed
            assert place.bodies() == {"a": b"old"}
            if place.backend.scheme == "file":
                folder = Path("/", place.prefix)
                assert [path.name for path in folder.iterdir()] == ["a"]

    def test_close_raises_what_went_wrong(self, gateway_place: Place) -> None:
        gateway = gateway_place.backend.gateway
        assert gateway is not None
        fault = gateway.faults.status(403, "AccessDenied", method="PUT")
        file = obs.open_writer(gateway_place.store(), gateway_place.key("a"))
        file.write(b"x")
        with pytest.raises(exceptions.PermissionDeniedError):
            file.close()
        assert file.closed
        with pytest.raises(exceptions.PermissionDeniedError):
            with obs.open_writer(gateway_place.store(), gateway_place.key("a")) as file:
                file.write(b"x")
        assert fault.hits == 2
        gateway.faults.clear()
        assert gateway_place.names() == []

    def test_a_failed_part_is_not_swallowed(self, gateway_place: Place) -> None:
        gateway = gateway_place.backend.gateway
        assert gateway is not None
        fault = gateway.faults.status(403, "AccessDenied", method="PUT", query="partNumber=1")
        file = obs.open_writer(gateway_place.store(), gateway_place.key("a"), buffer_size=5 * MIB, max_concurrency=1)
        failures = 0
        for _ in range(4):
            try:
                file.write(os.urandom(5 * MIB))
            except exceptions.BaseError:
                failures += 1
        with pytest.raises(exceptions.BaseError, match=r"earlier part|refused|AccessDenied"):
            file.close()
        assert failures >= 1
        assert fault.hits >= 1
        gateway.faults.clear()
        assert gateway_place.names() == []

    def test_one_that_nobody_closes_is_not_written(self, quick_place: Place) -> None:
        file = obs.open_writer(quick_place.store(), quick_place.key("a"), buffer_size=5 * MIB)
        file.write(b"x" * 11 * MIB)
        with pytest.warns(ResourceWarning, match="never closed"):
            del file
        assert quick_place.names() == []

    @pytest.mark.parametrize("size", [10, 11 * MIB])
    @pytest.mark.parametrize(
        "wrap", [io.TextIOWrapper, io.BufferedWriter, lambda file: io.TextIOWrapper(io.BufferedWriter(file))]
    )
    def test_a_wrapper_that_nobody_closes_writes_no_half_object(
        self, gateway_place: Place, wrap: Any, size: int
    ) -> None:
        def fail() -> None:
            wrapper = wrap(obs.open_writer(gateway_place.store(), gateway_place.key("half"), buffer_size=5 * MIB))
            wrapper.write("x" * size if isinstance(wrapper, io.TextIOWrapper) else b"x" * size)
            raise ArithmeticError

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(ArithmeticError):
                fail()
            gc.collect()
        assert [each.category for each in caught] == [ResourceWarning]
        assert "half" in str(caught[0].message)
        assert gateway_place.names() == []

    def test_a_wrapper_that_is_closed_writes_it(self, quick_place: Place) -> None:
        with io.TextIOWrapper(obs.open_writer(quick_place.store(), quick_place.key("a"))) as text:
            text.write("text")
        detached = io.TextIOWrapper(obs.open_writer(quick_place.store(), quick_place.key("b")))
        detached.write("more")
        detached.detach().close()
        assert obs.get(quick_place.store(), quick_place.key("a")).bytes() == b"text"
        assert obs.get(quick_place.store(), quick_place.key("b")).bytes() == b"more"

    @pytest.mark.filterwarnings("ignore::ResourceWarning")
    def test_a_writer_whose_wrapper_was_let_go_of_says_that_nothing_was_written(self, quick_place: Place) -> None:
        def add(file: obs.WritableFile) -> None:
            io.TextIOWrapper(file).write("text")

        file = obs.open_writer(quick_place.store(), quick_place.key("a"))
        with pytest.raises(ValueError, match="without being closed"), file:
            add(file)
        with pytest.raises(ValueError, match="closed file"):
            file.write(b"more")
        assert file.closed
        assert quick_place.names() == []

    def test_text_is_refused(self, quick_place: Place) -> None:
        with obs.open_writer(quick_place.store(), quick_place.key("a")) as file:
            with pytest.raises(TypeError, match="not str; encode it"):
                file.write("text")  # type: ignore[arg-type]

    def test_libraries_write_it_as_any_file(self, quick_place: Place) -> None:
        store = quick_place.store()
        with obs.open_writer(store, quick_place.key("zip")) as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x", b"zipped")
        with obs.open_reader(store, quick_place.key("zip")) as found, zipfile.ZipFile(found) as unzipped:
            assert unzipped.read("x") == b"zipped"
        with obs.open_writer(store, quick_place.key("text")) as file, io.TextIOWrapper(file, "utf-8") as text:
            text.write("zwölf")
        assert obs.get(store, quick_place.key("text")).bytes() == "zwölf".encode()
        with obs.open_writer(store, quick_place.key("npy")) as file:
            numpy.save(file, numpy.arange(4))
        with obs.open_writer(store, quick_place.key("gz")) as file, gzip.open(file, "wb") as squeezed:
            squeezed.write(b"squeezed")
        assert gzip.decompress(bytes(obs.get(store, quick_place.key("gz")).bytes())) == b"squeezed"

    def test_attributes_are_those_of_the_object(self, gateway_place: Place) -> None:
        store, key = gateway_place.store(), gateway_place.key("a")
        for size in (1, 6 * MIB):
            attributes = {"Content-Type": "text/x-test"}
            with obs.open_writer(store, key, attributes=attributes, buffer_size=5 * MIB) as file:
                file.write(b"x" * size)
            assert obs.get(store, key).attributes["Content-Type"] == "text/x-test"
        with pytest.raises(exceptions.AlreadyExistsError):
            with obs.open_writer(store, key, mode="create") as file:
                file.write(b"new")

    def test_asyncio_writes_too(self, place: Place) -> None:
        store = place.store()

        async def main() -> None:
            async with obs.open_writer_async(store, place.key("a"), buffer_size=5 * MIB) as file:
                assert await file.write(b"x" * 6 * MIB) == 6 * MIB
                await file.write(b"y")
                await file.flush()
                assert await file.tell() == 6 * MIB + 1
            assert file.closed
            assert file.result is not None
            with pytest.raises(ArithmeticError):
                await give_up_async(obs.open_writer_async(store, place.key("b")))

        asyncio.run(main())
        assert place.bodies() == {"a": b"x" * 6 * MIB + b"y"}

    def test_a_write_that_was_cancelled_cannot_be_finished(self, gateway_place: Place) -> None:
        gateway = gateway_place.backend.gateway
        assert gateway is not None

        async def main() -> None:
            store, key = gateway_place.store(), gateway_place.key("a")
            file = obs.open_writer_async(store, key, buffer_size=5 * MIB, max_concurrency=1)
            gateway.faults.latency(1, method="PUT", query="partNumber")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(file.write(b"x" * 21 * MIB), 0.2)
            gateway.faults.clear()
            with pytest.raises(exceptions.BaseError, match="cancelled"):
                await file.close()

        asyncio.run(main())
        assert gateway_place.names() == []


def test_importing_it_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import longshore.obs
    assert longshore.obs.__all__ == sorted(longshore.obs.__all__)
