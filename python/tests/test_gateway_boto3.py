"""boto3, a client we did not write, against our gateway: buckets, and the service as a whole.

The cases stand in `test_gateway_boto3*.py`. Each states what AWS documents or does, never merely
what the gateway happens to do. `servers/gateway_fixtures.py` starts the server.
"""

from __future__ import annotations

import http.client
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from servers.s3 import MIB, Box, client, create_bucket, pattern, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]


def test_a_created_bucket_answers_with_its_location(box: Box) -> None:
    made = create_bucket(box.s3, box.server, box.name + "-new")
    assert made["Location"].strip("/").endswith(box.name + "-new")


def test_creating_our_own_bucket_again_says_that_we_own_it(box: Box) -> None:
    # In us-east-1 alone AWS answers 200 here, for old programs; everywhere else it is this.
    with refused("BucketAlreadyOwnedByYou", 409):
        create_bucket(box.s3, box.server, box.name)


def test_creating_a_bucket_again_keeps_its_objects(box: Box) -> None:
    box.put("key", b"body")
    with refused("BucketAlreadyOwnedByYou", 409):
        create_bucket(box.s3, box.server, box.name)
    assert box.read("key") == b"body"


@pytest.mark.parametrize("name", ["Upper-Case", "under_score", "ab", "-dash-first", "dot..dot"])
def test_an_invalid_bucket_name_is_refused(box: Box, name: str) -> None:
    with refused("InvalidBucketName", 400):
        create_bucket(box.s3, box.server, name)


def test_head_of_a_bucket_succeeds(box: Box) -> None:
    assert box.s3.head_bucket(Bucket=box.name)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_head_of_a_missing_bucket_is_404(box: Box) -> None:
    with refused("404", 404):
        box.s3.head_bucket(Bucket=box.name + "-missing")


def test_a_bucket_is_listed_with_the_time_it_was_made(box: Box) -> None:
    found = {x["Name"]: x["CreationDate"] for x in box.s3.list_buckets()["Buckets"]}
    age = datetime.now(UTC) - found[box.name]
    assert abs(age) < timedelta(minutes=5), age


def test_buckets_are_listed_in_order_of_their_names(box: Box) -> None:
    for suffix in ("-z", "-a", "-m"):
        create_bucket(box.s3, box.server, box.name + suffix)
    names = [x["Name"] for x in box.s3.list_buckets()["Buckets"]]
    assert names == sorted(names)
    assert {box.name + "-a", box.name + "-m", box.name + "-z"} <= set(names)


def test_an_empty_bucket_can_be_deleted_and_made_again(box: Box) -> None:
    answer = box.s3.delete_bucket(Bucket=box.name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refused("404", 404):
        box.s3.head_bucket(Bucket=box.name)
    create_bucket(box.s3, box.server, box.name)
    assert box.keys() == []


def test_a_bucket_that_holds_an_object_is_not_deleted(box: Box) -> None:
    box.put("key", b"body")
    with refused("BucketNotEmpty", 409):
        box.s3.delete_bucket(Bucket=box.name)
    assert box.read("key") == b"body"


def test_deleting_a_missing_bucket_is_an_error(box: Box) -> None:
    with refused("NoSuchBucket", 404):
        box.s3.delete_bucket(Bucket=box.name + "-missing")


def test_the_location_of_a_bucket_is_its_region(box: Box) -> None:
    where = box.s3.get_bucket_location(Bucket=box.name)["LocationConstraint"]
    # The first region has no location, for old programs.
    assert (where or "us-east-1") == box.server.region


@pytest.mark.parametrize("operation", ["put_object", "get_object", "list_objects_v2", "list_objects", "delete_object"])
def test_a_missing_bucket_is_named_as_the_problem(box: Box, operation: str) -> None:
    arguments = {"Bucket": box.name + "-missing"}
    if operation.endswith("_object"):
        arguments["Key"] = "key"
    with refused("NoSuchBucket", 404):
        getattr(box.s3, operation)(**arguments)


def test_an_answer_carries_a_request_id_of_its_own(box: Box) -> None:
    one, other = box.put("key", b"body"), box.get("key")
    ids = [answer["ResponseMetadata"].get("RequestId") for answer in (one, other)]
    assert all(ids), ids
    assert ids[0] != ids[1]


def test_an_error_carries_the_same_request_id_in_its_header_and_its_body(box: Box) -> None:
    answer = send(box.server, signed(box.server, "GET", f"/{box.name}/missing"))
    assert answer.status == 404
    header = answer.headers.get("x-amz-request-id", "")
    assert header
    assert f"<RequestId>{header}</RequestId>" in answer.body.decode()


def test_an_error_document_is_xml_with_a_message(box: Box) -> None:
    answer = send(box.server, signed(box.server, "GET", f"/{box.name}/missing"))
    assert answer.headers["content-type"] == "application/xml"
    assert re.search(r"<Message>[^<]+</Message>", answer.body.decode())


def test_many_requests_reuse_one_connection(box: Box) -> None:
    host, port = box.server.address
    link = http.client.HTTPConnection(host, port, timeout=20)
    body = pattern(100_000)
    box.put("key", body)
    link.connect()
    socket = link.sock
    for number in range(50):
        good = send(box.server, signed(box.server, "GET", f"/{box.name}/key"), link)
        assert (good.status, good.body == body) == (200, True), number
        # http.client drops the socket when the server announces that it will close.
        assert link.sock is socket, f"closed after {number + 1} requests"
    link.close()


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "missing", {}, 404),
        ("HEAD", "missing", {}, 404),
        ("HEAD", "key", {}, 200),
        ("DELETE", "gone", {}, 204),
        ("GET", "", {"list-type": "2"}, 200),
        ("PUT", "empty", {}, 200),
    ],
)
def test_a_connection_stays_open_after_every_kind_of_answer(
    box: Box, method: str, path: str, query: dict[str, str], status: int
) -> None:
    host, port = box.server.address
    box.put("key", b"body")
    link = http.client.HTTPConnection(host, port, timeout=20)
    link.connect()
    socket = link.sock
    for _ in range(3):
        request = signed(box.server, method, f"/{box.name}/{path}", query=query)
        assert send(box.server, request, link).status == status
        assert link.sock is socket
    link.close()


def test_a_small_answer_is_not_held_back(box: Box) -> None:
    """Without TCP_NODELAY every answer waits about 40 ms for an acknowledgement."""
    host, port = box.server.address
    link = http.client.HTTPConnection(host, port, timeout=20)
    box.put("key", b"body")
    request = signed(box.server, "GET", f"/{box.name}/key")
    send(box.server, request, link)
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        send(box.server, request, link)
        times.append(time.perf_counter() - begin)
    link.close()
    # The median, so that a busy machine does not count.
    assert statistics.median(times) < 0.030, times


def test_requests_from_many_threads_each_get_their_own_object(box: Box) -> None:
    bodies = {f"key-{n}": pattern(10_000 + n, seed=n) for n in range(64)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(box.put, bodies, bodies.values()))
        assert dict(zip(bodies, pool.map(box.read, bodies), strict=True)) == bodies


def test_a_reader_sees_a_whole_object_while_it_is_overwritten(box: Box) -> None:
    versions = {pattern(MIB, seed=n) for n in range(4)}
    box.put("key", next(iter(versions)))
    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(box.put, "key", body) for _ in range(5) for body in versions]
        reads = [pool.submit(box.read, "key") for _ in range(40)]
        assert all(write.result()["ETag"] for write in writes)
        torn = [len(read.result()) for read in reads if read.result() not in versions]
    assert torn == []


def test_a_client_that_sends_no_checksum_is_served(box: Box) -> None:
    old = client(
        box.server,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    old.put_object(**box.at("key"), Body=b"body")
    assert old.get_object(**box.at("key"))["Body"].read() == b"body"
