"""boto3 against our gateway: who may do what, by signature in headers or in a URL."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from servers.s3 import Box, Request, client, fetch, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]

BODY = b"0123456789"


def presigned(box: Box, operation: str, key: str = "key", seconds: int = 60, **more: Any) -> str:
    """A URL that allows one operation on one object."""
    url: str = box.s3.generate_presigned_url(operation, Params={**box.at(key), **more}, ExpiresIn=seconds)
    return url


def sign_at(monkeypatch: pytest.MonkeyPatch, when: datetime) -> None:
    """Sets the clock by which botocore signs."""

    def clock(remove_tzinfo: bool = True) -> datetime:
        return when.replace(tzinfo=None) if remove_tzinfo else when

    monkeypatch.setattr("botocore.auth.get_current_datetime", clock)


def test_a_presigned_get_reads_without_keys(box: Box) -> None:
    box.put("key", BODY)
    answer = fetch(box.server, "GET", presigned(box, "get_object"))
    assert (answer.status, answer.body) == (200, BODY)


def test_a_presigned_get_of_an_unusual_key_reads_it(box: Box) -> None:
    key = "a folder//é+b %2F&c=d?e🚢"
    box.put(key, BODY)
    answer = fetch(box.server, "GET", presigned(box, "get_object", key))
    assert (answer.status, answer.body) == (200, BODY)


def test_a_presigned_get_takes_a_range_that_was_not_signed(box: Box) -> None:
    box.put("key", BODY)
    answer = fetch(box.server, "GET", presigned(box, "get_object"), Range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"234")


def test_a_presigned_get_of_a_missing_key_is_404(box: Box) -> None:
    answer = fetch(box.server, "GET", presigned(box, "get_object"))
    assert (answer.status, answer.code) == (404, "NoSuchKey")


def test_a_presigned_get_overrides_headers_of_the_answer(box: Box) -> None:
    box.put("key", BODY)
    disposition = 'attachment; filename="a b.txt"'
    url = presigned(
        box,
        "get_object",
        ResponseContentType="text/x-test",
        ResponseContentDisposition=disposition,
    )
    answer = fetch(box.server, "GET", url)
    assert answer.headers["content-type"] == "text/x-test"
    assert answer.headers["content-disposition"] == disposition


def test_a_presigned_put_writes_without_keys(box: Box) -> None:
    answer = fetch(box.server, "PUT", presigned(box, "put_object"), BODY)
    assert answer.status == 200
    assert box.read("key") == BODY


def test_a_presigned_put_is_bound_to_the_headers_that_were_signed(box: Box) -> None:
    url = presigned(box, "put_object", ContentType="text/plain", Metadata={"colour": "blue"})
    right = {"Content-Type": "text/plain", "x-amz-meta-colour": "blue"}
    wrong = fetch(box.server, "PUT", url, BODY, **{**right, "Content-Type": "image/png"})
    assert (wrong.status, wrong.code) == (403, "SignatureDoesNotMatch")
    assert box.keys() == []
    assert fetch(box.server, "PUT", url, BODY, **right).status == 200
    head = box.head("key")
    assert (head["ContentType"], head["Metadata"]) == ("text/plain", {"colour": "blue"})


def test_a_presigned_delete_and_head_work_without_keys(box: Box) -> None:
    box.put("key", BODY)
    head = fetch(box.server, "HEAD", presigned(box, "head_object"))
    assert (head.status, head.headers["content-length"]) == (200, "10")
    assert fetch(box.server, "DELETE", presigned(box, "delete_object")).status == 204
    assert box.keys() == []


def test_a_presigned_listing_works_without_keys(box: Box) -> None:
    box.put("key", BODY)
    parameters = {"Bucket": box.name, "Prefix": "k"}
    url = box.s3.generate_presigned_url("list_objects_v2", Params=parameters)
    answer = fetch(box.server, "GET", url)
    assert answer.status == 200
    assert b"<Key>key</Key>" in answer.body


def test_a_presigned_url_works_until_it_expires(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.put("key", BODY)
    with monkeypatch.context() as earlier:
        sign_at(earlier, datetime.now(UTC) - timedelta(hours=1))
        valid = presigned(box, "get_object", seconds=2 * 3600)
        expired = presigned(box, "get_object", seconds=60)
    assert fetch(box.server, "GET", valid).status == 200
    answer = fetch(box.server, "GET", expired)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert b"expired" in answer.body


def test_a_presigned_url_of_more_than_a_week_is_refused(box: Box) -> None:
    box.put("key", BODY)
    answer = fetch(box.server, "GET", presigned(box, "get_object", seconds=7 * 86_400 + 1))
    assert (answer.status, answer.code) == (400, "AuthorizationQueryParametersError")


@pytest.mark.parametrize(
    "tamper",
    [
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        lambda url: url.replace("/key?", "/secret?"),
        lambda url: url + "&response-content-type=text%2Fhtml",
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
    ],
    ids=["expiry", "key", "parameter", "signature"],
)
def test_a_tampered_presigned_url_is_refused(box: Box, tamper: Callable[[str], str]) -> None:
    box.put("key", BODY)
    box.put("secret", b"secret")
    url = presigned(box, "get_object")
    assert "X-Amz-Signature" in parse_qs(urlsplit(url).query)
    assert tamper(url) != url
    answer = fetch(box.server, "GET", tamper(url))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")


def test_a_presigned_url_allows_its_own_method_only(box: Box) -> None:
    box.put("key", BODY)
    url = presigned(box, "get_object")
    answers = [fetch(box.server, "PUT", url, b"new"), fetch(box.server, "DELETE", url)]
    assert [(x.status, x.code) for x in answers] == [(403, "SignatureDoesNotMatch")] * 2
    assert box.read("key") == BODY


def test_a_presigned_url_of_an_unknown_key_id_is_refused(box: Box) -> None:
    stranger = dataclasses.replace(box, s3=client(box.server, access_key="stranger"))
    answer = fetch(box.server, "GET", presigned(stranger, "get_object"))
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId")


def test_a_wrong_secret_is_refused(box: Box) -> None:
    stranger = client(box.server, secret_key="wrong")
    with refused("SignatureDoesNotMatch", 403):
        stranger.list_buckets()
    with refused("SignatureDoesNotMatch", 403):
        stranger.put_object(**box.at("key"), Body=BODY)
    assert box.keys() == []


def test_an_unknown_key_id_is_refused(box: Box) -> None:
    with refused("InvalidAccessKeyId", 403):
        client(box.server, access_key="stranger").list_objects_v2(Bucket=box.name)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/key"), ("PUT", "/key"), ("DELETE", "/key"), ("GET", "/missing")],
)
def test_an_unsigned_request_is_refused(box: Box, method: str, path: str) -> None:
    box.put("key", BODY)
    answer = send(box.server, Request(method, f"/{box.name}{path}", {}))
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert box.read("key") == BODY


def test_an_unsigned_listing_of_buckets_is_refused(box: Box) -> None:
    answer = send(box.server, Request("GET", "/", {}))
    assert (answer.status, answer.code) == (403, "AccessDenied")


def change(request: Request, **headers: str) -> Request:
    return dataclasses.replace(request, headers={**request.headers, **headers})


@pytest.mark.parametrize(
    "tamper",
    [
        lambda request: change(request, **{"x-amz-meta-colour": "red"}),
        lambda request: dataclasses.replace(request, target=request.target + "2"),
        lambda request: dataclasses.replace(request, target=request.target + "?acl"),
        lambda request: dataclasses.replace(request, method="DELETE", body=b""),
    ],
    ids=["header", "key", "parameter", "method"],
)
def test_a_request_tampered_with_after_signing_is_refused(box: Box, tamper: Callable[[Request], Request]) -> None:
    box.put("key", BODY)
    request = signed(
        box.server,
        "PUT",
        f"/{box.name}/key",
        headers={"x-amz-meta-colour": "blue"},
        body=b"new",
    )
    answer = send(box.server, tamper(request))
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert (box.keys(), box.read("key")) == (["key"], BODY)
    assert send(box.server, request).status == 200


def test_a_request_signed_long_ago_is_refused(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        sign_at(earlier, datetime.now(UTC) - timedelta(minutes=20))
        request = signed(box.server, "GET", f"/{box.name}", query={"list-type": "2"})
    answer = send(box.server, request)
    assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed")


def test_a_malformed_authorization_header_is_refused(box: Box) -> None:
    request = signed(box.server, "GET", f"/{box.name}/key")
    answer = send(box.server, change(request, Authorization="AWS4-HMAC-SHA256 nonsense"))
    assert (answer.status, answer.code) == (400, "AuthorizationHeaderMalformed")


def test_an_error_never_repeats_the_secret(box: Box) -> None:
    stranger = dataclasses.replace(box.server, secret_key="a-wrong-secret-key")
    answer = send(box.server, signed(stranger, "GET", f"/{box.name}/key"))
    assert answer.status == 403
    for secret in (box.server.secret_key, "a-wrong-secret-key"):
        assert secret.encode() not in answer.body
        assert quote(secret) not in repr(answer.headers)
