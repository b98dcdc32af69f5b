"""Reads by key, on every kind of store: whole, in parts, under conditions, as streams."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

import longshore as s3
from backends import Backends, Place, new_name
from longshore import exceptions, obs
from longshore.types import GetOptions

BODY = bytes(range(256)) * 40


def test_an_object_is_described_and_read(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    result = obs.get(store, key)
    assert result.meta["path"] == key
    assert result.meta["size"] == len(BODY)
    assert result.meta["last_modified"].tzinfo is not None
    assert result.range == (0, len(BODY))
    assert isinstance(result.attributes, dict)
    assert result.bytes() == BODY
    head = obs.head(store, key)
    assert (head["path"], head["size"], head["e_tag"]) == (key, len(BODY), result.meta["e_tag"])
    assert f"size={len(BODY)}" in repr(result)


def test_the_same_for_asyncio(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")

    async def main() -> None:
        assert await (await obs.get_async(store, key)).bytes_async() == BODY
        assert await (await obs.get_async(store, key)).buffer_async() == BODY
        assert (await obs.head_async(store, key))["size"] == len(BODY)
        assert await obs.get_range_async(store, key, start=3, end=7) == BODY[3:7]
        assert await obs.get_ranges_async(store, key, starts=[0, 9], lengths=[2, 3]) == [BODY[:2], BODY[9:12]]
        chunks = [chunk async for chunk in await obs.get_async(store, key)]
        assert b"".join(chunks) == BODY

    asyncio.run(main())


def test_an_empty_object_has_no_bytes(readable_place: Place) -> None:
    readable_place.write({"a": b""})
    store, key = readable_place.store(), readable_place.key("a")
    result = obs.get(store, key)
    assert (result.meta["size"], result.range, len(result.bytes())) == (0, (0, 0), 0)
    assert [bytes(chunk) for chunk in obs.get(store, key)] == []


def test_a_missing_object_is_not_found(readable_place: Place) -> None:
    readable_place.write({"there": b"x"})
    store, key = readable_place.store(), readable_place.key("missing")
    for read in (
        lambda: obs.get(store, key),
        lambda: obs.head(store, key),
        lambda: obs.get_range(store, key, start=0, length=1),
        lambda: obs.get_ranges(store, key, starts=[0, 5_000_000], lengths=[1, 1]),
        lambda: obs.open_reader(store, key),
    ):
        with pytest.raises(exceptions.NotFoundError, match="missing"):
            read()


def test_a_part_of_an_object_is_read(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    assert obs.get_range(store, key, start=10, end=20) == BODY[10:20]
    assert obs.get_range(store, key, start=10, length=20) == BODY[10:30]
    # What there is of it, where the object ends before.
    assert obs.get_range(store, key, start=len(BODY) - 5, length=1000) == BODY[-5:]
    for option, found in [
        (GetOptions(range=(2, 9)), (2, 9)),
        (GetOptions(range=[2, 9]), (2, 9)),
        (GetOptions(range={"offset": 10_000}), (10_000, len(BODY))),
        (GetOptions(range={"suffix": 7}), (len(BODY) - 7, len(BODY))),
        (GetOptions(range={"suffix": 10**9}), (0, len(BODY))),
        (GetOptions(range=(10_000, 10**9)), (10_000, len(BODY))),
    ]:
        result = obs.get(store, key, options=option)
        assert (result.range, result.meta["size"]) == (found, len(BODY)), option
        assert result.bytes() == BODY[slice(*found)], option


def test_a_range_that_has_no_bytes_is_an_error(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    for start, end in [(5, 5), (7, 5)]:
        with pytest.raises(exceptions.InvalidArgumentError, match="no bytes"):
            obs.get_range(store, key, start=start, end=end)
        with pytest.raises(exceptions.InvalidArgumentError, match="no bytes"):
            obs.get_ranges(store, key, starts=[start], ends=[end])
    with pytest.raises(exceptions.BaseError, match=r"bytes|range"):
        obs.get_range(store, key, start=len(BODY), length=1)
    with pytest.raises(exceptions.BaseError, match=r"bytes|range"):
        obs.get_ranges(store, key, starts=[0, len(BODY)], lengths=[1, 1])


def test_many_parts_come_in_their_order_with_repeats_and_overlaps(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    starts = [9000, 0, 5, 0, 10_000, 4000]
    ends = [9100, 10, 2000, 10, 10**9, 4001]
    expected = [BODY[start:end] for start, end in zip(starts, ends, strict=True)]
    for coalesce in (0, 100, 1 << 20):
        for max_concurrency in (1, 10):
            found = obs.get_ranges(
                store, key, starts=starts, ends=ends, coalesce=coalesce, max_concurrency=max_concurrency
            )
            assert found == expected, (coalesce, max_concurrency)
    assert obs.get_ranges(store, key, starts=[], ends=[]) == []


def test_lists_of_starts_and_ends_of_unequal_length_are_an_error() -> None:
    store = s3.store_for("memory://reading/")
    obs.put(store, "unequal", b"0123456789")
    with pytest.raises(exceptions.InvalidArgumentError, match="3 starts and 2 ends"):
        obs.get_ranges(store, "unequal", starts=[0, 1, 2], ends=[1, 2])
    with pytest.raises(exceptions.InvalidArgumentError, match="1 starts and 2 lengths"):
        obs.get_ranges(store, "unequal", starts=[0], lengths=[1, 2])
    with pytest.raises(TypeError, match="not both"):
        obs.get_ranges(store, "unequal", starts=[0], ends=[1], lengths=[1])
    with pytest.raises(TypeError, match="missing"):
        obs.get_ranges(store, "unequal", starts=[0])
    with pytest.raises(TypeError, match="missing"):
        obs.get_range(store, "unequal", start=0)
    with pytest.raises(exceptions.InvalidArgumentError, match="at least 0"):
        obs.get_range(store, "unequal", start=-1, length=2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
def test_ranges_of_a_local_file_open_it_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BODY)
    store, key = s3.store_for("file:///"), str(path).lstrip("/")
    starts = list(range(0, 10_000, 100))
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    opened = 0x20
    assert libc.inotify_add_watch(watch, os.fsencode(path), opened) >= 0
    try:
        found = obs.get_ranges(store, key, starts=starts, lengths=[1] * len(starts), coalesce=0)
        # Each event of a file that is watched itself has sixteen bytes.
        assert len(os.read(watch, 1 << 16)) == 16
    finally:
        os.close(watch)
    assert [chunk[0] for chunk in found] == [BODY[start] for start in starts]


def test_conditions_of_a_read_hold_or_are_an_error(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    meta = obs.head(store, key)
    hour = timedelta(hours=1)
    later, earlier = meta["last_modified"] + hour, meta["last_modified"] - hour
    for holds in (
        GetOptions(if_unmodified_since=later),
        GetOptions(if_unmodified_since=meta["last_modified"]),
        GetOptions(if_modified_since=earlier),
        GetOptions(if_none_match='"other"'),
    ):
        assert obs.get(store, key, options=holds).bytes() == BODY, holds
    with pytest.raises(exceptions.PreconditionError):
        obs.get(store, key, options=GetOptions(if_unmodified_since=earlier))
    with pytest.raises(exceptions.NotModifiedError):
        obs.get(store, key, options=GetOptions(if_modified_since=meta["last_modified"]))
    tag = meta["e_tag"]
    if tag is None or tag.startswith("W/"):
        pytest.skip("this server gives its objects no strong tags")
    assert obs.get(store, key, options=GetOptions(if_match=tag)).bytes() == BODY
    with pytest.raises(exceptions.PreconditionError):
        obs.get(store, key, options=GetOptions(if_match='"other"'))
    with pytest.raises(exceptions.NotModifiedError):
        obs.get(store, key, options=GetOptions(if_none_match=tag))


def test_a_read_of_the_description_alone_brings_no_bytes(readable_place: Place) -> None:
    readable_place.write({"a": BODY})
    store, key = readable_place.store(), readable_place.key("a")
    result = obs.get(store, key, options=GetOptions(head=True))
    assert result.meta["size"] == len(BODY)
    assert result.bytes() == b""


def test_a_stream_has_chunks_of_at_least_the_size_that_was_asked_for(readable_place: Place) -> None:
    readable_place.write({"a": BODY * 30})
    store, key = readable_place.store(), readable_place.key("a")
    for least in (1, 1000, 100_000, 10**9):
        chunks = [bytes(chunk) for chunk in obs.get(store, key).stream(min_chunk_size=least)]
        assert all(len(chunk) >= least for chunk in chunks[:-1]), [len(chunk) for chunk in chunks]
        assert b"".join(chunks) == BODY * 30
    assert b"".join(obs.get(store, key)) == BODY * 30


def test_a_body_can_be_taken_once() -> None:
    store = s3.store_for("memory://reading/")
    obs.put(store, "once", b"0123456789")
    result = obs.get(store, "once")
    assert result.bytes() == b"0123456789"
    with pytest.raises(exceptions.InvalidArgumentError, match="taken already"):
        result.bytes()
    with pytest.raises(exceptions.InvalidArgumentError, match="taken already"):
        list(result)
    assert result.meta["size"] == 10
    started = obs.get(store, "once")
    assert next(started.stream(1))
    with pytest.raises(exceptions.InvalidArgumentError, match="taken already"):
        started.bytes()


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"if_matches": "x"}, ValueError, "if_matches"),
        ({"range": "0-5"}, TypeError, "range must be"),
        ({"range": (1, 2, 3)}, TypeError, "range must be"),
        ({"range": {"last": 3}}, TypeError, "range must be"),
        ({"range": (0, -5)}, ValueError, "at least 0"),
        ({"if_modified_since": datetime(2026, 1, 1)}, ValueError, "time zone"),
        ({"if_modified_since": 5}, TypeError, "datetime"),
        ({"if_match": 5}, TypeError, "if_match must be a str"),
        ({"version": "1"}, exceptions.NotSupportedError, "version"),
        (5, TypeError, "options must be a dict"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    tmp_path: Path, options: GetOptions, kind: type[Exception], message: str
) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with pytest.raises(kind, match=message):
        obs.get(s3.store_for("file:///"), str(tmp_path / "a").lstrip("/"), options=options)


def test_what_is_no_store_is_refused() -> None:
    with pytest.raises(
        TypeError, match="store must be a store of this package, or have a method __object_store_capsule__, not str"
    ):
        obs.get("memory:///", "a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path must be a str"):
        obs.get(s3.store_for("memory:///"), 5)  # type: ignore[arg-type]


def test_a_large_object_comes_over_several_connections_and_whole(gateway_place: Place) -> None:
    body = os.urandom(1 << 20) * 40
    gateway_place.write({"large": body})
    store, key = gateway_place.store(), gateway_place.key("large")
    gateway_place.reset()
    assert obs.get(store, key).bytes() == body
    assert 2 <= gateway_place.count("GetObject") <= 6
    assert gateway_place.count("HeadObject") == 0


def test_there_is_no_head_before_a_get(gateway_place: Place) -> None:
    gateway_place.write({"a": BODY})
    store, key = gateway_place.store(), gateway_place.key("a")
    gateway_place.reset()
    assert obs.get(store, key).bytes() == BODY
    assert obs.get_range(store, key, start=1, end=2) == BODY[1:2]
    assert obs.get_ranges(store, key, starts=[1, 4], ends=[2, 5]) == [BODY[1:2], BODY[4:5]]
    assert (gateway_place.count("GetObject"), gateway_place.count("HeadObject")) == (3, 0)


def test_ranges_of_an_object_that_is_replaced_meanwhile_are_never_of_two_versions(gateway_place: Place) -> None:
    size = 3_000_000
    gateway_place.write({"a": b"0" * size})
    store, key = gateway_place.store(), gateway_place.key("a")
    starts = [0, size - 1]

    async def main() -> None:
        failed = 0
        for version in b"123456789" * 4:
            writing = obs.put_async(store, key, bytes([version]) * size)
            try:
                found = await obs.get_ranges_async(store, key, starts=starts, lengths=[1, 1], max_concurrency=1)
                assert found[0] == found[1]
            except exceptions.PreconditionError:
                failed += 1
            await writing
        print("found out", failed, "times")

    asyncio.run(main())


def test_a_cached_size_does_not_cut_an_overwritten_object(quick_place: Place) -> None:
    quick_place.write({"a": b"short"})
    store, key = quick_place.store(), quick_place.key("a")
    assert obs.get(store, key).bytes() == b"short"
    quick_place.write({"a": b"and now much longer"})
    assert obs.get(store, key).bytes() == b"and now much longer"
    with obs.open_reader(store, key) as file:
        assert file.read() == b"and now much longer"


def test_last_modified_has_a_time_zone_and_is_now(place: Place) -> None:
    place.write({"a": b""})
    found = obs.head(place.store(), place.key("a"))["last_modified"]
    assert abs(found - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_version_is_read_by_its_name(backends: Backends) -> None:
    options: Any = backends["moto"].options
    bucket = new_name()
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint"],
        aws_access_key_id=options["access_key_id"],
        aws_secret_access_key=options["secret_access_key"],
        region_name=options["region"],
    )
    store = s3.store_for(f"s3://{bucket}", **options)
    s3.create_bucket(f"s3://{bucket}", store=store)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    # The large one comes over several connections, all of them for that version.
    bodies = [b"first", os.urandom(1 << 20) * 33, b"third"]
    versions = [obs.put(store, "a", body, use_multipart=False)["version"] for body in bodies]
    assert len({*versions}) == 3
    assert None not in versions
    for version, body in zip(versions, bodies, strict=True):
        result = obs.get(store, "a", options={"version": version})
        assert (result.meta["version"], result.meta["size"]) == (version, len(body))
        assert result.bytes() == body
        assert obs.get(store, "a", options={"version": version, "range": (1, 4)}).bytes() == body[1:4]
    assert obs.head(store, "a")["version"] == versions[-1]
    obs.delete(store, "a")
    with pytest.raises(exceptions.NotFoundError):
        obs.get(store, "a")
    assert obs.get(store, "a", options={"version": versions[0]}).bytes() == b"first"
