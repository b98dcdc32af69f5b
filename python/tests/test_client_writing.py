"""`put_bytes` and `put_many`: the caller's own buffers, exactly as they are in memory."""

from __future__ import annotations

import array
import ctypes
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longshore as s3
from backends import MissingBucket, Place, new_name
from longshore.exceptions import ArgumentTypeError, BaseError, InvalidArgumentError, InvalidPathError, NotFoundError
from servers.s3 import pattern
from ways import WAYS, Way

MIB = 1 << 20

BUFFERS: dict[str, Any] = {
    "bytes": b"abc",
    "bytearray": bytearray(b"abc"),
    "memoryview": memoryview(b"xabcx")[1:4],
    "array": array.array("i", [1, -2, 3]),
    "ctypes": (ctypes.c_uint16 * 3)(1, 2, 3),
    "float32": np.arange(6, dtype=np.float32),
    "float64-3d": np.arange(24, dtype=np.float64).reshape(2, 3, 4),
    "big-endian": np.arange(6, dtype=">i4"),
    "bool": np.array([True, False, True]),
    "complex": np.array([1 + 2j]),
    "float16": np.arange(4, dtype=np.float16),
    "structured": np.zeros(3, dtype=[("a", "u1"), ("b", "<f8")]),
    "fixed-text": np.array([b"ab", b"c"]),
    "unicode": np.array(["ab", "é"]),
    "0-d": np.array(7, dtype=np.int64),
    "empty": np.empty((0, 5)),
    "read-only": np.frombuffer(b"abcdefgh", dtype=np.uint8),
    "slice": np.arange(100, dtype=np.uint8)[10:20],
}


# The others cut what they are given into pieces themselves.
BUFFER_WAYS = [name for name in WAYS if "pieces" not in name]


@pytest.mark.parametrize("way", BUFFER_WAYS, indirect=True)
@pytest.mark.parametrize("name", BUFFERS)
def test_any_contiguous_buffer_is_written_as_it_is_in_memory(quick_place: Place, name: str, way: Way) -> None:
    data = BUFFERS[name]
    way.put(quick_place.uri("one"), data)
    s3.put_many([(quick_place.uri("many"), data), (quick_place.uri("other"), b"")])
    expected = data.tobytes() if hasattr(data, "tobytes") else bytes(data)
    assert way.get(quick_place.uri("one")) == expected
    assert way.get(quick_place.uri("many")) == expected


def test_an_array_of_dates_is_written_as_it_stands_in_memory(quick_place: Place) -> None:
    moments: Any = np.arange(3).astype("datetime64[s]")
    s3.put_bytes(quick_place.uri("one"), moments)
    assert s3.get(quick_place.uri("one")) == moments.tobytes()


def test_an_array_of_python_objects_is_refused(quick_place: Place) -> None:
    with pytest.raises(ArgumentTypeError, match="objects"):
        s3.put_bytes(quick_place.uri("one"), np.array([None, "x"]))


def test_a_two_dimensional_array_is_one_object(quick_place: Place) -> None:
    values: Any = np.eye(3)
    s3.put_many([(quick_place.uri("array"), values)])
    assert s3.get(quick_place.uri("array")) == values.tobytes()


def test_a_memory_map_is_written(quick_place: Place, tmp_path: Path, way: Way) -> None:
    (tmp_path / "file").write_bytes(pattern(3 * MIB))
    with (tmp_path / "file").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        way.put(quick_place.uri("map"), mapped)
    assert way.get(quick_place.uri("map")) == pattern(3 * MIB)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 8 * MIB])
def test_objects_of_any_size_arrive_whole(place: Place, size: int, way: Way) -> None:
    way.put(place.uri("object"), pattern(size))
    assert way.head(place.uri("object"))["size"] == size
    assert way.get(place.uri("object")) == pattern(size)


def test_an_object_that_is_sent_in_parts_arrives_whole(place: Place) -> None:
    body = pattern(5 * MIB + 3) * 14
    s3.put_bytes(place.uri("large"), body)
    assert s3.get(place.uri("large")) == body


def test_a_large_object_is_sent_in_parts(gateway_place: Place) -> None:
    s3.put_bytes(gateway_place.uri("large"), bytes(80 * MIB))
    counts = {
        name: gateway_place.count(name) for name in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
    }
    assert counts["CreateMultipartUpload"] == counts["CompleteMultipartUpload"] == 1, counts
    assert 2 <= counts["UploadPart"] <= 16, counts
    assert gateway_place.count("PutObject") == 0


def test_writing_again_replaces_the_object(place: Place, way: Way) -> None:
    way.put(place.uri("object"), b"a longer body")
    way.put(place.uri("object"), b"short")
    assert way.get(place.uri("object")) == b"short"


def test_put_many_writes_all_items(place: Place) -> None:
    bodies = {f"{number % 5}/{number:03d}": f"{number}".encode() for number in range(100)}
    s3.put_many([(place.uri(name), body) for name, body in bodies.items()], max_in_flight=7)
    assert place.bodies() == bodies


def test_put_many_takes_any_iterable_and_no_items_at_all(quick_place: Place) -> None:
    def items() -> Iterator[tuple[str, bytes]]:
        yield quick_place.uri("a"), b"1"
        yield quick_place.uri("b"), b"2"

    s3.put_many(items(), 1)
    s3.put_many({quick_place.uri("c"): b"3"}.items())
    s3.put_many([])
    assert quick_place.bodies() == {"a": b"1", "b": b"2", "c": b"3"}


def test_the_items_of_one_call_may_be_of_different_stores(place: Place) -> None:
    s3.put_many([(place.uri("a"), b"1"), ("memory://elsewhere/a", b"2")])
    assert (s3.get(place.uri("a")), s3.get("memory://elsewhere/a")) == (b"1", b"2")


def test_a_buffer_may_change_as_soon_as_the_call_has_returned(quick_place: Place, way: Way) -> None:
    buffer = bytearray(pattern(300_000))
    s3.put_many([(quick_place.uri("a"), buffer), (quick_place.uri("b"), buffer)])
    way.put(quick_place.uri("c"), buffer)
    buffer[:] = bytes(len(buffer))
    buffer.clear()  # refused by bytearray while anybody holds its buffer
    assert {name: body == pattern(300_000) for name, body in quick_place.bodies().items()} == dict.fromkeys("abc", True)


@pytest.mark.parametrize("way", ["uris", "methods", "methods-async"], indirect=True)
@pytest.mark.parametrize(
    "values",
    [np.arange(10)[::2], np.eye(3).T[:2], np.asfortranarray(np.arange(6).reshape(2, 3)), memoryview(b"abcdef")[::2]],
    ids=["strided", "transposed", "fortran", "memoryview"],
)
def test_a_buffer_that_is_not_contiguous_is_refused_before_anything_is_written(
    quick_place: Place, values: Any, way: Way
) -> None:
    with pytest.raises(InvalidArgumentError, match="contiguous"):
        way.put(quick_place.uri("one"), values)
    with pytest.raises(InvalidArgumentError, match="contiguous"):
        s3.put_many([(quick_place.uri("a"), b"1"), (quick_place.uri("b"), values)])
    assert quick_place.names() == []


def test_text_is_refused_and_is_not_taken_for_the_name_of_a_file(quick_place: Place, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("content")
    for text in ("text", str(file)):
        with pytest.raises(ArgumentTypeError, match="str"):
            s3.put_bytes(quick_place.uri("one"), text)  # type: ignore[arg-type]
        with pytest.raises(ArgumentTypeError, match="str"):
            s3.put_many([(quick_place.uri("one"), text)])  # type: ignore[list-item]
    with pytest.raises(ArgumentTypeError, match="PosixPath"):
        s3.put_bytes(quick_place.uri("one"), file)  # type: ignore[arg-type]
    assert quick_place.names() == []


def test_put_bytes_names_its_own_argument_when_it_refuses_one(quick_place: Place) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        s3.put_bytes(quick_place.uri("one"), "text")  # type: ignore[arg-type]
    assert "data" in str(caught.value)
    assert "items" not in str(caught.value)


def test_two_items_for_one_object_are_refused_before_anything_is_written(place: Place) -> None:
    items = [(place.uri(name), name.encode()) for name in ("a", "b", "a")]
    with pytest.raises(InvalidArgumentError) as caught:
        s3.put_many(items)
    assert caught.value.uri == place.uri("a")
    assert place.names() == []


def test_two_spellings_of_one_file_are_one_object(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError):
        s3.put_many([(f"file://{tmp_path}/a", b"1"), (f"file://localhost{tmp_path}//a", b"2")])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_bucket_is_not_found(missing_bucket: MissingBucket, way: Way) -> None:
    with pytest.raises(NotFoundError) as caught:
        way.put(missing_bucket.uri + "/key", b"body")
    assert caught.value.uri == missing_bucket.uri + "/key"
    assert caught.value.code in missing_bucket.codes
    with pytest.raises(NotFoundError):
        s3.put_many([(missing_bucket.uri + "/a", b"1"), (missing_bucket.uri + "/b", b"2")])


def test_a_failed_item_is_named(cloud_place: Place) -> None:
    missing = f"{cloud_place.backend.scheme}://{new_name()}/b"
    with pytest.raises(NotFoundError) as caught:
        s3.put_many([(cloud_place.uri("a"), b"1"), (missing, b"2"), (cloud_place.uri("c"), b"3")])
    assert caught.value.uri == missing


def test_a_wildcard_is_no_place_to_write_to(quick_place: Place) -> None:
    with pytest.raises(InvalidArgumentError):
        s3.put_bytes(quick_place.uri("a*"), b"body")
    assert quick_place.names() == []


def test_a_file_where_a_folder_is_needed_is_an_error_that_says_so(tmp_path: Path, way: Way) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(BaseError) as caught:
        way.put(f"file://{tmp_path}/file/below", b"body")
    assert caught.value.uri == f"file://{tmp_path}/file/below"
    assert (tmp_path / "file").read_bytes() == b"in the way"


def test_files_have_the_bytes_and_names_that_were_asked_for(tmp_path: Path, way: Way) -> None:
    way.put(f"file://{tmp_path}/new/folder/a b%41.bin", b"body")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        "new/folder/a b%41.bin"
    ]
    assert (tmp_path / "new/folder/a b%41.bin").read_bytes() == b"body"


@pytest.mark.parametrize("key", ["a/../b", "./a", "a/./b", "a//b", "a/", "/a"])
def test_memory_refuses_keys_that_it_cannot_hold(key: str) -> None:
    with pytest.raises(InvalidPathError):
        s3.put_bytes(f"memory://odd/{key}", b"body")
    assert s3.list("memory://odd") == []
