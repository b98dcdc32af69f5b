"""boto3 against our gateway: objects written in parts."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from servers.s3 import MIB, Box, pattern, refused

pytest_plugins = ["servers.gateway_fixtures"]

LEAST_PART = 5 * MIB


@dataclass(frozen=True)
class Upload:
    """A multipart upload in progress."""

    box: Box
    key: str
    id: str

    def call(self, operation: str, **more: Any) -> Any:
        call = getattr(self.box.s3, operation)
        return call(**self.box.at(self.key), UploadId=self.id, **more)

    def part(self, number: int, body: bytes, **more: Any) -> dict[str, Any]:
        """Uploads a part and returns how to name it when completing."""
        answer = self.call("upload_part", PartNumber=number, Body=body, **more)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete(self, *parts: dict[str, Any], **more: Any) -> Any:
        return self.call("complete_multipart_upload", MultipartUpload={"Parts": parts}, **more)

    def parts(self) -> Sequence[tuple[int, int]]:
        """The number and size of each part."""
        listed = self.call("list_parts").get("Parts", [])
        return [(part["PartNumber"], part["Size"]) for part in listed]


def begin(box: Box, key: str = "key", **more: Any) -> Upload:
    answer = box.s3.create_multipart_upload(**box.at(key), **more)
    return Upload(box, key, answer["UploadId"])


def uploads(box: Box, **more: Any) -> Sequence[tuple[str, str]]:
    """The key and id of each upload in progress."""
    listed = box.s3.list_multipart_uploads(Bucket=box.name, **more).get("Uploads", [])
    return [(upload["Key"], upload["UploadId"]) for upload in listed]


def test_three_parts_become_one_object(box: Box) -> None:
    bodies = [pattern(LEAST_PART, 1), pattern(LEAST_PART + 1, 2), pattern(100, 3)]
    upload = begin(box)
    parts = [upload.part(number, body) for number, body in enumerate(bodies, 1)]
    answer = upload.complete(*parts)
    assert (answer["Bucket"], answer["Key"]) == (box.name, "key")
    assert box.read("key") == b"".join(bodies)
    assert box.keys() == ["key"]


def test_the_etag_of_parts_is_the_md5_of_their_md5s_and_their_count(box: Box) -> None:
    bodies = [pattern(LEAST_PART, 1), b"end"]
    upload = begin(box)
    parts = [upload.part(number, body) for number, body in enumerate(bodies, 1)]
    assert [part["ETag"] for part in parts] == [f'"{hashlib.md5(body).hexdigest()}"' for body in bodies]
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    expected = f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert upload.complete(*parts)["ETag"] == expected
    assert box.head("key")["ETag"] == expected
    assert box.list()["Contents"][0]["ETag"] == expected


def test_an_upload_of_one_small_part_is_an_object(box: Box) -> None:
    upload = begin(box)
    answer = upload.complete(upload.part(1, b"body"))
    assert answer["ETag"].endswith('-1"')
    assert box.read("key") == b"body"


def test_parts_may_arrive_in_any_order(box: Box) -> None:
    bodies = {3: b"end", 1: pattern(LEAST_PART, 1), 2: pattern(LEAST_PART, 2)}
    upload = begin(box)
    parts = {number: upload.part(number, body) for number, body in bodies.items()}
    upload.complete(*(parts[number] for number in (1, 2, 3)))
    assert box.read("key") == bodies[1] + bodies[2] + bodies[3]


def test_parts_may_arrive_at_once(box: Box) -> None:
    bodies = [pattern(LEAST_PART, seed) for seed in range(4)]
    upload = begin(box)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(upload.part, range(1, 5), bodies))
    upload.complete(*parts)
    assert box.read("key") == b"".join(bodies)


def test_part_numbers_may_have_gaps(box: Box) -> None:
    upload = begin(box)
    low, high = upload.part(7, pattern(LEAST_PART)), upload.part(10_000, b"end")
    upload.complete(low, high)
    assert box.read("key") == pattern(LEAST_PART) + b"end"


def test_a_part_sent_again_replaces_the_first(box: Box) -> None:
    upload = begin(box)
    upload.part(1, b"first")
    second = upload.part(1, b"second")
    assert upload.parts() == [(1, 6)]
    upload.complete(second)
    assert box.read("key") == b"second"


def test_parts_left_out_of_the_completion_are_dropped(box: Box) -> None:
    upload = begin(box)
    kept, _ = upload.part(1, b"kept"), upload.part(2, b"dropped")
    upload.complete(kept)
    assert box.read("key") == b"kept"


def test_list_parts_tells_each_part_in_order_of_its_number(box: Box) -> None:
    upload = begin(box)
    upload.part(3, b"333")
    upload.part(1, b"1")
    etag = upload.part(2, b"22")["ETag"]
    assert upload.parts() == [(1, 1), (2, 2), (3, 3)]
    listed = upload.call("list_parts")
    assert listed["Parts"][1]["ETag"] == etag
    assert listed["IsTruncated"] is False
    assert listed["UploadId"] == upload.id


def test_list_parts_comes_in_pages(box: Box) -> None:
    upload = begin(box)
    for number in range(1, 6):
        upload.part(number, b"x" * number)
    paginator = box.s3.get_paginator("list_parts")
    pages = list(paginator.paginate(**box.at("key"), UploadId=upload.id, PaginationConfig={"PageSize": 2}))
    numbers = [[part["PartNumber"] for part in page["Parts"]] for page in pages]
    assert numbers == [[1, 2], [3, 4], [5]]


def test_an_upload_in_progress_is_listed_but_is_no_object(box: Box) -> None:
    upload = begin(box, "folder/key")
    upload.part(1, b"body")
    assert uploads(box) == [("folder/key", upload.id)]
    assert box.keys() == []
    with refused("NoSuchKey", 404):
        box.get("folder/key")


def test_uploads_are_listed_by_prefix_in_order_of_their_keys(box: Box) -> None:
    ids = {key: begin(box, key).id for key in ("b", "a/2", "a/1", "ab")}
    assert uploads(box) == [(key, ids[key]) for key in ("a/1", "a/2", "ab", "b")]
    assert uploads(box, Prefix="a/") == [(key, ids[key]) for key in ("a/1", "a/2")]


def test_uploads_are_listed_in_pages(box: Box) -> None:
    ids = {key: begin(box, key).id for key in ("a", "b", "c", "d", "e")}
    paginator = box.s3.get_paginator("list_multipart_uploads")
    pages = list(paginator.paginate(Bucket=box.name, PaginationConfig={"PageSize": 2}))
    assert [len(page["Uploads"]) for page in pages] == [2, 2, 1]
    assert {x["Key"]: x["UploadId"] for page in pages for x in page["Uploads"]} == ids


def test_two_uploads_of_one_key_do_not_mix(box: Box) -> None:
    one, other = begin(box), begin(box)
    assert one.id != other.id
    mine, _ = one.part(1, b"one"), other.part(1, b"other")
    assert sorted(uploads(box)) == sorted([("key", one.id), ("key", other.id)])
    one.complete(mine)
    assert box.read("key") == b"one"
    assert uploads(box) == [("key", other.id)]


def test_an_aborted_upload_is_gone(box: Box) -> None:
    box.put("key", b"old body")
    upload = begin(box)
    upload.part(1, b"body")
    answer = upload.call("abort_multipart_upload")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert uploads(box) == []
    with refused("NoSuchUpload", 404):
        upload.call("list_parts")
    with refused("NoSuchUpload", 404):
        upload.part(2, b"late")
    assert box.read("key") == b"old body"


def test_a_completed_upload_is_gone(box: Box) -> None:
    upload = begin(box)
    upload.complete(upload.part(1, b"body"))
    assert uploads(box) == []
    with refused("NoSuchUpload", 404):
        upload.part(2, b"late")


@pytest.mark.parametrize("operation", ["list_parts", "abort_multipart_upload"])
def test_an_unknown_upload_is_an_error(box: Box, operation: str) -> None:
    with refused("NoSuchUpload", 404):
        Upload(box, "key", "no-such-upload").call(operation)


def test_a_part_or_completion_of_an_unknown_upload_is_an_error(box: Box) -> None:
    unknown = Upload(box, "key", "no-such-upload")
    with refused("NoSuchUpload", 404):
        unknown.part(1, b"body")
    with refused("NoSuchUpload", 404):
        unknown.complete({"PartNumber": 1, "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'})


def test_an_upload_belongs_to_its_key(box: Box) -> None:
    upload = begin(box, "key")
    with refused("NoSuchUpload", 404):
        Upload(box, "another", upload.id).part(1, b"body")
    assert upload.parts() == []


def test_an_upload_to_a_missing_bucket_is_an_error(box: Box) -> None:
    with refused("NoSuchBucket", 404):
        box.s3.create_multipart_upload(Bucket=box.name + "-missing", Key="key")


def test_completing_with_a_wrong_etag_is_refused_and_keeps_the_upload(box: Box) -> None:
    upload = begin(box)
    part = upload.part(1, b"body")
    with refused("InvalidPart", 400):
        upload.complete({"PartNumber": 1, "ETag": f'"{hashlib.md5(b"other").hexdigest()}"'})
    assert box.keys() == []
    upload.complete(part)
    assert box.read("key") == b"body"


def test_completing_with_a_part_that_was_not_sent_is_refused(box: Box) -> None:
    upload = begin(box)
    part = upload.part(1, pattern(LEAST_PART))
    with refused("InvalidPart", 400):
        upload.complete(part, {"PartNumber": 2, "ETag": part["ETag"]})
    assert box.keys() == []


def test_completing_in_the_wrong_order_is_refused(box: Box) -> None:
    upload = begin(box)
    one, two = (upload.part(number, pattern(LEAST_PART, number)) for number in (1, 2))
    with refused("InvalidPartOrder", 400):
        upload.complete(two, one)
    assert box.keys() == []


def test_a_part_too_small_before_the_last_is_refused(box: Box) -> None:
    upload = begin(box)
    parts = [upload.part(1, pattern(LEAST_PART - 1)), upload.part(2, b"end")]
    with refused("EntityTooSmall", 400):
        upload.complete(*parts)
    assert box.keys() == []


def test_completing_without_parts_is_refused(box: Box) -> None:
    upload = begin(box)
    upload.part(1, b"body")
    with refused("MalformedXML", 400):
        upload.complete()
    assert box.keys() == []


@pytest.mark.parametrize("number", [0, 10_001])
def test_a_part_number_out_of_range_is_refused(box: Box, number: int) -> None:
    upload = begin(box)
    with refused("InvalidArgument", 400):
        upload.part(number, b"body")


def test_a_part_with_a_wrong_digest_is_refused(box: Box) -> None:
    upload = begin(box)
    with refused("BadDigest", 400):
        upload.part(1, b"body", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    with refused("BadDigest", 400):
        upload.part(1, b"body", ChecksumCRC32="AAAAAA==")
    assert upload.parts() == []


def test_metadata_of_an_upload_is_given_at_its_start(box: Box) -> None:
    upload = begin(box, Metadata={"colour": "blue"}, ContentType="text/plain")
    upload.complete(upload.part(1, b"body"))
    head = box.head("key")
    assert (head["Metadata"], head["ContentType"]) == ({"colour": "blue"}, "text/plain")


def test_a_completion_replaces_the_object_at_once(box: Box) -> None:
    box.put("key", b"old", Metadata={"old": "yes"})
    upload = begin(box)
    part = upload.part(1, b"new")
    assert box.read("key") == b"old"
    upload.complete(part)
    assert box.read("key") == b"new"
    assert box.head("key")["Metadata"] == {}


def test_a_completion_if_none_match_star_makes_a_new_object_only(box: Box) -> None:
    upload = begin(box)
    part = upload.part(1, b"new")
    box.put("key", b"old")
    with refused("PreconditionFailed", 412):
        upload.complete(part, IfNoneMatch="*")
    assert box.read("key") == b"old"
    box.delete("key")
    again = begin(box)
    again.complete(again.part(1, b"new"), IfNoneMatch="*")
    assert box.read("key") == b"new"


def test_a_part_can_be_a_copy_of_an_object_or_of_a_range(box: Box) -> None:
    source = pattern(LEAST_PART + 1000)
    box.put("source", source)
    upload = begin(box)
    ranges: list[dict[str, str]] = [{}, {"CopySourceRange": "bytes=100-299"}]
    parts = []
    for number, asked in enumerate(ranges, 1):
        answer = upload.call("upload_part_copy", PartNumber=number, CopySource=box.at("source"), **asked)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    assert upload.parts() == [(1, len(source)), (2, 200)]
    upload.complete(*parts)
    assert box.read("key") == source + source[100:300]


def test_a_part_copied_from_beyond_the_end_of_its_source_is_refused(box: Box) -> None:
    box.put("source", b"0123456789")
    upload = begin(box)
    # Servers differ, and AWS does not document which of the two it answers.
    with pytest.raises(ClientError) as caught:
        upload.call(
            "upload_part_copy",
            PartNumber=1,
            CopySource=box.at("source"),
            CopySourceRange="bytes=5-10",
        )
    answer = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    assert (answer["Error"]["Code"], status) in {("InvalidRange", 416), ("InvalidArgument", 400)}
    assert upload.parts() == []


def test_a_part_copied_from_a_missing_object_is_refused(box: Box) -> None:
    upload = begin(box)
    with refused("NoSuchKey", 404):
        upload.call("upload_part_copy", PartNumber=1, CopySource=box.at("missing"))
    assert upload.parts() == []


def test_an_upload_with_checksums_of_its_parts_is_taken(box: Box) -> None:
    upload = begin(box, ChecksumAlgorithm="SHA256")
    parts = []
    for number, body in enumerate([pattern(LEAST_PART), b"end"], 1):
        answer = upload.call("upload_part", PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({x: answer[x] for x in ("ETag", "ChecksumSHA256")} | {"PartNumber": number})
    upload.complete(*parts)
    assert box.read("key") == pattern(LEAST_PART) + b"end"


def test_ranges_cross_the_seams_between_parts(box: Box) -> None:
    bodies = [pattern(LEAST_PART, 1), pattern(LEAST_PART, 2), b"end"]
    upload = begin(box)
    upload.complete(*(upload.part(number, body) for number, body in enumerate(bodies, 1)))
    whole = b"".join(bodies)
    for seam in (LEAST_PART, 2 * LEAST_PART):
        asked = f"bytes={seam - 2}-{seam + 1}"
        assert box.read("key", Range=asked) == whole[seam - 2 : seam + 2]


def test_the_transfer_manager_uploads_and_downloads_in_parts_on_threads(box: Box) -> None:
    body = pattern(20 * MIB)
    settings = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    box.s3.upload_fileobj(io.BytesIO(body), box.name, "key", Config=settings)
    assert box.head("key")["ETag"].endswith('-4"')
    target = io.BytesIO()
    box.s3.download_fileobj(box.name, "key", target, Config=settings)
    assert target.getvalue() == body
    box.delete("key")


def test_the_managed_copy_of_boto3_copies_in_parts(box: Box, other_box: Box) -> None:
    body = pattern(12 * MIB)
    box.put("key", body)
    settings = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    other_box.s3.copy(box.at("key"), other_box.name, "copy", Config=settings)
    assert other_box.head("copy")["ETag"].endswith('-3"')
    assert other_box.read("copy") == body
