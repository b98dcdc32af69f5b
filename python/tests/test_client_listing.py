"""`list`: every key that begins with a text, or that a wildcard matches."""

from __future__ import annotations

import pytest

import longshore as s3
from backends import MissingBucket, Place
from longshore.exceptions import NotFoundError
from ways import LISTING, WAYS, Way

BY_LISTING = pytest.mark.parametrize("way", LISTING, indirect=True)


@BY_LISTING
def test_an_empty_prefix_lists_nothing(readable_place: Place, way: Way) -> None:
    assert way.list(readable_place.uri()) == []


@BY_LISTING
def test_list_gives_keys_of_all_levels_without_the_bucket(readable_place: Place, way: Way) -> None:
    readable_place.fill("one", "deep/er/two", "deep/three")
    assert way.list(readable_place.uri()) == [readable_place.key(name) for name in ("deep/er/two", "deep/three", "one")]


def test_list_returns_a_list_of_str(readable_place: Place) -> None:
    readable_place.fill("one")
    keys = s3.list(readable_place.uri())
    assert (type(keys), type(keys[0])) == (list, str)


@BY_LISTING
def test_a_prefix_is_plain_text_and_not_a_path_segment(readable_place: Place, way: Way) -> None:
    readable_place.fill("run-1", "run/1", "run1", "run10/deep", "other", "ru")
    assert way.list(readable_place.uri("run")) == [
        readable_place.key(name) for name in ("run-1", "run/1", "run1", "run10/deep")
    ]
    assert way.list(readable_place.uri("run1")) == [readable_place.key(name) for name in ("run1", "run10/deep")]
    assert way.list(readable_place.uri("run/")) == [readable_place.key("run/1")]
    assert way.list(readable_place.uri("runs")) == []


@BY_LISTING
def test_the_prefix_of_exactly_one_key_lists_it(readable_place: Place, way: Way) -> None:
    readable_place.fill("folder/one")
    assert way.list(readable_place.uri("folder/one")) == [readable_place.key("folder/one")]


def test_keys_come_in_byte_order(readable_place: Place) -> None:
    names = ["a-b", "a.b", "a/b", "a0", "aZ", "ab", "Z", "é", "z", "\U0001f600"]
    readable_place.fill(*reversed(names))
    assert readable_place.names() == readable_place.sorted(names)


def test_a_listing_has_every_page(readable_place: Place) -> None:
    names = [f"{number % 7}/{number:06d}" for number in range(readable_place.kind.more_than_a_page)]
    readable_place.write(dict.fromkeys(names, b"x"))
    for way in LISTING:
        listed = [readable_place.name(key) for key in WAYS[way].list(readable_place.uri())]
        assert len(listed) == len(names), way
        assert listed == sorted(names), way


def test_a_listing_asks_for_a_thousand_keys_at_a_time(gateway_place: Place) -> None:
    s3.put_many([(gateway_place.uri(f"{number:04d}"), b"") for number in range(2001)], 64)
    gateway_place.reset()
    assert len(gateway_place.names()) == 2001
    assert gateway_place.count("ListObjectsV2") == 3


def test_a_bare_bucket_lists_all_its_keys_with_and_without_a_slash(bucket: str) -> None:
    ways = [WAYS[way] for way in LISTING]
    assert [way.list(bucket) for way in ways] == [[]] * len(ways)
    s3.put_many([(f"{bucket}/top", b"1"), (f"{bucket}/deep/er", b"2")])
    assert [way.list(bucket) for way in ways] == [["deep/er", "top"]] * len(ways)
    assert [way.list(bucket + "/") for way in ways] == [["deep/er", "top"]] * len(ways)


@BY_LISTING
def test_listing_a_missing_bucket_is_not_found(missing_bucket: MissingBucket, way: Way) -> None:
    with pytest.raises(NotFoundError) as caught:
        way.list(missing_bucket.uri + "/prefix")
    assert caught.value.status == 404
    assert caught.value.code in missing_bucket.codes


def test_wildcards_in_a_missing_bucket_are_not_found(missing_bucket: MissingBucket) -> None:
    with pytest.raises(NotFoundError):
        s3.list(missing_bucket.uri + "/prefix*")


WILDCARDS = ["a.npz", "b.npz", "b.txt", "deep/a.npz", "deep/er/b.npz", "deep.npz/c", "xx/er/b.npz"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.npz", ["a.npz", "b.npz"]),
        ("b.*", ["b.npz", "b.txt"]),
        ("*", ["a.npz", "b.npz", "b.txt"]),
        ("*/*", ["deep.npz/c", "deep/a.npz"]),
        ("*/er/*.npz", ["deep/er/b.npz", "xx/er/b.npz"]),
        ("deep/**", ["deep/a.npz", "deep/er/b.npz"]),
        ("**.npz", ["a.npz", "b.npz", "deep/a.npz", "deep/er/b.npz", "xx/er/b.npz"]),
        ("**/b.npz", ["b.npz", "deep/er/b.npz", "xx/er/b.npz"]),
        ("d**c", ["deep.npz/c"]),
        ("*.np", []),
        ("a.npz*", ["a.npz"]),
    ],
)
def test_a_star_stays_in_its_level_and_two_stars_cross_levels(
    quick_place: Place, pattern: str, expected: list[str]
) -> None:
    quick_place.fill(*WILDCARDS)
    assert s3.list(quick_place.uri(pattern)) == [quick_place.key(name) for name in expected]


def test_wildcards_match_on_every_server(readable_place: Place) -> None:
    readable_place.fill(*WILDCARDS)
    expected = [name for name in WILDCARDS if "/" in name and name[-1] == "z"]
    assert s3.list(readable_place.uri("*/**.npz")) == [readable_place.key(name) for name in expected]


def test_an_escaped_star_is_a_literal_star(readable_place: Place) -> None:
    readable_place.fill("a*b", "aXb", "a*bc")
    assert s3.list(readable_place.uri(r"a\*b")) == [readable_place.key("a*b"), readable_place.key("a*bc")]
    assert s3.list(readable_place.uri(r"a\**")) == [readable_place.key("a*b"), readable_place.key("a*bc")]
    assert s3.list(readable_place.uri("a*b")) == [readable_place.key("a*b"), readable_place.key("aXb")]


def test_only_a_star_is_special_in_a_pattern(readable_place: Place) -> None:
    readable_place.fill("a[b].c+d", "ab.c+d", "a[b]Xc+d")
    assert s3.list(readable_place.uri("a[b].*")) == [readable_place.key("a[b].c+d")]


def test_a_wildcard_lists_only_under_the_text_before_it(gateway_place: Place) -> None:
    s3.put_many([(gateway_place.uri(f"other/{number:04d}"), b"") for number in range(1500)], 64)
    gateway_place.fill("runs/1.npz")
    gateway_place.reset()
    assert s3.list(gateway_place.uri("runs/*.npz")) == [gateway_place.key("runs/1.npz")]
    assert gateway_place.count("ListObjectsV2") == 1
