"""boto3 against our gateway: listings of both versions: order, pages, prefixes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from servers.base import Server
from servers.s3 import S3, Box, new_box, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]

CROWD = 2500
# UTF-16 and UTF-8 order the last two the other way round; "/" comes after "-" and ".".
ORDERED = ["A", "a", "a b", "a!", "a-b", "a.b", "a/b", "a/b/c", "a0", "aB", "b", "é", "ﬀ", "😀"]
TREE = ["a/1", "a/2", "a/b/3", "a-file", "c/4", "d", "d/5", "é/6"]

both_versions = pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])


def fill(box: Box, keys: Iterable[str]) -> None:
    """Writes each key, as the body of its own object."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: box.put(key, key.encode()), keys))


def pages(box: Box, operation: str, page_size: int, **more: str) -> Sequence[Any]:
    """Every page of a listing, as boto3's paginator follows them."""
    settings = {"PageSize": page_size}
    paginator = box.s3.get_paginator(operation)
    return list(paginator.paginate(Bucket=box.name, PaginationConfig=settings, **more))


def keys(found: Iterable[Any]) -> Sequence[str]:
    return [entry["Key"] for page in found for entry in page.get("Contents", [])]


def prefixes(found: Iterable[Any]) -> Sequence[str]:
    return [entry["Prefix"] for page in found for entry in page.get("CommonPrefixes", [])]


@pytest.fixture(scope="module")
def crowd(gateway_s3: S3, gateway_server: Server) -> Box:
    """A bucket of 2500 objects, `00000` to `02499`, that no test changes."""
    box = new_box(gateway_s3, gateway_server)
    fill(box, (f"{number:05}" for number in range(CROWD)))
    return box


@both_versions
def test_every_key_is_listed_once_over_many_pages(crowd: Box, operation: str) -> None:
    found = pages(crowd, operation, 1000)
    assert keys(found) == [f"{number:05}" for number in range(CROWD)]
    assert [len(page["Contents"]) for page in found] == [1000, 1000, 500]
    assert [page["IsTruncated"] for page in found] == [True, True, False]


def test_a_page_holds_a_thousand_keys_unless_asked_for_fewer(crowd: Box) -> None:
    page = crowd.list()
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)


def test_a_page_never_holds_more_than_a_thousand_keys(crowd: Box) -> None:
    page = crowd.list(MaxKeys=5000)
    assert (len(page["Contents"]), page["IsTruncated"]) == (1000, True)


def test_a_prefix_narrows_a_large_bucket(crowd: Box) -> None:
    assert keys(pages(crowd, "list_objects_v2", 7, Prefix="0124")) == [f"0124{digit}" for digit in range(10)]


def test_a_last_page_that_is_exactly_full_is_not_truncated(crowd: Box) -> None:
    page = crowd.list(Prefix="0124", MaxKeys=10)
    assert (page["KeyCount"], page["IsTruncated"]) == (10, False)
    assert "NextContinuationToken" not in page


@both_versions
def test_keys_come_in_the_order_of_their_utf8_bytes(box: Box, operation: str) -> None:
    fill(box, reversed(ORDERED))
    assert keys(pages(box, operation, 1000)) == ORDERED
    assert sorted(ORDERED, key=str.encode) == ORDERED


@both_versions
@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_small_pages_join_to_the_whole_in_order(box: Box, operation: str, page_size: int) -> None:
    fill(box, ORDERED)
    found = pages(box, operation, page_size)
    assert keys(found) == ORDERED
    assert {len(page["Contents"]) for page in found[:-1]} == {page_size}


@both_versions
def test_an_empty_bucket_has_an_empty_listing(box: Box, operation: str) -> None:
    page = getattr(box.s3, operation)(Bucket=box.name)
    assert "Contents" not in page
    assert "CommonPrefixes" not in page
    assert page["IsTruncated"] is False
    assert page.get("KeyCount", 0) == 0


@both_versions
def test_a_prefix_without_a_match_has_an_empty_listing(box: Box, operation: str) -> None:
    box.put("key", b"body")
    page = getattr(box.s3, operation)(Bucket=box.name, Prefix="other", Delimiter="/")
    assert "Contents" not in page
    assert page["Prefix"] == "other"
    assert page["IsTruncated"] is False


def test_an_entry_tells_size_etag_time_and_class(box: Box) -> None:
    box.put("key", b"0123456789")
    (entry,) = box.list()["Contents"]
    assert entry["Size"] == 10
    assert entry["ETag"] == f'"{hashlib.md5(b"0123456789").hexdigest()}"'
    assert entry["ETag"] == box.head("key")["ETag"]
    assert abs(datetime.now(UTC) - entry["LastModified"]) < timedelta(minutes=5)
    assert entry["StorageClass"] == "STANDARD"


@both_versions
@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("a", ["a-file", "a/1", "a/2", "a/b/3"]),
        ("a/", ["a/1", "a/2", "a/b/3"]),
        ("a/b", ["a/b/3"]),
        ("d", ["d", "d/5"]),
        ("d/", ["d/5"]),
        ("é", ["é/6"]),
        ("a/1", ["a/1"]),
        ("a/1/", []),
        ("/", []),
    ],
)
def test_a_prefix_is_a_plain_string(box: Box, operation: str, prefix: str, expected: Sequence[str]) -> None:
    fill(box, TREE)
    assert keys(pages(box, operation, 1000, Prefix=prefix)) == expected


@both_versions
@pytest.mark.parametrize(
    ("prefix", "delimiter", "objects", "folders"),
    [
        ("", "/", ["a-file", "d"], ["a/", "c/", "d/", "é/"]),
        ("a/", "/", ["a/1", "a/2"], ["a/b/"]),
        ("a", "/", ["a-file"], ["a/"]),
        ("a/b", "/", [], ["a/b/"]),
        ("d", "/", ["d"], ["d/"]),
        ("d/", "/", ["d/5"], []),
        ("", "-", [k for k in sorted(TREE, key=str.encode) if k != "a-file"], ["a-"]),
        ("", "/b/", ["a-file", "a/1", "a/2", "c/4", "d", "d/5", "é/6"], ["a/b/"]),
    ],
)
def test_a_delimiter_gathers_what_lies_behind_it(
    box: Box,
    operation: str,
    prefix: str,
    delimiter: str,
    objects: Sequence[str],
    folders: Sequence[str],
) -> None:
    fill(box, TREE)
    page = getattr(box.s3, operation)(Bucket=box.name, Prefix=prefix, Delimiter=delimiter)
    assert keys([page]) == objects
    assert prefixes([page]) == folders
    assert page["Delimiter"] == delimiter


def test_the_key_count_counts_objects_and_common_prefixes(box: Box) -> None:
    fill(box, TREE)
    assert box.list(Delimiter="/")["KeyCount"] == 6


@both_versions
@pytest.mark.parametrize("page_size", [1, 2, 3, 4])
def test_pages_show_each_common_prefix_once(box: Box, operation: str, page_size: int) -> None:
    fill(box, TREE)
    found = pages(box, operation, page_size, Delimiter="/")
    assert keys(found) == ["a-file", "d"]
    assert prefixes(found) == ["a/", "c/", "d/", "é/"]
    sizes = [len(x.get("Contents", [])) + len(x.get("CommonPrefixes", [])) for x in found]
    assert set(sizes[:-1]) == {page_size}, sizes
    assert sum(sizes) == 6


def test_doubled_slashes_are_a_folder_without_a_name(box: Box) -> None:
    fill(box, ["a//b", "a/b", "/c", "//d"])
    assert prefixes([box.list(Delimiter="/")]) == ["/", "a/"]
    assert prefixes([box.list(Prefix="a/", Delimiter="/")]) == ["a//"]
    assert keys([box.list(Prefix="a/", Delimiter="/")]) == ["a/b"]
    assert keys([box.list(Prefix="/", Delimiter="/")]) == ["/c"]


def test_a_folder_marker_is_an_object_within_and_a_prefix_from_above(box: Box) -> None:
    fill(box, ["folder/", "folder/key"])
    above, within = box.list(Delimiter="/"), box.list(Prefix="folder/", Delimiter="/")
    assert (keys([above]), prefixes([above])) == ([], ["folder/"])
    assert (keys([within]), prefixes([within])) == (["folder/", "folder/key"], [])


@pytest.mark.parametrize(
    ("after", "expected"),
    [("b", ["c", "d"]), ("bb", ["c", "d"]), ("", ["a", "b", "c", "d"]), ("d", []), ("é", [])],
)
def test_start_after_and_marker_leave_out_what_comes_before(box: Box, after: str, expected: Sequence[str]) -> None:
    fill(box, "abcd")
    assert box.keys(StartAfter=after) == expected
    assert keys([box.s3.list_objects(Bucket=box.name, Marker=after)]) == expected


def test_start_after_works_within_a_prefix(box: Box) -> None:
    fill(box, TREE)
    assert box.keys(Prefix="a/", StartAfter="a/1") == ["a/2", "a/b/3"]
    assert box.keys(Prefix="a/", StartAfter="a") == ["a/1", "a/2", "a/b/3"]
    assert box.keys(Prefix="a/", StartAfter="b") == []


def test_version_1_names_the_next_marker_where_there_is_a_delimiter(box: Box) -> None:
    fill(box, TREE)
    first = box.s3.list_objects(Bucket=box.name, Delimiter="/", MaxKeys=2)
    assert (first["IsTruncated"], first["NextMarker"]) == (True, "a/")
    second = box.s3.list_objects(Bucket=box.name, Delimiter="/", MaxKeys=2, Marker=first["NextMarker"])
    assert (prefixes([second]), keys([second])) == (["c/"], ["d"])


@both_versions
def test_max_keys_0_is_an_empty_page_that_is_not_truncated(box: Box, operation: str) -> None:
    box.put("key", b"body")
    page = getattr(box.s3, operation)(Bucket=box.name, MaxKeys=0)
    assert "Contents" not in page
    assert (page["MaxKeys"], page["IsTruncated"]) == (0, False)


@pytest.mark.parametrize("max_keys", ["-1", "many"])
def test_a_max_keys_that_is_no_count_is_refused(box: Box, max_keys: str) -> None:
    query = {"list-type": "2", "max-keys": max_keys}
    answer = send(box.server, signed(box.server, "GET", f"/{box.name}", query=query))
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_continuation_token_that_is_none_of_ours_is_refused(box: Box) -> None:
    box.put("key", b"body")
    with refused("InvalidArgument", 400):
        box.list(ContinuationToken="not a token!")


def test_a_page_goes_on_where_its_key_has_been_deleted(box: Box) -> None:
    fill(box, "abcd")
    first = box.list(MaxKeys=2)
    box.delete("b")
    box.delete("c")
    assert box.keys(ContinuationToken=first["NextContinuationToken"]) == ["d"]


def test_encoding_type_url_encodes_keys_and_prefixes(box: Box) -> None:
    fill(box, ["a b+c%é\n", "x y/z"])
    query = {"list-type": "2", "delimiter": "/", "encoding-type": "url"}
    answer = send(box.server, signed(box.server, "GET", f"/{box.name}", query=query))
    text = answer.body.decode()
    assert "<EncodingType>url</EncodingType>" in text
    key = text.partition("<Key>")[2].partition("</Key>")[0]
    assert unquote_plus(key) == "a b+c%é\n"
    assert key.isascii()
    assert " " not in key
    folder = text.partition("<CommonPrefixes><Prefix>")[2].partition("</Prefix>")[0]
    assert unquote_plus(folder) == "x y/"
    assert " " not in folder


def test_without_encoding_type_keys_are_plain_xml(box: Box) -> None:
    fill(box, ["a b+c%é & <d>"])
    answer = send(box.server, signed(box.server, "GET", f"/{box.name}", query={"list-type": "2"}))
    assert "<Key>a b+c%é &amp; &lt;d&gt;</Key>" in answer.body.decode()


def test_a_listing_shows_a_write_and_a_delete_at_once(box: Box) -> None:
    for number in range(20):
        box.put(f"{number:02}", b"body")
        assert len(box.keys()) == number + 1
    for number in range(20):
        box.delete(f"{number:02}")
        assert len(box.keys()) == 19 - number
