"""Listings by prefix, on every kind of store: as streams, from an offset, level by level."""

from __future__ import annotations

import asyncio

import pytest

import longshore as s3
from backends import Place
from longshore import exceptions, obs

NAMES = ["a/b", "a/b/c", "a/b/d/e", "a/b-c", "a/bc", "a/z", "b"]
# On a file system nothing is both a file and a folder.
TREE = ["a/b/c", "a/b/d/e", "a/b-c", "a/bc", "a/z", "b"]


def filled(place: Place) -> list[str]:
    names = TREE if place.backend.scheme in {"file", "http"} or place.kind.name == "seaweedfs" else NAMES
    place.fill(*names)
    return names


def found(place: Place, *, prefix: str = "", offset: str | None = None, string_prefix: bool = False) -> list[str]:
    stream = obs.list(
        place.store(),
        place.key(prefix),
        offset=None if offset is None else place.key(offset),
        string_prefix=string_prefix,
    )
    return sorted(place.name(meta["path"]) for meta in stream.collect())


def test_a_prefix_is_made_of_whole_segments(readable_place: Place) -> None:
    names = filled(readable_place)
    expected = sorted(name for name in names if name.startswith("a/b/"))
    assert found(readable_place, prefix="a/b") == expected
    assert found(readable_place, prefix="a/b/") == expected
    assert found(readable_place, prefix="a/missing") == []
    assert found(readable_place) == sorted(names)


def test_a_prefix_can_be_a_mere_text(readable_place: Place) -> None:
    names = filled(readable_place)
    assert found(readable_place, prefix="a/b", string_prefix=True) == sorted(
        name for name in names if name.startswith("a/b")
    )


def test_an_offset_leaves_out_what_comes_before_it_in_the_order_of_bytes(readable_place: Place) -> None:
    names = filled(readable_place)
    for offset in ["a/b", "a/b-c", "a/b/c", "a/b/", "zz", "0"]:
        expected = sorted(name for name in names if name > offset)
        assert found(readable_place, offset=offset) == expected, offset


def test_objects_are_described(readable_place: Place) -> None:
    readable_place.write({"a": b"12345"})
    [meta] = obs.list(readable_place.store(), readable_place.prefix).collect()
    head = obs.head(readable_place.store(), readable_place.key("a"))
    assert (meta["path"], meta["size"]) == (readable_place.key("a"), 5)
    assert abs((meta["last_modified"] - head["last_modified"]).total_seconds()) < 2
    # Google's interfaces call one object by two tags, and listings speak another than reads.
    if meta["e_tag"] is not None and readable_place.backend.scheme != "gs":
        assert meta["e_tag"].strip('"') == (head["e_tag"] or "").strip('"')


def test_chunks_have_the_size_that_was_asked_for_whatever_the_pages_of_the_server(quick_place: Place) -> None:
    names = [f"{number:05}" for number in range(2345)]
    quick_place.fill(*names)
    for size in (1000, 999, 1, 5000):
        stream = obs.list(quick_place.store(), quick_place.prefix, chunk_size=size)
        chunks = list(stream) if size > 1 else [next(stream) for _ in range(5)]
        assert {len(chunk) for chunk in chunks[:-1]} <= {size}
        if size > 1:
            assert sum(len(chunk) for chunk in chunks) == len(names)
            assert sorted(quick_place.name(meta["path"]) for chunk in chunks for meta in chunk) == names
    rest = obs.list(quick_place.store(), quick_place.prefix, chunk_size=345)
    first = next(rest)
    assert len(first) == 345
    assert len(rest.collect()) == 2000
    assert rest.collect() == []


def test_a_listing_is_for_async_for_too(readable_place: Place) -> None:
    readable_place.fill("a", "b", "c")

    async def main() -> None:
        chunks = [chunk async for chunk in obs.list(readable_place.store(), readable_place.prefix, chunk_size=2)]
        assert [len(chunk) for chunk in chunks] == [2, 1]
        stream = obs.list_async(readable_place.store(), readable_place.prefix)
        assert len(await stream.collect_async()) == 3
        level = await obs.list_with_delimiter_async(readable_place.store(), readable_place.prefix)
        assert len(level["objects"]) == 3

    asyncio.run(main())


def test_one_level_has_objects_and_folders(readable_place: Place) -> None:
    filled(readable_place)
    store = readable_place.store()

    def level(prefix: str, string_prefix: bool = False) -> tuple[list[str], list[str]]:
        result = obs.list_with_delimiter(store, readable_place.key(prefix), string_prefix=string_prefix)
        objects = sorted(readable_place.name(meta["path"]) for meta in result["objects"])
        return objects, sorted(readable_place.name(folder) for folder in result["common_prefixes"])

    assert level("") == (["b"], ["a"])
    assert level("a/b") == (["a/b/c"], ["a/b/d"])
    objects, folders = level("a")
    assert set(objects) >= {"a/b-c", "a/bc", "a/z"}
    assert folders == ["a/b"]
    assert level("a/bc", string_prefix=True) == (["a/bc"], [])
    assert level("missing") == ([], [])


def test_nothing_is_asked_before_the_first_chunk_and_no_more_pages_than_are_wanted(gateway_place: Place) -> None:
    gateway_place.fill(*[f"{number:05}" for number in range(6000)])
    gateway_place.reset()
    stream = obs.list(gateway_place.store(), gateway_place.prefix, chunk_size=10)
    assert gateway_place.count("ListObjectsV2") == 0
    next(stream)
    assert 1 <= gateway_place.count("ListObjectsV2") <= 4


def test_the_default_chunk_is_a_page_and_not_fifty(gateway_place: Place) -> None:
    gateway_place.fill(*[f"{number:05}" for number in range(1200)])
    assert [len(chunk) for chunk in obs.list(gateway_place.store(), gateway_place.prefix)] == [1000, 200]


def test_an_error_in_mid_list_is_an_error(gateway_place: Place) -> None:
    gateway_place.fill(*[f"{number:05}" for number in range(2500)])
    gateway = gateway_place.backend.gateway
    assert gateway is not None
    fault = gateway.faults.status(400, "InvalidArgument", method="GET", query="continuation-token")
    try:
        with pytest.raises(exceptions.BaseError):
            obs.list(gateway_place.store(), gateway_place.prefix).collect()
        stream = obs.list(gateway_place.store(), gateway_place.prefix, chunk_size=700)
        with pytest.raises(exceptions.BaseError):
            list(stream)
        assert fault.hits >= 2
    finally:
        gateway.faults.clear()


def test_keys_that_no_path_spells_are_listed_read_and_deleted(any_key_place: Place) -> None:
    store = any_key_place.store()
    keys = [any_key_place.prefix + name for name in ["a//b", "a/", "/", "c//"]]
    for key in keys:
        obs.put(store, key, key.encode())
    listed = [meta["path"] for meta in obs.list(store, any_key_place.prefix).collect()]
    assert sorted(listed) == sorted(keys)
    for key in keys:
        assert obs.get(store, key).bytes() == key.encode()
        assert obs.get_range(store, key, start=1, end=3) == key.encode()[1:3]
        assert obs.head(store, key)["size"] == len(key)
    inside = [meta["path"] for meta in obs.list(store, any_key_place.prefix + "a//").collect()]
    assert inside == [keys[0]]
    obs.delete(store, keys)
    assert obs.list(store, any_key_place.prefix).collect() == []


def test_a_missing_bucket_is_an_error_and_no_empty_list(gateway_place: Place) -> None:
    store = s3.store_for("s3://no-such-bucket-here/")
    with pytest.raises(exceptions.NotFoundError):
        obs.list(store).collect()
    with pytest.raises(exceptions.NotFoundError):
        obs.list_with_delimiter(store)


def test_arguments_that_cannot_be_meant_are_refused() -> None:
    store = s3.store_for("memory:///")
    with pytest.raises(TypeError, match="prefix must be a str"):
        obs.list(store, 5)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="chunk_size must be at least 1"):
        next(obs.list(store, chunk_size=0))
    with pytest.raises(TypeError, match="offset must be a str"):
        obs.list(store, offset=5)  # type: ignore[call-overload]
