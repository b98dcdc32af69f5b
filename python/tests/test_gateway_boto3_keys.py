"""boto3 against our gateway: a key is any UTF-8 text of 1 to 1024 bytes, and comes back as such."""

from __future__ import annotations

import unicodedata

import pytest

from servers.s3 import Box, refused

pytest_plugins = ["servers.gateway_fixtures"]

KEYS = {
    "ascii": "plain-key_1.dat",
    "space": "a key with  spaces ",
    "leading-space": " leading",
    "plus": "a+b=c&d",
    "percent": "100%",
    "percent-escape": "a%2Fb%20c%25",
    "query": "a?b=c#d",
    "xml": "<a> & \"b\" 'c' ]]>",
    "reserved": "!*'();:@&=+$,[]",
    "backslash": "a\\b\\..\\c",
    "unusual-ascii": "{a}|^`~b",
    "umlaut": "schöne Grüße.txt",
    "decomposed": unicodedata.normalize("NFD", "é"),
    "kanji": "日本語/漢字.bin",
    "emoji": "🚢/⚓/👩‍🚀",
    "right-to-left": "שלום/مرحبا",
    "double-slash": "a//b",
    "many-slashes": "a////b",
    "leading-slash": "/leading",
    "only-slash": "/",
    "only-slashes": "//",
    "trailing-slash": "folder/",
    "double-trailing-slash": "folder//",
    "dot": "a/./b",
    "dot-dot": "a/../b",
    "dots-at-end": "a/..",
    "dot-name": ".hidden/...",
    "newline": "line\nbreak",
    "carriage-return": "carriage\r\nreturn",
    "tab": "tab\tulator",
    "longest": "k" * 1024,
    "longest-in-bytes": "é" * 512,
    "long-segments": "/".join(["s" * 250] * 4),
    "deep": "/".join("d" * 500),
    "like-a-parameter": "uploads",
    "like-an-encoding": "data:,a%00b",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_written_read_listed_copied_and_deleted_as_it_is(box: Box, key: str) -> None:
    body = key.encode()
    box.put(key, body)
    assert box.read(key) == body
    assert box.head(key)["ContentLength"] == len(body)
    assert box.keys() == [key]
    assert [x["Key"] for x in box.s3.list_objects(Bucket=box.name)["Contents"]] == [key]
    assert box.keys(Prefix=key) == [key]
    box.s3.copy_object(**box.at("zz-copy"), CopySource=box.at(key))
    assert box.read("zz-copy") == body
    box.delete(key)
    assert box.keys() == ["zz-copy"]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_is_deleted_in_a_batch_as_it_is(box: Box, key: str) -> None:
    box.put(key, b"body")
    box.put("kept", b"body")
    answer = box.s3.delete_objects(Bucket=box.name, Delete={"Objects": [{"Key": key}]})
    assert [x["Key"] for x in answer["Deleted"]] == [key]
    assert answer.get("Errors", []) == []
    assert box.keys() == ["kept"]


def test_all_these_keys_live_in_one_bucket_and_none_is_another(box: Box) -> None:
    for key in KEYS.values():
        box.put(key, b"body of " + key.encode())
    assert box.keys() == sorted(KEYS.values(), key=str.encode)
    for key in KEYS.values():
        assert box.read(key) == b"body of " + key.encode()


def test_a_control_character_is_a_key_like_any_other(box: Box) -> None:
    """XML 1.0 cannot carry it; boto3 asks for listings with keys in percent-encoding."""
    box.put("a\x01b", b"body")
    assert box.read("a\x01b") == b"body"
    assert box.keys() == ["a\x01b"]
    box.delete("a\x01b")
    assert box.keys() == []


@pytest.mark.parametrize("key", ["k" * 1025, "é" * 513], ids=["ascii", "two-byte"])
def test_a_key_of_more_than_1024_bytes_is_refused(box: Box, key: str) -> None:
    with refused("KeyTooLongError", 400):
        box.put(key, b"body")


def test_an_object_and_a_folder_may_have_the_same_name(box: Box) -> None:
    bodies = {"a": b"1", "a/": b"2", "a/b": b"3", "a/b/": b"4", "a/b/c": b"5"}
    for key, body in bodies.items():
        box.put(key, body)
    found = box.keys()
    assert {key: box.read(key) for key in found} == bodies
    box.delete("a")
    assert box.keys() == ["a/", "a/b", "a/b/", "a/b/c"]
    box.delete("a/b/")
    assert box.keys() == ["a/", "a/b", "a/b/c"]


def test_keys_differ_by_case(box: Box) -> None:
    box.put("key", b"lower")
    box.put("KEY", b"upper")
    assert (box.read("key"), box.read("KEY")) == (b"lower", b"upper")
    assert box.keys() == ["KEY", "key"]


def test_keys_differ_by_unicode_normal_form(box: Box) -> None:
    one, other = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    box.put(one, b"composed")
    box.put(other, b"decomposed")
    assert (box.read(one), box.read(other)) == (b"composed", b"decomposed")


def test_a_folder_marker_may_hold_a_body(box: Box) -> None:
    box.put("folder/", b"not empty")
    box.put("folder/key", b"body")
    assert box.read("folder/") == b"not empty"
    assert box.keys(Prefix="folder/") == ["folder/", "folder/key"]
