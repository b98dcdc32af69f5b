"""boto3 against our gateway: deleting one object, and many in one request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from servers.s3 import Box, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]


def delete(box: Box, *keys: str, **more: bool) -> Any:
    """Deletes a batch."""
    batch = {"Objects": [{"Key": key} for key in keys], **more}
    return box.s3.delete_objects(Bucket=box.name, Delete=batch)


def test_a_deleted_object_is_gone(box: Box) -> None:
    box.put("key", b"body")
    assert box.delete("key")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("NoSuchKey", 404):
        box.get("key")
    assert box.keys() == []


def test_deleting_again_is_success(box: Box) -> None:
    box.put("key", b"body")
    statuses = [box.delete("key")["ResponseMetadata"]["HTTPStatusCode"] for _ in range(2)]
    assert statuses == [204, 204]


def test_deleting_a_folder_name_keeps_what_is_under_it(box: Box) -> None:
    box.put("folder/key", b"body")
    box.delete("folder")
    box.delete("folder/")
    assert box.keys() == ["folder/key"]


def test_a_batch_deletes_what_it_names_and_nothing_else(box: Box) -> None:
    for key in ("a", "b", "c", "ab"):
        box.put(key, b"body")
    answer = delete(box, "a", "c")
    assert sorted(x["Key"] for x in answer["Deleted"]) == ["a", "c"]
    assert "Errors" not in answer
    assert box.keys() == ["ab", "b"]


def test_a_batch_reports_missing_keys_as_deleted(box: Box) -> None:
    box.put("here", b"body")
    answer = delete(box, "here", "missing", "never/was")
    assert sorted(x["Key"] for x in answer["Deleted"]) == ["here", "missing", "never/was"]
    assert "Errors" not in answer
    assert box.keys() == []


def test_a_quiet_batch_reports_failures_only(box: Box) -> None:
    box.put("key", b"body")
    answer = delete(box, "key", "missing", Quiet=True)
    assert "Deleted" not in answer
    assert "Errors" not in answer
    assert box.keys() == []


def test_a_batch_may_name_a_thousand_keys(box: Box) -> None:
    keys = [f"{number:04}" for number in range(1000)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(box.put, keys))
    box.put("kept", b"body")
    assert len(delete(box, *keys)["Deleted"]) == 1000
    assert box.keys() == ["kept"]


def test_a_batch_of_more_than_a_thousand_keys_is_refused_whole(box: Box) -> None:
    box.put("0000", b"body")
    with refused("MalformedXML", 400):
        delete(box, *(f"{number:04}" for number in range(1001)))
    assert box.keys() == ["0000"]


def test_an_empty_batch_is_refused(box: Box) -> None:
    with refused("MalformedXML", 400):
        delete(box)


@pytest.mark.parametrize("wrong", [{"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, {"x-amz-checksum-crc32": "AAAAAA=="}])
def test_a_batch_with_a_wrong_digest_deletes_nothing(box: Box, wrong: dict[str, str]) -> None:
    box.put("key", b"body")
    body = b"<Delete><Object><Key>key</Key></Object></Delete>"
    request = signed(box.server, "POST", f"/{box.name}", query={"delete": ""}, headers=wrong, body=body)
    answer = send(box.server, request)
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert box.keys() == ["key"]


def test_a_batch_in_a_missing_bucket_is_an_error(box: Box) -> None:
    with refused("NoSuchBucket", 404):
        box.s3.delete_objects(Bucket=box.name + "-missing", Delete={"Objects": [{"Key": "key"}]})
