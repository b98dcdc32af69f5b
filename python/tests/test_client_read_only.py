"""What a store cannot do is `NotSupportedError`, which names the operation and the kind of store, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
from backends import Place
from longshore.exceptions import InvalidArgumentError, NotFoundError, NotSupportedError
from servers.s3 import pattern
from ways import WAYS, Way

WRITING: dict[str, Callable[[Place], object]] = {
    "put": lambda place: s3.put_bytes(place.uri("new"), b"body"),
    "put many": lambda place: s3.put_many([(place.uri("new"), b"body"), (place.uri("a"), b"body")]),
    "put a set": lambda place: s3.put(place.uri("set"), 3, size=100),
    "delete": lambda place: s3.delete(place.uri("a")),
    "delete a prefix": lambda place: s3.delete(place.uri("deep/")),
    "copy": lambda place: s3.copy(place.uri("a"), place.uri("new")),
    "copy into": lambda place: s3.copy("memory://read-only/from", place.uri("new")),
    "create_bucket": lambda place: s3.create_bucket(place.backend.root),
}


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", WRITING)
def test_writing_to_a_store_that_only_reads_is_refused_and_says_so(read_only_place: Place, name: str) -> None:
    read_only_place.fill("a", "deep/b")
    s3.put_bytes("memory://read-only/from", b"body")
    door = read_only_place.backend.door
    assert door is not None
    before = files(door)
    with pytest.raises(NotSupportedError) as caught:
        WRITING[name](read_only_place)
    operation = name.split()[0]
    assert (caught.value.operation, caught.value.attempts) == (operation, 0)
    assert str(caught.value).startswith(f"{operation} ")
    assert read_only_place.backend.root.rstrip("/") in str(caught.value)
    assert f"{operation} is not supported: http:// and https:// are read-only" in str(caught.value)
    assert files(door) == before


LISTING: dict[str, Callable[[Place], Any]] = {
    "list": lambda place: s3.list(place.uri()),
    "list a wildcard": lambda place: s3.list(place.uri("*")),
    "get many": lambda place: s3.get_many([place.uri("a"), place.uri("*")]),
    "get their sizes": lambda place: s3.get_many_stats([place.uri("**")]),
}


@pytest.mark.parametrize("name", LISTING)
def test_listing_a_store_that_cannot_list_is_refused_and_says_what_would_help(unlisted_place: Place, name: str) -> None:
    unlisted_place.fill("a", "deep/b")
    with pytest.raises(NotSupportedError) as caught:
        LISTING[name](unlisted_place)
    assert caught.value.operation == name.split()[0]
    assert "WebDAV" in str(caught.value)


@pytest.mark.abroad(*WAYS)
@pytest.mark.parametrize("size", [0, 1, 100_000, 20 << 20])
def test_objects_are_read_where_there_are_no_listings(unlisted_place: Place, size: int, way: Way) -> None:
    unlisted_place.write({"deep/a": pattern(size)})
    uri = unlisted_place.uri("deep/a")
    assert way.get(uri) == pattern(size)
    assert s3.get_many([uri, uri], 2) == [(uri, pattern(size))] * 2
    assert s3.get_many_stats([uri]) == (1, size)
    assert (way.head(uri)["size"], way.head(uri)["path"]) == (size, unlisted_place.key("deep/a"))
    memory = "memory://unlisted/to"
    s3.copy(uri, memory)
    assert s3.get(memory) == pattern(size)


@pytest.mark.abroad(*WAYS)
def test_what_is_missing_is_not_found_where_there_are_no_listings(unlisted_place: Place, way: Way) -> None:
    unlisted_place.fill("deep/a")
    assert [way.exists(unlisted_place.uri(name)) for name in ("deep/a", "deep/b", "deep", "a")] == [True, *[False] * 3]
    for call in (way.get, way.head, lambda uri: s3.copy(uri, "memory://unlisted/to")):
        with pytest.raises(NotFoundError) as caught:
            call(unlisted_place.uri("deep/b"))
        assert (caught.value.uri, caught.value.status) == (unlisted_place.uri("deep/b"), 404)
    with pytest.raises(InvalidArgumentError, match="get_many"):
        s3.get(unlisted_place.uri("*"))
