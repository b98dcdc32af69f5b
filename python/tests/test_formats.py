"""Strict readers that are not ours accept every generated object, to its last byte."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest

import longshore as s3

MIB = 1 << 20
SIZES = [2048, 4096, 10_000, 65_535, 65_536, 65_537, 1_000_003, 3 * MIB]
"""Besides the least size of each format and the ones just above it."""


def made(object_type: str, size: int, num: int = 1, **more: float) -> list[bytes]:
    """Generated objects."""
    s3.put("memory://formats/set", num, "{:03d}", size=size, object_type=object_type, **more)  # type: ignore[arg-type]
    bodies = [body for _, body in s3.get_many(["memory://formats/set/*"])]
    s3.delete("memory://formats", whole_bucket=True)
    assert [len(body) for body in bodies] == [size] * num
    return bodies


def least(object_type: str) -> int:
    """The least size of a format, as the error for a smaller one says it."""
    with pytest.raises(ValueError, match="least is") as caught:
        s3.put("memory://formats/set", size=0, object_type=object_type)
    return int(str(caught.value).rpartition("least is ")[2].split()[0])


def sizes(object_type: str) -> list[int]:
    """Sizes to try: the least and every one that follows, then the usual suspects."""
    start = least(object_type)
    return [*range(start, start + 70), *(size for size in SIZES if size > start)]


# NPZ


def test_numpy_and_zipfile_accept_archives_of_every_size() -> None:
    labels = set()
    for size in sizes("NPZ"):
        (body,) = made("NPZ", size)
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            assert packed.testzip() is None, size
            assert packed.namelist() == ["x.npy", "y.npy"], size
            assert {member.compress_type for member in packed.infolist()} == {zipfile.ZIP_STORED}, size
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            assert list(arrays) == ["x", "y"], size
            data, label = arrays["x"], arrays["y"]
        assert (data.dtype, label.dtype, label.size) == (np.dtype(np.uint8), np.dtype(np.int64), 1), size
        # Large ones start their data at a page of its own.
        assert size - data.size < (5000 if size >= 65_536 else 500), f"{size - data.size} of {size} bytes are not data"
        labels.add(int(label.flat[0]))
    assert labels


def test_unzip_accepts_archives_of_every_size(tmp_path: Path) -> None:
    unzip = shutil.which("unzip")
    if unzip is None:
        pytest.skip("unzip is not installed; zipfile has read the same archives")
    for number, size in enumerate(sizes("NPZ")):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(made("NPZ", size)[0])
        tested = subprocess.run([unzip, "-t", path], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, f"{size} bytes: {tested.stdout}{tested.stderr}"
        assert "No errors detected" in tested.stdout, size
        # Only the summary has no warning in it: extra bytes and odd fields would be named here.
        assert tested.stderr == "", size


def test_an_archive_ends_with_its_directory_and_has_no_gaps() -> None:
    for size in sizes("NPZ"):
        (body,) = made("NPZ", size)
        end = body.rindex(b"PK\x05\x06")
        *_, length, start, comment = struct.unpack("<4s4H2LH", body[end:])
        assert (end + 22, comment) == (size, 0), "bytes after the end, or a comment"
        assert start + length == end, "bytes before the end"
        at = 0
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for member in packed.infolist():
                assert member.header_offset == at, f"a gap before {member.filename} in {size} bytes"
                name, extra = struct.unpack("<2H", body[at + 26 : at + 30])
                assert_fields(body[at + 30 + name : at + 30 + name + extra])
                assert_fields(member.extra)
                at += 30 + name + extra + member.compress_size
        assert at == start, "bytes between the members and the directory"


def assert_fields(extra: bytes) -> None:
    """Checks that an extra field is made of whole records, as APPNOTE 4.5 demands and strict readers check."""
    at = 0
    while at < len(extra):
        at += 4 + int.from_bytes(extra[at + 2 : at + 4], "little")
    assert at == len(extra), f"an extra field of {len(extra)} bytes whose records end at {at}"


# TFRECORD

_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def masked_crc32c(data: bytes) -> int:
    """CRC-32C as TFRecord masks it, from the polynomial of RFC 3720."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(file: bytes) -> Iterator[bytes]:
    """The records of a TFRecord file; refuses a wrong checksum and anything after the last record."""
    at = 0
    while at < len(file):
        assert at + 16 <= len(file), f"{len(file) - at} bytes after the last record"
        length, check = struct.unpack("<QI", file[at : at + 12])
        assert check == masked_crc32c(file[at : at + 8]), f"the length at {at} has a wrong checksum"
        end = at + 12 + length
        assert end + 4 <= len(file), f"a record at {at} of {length} bytes ends after the file"
        data = file[at + 12 : end]
        assert int.from_bytes(file[end : end + 4], "little") == masked_crc32c(data), f"the record at {at} is damaged"
        yield data
        at = end + 4


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers, and bytes for what has a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        else:
            assert tag & 7 == 2, f"wire type {tag & 7}"
            length, at = varint(data, at)
            assert at + length <= len(data), "a field that ends after its message"
            yield tag >> 3, data[at : at + length]
            at += length


def only(data: bytes, number: int) -> bytes:
    """The one field of a message that has no other."""
    ((found, value),) = fields(data)
    assert found == number
    assert isinstance(value, bytes)
    return value


def example(record: bytes) -> dict[str, bytes | int]:
    """The features of a `tf.train.Example` whose lists have one value each."""
    features: dict[str, bytes | int] = {}
    # Example.features = 1; Features.feature = 1, a map: key = 1, value = 2.
    for number, entry in fields(only(record, 1)):
        assert number == 1
        assert isinstance(entry, bytes)
        parts = dict(fields(entry))
        assert parts.keys() == {1, 2}
        name, feature = parts[1], parts[2]
        assert isinstance(name, bytes)
        assert isinstance(feature, bytes)
        ((kind, value),) = fields(feature)
        assert isinstance(value, bytes)
        # Feature.bytes_list = 1, Feature.int64_list = 3; each has its values under 1, numbers packed or not.
        ((_, inner),) = fields(value)
        if kind == 1:
            features[name.decode()] = inner
        else:
            assert kind == 3, f"a feature of kind {kind}"
            features[name.decode()] = varint(inner, 0)[0] if isinstance(inner, bytes) else inner
    return features


def test_the_checksum_of_this_test_is_the_published_one() -> None:
    # RFC 3720, B.4: 32 bytes of zeros have CRC-32C 8A9136AA.
    crc = 0x8A9136AA
    assert masked_crc32c(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_reader_of_this_test_refuses_a_changed_byte_and_a_byte_too_many() -> None:
    (body,) = made("TFRECORD", 2048)
    for bad in (body[:20] + bytes([body[20] ^ 1]) + body[21:], body + b"\0", body[:-1]):
        with pytest.raises(AssertionError):
            list(records(bad))


def test_a_tfrecord_reader_accepts_files_of_every_size() -> None:
    for size in sizes("TFRECORD"):
        if size > 2 * MIB:
            continue  # The checksum above takes a second for every few MiB.
        (body,) = made("TFRECORD", size)
        found = [example(record) for record in records(body)]
        assert found, f"no record in {size} bytes"
        images = 0
        for features in found:
            assert features.keys() == {"image", "size"}, size
            image = features["image"]
            assert isinstance(image, bytes)
            assert features["size"] == len(image), size
            images += len(image)
        assert images > 0.9 * size - 200 * len(found) - 200, (
            f"{size - images} of {size} bytes in {len(found)} records are frame"
        )


# HDF5


def test_h5py_accepts_files_of_every_size(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    for size in sizes("HDF5"):
        (body,) = made("HDF5", size)
        path.write_bytes(body)
        with h5py.File(path, "r") as file:
            assert sorted(file) == ["labels", "records"], size
            data, labels = file["records"], file["labels"]
            assert (data.dtype, labels.dtype.kind) == (np.dtype(np.uint8), "i"), size
            assert data[()].size == data.size
            assert labels[()].size >= 1, size
            assert data.size > size - 4096, f"{size - data.size} of {size} bytes are not data"
            assert file.id.get_filesize() == size, "the file's own end is not its length"
        # The end-of-file address in the superblock itself: bytes after it would be no part of the file.
        assert end_of_file(body) == size


def end_of_file(body: bytes) -> int:
    """The end-of-file address that the superblock states."""
    assert body.startswith(b"\x89HDF\r\n\x1a\n")
    start = {0: 40, 1: 44, 2: 28, 3: 28}[body[8]]
    assert (body[13] if body[8] < 2 else body[9]) == 8, "addresses are not of 8 bytes"
    return int.from_bytes(body[start : start + 8], "little")


def test_a_file_with_bytes_after_its_end_is_not_what_h5py_calls_whole(tmp_path: Path) -> None:
    (body,) = made("HDF5", 10_000)
    (tmp_path / "a.h5").write_bytes(body + bytes(100))
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert file.id.get_filesize() != end_of_file(body)


def test_h5py_refuses_a_file_cut_short(tmp_path: Path) -> None:
    (body,) = made("HDF5", 10_000)
    (tmp_path / "a.h5").write_bytes(body[:-1])
    with pytest.raises(OSError, match="truncated"), h5py.File(tmp_path / "a.h5", "r"):
        pass


# All of them


@pytest.mark.parametrize(("dedup", "compress"), [(1.0, 4.0), (3.0, 1.0), (2.0, 2.0)])
def test_frames_survive_every_kind_of_content(tmp_path: Path, dedup: float, compress: float) -> None:
    ratios = {"dedup": dedup, "compress": compress}
    for body in made("NPZ", 300_000, 3, **ratios):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            assert packed.testzip() is None
    for body in made("TFRECORD", 300_000, 3, **ratios):
        assert all(example(record).keys() == {"image", "size"} for record in records(body))
    for body in made("HDF5", 300_000, 3, **ratios):
        (tmp_path / "a.h5").write_bytes(body)
        with h5py.File(tmp_path / "a.h5", "r") as file:
            assert file["records"][()].size > 290_000


def test_the_default_size_is_accepted_by_every_reader(tmp_path: Path) -> None:
    for object_type in ("NPZ", "HDF5"):
        (body,) = made(object_type, s3.DEFAULT_OBJECT_SIZE)
        path = tmp_path / object_type
        path.write_bytes(body)
        if object_type == "NPZ":
            with np.load(path) as arrays:
                assert arrays["x"].size > s3.DEFAULT_OBJECT_SIZE - 5000
        else:
            with h5py.File(path, "r") as file:
                assert file["records"].size > s3.DEFAULT_OBJECT_SIZE - 5000


def test_what_numpy_reads_is_what_read_npz_reads() -> None:
    s3.put("memory://formats/set", 3, "{}", size=50_000, object_type="NPZ")
    for number in range(3):
        uri = f"memory://formats/set/{number}"
        with np.load(io.BytesIO(s3.get(uri))) as arrays:
            for name in ("x", "y"):
                np.testing.assert_array_equal(s3.read_npz(uri, name), arrays[name], strict=True)
    s3.delete("memory://formats", whole_bucket=True)
