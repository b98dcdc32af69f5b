"""Keys are texts: nothing in them is decoded, and no character is special but a star."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import longshore as s3
from backends import Place
from longshore.exceptions import InvalidPathError
from servers.base import Server
from servers.s3 import client, send, signed
from ways import LISTING, Way

ODD_NAMES = [
    "a space",
    " spaces ",
    "tab\there",
    "unicode é ü 日本語",
    "e\u0301 is not é",
    "emoji \U0001f600",
    "100%",
    "%41",
    "%2F",
    "%25",
    "a+b",
    "a#b",
    "a?b=c&d",
    "a&b;c:d@e=f,g$h!i'j(k)l",
    "back\\slash",
    '"quoted"',
    "<tag>&amp;",
    "[brackets]{braces}|^`~",
    "a*star",
    "...",
    "-dash",
    "x" * 200,
    "deep/" * 20 + "end",
]


@pytest.mark.abroad("uris", "methods")
@pytest.mark.parametrize("way", ["uris", "methods", "files-async", "pieces"], indirect=True)
def test_odd_keys_go_in_and_come_out_everywhere(place: Place, subtests: pytest.Subtests, way: Way) -> None:
    for name in filter(place.holds, ODD_NAMES):
        with subtests.test(name=ascii(name)):
            uri = place.object(name)
            way.put(uri, name.encode())
            assert way.list(place.uri()) == [place.key(name)]
            assert way.list(uri) == [place.key(name)]
            assert way.get(uri) == name.encode()
            assert s3.get_many([uri]) == [(uri, name.encode())]
            assert s3.get_many([place.uri("**")]) == [(uri, name.encode())]
            assert way.head(uri)["path"] == place.key(name)
            assert way.exists(uri)
            way.copy(uri, place.uri("copy"))
            assert way.get(place.uri("copy")) == name.encode()
            way.delete(uri)
            assert place.names() == ["copy"]
            way.copy(place.uri("copy"), uri)
            assert way.get(uri) == name.encode()
        way.clear(place.uri())


@pytest.mark.parametrize("way", LISTING, indirect=True)
def test_odd_keys_that_others_wrote_are_listed_and_read(readable_place: Place, way: Way) -> None:
    names = [name for name in (f"folder/{name}" for name in ODD_NAMES) if readable_place.holds(name)]
    readable_place.fill(*names)
    assert readable_place.names() == readable_place.sorted(names)
    assert readable_place.bodies() == {name: name.encode() for name in names}
    for name in names:
        uri = readable_place.object(name)
        assert way.list(uri)[0] == readable_place.key(name)
        assert readable_place.name(way.head(uri)["path"]) == name
        assert way.exists(uri)
        assert not way.exists(uri + "-missing")


@pytest.mark.parametrize("way", LISTING, indirect=True)
def test_odd_keys_are_deleted_in_bulk(place: Place, way: Way) -> None:
    names = [f"folder/{name}" for name in filter(place.holds, ODD_NAMES)]
    place.fill(*names, "other")
    assert place.names() == sorted([*names, "other"], key=str.encode)
    way.clear(place.uri("folder/"))
    assert place.names() == ["other"]


def test_a_character_that_a_store_cannot_hold_is_refused_by_name(place: Place, way: Way) -> None:
    for character in place.kind.refuses:
        with pytest.raises(InvalidPathError) as caught:
            way.put(place.uri(f"a{character}b"), b"body")
        assert "illegal character" in str(caught.value)
    assert place.names() == []


def test_odd_folders_work_as_prefixes(place: Place) -> None:
    place.fill("a b%41+#?é/one", "a b%41+#?é/two")
    assert s3.list(place.uri("a b%41+#?é/")) == [place.key("a b%41+#?é/one"), place.key("a b%41+#?é/two")]
    s3.put(place.uri("a b%41+#?é"), 1, "{} of {} %.dat", size=1)
    assert place.names() == ["a b%41+#?é/0 of 1 %.dat", "a b%41+#?é/one", "a b%41+#?é/two"]
    s3.delete(place.uri("a b%41+#?é/"))
    assert place.names() == []


def test_keys_are_the_same_to_an_independent_client(gateway_place: Place) -> None:
    server = gateway_place.backend.gateway
    assert server is not None
    boto3 = client(Server("gateway", server.endpoint, server.access_key, server.secret_key))
    bucket = gateway_place.backend.root.split("/")[2]
    gateway_place.fill(*ODD_NAMES)
    listed = boto3.list_objects_v2(Bucket=bucket, Prefix=gateway_place.prefix)["Contents"]
    assert sorted(found["Key"] for found in listed) == sorted(gateway_place.key(name) for name in ODD_NAMES)
    for name in ODD_NAMES:
        assert boto3.get_object(Bucket=bucket, Key=gateway_place.key(name))["Body"].read() == name.encode()


KEYS_OF_S3_ALONE = ["a//b", "a///b", "folder/", "folder//", "/lead", "//lead", "/"]
DOT_SEGMENTS = ["./a", "a/./b", "a/../b", "..", "a/."]


@pytest.mark.parametrize("key", KEYS_OF_S3_ALONE)
def test_s3_holds_keys_that_are_no_paths(any_key_place: Place, key: str) -> None:
    root = any_key_place.backend.root
    uri = f"{root}{any_key_place.prefix}{key}"
    any_key_place.fill(key, "plain")
    assert sorted(any_key_place.names()) == sorted([key, "plain"])
    assert s3.get(uri) == key.encode()
    assert s3.get_many([uri, any_key_place.uri("plain")]) == [
        (uri, key.encode()),
        (any_key_place.uri("plain"), b"plain"),
    ]
    assert s3.get_many_stats([uri]) == (1, len(key))
    assert s3.head(uri)["path"] == any_key_place.key(key)
    assert s3.head(uri)["size"] == len(key)
    assert s3.exists(uri)
    s3.copy(uri, any_key_place.uri("copy"))
    s3.copy(any_key_place.uri("copy"), uri + "again")
    assert s3.get(uri + "again") == key.encode()
    assert not s3.exists(uri + "missing")
    s3.delete(any_key_place.uri())
    assert any_key_place.names() == []


def test_a_key_may_begin_with_a_slash_at_the_very_root(gateway_place: Place) -> None:
    uri = f"{gateway_place.backend.root}/{gateway_place.prefix}"
    s3.put_bytes(uri + "lead", b"body")
    assert s3.list(uri) == [f"/{gateway_place.prefix}lead"]
    assert s3.get(uri + "lead") == b"body"
    s3.delete(uri + "lead")
    assert s3.list(uri) == []


def test_one_key_may_be_an_object_and_a_folder(any_key_place: Place, way: Way) -> None:
    any_key_place.fill("a", "a/b", "a/")
    assert any_key_place.names() == ["a", "a/", "a/b"]
    way.delete(any_key_place.uri("a"))
    assert any_key_place.names() == ["a/", "a/b"]


def test_a_large_object_may_have_a_key_that_is_no_path(gateway_place: Place) -> None:
    body = bytes(80 << 20)
    s3.put_bytes(gateway_place.uri("a//large"), body)
    assert s3.get(gateway_place.uri("a//large")) == body


@pytest.mark.parametrize("name", DOT_SEGMENTS)
def test_a_segment_of_dots_is_refused_where_it_is_read(text_place: Place, name: str, way: Way) -> None:
    text_place.fill("a/x", "b", "a/b")
    for call in (way.get, way.head, way.exists, lambda uri: s3.get_many([uri])):
        with pytest.raises(InvalidPathError) as caught:
            call(text_place.uri(name))
        assert (caught.value.uri, caught.value.attempts) == (text_place.uri(name), 0)


@pytest.mark.parametrize("name", DOT_SEGMENTS)
def test_a_segment_of_dots_is_refused_and_never_followed(place: Place, name: str, way: Way) -> None:
    # An HTTP client takes `a/../b` for `b`, and a file system too: another object than the one that was named.
    place.fill("a/x", "b", "a/b")
    calls: list[Callable[[str], object]] = [lambda uri: way.put(uri, b"body")]
    if place.kind.deletes_dots:
        way.delete(place.uri(name))
    else:
        calls.append(way.delete)
    for call in calls:
        with pytest.raises(InvalidPathError) as caught:
            call(place.uri(name))
        assert (caught.value.uri, caught.value.attempts) == (place.uri(name), 0)
    assert place.bodies() == {"a/b": b"a/b", "a/x": b"a/x", "b": b"b"}


def test_keys_with_dots_that_others_wrote_are_listed_and_deleted(gateway_place: Place) -> None:
    server = gateway_place.backend.gateway
    assert server is not None
    plain = Server("gateway", server.endpoint, server.access_key, server.secret_key)
    for name in DOT_SEGMENTS:
        path = gateway_place.backend.root.removeprefix("s3:/") + gateway_place.key(name)
        assert send(plain, signed(plain, "PUT", path, body=b"body")).status == 200
    assert gateway_place.names() == sorted(DOT_SEGMENTS)
    s3.delete(gateway_place.uri())
    assert gateway_place.names() == []


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_stores_of_paths_have_no_object_whose_name_ends_in_a_slash(tmp_path: object, kind: str) -> None:
    folder = f"file://{tmp_path}" if kind == "file" else "memory://paths"
    for call in (s3.get, s3.head, lambda uri: s3.put_bytes(uri, b"body")):
        with pytest.raises(InvalidPathError) as caught:
            call(f"{folder}/a/")
        assert caught.value.uri == f"{folder}/a/"
    assert s3.list(folder + "/") == []


@pytest.mark.parametrize("name", ["100%", "a%2Fb", "a\\b", "a#b", "a#1b", "é", "-"])
def test_files_of_any_name_that_others_made_are_listed_and_read(tmp_path: Path, name: str, way: Way) -> None:
    (tmp_path / name).write_bytes(b"body")
    (tmp_path / "plain").write_bytes(b"plain")
    folder = f"file://{tmp_path}/"
    assert sorted(key.rpartition("/")[2] for key in way.list(folder)) == sorted([name, "plain"])
    assert way.get(folder + name) == b"body"


def test_a_file_whose_name_is_no_text_is_reported_and_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"plain")
    with open(os.fsencode(tmp_path) + b"/bad\xff", "wb") as file:
        file.write(b"body")
    with pytest.raises(InvalidPathError, match="bad"):
        s3.list(f"file://{tmp_path}/")
    assert s3.list(f"file://{tmp_path}/p") == [f"{tmp_path}/plain".lstrip("/")]
    s3.delete(f"file://{tmp_path}/")
    assert [*tmp_path.iterdir()] == []
