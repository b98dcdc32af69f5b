"""What the client does when the server misbehaves. The server says what it saw."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import io
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Unpack

import numpy as np
import pytest

import longshore as s3
from longshore.exceptions import BaseError, ConnectionError, GenericError, NotFoundError, TimeoutError
from longshore.testing import Server, server
from longshore.types import S3Options

URI = "s3://bkt"
SMALL, MIDDLE, LARGE = 1_000, 100_000, 5 << 20


@pytest.fixture
def aws() -> Iterator[Server]:
    with server() as running:
        s3.create_bucket(URI, store=running.store_for("bkt"))
        running.reset_stats()
        yield running


def impatient(aws: Server, **options: Unpack[S3Options]) -> s3.Store:
    """A store that waits a moment only before it asks again."""
    options["init_backoff"] = options["max_backoff"] = "10ms"
    return aws.store_for("bkt", **options)


def content(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def requests(aws: Server) -> int:
    return sum(aws.stats()["methods"].values())


def fill(aws: Server, **objects: bytes) -> None:
    """Writes objects, then forgets that it was seen."""
    s3.put_many([(f"{URI}/{key}", data) for key, data in objects.items()], store=aws.store_for("bkt"))
    aws.reset_stats()


def _read(store: s3.Store) -> None:
    with store.open_reader("k") as file:
        assert file.read() == b"data"


def _write(store: s3.Store) -> None:
    with store.open_writer("new") as file:
        file.write(b"data")


OPERATIONS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "get": ("GET", lambda store: s3.get(f"{URI}/k", store=store)),
    "get_many": ("GET", lambda store: s3.get_many([f"{URI}/k"], store=store)),
    "get_many_stats": ("GET", lambda store: s3.get_many_stats([f"{URI}/k"], store=store)),
    "list": ("GET", lambda store: s3.list(f"{URI}/", store=store)),
    "head": ("HEAD", lambda store: s3.head(f"{URI}/k", store=store)),
    "put": ("PUT", lambda store: s3.put(f"{URI}/new/", size=100, store=store)),
    "put_bytes": ("PUT", lambda store: s3.put_bytes(f"{URI}/new", b"data", store=store)),
    "copy": ("PUT", lambda store: s3.copy(f"{URI}/k", f"{URI}/new", store=store)),
    "delete": ("DELETE", lambda store: s3.delete(f"{URI}/k", store=store)),
    "delete_prefix": ("POST", lambda store: s3.delete(f"{URI}/folder/", store=store)),
    "create_bucket": ("PUT", lambda store: s3.create_bucket(URI, store=store)),
    # The same by the methods of the store.
    "get by key": ("GET", lambda store: store.get("k").bytes()),
    "get_range": ("GET", lambda store: store.get_range("k", start=1, length=2)),
    "get_ranges": ("GET", lambda store: store.get_ranges("k", starts=[0, 2], lengths=[1, 2])),
    "get by a reader": ("GET", lambda store: _read(store)),
    "get by asyncio": ("GET", lambda store: asyncio.run(store.get_range_async("k", start=1, length=2))),
    "list by chunks": ("GET", lambda store: store.list("folder").collect()),
    "list by levels": ("GET", lambda store: store.list_with_delimiter("folder")),
    "head by key": ("HEAD", lambda store: store.head("k")),
    "put by key": ("PUT", lambda store: store.put("new", b"data")),
    "put by a writer": ("PUT", lambda store: _write(store)),
    "copy by key": ("PUT", lambda store: store.copy("k", "new")),
    "delete by key": ("DELETE", lambda store: store.delete("k")),
    "delete of keys": ("POST", lambda store: store.delete(["k", "folder/k"])),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_passes_is_retried(aws: Server, operation: str, status: int) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    fault = aws.faults.status(status, "SlowDown", method=method, times=2)
    call(impatient(aws))
    assert fault.hits == 2
    assert aws.stats()["methods"][method] == 3


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_failure_that_stays_is_an_error_with_its_particulars(aws: Server, operation: str) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    aws.faults.status(503, "SlowDown", method=method)
    with pytest.raises(GenericError) as caught:
        call(impatient(aws, max_retries=2))
    error = caught.value
    assert error.status == 503
    assert error.attempts == 3 == aws.stats()["methods"][method]
    assert error.uri is not None
    assert error.uri.startswith(URI)
    assert error.operation is not None
    assert operation.startswith(error.operation)
    if method != "HEAD":  # which has no body to carry a code
        assert error.code == "SlowDown"
    assert error.request_id
    assert error.request_id in str(error)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_closed_connection_is_retried(aws: Server, operation: str) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    fault = aws.faults.close(method=method, times=2)
    call(impatient(aws))
    assert fault.hits == 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_connections_that_always_close_are_a_connection_error(aws: Server, operation: str) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    fault = aws.faults.close(method=method)
    with pytest.raises(ConnectionError) as caught:
        call(impatient(aws, max_retries=2))
    assert isinstance(caught.value, builtins.ConnectionError)
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.attempts == fault.hits == 3
    assert caught.value.status is None


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_answer_is_asked_for_again(aws: Server, operation: str) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    fault = aws.faults.lose_answer(method=method, times=1)
    call(impatient(aws))
    assert fault.hits == 1
    assert aws.stats()["methods"][method] == 2


def test_a_lost_answer_to_the_end_of_a_multipart_upload_is_no_failure(aws: Server) -> None:
    data = content(65 << 20)
    fault = aws.faults.lose_answer(method="POST", query="uploadId", times=1)
    store = aws.store_for("bkt")
    s3.put_bytes(f"{URI}/big", data, store=store)
    assert fault.hits == 1
    assert s3.get(f"{URI}/big", store=store) == data


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_failure_that_stays_by_its_nature_is_not_retried(aws: Server, code: int) -> None:
    fill(aws, k=b"data")
    fault = aws.faults.status(code, "AccessDenied" if code == 403 else "NoSuchKey" if code == 404 else "InvalidRequest")
    with pytest.raises(BaseError) as caught:
        s3.get(f"{URI}/k", store=aws.store_for("bkt"))
    assert (caught.value.status, caught.value.attempts, fault.hits) == (code, 1, 1)
    assert isinstance(caught.value, PermissionError) == (code == 403)
    assert isinstance(caught.value, FileNotFoundError) == (code == 404)


@pytest.mark.parametrize("key", ["k", "odd//k"], ids=["plain", "with_an_empty_segment"])
@pytest.mark.parametrize(
    ("size", "after"),
    [(SMALL, 0), (SMALL, 1), (SMALL, 999), (MIDDLE, 65_536), (LARGE, 1), (LARGE, 3 << 20), (LARGE, LARGE - 1)],
)
def test_a_cut_body_resumes_at_the_first_missing_byte(aws: Server, key: str, size: int, after: int) -> None:
    data = content(size)
    fill(aws, **{key: data})
    fault = aws.faults.cut_body(after, method="GET", times=1)
    assert s3.get(f"{URI}/{key}", store=aws.store_for("bkt")) == data
    assert (fault.hits, aws.stats()["methods"]["GET"]) == (1, 2)


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE])
def test_bodies_that_are_cut_again_and_again_still_arrive(aws: Server, size: int) -> None:
    objects = {f"k{index}": content(size + index, index) for index in range(8)}
    fill(aws, **objects)
    # Each answer stops early; the next one starts where it stopped.
    aws.faults.cut_body(size // 3, method="GET", times=16)
    pairs = s3.get_many([f"{URI}/{key}" for key in objects], store=aws.store_for("bkt"))
    assert [uri for uri, _ in pairs] == [f"{URI}/{key}" for key in objects]
    assert all(data == objects[uri.rpartition("/")[2]] for uri, data in pairs)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_body_that_is_always_cut_is_a_connection_error_and_never_a_short_object(aws: Server, size: int) -> None:
    fill(aws, k=content(size))
    aws.faults.cut_body(0, method="GET")
    with pytest.raises(ConnectionError, match=f"{URI}/k"):
        s3.get(f"{URI}/k", store=aws.store_for("bkt", max_retries=2))


def test_a_body_that_changes_while_it_is_resumed_is_never_a_mixture(aws: Server) -> None:
    old, new = content(LARGE, 1), content(LARGE, 2)
    fill(aws, k=old)
    store = aws.store_for("bkt")
    aws.faults.cut_body(1 << 20, method="GET", times=1)
    aws.faults.latency(0.5, method="GET", skip=1, times=1)
    overwrite = threading.Timer(0.3, lambda: s3.put_bytes(f"{URI}/k", new, store=store))
    overwrite.start()
    with contextlib.suppress(BaseError):  # to say that it changed is right as well
        assert s3.get(f"{URI}/k", store=store) in (old, new)
    overwrite.join()


@pytest.mark.parametrize("after", [0, 500, MIDDLE - 1])
def test_a_stalled_body_is_a_timeout_error(aws: Server, after: int) -> None:
    fill(aws, k=content(MIDDLE))
    aws.faults.stall(after, method="GET")
    started = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        s3.get(f"{URI}/k", store=aws.store_for("bkt", timeout=0.3, max_retries=0))
    assert isinstance(caught.value, builtins.TimeoutError)
    assert caught.value.uri == f"{URI}/k"
    assert 0.2 < time.monotonic() - started < 3


def test_a_body_that_stalls_once_is_resumed(aws: Server) -> None:
    data = content(LARGE)
    fill(aws, k=data)
    aws.faults.stall(1 << 20, method="GET", times=1)
    assert s3.get(f"{URI}/k", store=aws.store_for("bkt", timeout=0.5)) == data


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_does_not_come_is_a_timeout_error(aws: Server, operation: str) -> None:
    method, call = OPERATIONS[operation]
    fill(aws, k=b"data", **{"folder/k": b"data"})
    aws.faults.latency(5, method=method)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        call(impatient(aws, timeout=0.3, max_retries=0))
    assert time.monotonic() - started < 3


def test_slow_answers_are_waited_for_together(aws: Server) -> None:
    fill(aws, **{f"k{index}": b"data" for index in range(32)})
    aws.faults.latency(0.3, method="GET")
    uris = [f"{URI}/k{index}" for index in range(32)]
    started = time.monotonic()
    assert s3.get_many_stats(uris, max_in_flight=32, store=aws.store_for("bkt")) == (32, 128)
    assert 0.3 <= time.monotonic() - started < 3  # one by one it would be 9.6


def test_no_more_requests_are_in_flight_than_allowed(aws: Server) -> None:
    fill(aws, **{f"k{index}": b"data" for index in range(12)})
    aws.faults.latency(0.2, method="GET")
    started = time.monotonic()
    s3.get_many([f"{URI}/k{index}" for index in range(12)], max_in_flight=3, store=aws.store_for("bkt"))
    assert time.monotonic() - started >= 0.8


def test_the_first_failure_of_many_names_its_object_and_ends_the_rest(aws: Server) -> None:
    fill(aws, **{f"k{index}": b"data" for index in range(200)})
    aws.faults.latency(0.1, method="GET")
    with pytest.raises(NotFoundError) as caught:
        s3.get_many([f"{URI}/missing", *(f"{URI}/k{index}" for index in range(200))], 4, store=aws.store_for("bkt"))
    assert caught.value.uri == f"{URI}/missing"
    seen = requests(aws)
    assert seen < 20
    time.sleep(0.5)
    assert requests(aws) <= seen + 4


def test_what_a_client_cannot_notice_passes_and_what_it_can_is_refused(aws: Server) -> None:
    # A body that lies about its length, or has a wrong byte, looks like the object: plain HTTP says nothing about it. A
    # format that has checksums of its own does.
    archive = io.BytesIO()
    np.savez(archive, x=np.arange(100_000))
    fill(aws, k=content(SMALL), npz=archive.getvalue())
    store = aws.store_for("bkt")
    aws.faults.short_body(500, path="/bkt/k", times=1)
    assert s3.get(f"{URI}/k", store=store) == content(SMALL)[:500]
    aws.faults.corrupt(7, path="/bkt/k", times=1)
    assert s3.get(f"{URI}/k", store=store) != content(SMALL)
    aws.faults.corrupt(5_000, path="/bkt/npz", times=1)
    with pytest.raises(GenericError, match=f"{URI}/npz"):
        s3.read_npz(f"{URI}/npz", store=store)
    aws.faults.short_body(5_000, path="/bkt/npz", times=1)
    with pytest.raises(GenericError, match=f"{URI}/npz"):
        s3.read_npz(f"{URI}/npz", store=store)
    aws.faults.cut_body(5_000, path="/bkt/npz", times=1)
    assert s3.read_npz(f"{URI}/npz", store=store).sum() == np.arange(100_000).sum()


@pytest.fixture(scope="module")
def three_pages() -> Iterator[Server]:
    with server() as running:
        store = running.store_for("bkt")
        s3.put(URI, num=2500, template="{:04d}_{}", size=1, should_create_bucket=True, store=store)
        yield running


class TestListings:
    """2500 keys are three pages."""

    @pytest.fixture
    def aws(self, three_pages: Server) -> Server:
        three_pages.faults.clear()
        three_pages.reset_stats()
        return three_pages

    def test_a_listing_takes_a_request_for_every_thousand_keys(self, aws: Server) -> None:
        keys = s3.list(URI, store=aws.store_for("bkt"))
        assert keys == [f"{index:04d}_2500" for index in range(2500)]
        assert aws.stats()["operations"] == {"ListObjectsV2": 3}

    @pytest.mark.parametrize("fault", ["status", "cut", "close", "stall"])
    def test_a_page_that_fails_once_is_asked_for_again(self, aws: Server, fault: str) -> None:
        store = impatient(aws, timeout=1)
        which: dict[str, Any] = {"query": "continuation-token", "times": 1}
        rules = {
            "status": lambda: aws.faults.status(500, **which),
            "cut": lambda: aws.faults.cut_body(10_000, **which),
            "close": lambda: aws.faults.close(**which),
            "stall": lambda: aws.faults.stall(10_000, **which),
        }
        rule = rules[fault]()
        assert len(s3.list(URI, store=store)) == 2500
        assert rule.hits == 1

    @pytest.mark.parametrize("page", [0, 1, 2])
    @pytest.mark.parametrize("fault", ["status", "cut", "close", "short", "empty"])
    def test_a_page_that_keeps_failing_is_an_error_and_never_a_short_list(
        self, aws: Server, fault: str, page: int
    ) -> None:
        which: dict[str, Any] = {"query": "list-type", "skip": page}
        rules = {
            "status": lambda: aws.faults.status(500, **which),
            "cut": lambda: aws.faults.cut_body(10_000, **which),
            "close": lambda: aws.faults.close(**which),
            "short": lambda: aws.faults.short_body(10_000, **which),
            "empty": lambda: aws.faults.short_body(0, **which),
        }
        rules[fault]()
        store = impatient(aws, max_retries=1)
        with pytest.raises(BaseError) as caught:
            s3.list(URI, store=store)
        assert caught.value.uri == URI
        with pytest.raises(BaseError):
            s3.get_many([f"{URI}/*"], store=store)
        with pytest.raises(BaseError):
            s3.delete(f"{URI}/", whole_bucket=True, store=store)
        assert "DeleteObjects" not in aws.stats()["operations"]


class TestCounts:
    """Every request costs money and time."""

    def test_a_read_is_one_request_and_no_head(self, aws: Server) -> None:
        fill(aws, k=content(LARGE))
        store = aws.store_for("bkt")
        s3.get(f"{URI}/k", store=store)
        assert (aws.stats()["operations"], aws.stats()["methods"]) == ({"GetObject": 1}, {"GET": 1})

    def test_many_reads_are_one_request_each_repeats_included(self, aws: Server) -> None:
        fill(aws, **{f"k{index}": content(SMALL + index * 1000) for index in range(100)})
        uris = [f"{URI}/k{index % 100}" for index in range(250)]
        s3.get_many(uris, 16, store=aws.store_for("bkt"))
        assert aws.stats()["operations"] == {"GetObject": 250}

    def test_connections_are_used_again(self, aws: Server) -> None:
        fill(aws, **{f"k{index}": content(SMALL) for index in range(100)})
        store = aws.store_for("bkt", timeout=59)  # options of its own, so a pool of its own
        for _ in range(3):
            s3.get_many([f"{URI}/k{index}" for index in range(100)], 8, store=store)
        for _ in range(20):
            s3.get(f"{URI}/k0", store=store)
        # Where a connection comes back while another is being opened for the same request, the pool keeps both. So there can be a
        # few more than eight, but not one for each of 320 requests.
        assert aws.stats()["connections"] <= 16

    def test_a_generated_object_is_one_request(self, aws: Server) -> None:
        s3.put(f"{URI}/p/", num=50, size=SMALL, store=aws.store_for("bkt"))
        assert aws.stats()["operations"] == {"PutObject": 50}

    def test_a_thousand_deletes_are_one_request_and_a_listing(self, aws: Server) -> None:
        store = aws.store_for("bkt")
        s3.put(f"{URI}/p/", num=600, size=1, store=store)
        aws.reset_stats()
        s3.delete(f"{URI}/p/", store=store)
        assert aws.stats()["operations"] == {"DeleteObjects": 1, "ListObjectsV2": 1}
