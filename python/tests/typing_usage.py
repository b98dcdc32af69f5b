"""What type checkers see of the package, and that it is so.

mypy and pyright read this file, and pytest runs it. `assert_type` is what the checkers must find; an `ignore` marks a line that
they must refuse, and one that they do not need is an error in both. `test_types` proves that they do fail.
"""

from __future__ import annotations

import array
import asyncio
import mmap
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray

import longshore as s3
from longshore.exceptions import ArgumentTypeError, BaseError, NotFoundError, UnknownConfigurationKeyError
from longshore.testing import Fault, Server, server
from longshore.types import (
    AnyStore,
    Data,
    Duration,
    ObjectMeta,
    Progress,
    ProgressArgument,
    PutResult,
    RequestFilter,
    S3Options,
    ServerStats,
    StoreOptions,
    TransferOptions,
)

HERE = "memory://typing"


@pytest.fixture(autouse=True)
def two_objects() -> Iterator[None]:
    """The objects `a` and `b` of three bytes each, and an archive."""
    s3.put_many([(f"{HERE}/a", b"aaa"), (f"{HERE}/b", b"bbb")])
    s3.put(f"{HERE}/", template="set{}.npz", size=1000, object_type="npz")
    yield
    s3.delete(HERE, whole_bucket=True)


def test_what_blocking_calls_return() -> None:
    assert assert_type(s3.get(f"{HERE}/a"), bytes) == b"aaa"
    assert assert_type(s3.get_many([f"{HERE}/b"]), list[tuple[str, bytes]]) == [(f"{HERE}/b", b"bbb")]
    assert assert_type(s3.get_many_stats([f"{HERE}/?", f"{HERE}/*"][1:]), tuple[int, int])[0] == 3
    assert assert_type(s3.list(f"{HERE}/"), list[str]) == ["a", "b", "set0.npz"]
    assert assert_type(s3.exists(f"{HERE}/a"), bool)
    label = s3.read_npz(f"{HERE}/set0.npz", "y")
    assert_type(label, NDArray[Any])
    assert label.tolist() == [0]


def test_what_an_object_is_described_by() -> None:
    described = s3.head(f"{HERE}/a")
    assert_type(described, ObjectMeta)
    assert assert_type(described["path"], str) == "a"
    assert assert_type(described["size"], int) == 3
    assert assert_type(described["last_modified"], datetime).tzinfo is not None
    assert_type(described["e_tag"], str | None)
    assert_type(described["version"], str | None)
    with pytest.raises(KeyError):
        described["length"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]


def test_what_futures_give() -> None:
    async def everything() -> None:
        future = s3.get_many_async([f"{HERE}/a"])
        assert_type(future, asyncio.Future[list[tuple[str, bytes]]])
        assert await future == [(f"{HERE}/a", b"aaa")]
        data, described, there = await asyncio.gather(
            s3.get_async(f"{HERE}/a"), s3.head_async(f"{HERE}/a"), s3.exists_async(f"{HERE}/c")
        )
        assert assert_type(data, bytes) == b"aaa"
        assert assert_type(described, ObjectMeta)["size"] == 3
        assert assert_type(there, bool) is False
        assert_type(s3.put_bytes_async(f"{HERE}/c", b""), asyncio.Future[None])
        assert_type(s3.list_async(HERE), asyncio.Future[list[str]])
        assert_type(await s3.read_npz_async(f"{HERE}/set0.npz"), NDArray[Any])

    asyncio.run(everything())


def test_what_can_be_written() -> None:
    with mmap.mmap(-1, 3) as mapped:
        bodies: list[Data] = [
            b"abc",
            bytearray(b"abc"),
            memoryview(b"abc"),
            array.array("b", [1, 2, 3]),
            np.zeros(3, np.uint8),
            mapped,
        ]
        for body in bodies:
            s3.put_bytes(f"{HERE}/body", body)
            assert s3.head(f"{HERE}/body")["size"] == 3
    with pytest.raises(ArgumentTypeError):
        s3.put_bytes(f"{HERE}/body", "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentTypeError):
        s3.put_many([(f"{HERE}/body", 5)])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def test_what_is_refused_as_an_argument() -> None:
    with pytest.raises(ArgumentTypeError):
        s3.get(Path("a"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentTypeError):
        s3.get_many([b"a"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentTypeError):
        s3.get_many([], "64")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        s3.get(f"{HERE}/a", None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        s3.get(f"{HERE}/a", stoer=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        s3.get(f"{HERE}/a", store=HERE)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentTypeError):
        s3.get(f"{HERE}/a", progress="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(BaseError):
        s3.put_bytes(f"{HERE}/a", s3.get_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_how_progress_is_followed() -> None:
    seen: list[int] = []

    def follow(now: Progress) -> None:
        seen.append(assert_type(now.bytes, int))
        assert_type(now.total, int | None)
        assert_type(now.elapsed, float)

    ways: list[ProgressArgument] = [follow, lambda now: seen.append(now.bytes), None, False]
    for way in ways:
        s3.get(f"{HERE}/a", progress=way)
    assert seen[-1] == 3

    def wrong(now: int) -> None:
        assert not isinstance(now, int)

    s3.get(f"{HERE}/a", progress=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_which_store_a_uri_is_in_is_known_when_it_is_asked() -> None:
    store = s3.store_for(HERE)
    assert_type(store, AnyStore)
    assert assert_type(store.bucket, str) == "typing"
    with pytest.raises(AttributeError):
        store.endpoint  # type: ignore[union-attr]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    elsewhere = s3.store_for("s3://bucket", endpoint="http://127.0.0.1:1", skip_signature=True)
    assert isinstance(elsewhere, s3.S3Store)
    assert_type(elsewhere, s3.S3Store)
    assert assert_type(elsewhere.endpoint, str | None) == "http://127.0.0.1:1"
    assert assert_type(elsewhere.region, str) == "us-east-1"
    any_store: s3.Store = elsewhere
    assert any_store == elsewhere


def test_options_are_checked_by_name_and_by_type() -> None:
    for patience in (1, 1.5, "250ms", timedelta(seconds=2), None):
        length: Duration = patience
        s3.store_for("s3://bucket", skip_signature=True, timeout=length, max_retries=3, allow_http="no")
    with pytest.raises(UnknownConfigurationKeyError):
        s3.store_for("s3://bucket", regoin="eu")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(ArgumentTypeError):
        s3.store_for("s3://bucket", timeout=[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_options_can_be_kept_in_a_dictionary() -> None:
    network: TransferOptions = {"timeout": 5, "max_retries": 1}
    options: S3Options = {"endpoint": "http://127.0.0.1:1", "skip_signature": True}
    every: StoreOptions = {"endpoint": "http://127.0.0.1:1", "skip_signature": True, "timeout": 5}
    assert s3.store_for("s3://bucket", **every) is not s3.store_for("s3://bucket", **options)
    assert s3.store_for("s3://bucket", skip_signature=True, **network) is not s3.store_for("s3://bucket", **options)
    wrong: S3Options = {"timeout": 5, "tiemout": 6}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportAssignmentType]
    assert "tiemout" in wrong


def test_errors_say_what_they_carry() -> None:
    with pytest.raises(NotFoundError) as caught:
        s3.get(f"{HERE}/nothing")
    error = caught.value
    assert assert_type(error.uri, str | None) == f"{HERE}/nothing"
    assert_type(error.status, int | None)
    assert_type(error.attempts, int)
    assert_type(error.failures, tuple[tuple[str, str, str], ...])
    builtin: FileNotFoundError = error
    assert isinstance(builtin, RuntimeError)


def test_a_server_for_tests() -> None:
    with server(anonymous=True) as aws:
        assert_type(aws, Server)
        store = aws.store_for("bucket", timeout=5)
        assert_type(store, s3.S3Store)
        s3.create_bucket("s3://bucket", store=store)
        which: RequestFilter = {"method": "GET", "times": 1}
        fault = aws.faults.status(503, **which)
        assert_type(fault, Fault)
        assert s3.list("s3://bucket", store=store) == []
        assert assert_type(fault.hits, int) == 1
        seen = aws.stats()
        assert_type(seen, ServerStats)
        assert_type(seen["operations"], dict[str, int])
        assert assert_type(seen["connections"], int) > 0
        assert s3.store_for("s3://bucket", **assert_type(aws.options, dict[str, str])) == aws.store_for("bucket")
        assert_type(aws.environment, dict[str, str])
    with pytest.raises(TypeError):
        server(prot=80)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        aws.faults.close(times_=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_the_mode_of_a_write_is_what_a_write_returned() -> None:
    store = s3.MemoryStore()
    first = store.put("key", b"1", mode="create")
    assert_type(first, PutResult)
    second = store.put("key", b"2", mode=first)
    assert store.put("key", b"3", mode={"e_tag": second["e_tag"]})["e_tag"] != second["e_tag"]
