"""Writes by key, on every kind of store that writes: from memory, files and whatever gives bytes, with all that can be said."""

from __future__ import annotations

import array
import asyncio
import ctypes
import io
import mmap
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import longshore as s3
from backends import Ability, Place, kinds
from longshore import exceptions, obs

MIB = 1 << 20
BODY = os.urandom(3000)


def body_of(place: Place, name: str = "a") -> bytes:
    return bytes(obs.get(place.store(), place.key(name)).bytes())


def test_bytes_are_written_and_named(place: Place) -> None:
    store, key = place.store(), place.key("deep/er/a")
    result = obs.put(store, key, BODY)
    assert set(result) == {"e_tag", "version"}
    head = obs.head(store, key)
    assert result["e_tag"] is None or result["e_tag"].strip('"') == (head["e_tag"] or "").strip('"')
    assert body_of(place, "deep/er/a") == BODY
    obs.put(store, key, b"")
    assert body_of(place, "deep/er/a") == b""


def test_whatever_has_a_buffer_is_written_whole_and_not_row_by_row(quick_place: Place) -> None:
    matrix = numpy.arange(12, dtype="float32").reshape(3, 4)
    with mmap.mmap(-1, 4096) as mapped:
        mapped[:] = b"m" * 4096
        sources: list[tuple[Any, bytes]] = [
            (bytearray(b"abc"), b"abc"),
            (memoryview(b"abcdef")[1:4], b"bcd"),
            (array.array("d", [1.5, 2.5]), array.array("d", [1.5, 2.5]).tobytes()),
            (matrix, matrix.tobytes()),
            (numpy.zeros((0, 4)), b""),
            (
                numpy.array(["2026-11-20"], dtype="datetime64[s]"),
                numpy.array(["2026-11-20"], "datetime64[s]").tobytes(),
            ),
            ((ctypes.c_int * 3)(1, 2, 3), bytes((ctypes.c_int * 3)(1, 2, 3))),
            (mapped, b"m" * 4096),
        ]
        for source, expected in sources:
            obs.put(quick_place.store(), quick_place.key("a"), source)
            assert body_of(quick_place) == expected, type(source)
        del sources


def test_memory_that_is_not_in_one_piece_is_refused_with_a_way_out(quick_place: Place) -> None:
    with pytest.raises(exceptions.InvalidArgumentError, match="contiguous copy"):
        obs.put(quick_place.store(), quick_place.key("a"), numpy.arange(10)[::2])
    with pytest.raises(exceptions.ArgumentTypeError, match="Python objects"):
        obs.put(quick_place.store(), quick_place.key("a"), numpy.array([object()]))


def test_a_str_is_refused_and_no_file_of_that_name_is_uploaded(quick_place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"never to be sent")
    for text in ("text", str(secret)):
        with pytest.raises(TypeError, match=r"encode\(\).*pathlib\.Path"):
            obs.put(quick_place.store(), quick_place.key("a"), text)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="str and not bytes"):
        obs.put(quick_place.store(), quick_place.key("a"), io.StringIO("text"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="str and not bytes"):
        obs.put(quick_place.store(), quick_place.key("a"), ["text"])  # type: ignore[list-item]

    async def main() -> None:
        with pytest.raises(TypeError, match=r"encode\(\).*pathlib\.Path"):
            await obs.put_async(quick_place.store(), quick_place.key("a"), "text")  # type: ignore[arg-type]

    asyncio.run(main())
    assert quick_place.names() == []


@pytest.mark.parametrize("source", [5, None, {"a": b"b"}, 2.5, object(), True])
def test_what_has_no_bytes_is_refused(source: Any) -> None:
    with pytest.raises(exceptions.ArgumentTypeError, match="file must be bytes"):
        obs.put(s3.store_for("memory:///"), "a", source)


def test_a_path_is_a_local_file(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "file"
    for body in (BODY, b"", os.urandom(12 * MIB)):
        file.write_bytes(body)
        obs.put(place.store(), place.key("a"), file)
        assert body_of(place) == body
    with pytest.raises(exceptions.NotFoundError, match="missing"):
        obs.put(place.store(), place.key("b"), tmp_path / "missing")
    obs.put(place.store(), place.key("proc"), Path("/proc/self/cmdline"))
    assert b"python" in body_of(place, "proc")


def test_a_file_is_read_from_where_it_stands(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    with open(tmp_path / "file", "rb") as file:
        file.seek(10)
        obs.put(place.store(), place.key("a"), file)
    assert body_of(place) == BODY[10:]
    large = os.urandom(11 * MIB + 17)
    obs.put(place.store(), place.key("a"), io.BytesIO(large))
    assert body_of(place) == large
    obs.put(place.store(), place.key("a"), io.BytesIO())
    assert body_of(place) == b""


def test_pieces_become_one_object(place: Place) -> None:
    obs.put(place.store(), place.key("a"), (bytes([number]) * 10 for number in range(5)))
    assert body_of(place) == b"".join(bytes([number]) * 10 for number in range(5))
    obs.put(place.store(), place.key("a"), [b"one", bytearray(b"two"), memoryview(b"three")])
    assert body_of(place) == b"onetwothree"
    obs.put(place.store(), place.key("a"), iter([]))
    assert body_of(place) == b""
    large = [os.urandom(MIB) for _ in range(12)]
    obs.put(place.store(), place.key("a"), large)
    assert body_of(place) == b"".join(large)


def test_asyncio_writes_from_everything_too(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield bytes([number]) * 4

    class Reader:
        def __init__(self) -> None:
            self.rest = BODY

        async def read(self, size: int) -> bytes:
            await asyncio.sleep(0)
            head, self.rest = self.rest[: min(size, 1000)], self.rest[min(size, 1000) :]
            return head

    async def main() -> None:
        store = place.store()
        sources: list[tuple[Any, bytes]] = [
            (BODY, BODY),
            (tmp_path / "file", BODY),
            (io.BytesIO(BODY), BODY),
            (iter([b"a", b"b"]), b"ab"),
            (pieces(), b"".join(bytes([number]) * 4 for number in range(3))),
            (Reader(), BODY),
        ]
        for source, expected in sources:
            await obs.put_async(store, place.key("a"), source)
            assert await (await obs.get_async(store, place.key("a"))).bytes_async() == expected, source
        await obs.put_async(store, place.key("b"), await obs.get_async(store, place.key("a")))
        assert await (await obs.get_async(store, place.key("b"))).bytes_async() == BODY

    asyncio.run(main())


def test_an_async_iterable_in_a_blocking_call_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(TypeError, match="put_async"):
        obs.put(s3.store_for("memory:///"), "a", pieces())  # type: ignore[arg-type]


def test_reading_a_slow_file_does_not_hold_up_the_loop(quick_place: Place) -> None:
    import time

    class Slow:
        def __init__(self) -> None:
            self.left = 3

        def read(self, size: int) -> bytes:
            time.sleep(0.2)
            self.left -= 1
            return b"x" if self.left >= 0 else b""

    async def main() -> int:
        store = quick_place.store()
        writing: asyncio.Future[Any] = obs.put_async(store, quick_place.key("a"), Slow())  # type: ignore[arg-type]
        heads = 0
        await obs.put_async(store, quick_place.key("other"), b"")
        while not writing.done():
            await asyncio.wait_for(obs.head_async(store, quick_place.key("other")), 0.15)
            heads += 1
            await asyncio.sleep(0.01)
        await writing
        return heads

    assert asyncio.run(main()) > 10


def test_a_source_that_fails_leaves_nothing_behind(place: Place) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"x" * MIB
        raise ArithmeticError("the source broke")

    for count in (1, 12):
        with pytest.raises(ArithmeticError):
            obs.put(place.store(), place.key("a"), pieces(count))
        assert place.names() == []


@pytest.mark.parametrize("place", kinds(Ability.WRITE, Ability.LIST, Ability.CONDITIONS), indirect=True)
def test_mode_create_replaces_nothing(place: Place) -> None:
    store, key = place.store(), place.key("a")
    obs.put(store, key, b"first", mode="create")
    with pytest.raises(exceptions.AlreadyExistsError):
        obs.put(store, key, b"second", mode="create")
    with pytest.raises(exceptions.AlreadyExistsError):
        obs.put(store, key, iter([b"sec", b"ond"]), mode="create")
    assert body_of(place) == b"first"
    obs.put(store, key, b"third", mode="overwrite")
    assert body_of(place) == b"third"


@pytest.mark.parametrize("place", kinds(Ability.WRITE, Ability.LIST, Ability.CONDITIONS), indirect=True)
def test_mode_update_replaces_one_version(place: Place) -> None:
    store, key = place.store(), place.key("a")
    first = obs.put(store, key, b"first")
    if place.backend.scheme == "file":
        with pytest.raises(exceptions.NotSupportedError, match="version"):
            obs.put(store, key, b"second", mode=first)
        return
    second = obs.put(store, key, b"second", mode=first)
    with pytest.raises(exceptions.PreconditionError):
        obs.put(store, key, b"third", mode=first)
    assert body_of(place) == b"second"
    assert second != first


@pytest.mark.parametrize("place", kinds(Ability.WRITE, Ability.LIST, Ability.ATTRIBUTES), indirect=True)
def test_attributes_come_back(place: Place) -> None:
    store, key = place.store(), place.key("a")
    attributes = {"Content-Type": "text/x-test", "Cache-Control": "no-store", "colour": "red"}
    if place.backend.scheme == "file":
        with pytest.raises(exceptions.NotSupportedError, match="attributes"):
            obs.put(store, key, b"body", attributes=attributes)
        return
    obs.put(store, key, b"body", attributes=attributes)
    found = obs.get(store, key).attributes
    assert {name: found.get(name) for name in attributes} == attributes
    # In parts too.
    obs.put(store, key, os.urandom(6 * MIB), attributes=attributes, use_multipart=True)
    found = obs.get(store, key).attributes
    assert {name: found.get(name) for name in attributes} == attributes


def test_tags_are_sent_or_refused_and_never_lost(place: Place) -> None:
    store, key = place.store(), place.key("a")
    if place.backend.scheme in {"s3", "az"}:
        obs.put(store, key, b"body", tags={"colour": "red"})
    else:
        with pytest.raises(exceptions.NotSupportedError, match="tags"):
            obs.put(store, key, b"body", tags={"colour": "red"})


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"mode": "creat"}, ValueError, "mode must be"),
        ({"mode": {}}, ValueError, "no version"),
        ({"mode": {"etag": "x"}}, ValueError, "etag"),
        ({"attributes": {"Content-Type": 5}}, TypeError, "must be a str"),
        ({"attributes": {"colour": "red\r\nx: y"}}, ValueError, "header"),
        ({"attributes": "text/plain"}, TypeError, "attributes must be a dict"),
        ({"tags": {"a": 1}}, TypeError, "must be a str"),
        ({"chunk_size": 0}, ValueError, "chunk_size must be at least 1"),
        ({"max_concurrency": 0}, ValueError, "max_concurrency must be at least 1"),
        ({"use_multipart": "no"}, TypeError, "use_multipart must be a bool"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    for source in (b"body", iter([b"body"])):
        with pytest.raises(kind, match=message):
            obs.put(s3.store_for("memory:///"), "refused", source, **arguments)


def test_a_small_object_is_one_request_and_a_large_one_comes_in_parts(gateway_place: Place) -> None:
    store, key = gateway_place.store(), gateway_place.key("a")

    def requests() -> tuple[int, int]:
        counts = gateway_place.count("PutObject"), gateway_place.count("UploadPart")
        gateway_place.reset()
        return counts

    sizes: list[tuple[int, dict[str, Any], tuple[int, int]]] = [
        (5 * MIB, {}, (1, 0)),
        (5 * MIB + 1, {}, (0, 2)),
        (12 * MIB, {}, (0, 3)),
        (12 * MIB, {"chunk_size": 6 * MIB}, (0, 2)),
        (12 * MIB, {"use_multipart": False}, (1, 0)),
        (1000, {"use_multipart": True}, (0, 1)),
        (12 * MIB, {"mode": "create"}, (1, 0)),
        # S3 takes no smaller parts.
        (11 * MIB, {"chunk_size": 1000}, (0, 3)),
    ]
    for size, arguments, expected in sizes:
        body = os.urandom(size)
        for source in (body, io.BytesIO(body), [body[:7], body[7:]]):
            obs.delete(store, key)
            gateway_place.reset()
            obs.put(store, key, source, **arguments)
            assert requests() == expected, (size, arguments, type(source))
            assert body_of(gateway_place) == body


def test_a_part_that_fails_is_an_error_and_leaves_nothing(gateway_place: Place) -> None:
    store, key = gateway_place.store(), gateway_place.key("a")
    gateway = gateway_place.backend.gateway
    assert gateway is not None
    body = os.urandom(17 * MIB)
    for source in (body, io.BytesIO(body)):
        fault = gateway.faults.status(403, "AccessDenied", method="PUT", query="partNumber=2")
        with pytest.raises(exceptions.PermissionDeniedError):
            obs.put(store, key, source)
        assert fault.hits >= 1
        gateway.faults.clear()
        assert gateway_place.names() == []
        assert gateway_place.count("AbortMultipartUpload") >= 1
        gateway_place.reset()


def test_an_upload_that_is_cancelled_is_called_off(gateway_place: Place) -> None:
    import time

    store, key = gateway_place.store(), gateway_place.key("a")
    gateway = gateway_place.backend.gateway
    assert gateway is not None
    gateway.faults.latency(5, method="PUT", query="partNumber")

    async def main(source: Any) -> None:
        writing = obs.put_async(store, key, source)
        await asyncio.sleep(0.3)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    try:
        for source in (os.urandom(17 * MIB), io.BytesIO(os.urandom(17 * MIB))):
            gateway_place.reset()
            asyncio.run(main(source))
            until = time.monotonic() + 5
            while gateway_place.count("AbortMultipartUpload") == 0 and time.monotonic() < until:
                time.sleep(0.02)
            assert gateway_place.count("AbortMultipartUpload") == 1, type(source)
    finally:
        gateway.faults.clear()
    assert gateway_place.names() == []


def test_the_memory_of_a_piece_may_be_used_again_at_once(quick_place: Place) -> None:
    buffer = bytearray(MIB)

    def pieces() -> Iterator[bytearray]:
        for number in range(12):
            buffer[:] = bytes([number]) * MIB
            yield buffer

    obs.put(quick_place.store(), quick_place.key("a"), pieces())
    assert body_of(quick_place) == b"".join(bytes([number]) * MIB for number in range(12))


def test_a_stored_object_does_not_change_with_the_memory_it_was_written_from() -> None:
    store, source = s3.store_for("memory://writing/"), bytearray(b"before")
    obs.put(store, "a", source)
    source[:] = b"after!"
    assert obs.get(store, "a").bytes() == b"before"
