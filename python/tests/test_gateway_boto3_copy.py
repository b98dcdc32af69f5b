"""boto3 against our gateway: copies made by the server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from servers.s3 import MIB, Box, pattern, refused

pytest_plugins = ["servers.gateway_fixtures"]

HOUR = timedelta(hours=1)


def copy(source: Box, key: str, target: Box, new_key: str, **more: object) -> Any:
    return target.s3.copy_object(**target.at(new_key), CopySource=source.at(key), **more)


def test_a_copy_in_the_same_bucket_is_an_object_of_its_own(box: Box) -> None:
    box.put("key", b"body")
    copy(box, "key", box, "copy")
    box.put("key", b"another")
    assert box.read("copy") == b"body"
    assert box.keys() == ["copy", "key"]


def test_a_copy_goes_across_buckets(box: Box, other_box: Box) -> None:
    body = pattern(3 * MIB)
    box.put("key", body)
    copy(box, "key", other_box, "folder/copy")
    assert other_box.read("folder/copy") == body
    assert box.keys() == ["key"]


def test_a_copy_answers_with_its_etag_and_time(box: Box) -> None:
    etag = box.put("key", b"body")["ETag"]
    result = copy(box, "key", box, "copy")["CopyObjectResult"]
    head = box.head("copy")
    assert result["ETag"] == head["ETag"] == etag
    # The document may tell fractions of a second, a header cannot.
    assert abs(result["LastModified"] - head["LastModified"]) < timedelta(seconds=1)


def test_a_copy_keeps_metadata_and_headers(box: Box) -> None:
    box.put("key", b"body", Metadata={"colour": "blue"}, ContentType="text/plain")
    copy(box, "key", box, "copy", Metadata={"ignored": "yes"}, ContentType="image/png")
    head = box.head("copy")
    assert (head["Metadata"], head["ContentType"]) == ({"colour": "blue"}, "text/plain")


def test_a_copy_with_replace_takes_new_metadata_and_headers(box: Box) -> None:
    box.put("key", b"body", Metadata={"colour": "blue"}, ContentType="text/plain")
    copy(
        box,
        "key",
        box,
        "copy",
        MetadataDirective="REPLACE",
        Metadata={"shape": "round"},
        ContentType="image/png",
    )
    head = box.head("copy")
    assert (head["Metadata"], head["ContentType"]) == ({"shape": "round"}, "image/png")
    assert box.head("key")["Metadata"] == {"colour": "blue"}


def test_a_copy_replaces_what_was_there(box: Box) -> None:
    box.put("key", b"body")
    box.put("copy", b"a longer old body", Metadata={"old": "yes"})
    copy(box, "key", box, "copy")
    assert box.read("copy") == b"body"
    assert box.head("copy")["Metadata"] == {}


def test_a_copy_onto_itself_is_refused_unless_it_changes_something(box: Box) -> None:
    box.put("key", b"body")
    with refused("InvalidRequest", 400):
        copy(box, "key", box, "key")
    copy(box, "key", box, "key", MetadataDirective="REPLACE", Metadata={"colour": "blue"})
    assert box.head("key")["Metadata"] == {"colour": "blue"}
    assert box.read("key") == b"body"


def test_a_copy_of_a_missing_key_is_an_error_and_writes_nothing(box: Box) -> None:
    with refused("NoSuchKey", 404):
        copy(box, "missing", box, "copy")
    assert box.keys() == []


def test_a_copy_from_a_missing_bucket_is_an_error(box: Box) -> None:
    source = {"Bucket": box.name + "-missing", "Key": "key"}
    with refused("NoSuchBucket", 404):
        box.s3.copy_object(**box.at("copy"), CopySource=source)


def test_a_copy_to_a_missing_bucket_is_an_error(box: Box) -> None:
    box.put("key", b"body")
    with refused("NoSuchBucket", 404):
        box.s3.copy_object(Bucket=box.name + "-missing", Key="copy", CopySource=box.at("key"))


def test_a_copy_obeys_the_etag_conditions_on_its_source(box: Box) -> None:
    etag = box.put("key", b"body")["ETag"]
    with refused("PreconditionFailed", 412):
        copy(box, "key", box, "copy", CopySourceIfMatch='"another"')
    with refused("PreconditionFailed", 412):
        copy(box, "key", box, "copy", CopySourceIfNoneMatch=etag)
    assert box.keys() == ["key"]
    copy(box, "key", box, "one", CopySourceIfMatch=etag)
    copy(box, "key", box, "two", CopySourceIfNoneMatch='"another"')
    assert box.keys() == ["key", "one", "two"]


def test_a_copy_obeys_the_time_conditions_on_its_source(box: Box) -> None:
    box.put("key", b"body")
    when = box.head("key")["LastModified"]
    with refused("PreconditionFailed", 412):
        copy(box, "key", box, "copy", CopySourceIfModifiedSince=when)
    with refused("PreconditionFailed", 412):
        copy(box, "key", box, "copy", CopySourceIfUnmodifiedSince=when - HOUR)
    assert box.keys() == ["key"]
    copy(box, "key", box, "one", CopySourceIfModifiedSince=when - HOUR)
    copy(box, "key", box, "two", CopySourceIfUnmodifiedSince=when)
    assert box.keys() == ["key", "one", "two"]


def test_the_managed_copy_of_boto3_works(box: Box, other_box: Box) -> None:
    box.put("key", b"body", Metadata={"colour": "blue"})
    other_box.s3.copy(box.at("key"), other_box.name, "copy")
    assert other_box.read("copy") == b"body"
    assert other_box.head("copy")["Metadata"] == {"colour": "blue"}
