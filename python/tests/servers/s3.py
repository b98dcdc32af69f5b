"""Ways to speak to an S3 server that are not ours: boto3, and requests signed by botocore.

boto3 has no type hints, so its clients and answers are `Any` here.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.auth import S3SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from servers.base import Server

S3: TypeAlias = Any
"""A boto3 S3 client."""

REQUEST_SECONDS = 20
MIB = 1 << 20

_numbers = itertools.count()


def client(server: Server, *, access_key: str = "", secret_key: str = "", **config: Any) -> S3:
    """Returns a boto3 client of `server` that fails at once instead of trying again.

    Keys are the server's own unless given. `config` goes to `botocore.config.Config`.
    """
    settings = Config(
        **{
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "connect_timeout": 5,
            "read_timeout": REQUEST_SECONDS,
            "max_pool_connections": 32,
            **config,
        }
    )
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=access_key or server.access_key,
        aws_secret_access_key=secret_key or server.secret_key,
        config=settings,
    )


def answers(server: Server) -> None:
    """Raises unless `server` lists its buckets for its own keys."""
    client(server, connect_timeout=1, read_timeout=2).list_buckets()


def create_bucket(s3: S3, server: Server, name: str) -> Any:
    """Creates a bucket in the region of `server`."""
    if server.region == "us-east-1":
        return s3.create_bucket(Bucket=name)
    where = {"LocationConstraint": server.region}
    return s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)


@contextmanager
def refused(code: str, status: int) -> Iterator[None]:
    """Passes if its block ends in that S3 error. An answer to HEAD has its status for a code."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


@dataclass(frozen=True)
class Box:
    """A bucket that one test has to itself, and boto3's calls on it with less said."""

    s3: S3
    server: Server
    name: str

    def at(self, key: str) -> dict[str, str]:
        """The arguments that name an object in any call."""
        return {"Bucket": self.name, "Key": key}

    def put(self, key: str, body: object = b"", **more: Any) -> Any:
        return self.s3.put_object(**self.at(key), Body=body, **more)

    def get(self, key: str, **more: Any) -> Any:
        return self.s3.get_object(**self.at(key), **more)

    def head(self, key: str, **more: Any) -> Any:
        return self.s3.head_object(**self.at(key), **more)

    def delete(self, key: str) -> Any:
        return self.s3.delete_object(**self.at(key))

    def list(self, **more: Any) -> Any:
        """One page of a version 2 listing."""
        return self.s3.list_objects_v2(Bucket=self.name, **more)

    def read(self, key: str, **more: Any) -> bytes:
        """The body of an object."""
        body: bytes = self.get(key, **more)["Body"].read()
        return body

    def keys(self, **more: Any) -> Sequence[str]:
        """The keys on one page."""
        return [found["Key"] for found in self.list(**more).get("Contents", [])]


def new_box(s3: S3, server: Server) -> Box:
    """Creates a bucket with a name of its own."""
    name = f"box-{os.getpid()}-{next(_numbers)}"
    create_bucket(s3, server, name)
    return Box(s3, server, name)


@lru_cache(maxsize=32)
def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes that no two places share, so that a shifted or repeated range shows."""
    return random.Random(seed).randbytes(size)


@dataclass(frozen=True)
class Request:
    """One HTTP request, ready to be sent or to be tampered with first."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The `<Code>` of an S3 error document, or nothing."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def signed(
    server: Server,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    digest: str = "",
) -> Request:
    """Returns a request that botocore signed. `path` is not yet percent-encoded.

    `digest` is the content digest to declare where it is not simply the SHA-256 of `body`.
    """
    target = quote(path, safe="/~")
    if query:
        target += "?" + urlencode(query, quote_via=quote, safe="~")
    unsigned = AWSRequest(method, server.endpoint + target, headers=dict(headers or {}), data=body)
    who = Credentials(server.access_key, server.secret_key), "s3", server.region
    signer = _SignerOfGivenDigest(digest, *who) if digest else S3SigV4Auth(*who)
    signer.add_auth(unsigned)
    return Request(method, target, dict(unsigned.headers.items()), body)


def send(server: Server, request: Request, connection: http.client.HTTPConnection | None = None) -> Answer:
    """Sends exactly that request, on `connection` or on a new one, and reads the answer."""
    host, port = server.address
    link = connection or http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
    try:
        link.request(request.method, request.target, request.body or None, dict(request.headers))
        reply = link.getresponse()
        names = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, names, reply.read())
    finally:
        if connection is None:
            link.close()


def fetch(server: Server, method: str, url: str, body: bytes = b"", **headers: str) -> Answer:
    """Sends a request for a presigned or plain URL of `server`, without signing it."""
    return send(server, Request(method, url.removeprefix(server.endpoint), headers, body))


class _SignerOfGivenDigest(S3SigV4Auth):  # type: ignore[misc]
    """Signs the content digest it is given; botocore's own would compute it."""

    def __init__(self, digest: str, *rest: object) -> None:
        super().__init__(*rest)
        self._digest = digest

    def payload(self, request: Any) -> str:
        return self._digest
