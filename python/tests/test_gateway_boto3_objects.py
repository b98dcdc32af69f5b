"""boto3 against our gateway: writing and reading one object, in whole, in part, on conditions."""

from __future__ import annotations

import hashlib
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from servers.s3 import MIB, Box, pattern, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]

HOUR = timedelta(hours=1)
BODY = b"0123456789"


@pytest.mark.parametrize("size", [0, 1, MIB, 20 * MIB], ids=["0", "1", "1MiB", "20MiB"])
def test_a_body_of_any_size_comes_back(box: Box, size: int) -> None:
    body = pattern(size)
    box.put("key", body)
    answer = box.get("key")
    assert answer["ContentLength"] == size
    assert answer["Body"].read() == body
    box.delete("key")


def test_a_put_replaces_what_was_there(box: Box) -> None:
    first = box.put("key", b"a longer first body")
    second = box.put("key", b"second")
    assert box.read("key") == b"second"
    assert box.head("key")["ETag"] == second["ETag"] != first["ETag"]


def test_the_etag_of_a_put_is_the_md5_of_the_body_in_quotes(box: Box) -> None:
    expected = f'"{hashlib.md5(BODY).hexdigest()}"'
    assert box.put("key", BODY)["ETag"] == expected
    assert box.get("key")["ETag"] == expected
    assert box.head("key")["ETag"] == expected


def test_head_tells_what_get_tells_without_the_body(box: Box) -> None:
    box.put("key", BODY, ContentType="text/plain", Metadata={"colour": "blue"})
    told = ["ContentLength", "ContentType", "ETag", "LastModified", "Metadata", "AcceptRanges"]
    head, get = box.head("key"), box.get("key")
    assert {name: head[name] for name in told} == {name: get[name] for name in told}
    assert (head["ContentLength"], head["AcceptRanges"]) == (10, "bytes")


def test_the_time_of_an_object_is_the_time_of_its_put(box: Box) -> None:
    box.put("key", BODY)
    age = datetime.now(UTC) - box.head("key")["LastModified"]
    assert timedelta(seconds=-2) < age < timedelta(seconds=30), age


def test_get_of_a_missing_key_is_an_error(box: Box) -> None:
    with refused("NoSuchKey", 404):
        box.get("missing")


def test_head_of_a_missing_key_is_404(box: Box) -> None:
    with refused("404", 404):
        box.head("missing")


def test_a_prefix_of_a_key_is_not_an_object(box: Box) -> None:
    box.put("folder/key", BODY)
    for key in ("folder", "folder/", "folder/ke", "folder/key/"):
        with refused("404", 404):
            box.head(key)


def test_user_metadata_comes_back(box: Box) -> None:
    metadata = {"colour": "blue", "run-id": "a b;c=d, e", "empty-ish": "0"}
    box.put("key", BODY, Metadata=metadata)
    assert box.head("key")["Metadata"] == metadata
    assert box.get("key")["Metadata"] == metadata


def test_names_of_user_metadata_come_back_in_lower_case(box: Box) -> None:
    box.put("key", BODY, Metadata={"CamelCase": "Value"})
    assert box.head("key")["Metadata"] == {"camelcase": "Value"}


def test_a_new_put_does_not_keep_old_metadata(box: Box) -> None:
    box.put("key", BODY, Metadata={"colour": "blue"}, ContentType="text/plain")
    box.put("key", BODY)
    head = box.head("key")
    assert (head["Metadata"], head["ContentType"]) == ({}, "binary/octet-stream")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ContentType", "text/plain; charset=utf-8"),
        ("ContentEncoding", "gzip"),
        ("ContentDisposition", 'attachment; filename="a b.txt"'),
        ("ContentLanguage", "en-GB"),
        ("CacheControl", "max-age=60, must-revalidate"),
    ],
)
def test_a_header_given_to_put_comes_back(box: Box, name: str, value: str) -> None:
    box.put("key", BODY, **{name: value})
    assert box.head("key")[name] == value
    assert box.get("key")[name] == value


def test_the_expiry_header_given_to_put_comes_back(box: Box) -> None:
    box.put("key", BODY, Expires=datetime(2035, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert box.head("key")["ExpiresString"] == "Tue, 02 Jan 2035 03:04:05 GMT"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-4", 2, 5),
        ("bytes=7-", 7, 10),
        ("bytes=-3", 7, 10),
        ("bytes=0-9", 0, 10),
        ("bytes=8-1000", 8, 10),
        ("bytes=-1000", 0, 10),
    ],
)
def test_a_range_gives_exactly_those_bytes(box: Box, asked: str, start: int, stop: int) -> None:
    box.put("key", BODY)
    answer = box.get("key", Range=asked)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes {start}-{stop - 1}/10"
    assert answer["ContentLength"] == stop - start
    assert answer["Body"].read() == BODY[start:stop]


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (BODY, "bytes=10-"),
        (BODY, "bytes=100-200"),
        (BODY, "bytes=-0"),
        (b"", "bytes=0-"),
        (b"", "bytes=0-0"),
    ],
)
def test_a_range_beyond_the_end_is_refused(box: Box, body: bytes, asked: str) -> None:
    box.put("key", body)
    with refused("InvalidRange", 416):
        box.get("key", Range=asked)


def test_a_range_of_an_unknown_unit_is_ignored(box: Box) -> None:
    box.put("key", BODY)
    answer = box.get("key", Range="lines=1-2")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["Body"].read() == BODY


def test_ranges_of_a_large_object_join_to_the_whole(box: Box) -> None:
    body = pattern(3 * MIB + 17)
    box.put("key", body)
    step = 700_001
    ranges = [f"bytes={at}-{at + step - 1}" for at in range(0, len(body), step)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda asked: box.read("key", Range=asked), ranges))
    assert b"".join(parts) == body


def test_head_of_a_range_tells_the_length_of_that_range(box: Box) -> None:
    box.put("key", BODY)
    answer = box.head("key", Range="bytes=2-4")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentLength"] == 3


def test_get_if_match_gives_the_object_of_that_etag_only(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    assert box.read("key", IfMatch=etag) == BODY
    box.put("key", b"another")
    with refused("PreconditionFailed", 412):
        box.get("key", IfMatch=etag)


def test_get_if_none_match_of_the_same_etag_is_not_modified(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    with refused("304", 304):
        box.get("key", IfNoneMatch=etag)
    box.put("key", b"another")
    assert box.read("key", IfNoneMatch=etag) == b"another"


def test_get_if_modified_since_a_later_time_is_not_modified(box: Box) -> None:
    box.put("key", BODY)
    when = box.head("key")["LastModified"]
    assert box.read("key", IfModifiedSince=when - HOUR) == BODY
    with refused("304", 304):
        box.get("key", IfModifiedSince=when)


def test_get_if_unmodified_since_an_earlier_time_fails(box: Box) -> None:
    box.put("key", BODY)
    when = box.head("key")["LastModified"]
    assert box.read("key", IfUnmodifiedSince=when) == BODY
    with refused("PreconditionFailed", 412):
        box.get("key", IfUnmodifiedSince=when - HOUR)


def test_get_if_match_outranks_if_unmodified_since(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    earlier = datetime.now(UTC) - HOUR
    assert box.read("key", IfMatch=etag, IfUnmodifiedSince=earlier) == BODY


def test_get_if_none_match_outranks_if_modified_since(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    earlier = datetime.now(UTC) - HOUR
    with refused("304", 304):
        box.get("key", IfNoneMatch=etag, IfModifiedSince=earlier)


def test_head_obeys_the_same_conditions(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    assert box.head("key", IfMatch=etag)["ETag"] == etag
    with refused("304", 304):
        box.head("key", IfNoneMatch=etag)
    with refused("412", 412):
        box.head("key", IfMatch='"another"')


def test_a_range_obeys_if_match(box: Box) -> None:
    etag = box.put("key", BODY)["ETag"]
    assert box.read("key", Range="bytes=2-4", IfMatch=etag) == b"234"
    box.put("key", b"another one")
    with refused("PreconditionFailed", 412):
        box.get("key", Range="bytes=2-4", IfMatch=etag)


def test_put_if_none_match_star_makes_a_new_object_only(box: Box) -> None:
    box.put("key", b"first", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        box.put("key", b"second", IfNoneMatch="*")
    assert box.read("key") == b"first"
    box.delete("key")
    box.put("key", b"third", IfNoneMatch="*")
    assert box.read("key") == b"third"


def test_of_many_puts_if_none_match_star_exactly_one_wins(box: Box) -> None:
    def put(number: int) -> int:
        try:
            box.put("key", b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return status
        return 200

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(put, range(16)))
    assert statuses.count(200) == 1, statuses
    # 409 ConditionalRequestConflict is AWS's answer to a race that it could not decide.
    assert set(statuses) <= {200, 409, 412}, statuses
    assert box.read("key") == b"%d" % statuses.index(200)


def test_put_if_match_replaces_the_object_of_that_etag_only(box: Box) -> None:
    etag = box.put("key", b"first")["ETag"]
    box.put("key", b"second", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        box.put("key", b"third", IfMatch=etag)
    assert box.read("key") == b"second"


def test_put_if_match_of_a_missing_key_is_an_error(box: Box) -> None:
    with refused("NoSuchKey", 404):
        box.put("key", BODY, IfMatch='"5d41402abc4b2a76b9719d911017c592"')
    assert box.keys() == []


def test_get_can_override_the_headers_of_its_answer(box: Box) -> None:
    box.put("key", BODY, ContentType="text/plain", CacheControl="no-store")
    answer = box.get(
        "key",
        ResponseContentType="application/json",
        ResponseContentDisposition='attachment; filename="x.json"',
        ResponseCacheControl="max-age=1",
        ResponseContentLanguage="fr",
        ResponseContentEncoding="identity",
    )
    assert answer["ContentType"] == "application/json"
    assert answer["ContentDisposition"] == 'attachment; filename="x.json"'
    assert answer["CacheControl"] == "max-age=1"
    assert answer["ContentLanguage"] == "fr"
    assert answer["ContentEncoding"] == "identity"
    assert box.head("key")["ContentType"] == "text/plain"


def test_a_put_cut_off_in_its_body_writes_nothing(box: Box) -> None:
    whole = signed(box.server, "PUT", f"/{box.name}/key", body=pattern(MIB))
    host, port = box.server.address
    lines = [f"PUT {whole.target} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {MIB}"]
    lines += [f"{name}: {value}" for name, value in whole.headers.items()]
    with socket.create_connection((host, port), timeout=5) as link:
        link.sendall("\r\n".join([*lines, "", ""]).encode() + whole.body[: MIB // 2])
        link.shutdown(socket.SHUT_WR)
        # Whatever the server says, it has made up its mind once it closes too.
        while link.recv(4096):
            pass
    assert send(box.server, signed(box.server, "HEAD", f"/{box.name}/key")).status == 404
    assert box.keys() == []


def test_a_stream_of_unknown_checksum_is_put_by_its_length(box: Box) -> None:
    """A signed request with UNSIGNED-PAYLOAD, as programs send what they cannot read twice."""
    request = signed(box.server, "PUT", f"/{box.name}/key", body=b"streamed", digest="UNSIGNED-PAYLOAD")
    assert send(box.server, request).status == 200
    assert box.read("key") == b"streamed"
