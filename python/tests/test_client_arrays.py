"""`read_npz`: any array that NumPy saves, as NumPy loads it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import longshore as s3
from backends import Place
from longshore.exceptions import ArgumentTypeError, BaseError, GenericError, InvalidArgumentError, NotFoundError

RANDOM = np.random.default_rng(1)
Array = NDArray[Any]

ARRAYS: dict[str, Array] = {
    **{kind: RANDOM.integers(0, 100, (3, 5)).astype(kind) for kind in "bBhHiIlLqQ"},
    "float16": RANDOM.random(7).astype(np.float16),
    "float32": RANDOM.random((2, 3, 4)).astype(np.float32),
    "float64": RANDOM.random((5, 1)),
    "longdouble": RANDOM.random(3).astype(np.longdouble),
    "complex64": (RANDOM.random(4) + 1j).astype(np.complex64),
    "complex128": RANDOM.random(4) * 1j,
    "nan": np.array([np.nan, np.inf, -np.inf, -0.0]),
    "bool": np.array([True, False, True]),
    "big-endian int": np.arange(5, dtype=">i4"),
    "big-endian float": np.arange(5, dtype=">f8"),
    "unicode": np.array(["", "é", "日本語", "\U0001f600"]),
    "big-endian unicode": np.array(["a", "é"]).astype(">U5"),
    "bytes": np.array([b"", b"abc", b"\xff"]),
    "void": np.frombuffer(b"abcdef", dtype="V3"),
    "datetime64": np.array(["2026-01-01", "NaT"], dtype="datetime64[ns]"),
    "datetime64 days": np.array(["2026-01-01"], dtype="datetime64[D]"),
    "timedelta64": np.array([1, -5], dtype="timedelta64[ms]"),
    "structured": np.array([(1, 2.5, "x"), (3, 4.5, "y")], dtype=[("a", "u1"), ("b", "<f8"), ("c", "U1")]),
    "nested": np.zeros(3, dtype=[("a", "<i2", (2, 2)), ("b", [("c", ">f4"), ("d", "S3")])]),
    "unicode field name": np.ones(2, dtype=[("é", "<i4")]),
    "0-d": np.array(3.5),
    "empty": np.empty(0, np.float32),
    "empty 2-d": np.empty((0, 7), np.int16),
    "empty in the middle": np.empty((3, 0, 2)),
    "fortran": np.asfortranarray(RANDOM.random((4, 6))),
    "fortran 3-d": np.asfortranarray(RANDOM.integers(0, 9, (2, 3, 4))),
    "transposed": RANDOM.random((4, 6)).T,
    "strided": np.arange(20)[::3],
    "9-d": RANDOM.random((1, 2, 1, 2, 1, 2, 1, 2, 1)),
    "large": RANDOM.integers(0, 255, (1000, 1000), dtype=np.uint8),
}


def archive(*arrays: Array, compressed: bool = False, **named: Any) -> bytes:
    """What `np.savez` or `np.savez_compressed` writes."""
    file = io.BytesIO()
    save: Any = np.savez_compressed if compressed else np.savez
    save(file, *arrays, **named)
    return file.getvalue()


def assert_same(read: Array, expected: Array) -> None:
    assert type(read) is np.ndarray
    assert (read.dtype, read.shape) == (expected.dtype, expected.shape)
    assert read.flags.c_contiguous == expected.flags.c_contiguous, "the memory order has changed"
    assert read.flags.f_contiguous == expected.flags.f_contiguous, "the memory order has changed"
    assert read.tobytes() == expected.tobytes()


@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "deflated"])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_any_type_and_shape_is_read_as_it_was_saved(
    quick_place: Place, name: str, compressed: bool
) -> None:
    uri = quick_place.uri("array.npz")
    body = archive(x=ARRAYS[name], compressed=compressed)
    s3.put_bytes(uri, body)
    with np.load(io.BytesIO(body)) as loaded:
        assert_same(s3.read_npz(uri), loaded["x"])
        assert_same(s3.read_npz(uri, "x"), loaded["x"])


def test_a_structure_with_padding_keeps_its_fields(quick_place: Place) -> None:
    # What is in the padding is nobody's business: NumPy itself leaves it to chance.
    padded = np.ones(3, dtype=np.dtype([("a", "u1"), ("b", "<f8")], align=True))
    s3.put_bytes(quick_place.uri("a.npz"), archive(x=padded))
    read = s3.read_npz(quick_place.uri("a.npz"))
    assert read.dtype.itemsize == padded.dtype.itemsize == 16
    assert [read[field].tolist() for field in ("a", "b")] == [[1, 1, 1], [1.0, 1.0, 1.0]]


def test_arrays_are_read_from_every_store(readable_place: Place) -> None:
    big = RANDOM.random((1000, 500))
    for compressed in (False, True):
        readable_place.write({"a.npz": archive(first=ARRAYS["float32"], second=big, compressed=compressed)})
        assert_same(s3.read_npz(readable_place.uri("a.npz")), ARRAYS["float32"])
        assert_same(s3.read_npz(readable_place.uri("a.npz"), "second"), big)


def test_generated_archives_are_read(place: Place) -> None:
    s3.put(place.uri(), 2, "{}.npz", size=100_000, object_type="npz")
    data, label = s3.read_npz(place.uri("1.npz")), s3.read_npz(place.uri("1.npz"), "y")
    assert (data.dtype, label.dtype) == (np.dtype(np.uint8), np.dtype(np.int64))
    assert 90_000 < data.size < 100_000
    assert label.size == 1


def test_an_array_is_found_with_and_without_its_suffix(quick_place: Place) -> None:
    uri = quick_place.uri("a.npz")
    s3.put_bytes(uri, archive(x=np.array([1]), y=np.array([2])))
    assert [s3.read_npz(uri, name).item() for name in ("x", "x.npy", "y", "y.npy")] == [1, 1, 2, 2]
    assert s3.read_npz(uri, array_name="y").item() == 2


def test_without_a_name_the_first_array_is_read(quick_place: Place) -> None:
    uri = quick_place.uri("a.npz")
    s3.put_bytes(uri, archive(zebra=np.array([1]), apple=np.array([2])))
    assert s3.read_npz(uri).item() == 1
    assert s3.read_npz(uri, None).item() == 1
    s3.put_bytes(uri, archive(np.array([3]), np.array([4])))
    assert s3.read_npz(uri).item() == 3
    assert s3.read_npz(uri, "arr_1").item() == 4


def test_a_member_that_is_no_array_is_passed_over(quick_place: Place) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("README.txt", "not an array")
        with packed.open("x.npy", "w") as member:
            np.lib.format.write_array(member, np.array([1, 2]))
    s3.put_bytes(quick_place.uri("a.npz"), file.getvalue())
    assert s3.read_npz(quick_place.uri("a.npz")).tolist() == [1, 2]


def test_names_may_have_spaces_slashes_and_any_script(quick_place: Place) -> None:
    names = ["a b", "deep/er", "日本語", "x.npy.npy"]
    named: dict[str, Any] = {name: np.array([number]) for number, name in enumerate(names)}
    s3.put_bytes(quick_place.uri("a.npz"), archive(**named))
    assert [s3.read_npz(quick_place.uri("a.npz"), name).item() for name in names] == [0, 1, 2, 3]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(quick_place: Place, version: tuple[int, int]) -> None:
    member, file = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array(member, np.arange(5), version=version)
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("x.npy", member.getvalue())
    s3.put_bytes(quick_place.uri("a.npz"), file.getvalue())
    assert s3.read_npz(quick_place.uri("a.npz")).tolist() == [0, 1, 2, 3, 4]


def test_a_missing_array_is_not_found_and_says_what_there_is(quick_place: Place) -> None:
    uri = quick_place.uri("a.npz")
    s3.put_bytes(uri, archive(x=np.array([1]), y=np.array([2])))
    with pytest.raises(NotFoundError, match="z") as caught:
        s3.read_npz(uri, "z")
    assert caught.value.uri == uri
    assert "x" in str(caught.value).rpartition("has")[2]
    assert "y" in str(caught.value).rpartition("has")[2]


def test_a_missing_archive_is_not_found(readable_place: Place) -> None:
    with pytest.raises(NotFoundError) as caught:
        s3.read_npz(readable_place.uri("missing.npz"))
    assert caught.value.uri == readable_place.uri("missing.npz")


def test_a_wildcard_is_refused(quick_place: Place) -> None:
    with pytest.raises(InvalidArgumentError):
        s3.read_npz(quick_place.uri("*.npz"))


def test_a_name_that_is_no_text_is_refused(quick_place: Place) -> None:
    with pytest.raises(ArgumentTypeError, match="array_name"):
        s3.read_npz(quick_place.uri("a.npz"), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["float32", "fortran", "0-d", "structured", "empty", "unicode"])
def test_the_array_can_be_written_to_and_is_the_callers_own(quick_place: Place, name: str) -> None:
    uri = quick_place.uri("a.npz")
    s3.put_bytes(uri, archive(x=ARRAYS[name]))
    read, again = s3.read_npz(uri), s3.read_npz(uri)
    assert read.flags.writeable
    read[...] = np.zeros(1, read.dtype)[0]
    assert again.tobytes() == ARRAYS[name].tobytes()


def test_pickled_objects_are_refused_and_never_loaded(quick_place: Place) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return exec, ("raise SystemExit('it was loaded')",)

    for values in (np.array([Bomb()], dtype=object), np.array([(1, None)], dtype=[("a", "i4"), ("b", object)])):
        s3.put_bytes(quick_place.uri("a.npz"), archive(x=values))
        with pytest.raises(BaseError, match="object") as caught:
            s3.read_npz(quick_place.uri("a.npz"))
        assert caught.value.uri == quick_place.uri("a.npz")


@pytest.mark.parametrize("body", [b"", b"PK", b"not an archive at all" * 100, b"PK\x05\x06" + bytes(18)], ids=len)
def test_an_object_that_is_no_archive_is_an_error_that_names_it(quick_place: Place, body: bytes) -> None:
    s3.put_bytes(quick_place.uri("a.npz"), body)
    with pytest.raises(GenericError) as caught:
        s3.read_npz(quick_place.uri("a.npz"))
    assert caught.value.uri == quick_place.uri("a.npz")
    assert quick_place.uri("a.npz") in str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_archive_is_an_error_or_reads_right(compressed: bool) -> None:
    expected = np.arange(2000, dtype=np.int32)
    good = archive(x=expected, compressed=compressed)
    uri, errors = "memory://damaged/a.npz", 0
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 0x55
        s3.put_bytes(uri, bad)
        try:
            read = s3.read_npz(uri)
        except BaseError:
            errors += 1
        else:
            # Dates and the like may change; numbers may not.
            assert read.tobytes() == expected.tobytes(), f"byte {position} of {len(good)} changed the array unnoticed"
    assert errors > 0.9 * len(good) / 7, f"{errors} of {len(good) // 7} damages were noticed"


def test_an_archive_that_is_cut_short_is_an_error() -> None:
    good = archive(x=np.arange(2000))
    for length in [*range(0, 300, 7), *range(300, len(good), 997), len(good) - 1]:
        s3.put_bytes("memory://cut/a.npz", good[:length])
        with pytest.raises(BaseError):
            s3.read_npz("memory://cut/a.npz")
