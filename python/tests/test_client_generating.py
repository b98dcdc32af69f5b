"""`put`: how many, how large, under which names, into which bucket, and what is in them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings
import zlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import longshore as s3
from backends import MissingBucket, Place, new_name
from longshore.exceptions import InvalidArgumentError, NotFoundError

BLOCK = 4096
MIB = 1 << 20
FORMATS = {"RAW": b"", "NPZ": b"PK\x03\x04", "HDF5": b"\x89HDF\r\n\x1a\n", "TFRECORD": b""}
TYPES = [*FORMATS, "npz", "TFRecord", "hdf5", "Raw"]


def is_of(object_type: str, body: bytes) -> bool:
    """Whether a body begins as that format does; `test_formats` reads them whole."""
    if object_type.upper() == "TFRECORD":
        # The length of the first record, and the checksum of that length.
        return len(body) > 16 and int.from_bytes(body[:8], "little") <= len(body) - 16
    return body.startswith(FORMATS[object_type.upper()])


def test_the_default_size_is_twenty_mebibytes() -> None:
    assert (type(s3.DEFAULT_OBJECT_SIZE), s3.DEFAULT_OBJECT_SIZE) == (int, 20 * MIB)


def test_put_writes_one_object_of_the_default_size_and_name(place: Place) -> None:
    assert s3.put(place.uri()) is None  # type: ignore[func-returns-value]
    assert place.names() == ["object_0_of_1.dat"]
    assert s3.head(place.uri("object_0_of_1.dat"))["size"] == s3.DEFAULT_OBJECT_SIZE


def test_no_size_is_the_default_size(quick_place: Place) -> None:
    s3.put(quick_place.uri(), 2, size=None, object_type="npz")
    assert [len(body) for body in quick_place.bodies().values()] == [s3.DEFAULT_OBJECT_SIZE] * 2


@pytest.mark.parametrize("object_type", TYPES)
def test_objects_of_every_type_have_exactly_the_size_asked_for(place: Place, object_type: str) -> None:
    for size in (10_000, 65_537):
        s3.put(place.uri(), 3, "{}_" + str(size), size=size, object_type=object_type)
    bodies = place.bodies()
    assert {name: len(body) for name, body in bodies.items()} == {
        f"{i}_{n}": n for i in range(3) for n in (10_000, 65_537)
    }
    assert all(is_of(object_type, body) for body in bodies.values())


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097])
def test_raw_objects_may_be_of_any_size(quick_place: Place, size: int) -> None:
    s3.put(quick_place.uri(), 2, size=size)
    assert [len(body) for body in quick_place.bodies().values()] == [size, size]


@pytest.mark.parametrize("object_type", ["NPZ", "TFRECORD", "HDF5"])
def test_a_size_too_small_for_the_format_says_the_least_which_then_works(quick_place: Place, object_type: str) -> None:
    with pytest.raises(InvalidArgumentError, match="least is") as caught:
        s3.put(quick_place.uri(), 3, size=5, object_type=object_type)
    assert quick_place.names() == []
    least = int(str(caught.value).rpartition("least is ")[2].split()[0])
    with pytest.raises(InvalidArgumentError):
        s3.put(quick_place.uri(), size=least - 1, object_type=object_type)
    for size in range(least, least + 20):
        s3.put(quick_place.uri(), 1, "{}", size=size, object_type=object_type)
        assert len(s3.get(quick_place.uri("0"))) == size


def test_an_unknown_type_is_raw_with_a_warning(place: Place) -> None:
    with pytest.warns(UserWarning, match="PARQUET") as caught:
        s3.put(place.uri(), 1, "a", size=100, seed=1, object_type="PARQUET")
    assert caught[0].filename == __file__, "the warning points into the package"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s3.put(place.uri(), 1, "b", size=100, seed=1, object_type="raw")
    assert place.bodies()["a"] == place.bodies()["b"]


@pytest.mark.parametrize(
    ("num", "template", "names"),
    [
        (2, "object_{}_of_{}.dat", ["object_0_of_2.dat", "object_1_of_2.dat"]),
        (2, "{}", ["0", "1"]),
        (3, "x{:04d}.npz", ["x0000.npz", "x0001.npz", "x0002.npz"]),
        (2, "{0}-{0}-{1}", ["0-0-2", "1-1-2"]),
        (2, "{1}-{0}", ["2-0", "2-1"]),
        (2, "{{{}}}", ["{0}", "{1}"]),
        (2, "{0:>3}|{1:<3}|", ["  0|2  |", "  1|2  |"]),
        (2, "part={}/of={}/file.bin", ["part=0/of=2/file.bin", "part=1/of=2/file.bin"]),
        (1, "fixed", ["fixed"]),
        (1, "star*{}", ["star*0"]),
        (0, "object_{}_of_{}.dat", []),
        (0, "fixed", []),
    ],
)
def test_a_template_is_filled_with_index_and_count(
    quick_place: Place, num: int, template: str, names: list[str]
) -> None:
    s3.put(quick_place.uri(), num, template, size=10)
    assert quick_place.names() == names


@pytest.mark.parametrize("template", ["fixed", "{1}", "{{}}", "{:.0s}", "{0:.0e}"])
def test_names_that_would_collide_are_an_error_before_anything_is_written(place: Place, template: str) -> None:
    with pytest.raises(InvalidArgumentError):
        s3.put(place.uri(), 200, template, size=10)
    assert place.names() == []


@pytest.mark.parametrize(
    "template", ["{} {} {}", "{2}", "{name}", "{", "}", "{:q}", "{} {0}", "{0.missing}", "{0[0]}", ""]
)
def test_a_template_that_cannot_be_filled_is_an_error(quick_place: Place, template: str) -> None:
    with pytest.raises(InvalidArgumentError, match="template"):
        s3.put(quick_place.uri(), 1, template, size=10)
    assert quick_place.names() == []


def test_a_missing_slash_after_the_prefix_is_added(place: Place) -> None:
    s3.put(place.uri("a"), 1, "{}", size=1)
    s3.put(place.uri("b/"), 1, "{}", size=1)
    s3.put(place.uri("c/d"), 1, "{}", size=1)
    assert place.names() == ["a/0", "b/0", "c/d/0"]


def test_an_empty_prefix_adds_no_slash(bucket: str) -> None:
    s3.put(bucket, 1, "a{}", size=1)
    s3.put(bucket + "/", 1, "b{}", size=1)
    assert s3.list(bucket) == ["a0", "b0"]


def test_a_missing_bucket_is_not_found_unless_it_should_be_created(missing_bucket: MissingBucket) -> None:
    for uri in (missing_bucket.uri, missing_bucket.uri + "/prefix/"):
        with pytest.raises(NotFoundError) as caught:
            s3.put(uri, 1, size=10)
        assert caught.value.code in missing_bucket.codes
    s3.put(missing_bucket.uri + "/prefix", 2, "{}", size=10, should_create_bucket=True)
    assert s3.list(missing_bucket.uri) == ["prefix/0", "prefix/1"]


def test_a_bucket_of_our_own_is_accepted_and_keeps_its_objects(place: Place) -> None:
    place.fill("there")
    for _ in range(2):
        s3.put(place.uri(), 1, "{}", size=10, should_create_bucket=True)
    assert place.names() == ["0", "there"]


def test_a_bucket_is_made_even_for_no_objects(missing_bucket: MissingBucket) -> None:
    s3.put(missing_bucket.uri, 0, should_create_bucket=True)
    assert s3.list(missing_bucket.uri) == []


def test_without_the_flag_no_bucket_is_asked_for(gateway_place: Place) -> None:
    s3.put(gateway_place.uri(), 5, size=10)
    assert (gateway_place.count("PutObject"), gateway_place.count("CreateBucket")) == (5, 0)


@pytest.mark.parametrize("max_in_flight", [1, 1000])
def test_every_window_writes_every_object(quick_place: Place, max_in_flight: int) -> None:
    s3.put(quick_place.uri(), 50, "{:02d}", max_in_flight, 100)
    assert quick_place.names() == [f"{index:02d}" for index in range(50)]


@pytest.mark.parametrize("object_type", FORMATS)
def test_contents_differ_between_objects_and_between_runs(quick_place: Place, object_type: str) -> None:
    for run in ("a", "b"):
        s3.put(quick_place.uri(run), 20, size=20_000, object_type=object_type)
    assert len(set(quick_place.bodies().values())) == 40


@pytest.mark.parametrize("object_type", FORMATS)
def test_a_seed_reproduces_a_run_and_another_seed_does_not(quick_place: Place, object_type: str) -> None:
    for run, seed in (("a", 7), ("b", 7), ("c", 8)):
        s3.put(quick_place.uri(run), 5, "{}", size=20_000, seed=seed, object_type=object_type)
    runs = {run: [s3.get(quick_place.uri(f"{run}/{index}")) for index in range(5)] for run in "abc"}
    assert runs["a"] == runs["b"]
    assert len({*runs["a"], *runs["c"]}) == 10


def test_a_seed_does_not_depend_on_the_window(quick_place: Place) -> None:
    for window in (1, 16):
        s3.put(quick_place.uri(f"{window}"), 20, "{:02d}", window, 5000, seed=3)
    bodies = list(quick_place.bodies().values())
    assert bodies[:20] == bodies[20:]


def test_forked_children_of_one_process_write_different_contents(tmp_path: Path) -> None:
    program = f"""
        import os
        import longshore as s3
        s3.put("file://{tmp_path}/parent", size=1000)
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                s3.put(f"file://{tmp_path}/{{number}}", size=1000)
                os._exit(0)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=60)
    bodies = {path.parent.name: path.read_bytes() for path in tmp_path.rglob("*.dat")}
    assert len(bodies) == 4
    assert len(set(bodies.values())) == 4, "two processes wrote the same bytes"


@pytest.mark.parametrize("object_type", FORMATS)
def test_contents_are_incompressible_by_default(quick_place: Place, object_type: str) -> None:
    s3.put(quick_place.uri(), 1, "a", size=MIB, object_type=object_type)
    body = s3.get(quick_place.uri("a"))
    assert len(zlib.compress(body, 6)) > 0.98 * len(body)
    assert len(set(blocks(body))) == len(blocks(body))


@pytest.mark.parametrize("object_type", FORMATS)
@pytest.mark.parametrize("ratio", [1.5, 2.0, 4.0, 10.0])
def test_compress_is_the_ratio_that_a_compressor_measures(quick_place: Place, object_type: str, ratio: float) -> None:
    s3.put(quick_place.uri(), 1, "a", size=4 * MIB, object_type=object_type, compress=ratio)
    body = s3.get(quick_place.uri("a"))
    measured = len(body) / len(zlib.compress(body, 6))
    assert measured == pytest.approx(ratio, rel=0.1), f"{object_type} compresses {measured:.2f}:1 instead of {ratio}:1"
    per_block = [BLOCK / len(zlib.compress(block, 6)) for block in blocks(body)[5:-5:50]]
    assert max(per_block) < 2 * min(per_block), "some blocks carry all of the compression"


@pytest.mark.parametrize("object_type", FORMATS)
@pytest.mark.parametrize("ratio", [1.5, 2.0, 5.0])
def test_dedup_is_how_often_the_average_block_occurs(quick_place: Place, object_type: str, ratio: float) -> None:
    s3.put(quick_place.uri(), 2, "{}", size=4 * MIB, object_type=object_type, dedup=ratio)
    first, second = (blocks(s3.get(quick_place.uri(name))) for name in "01")
    measured = len(first) / len(set(first))
    assert measured == pytest.approx(ratio, rel=0.05), (
        f"{object_type}: every block {measured:.2f} times instead of {ratio}"
    )
    assert not set(first[8:-8]) & set(second[8:-8]), "two objects share blocks"


def test_dedup_and_compress_go_together(quick_place: Place) -> None:
    s3.put(quick_place.uri(), 1, "a", size=8 * MIB, dedup=2, compress=2)
    body = s3.get(quick_place.uri("a"))
    unique = b"".join(set(blocks(body)))
    assert len(body) / len(unique) == pytest.approx(2, rel=0.05)
    assert len(unique) / len(zlib.compress(unique, 6)) == pytest.approx(2, rel=0.1)


def test_default_contents_look_like_chance(quick_place: Place) -> None:
    s3.put(quick_place.uri(), 1, "a", size=MIB)
    counts = np.bincount(np.frombuffer(s3.get(quick_place.uri("a")), np.uint8), minlength=256)
    expected = MIB / 256
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    # 255 degrees of freedom: chance stays below 400 but for once in 10^8 runs.
    assert chi_square < 400, chi_square


def blocks(body: bytes) -> list[bytes]:
    """The whole 4096-byte blocks of an object."""
    bounds = range(0, len(body) + 1, BLOCK)
    return [body[start:end] for start, end in pairwise(bounds)]


def test_blocks_of_the_test_itself_are_counted_right() -> None:
    assert Counter(map(len, blocks(os.urandom(3 * BLOCK + 5)))) == {BLOCK: 3}
    assert new_name() != new_name()
