"""The providers of `longshore.auth` in stores: what is signed with their credentials is what a server accepts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import google.oauth2.service_account
import pytest
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

import longshore as s3
from longshore import testing
from longshore.auth.azure import AzureAsyncCredentialProvider, AzureCredentialProvider
from longshore.auth.boto3 import Boto3CredentialProvider, StsCredentialProvider
from longshore.auth.google import GoogleAsyncCredentialProvider, GoogleCredentialProvider
from longshore.exceptions import UnauthenticatedError
from longshore.fsspec import FsspecStore
from longshore.store import AzureStore, GCSStore, S3Store
from servers.base import Server
from servers.doubles import azure_identity, google_tokens
from servers.moto import moto as start_moto


@pytest.fixture
def server() -> Iterator[testing.Server]:
    with testing.server() as running:
        s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
        yield running


@pytest.fixture
def heard() -> Iterator[tuple[str, list[str]]]:
    """The address of a server that has every object, and what the requests for them had as `Authorization`."""
    authorizations: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            authorizations.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            for name, value in {
                "Content-Length": "4",
                "ETag": '"tag"',
                "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
                "Content-Type": "text/plain",
                "x-ms-blob-type": "BlockBlob",
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"data")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", authorizations
        running.shutdown()
        thread.join()


def session_of(server: testing.Server, **changed: str) -> Any:
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    return boto3.Session(**{**keys, **changed}, region_name=server.region)


def test_a_store_signs_with_the_keys_of_the_session(server: testing.Server) -> None:
    provider = Boto3CredentialProvider(session_of(server))
    store = S3Store("bucket", endpoint=server.endpoint, credential_provider=provider)
    store.put("key", b"data")
    assert bytes(store.get("key").bytes()) == b"data"
    assert server.secret_key not in repr(store)
    wrong = Boto3CredentialProvider(session_of(server, aws_secret_access_key="another"))
    with pytest.raises(PermissionError):
        S3Store("bucket", endpoint=server.endpoint, credential_provider=wrong).head("key")


def test_the_region_of_the_session_is_the_stores(server: testing.Server) -> None:
    session = boto3.Session(aws_access_key_id="KEY", aws_secret_access_key="SECRET", region_name="eu-west-1")
    provider = Boto3CredentialProvider(session)
    assert S3Store("bucket", credential_provider=provider).config["region"] == "eu-west-1"
    own = S3Store("bucket", credential_provider=provider, region="us-west-2")
    assert own.config["region"] == "us-west-2"


def test_a_file_system_signs_with_them_too(server: testing.Server) -> None:
    one, two = (Boto3CredentialProvider(session_of(server)) for _ in range(2))
    fs = FsspecStore("s3", endpoint=server.endpoint, credential_provider=one)
    fs.pipe("bucket/key", b"data")
    assert fs.cat("bucket/key") == b"data"
    assert FsspecStore("s3", endpoint=server.endpoint, credential_provider=one) is fs
    assert FsspecStore("s3", endpoint=server.endpoint, credential_provider=two) is not fs


def test_keys_are_asked_for_again_before_they_expire(server: testing.Server) -> None:
    asked: list[int] = []

    def refresh() -> dict[str, str]:
        asked.append(1)
        # Each time too close to the end for anybody to keep them.
        until = datetime.now(UTC) + timedelta(seconds=1)
        return {
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "token": "",
            "expiry_time": until.isoformat(),
        }

    session = botocore.session.Session()
    session._credentials = botocore.credentials.DeferredRefreshableCredentials(refresh, "test")
    store = S3Store(
        "bucket",
        endpoint=server.endpoint,
        region=server.region,
        credential_provider=Boto3CredentialProvider(session),
    )
    for _ in range(3):
        store.put("key", b"data")
    assert len(asked) >= 2


def test_a_role_is_assumed_by_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start_moto(tmp_path) as moto:
        _use_a_role(moto, monkeypatch)


def _use_a_role(moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.endpoint)
    session = boto3.Session(aws_access_key_id="KEY", aws_secret_access_key="SECRET", region_name="us-east-1")
    provider = StsCredentialProvider(session, RoleArn="arn:aws:iam::123456789012:role/reader", RoleSessionName="tests")
    store = S3Store("bucket", endpoint=moto.endpoint, credential_provider=provider)
    s3.create_bucket("s3://bucket", store=store)
    store.put("key", b"data")
    assert bytes(store.get("key").bytes()) == b"data"


@pytest.mark.parametrize("kind", [GoogleCredentialProvider, GoogleAsyncCredentialProvider])
def test_a_token_of_google_goes_with_each_request(kind: Any, heard: tuple[str, list[str]]) -> None:
    endpoint, authorizations = heard
    with google_tokens() as double:
        made = google.oauth2.service_account.Credentials.from_service_account_info(double.service_account)  # type: ignore[no-untyped-call]
        store = GCSStore("bucket", endpoint=endpoint, xml_api=True, credential_provider=kind(made))
        for _ in range(3):
            assert bytes(store.get("key").bytes()) == b"data"
        assert authorizations == [f"Bearer {double.token}"] * 3
        assert (double.count("/token"), double.complaints) == (1, [])
        assert double.token not in repr(store)


@pytest.mark.parametrize("kind", [AzureCredentialProvider, AzureAsyncCredentialProvider])
def test_a_token_of_azure_goes_with_each_request(
    kind: Any, heard: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, authorizations = heard
    with azure_identity(secret="header") as double:
        for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
            monkeypatch.setenv(name, double.environment[name])
        credential = (
            ManagedIdentityCredential() if kind is AzureCredentialProvider else AsyncManagedIdentityCredential()
        )
        store = AzureStore("container", account_name="account", endpoint=endpoint, credential_provider=kind(credential))
        for _ in range(3):
            assert bytes(store.get("key").bytes()) == b"data"
        assert authorizations == [f"Bearer {double.token}"] * 3
        assert (double.count("/token"), double.complaints) == (1, [])


def test_what_goes_wrong_in_the_other_package_is_the_cause(heard: tuple[str, list[str]]) -> None:
    class Broken:
        token, expiry = "TOKEN", None

        def refresh(self, request: object) -> None:
            raise RuntimeError("the broker is closed")

    endpoint, authorizations = heard
    for kind in (GoogleCredentialProvider, GoogleAsyncCredentialProvider):
        store = GCSStore("bucket", endpoint=endpoint, credential_provider=kind(Broken()))
        with pytest.raises(UnauthenticatedError, match="the broker is closed"):
            store.get("key")
    assert authorizations == []


def test_a_store_with_a_provider_that_can_be_pickled_travels(
    server: testing.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pickle

    for name, value in server.environment.items():
        if "KEY" in name or "REGION" in name:
            monkeypatch.setenv(name, value)
    fs = FsspecStore("s3", endpoint=server.endpoint, credential_provider=Boto3CredentialProvider())
    fs.pipe("bucket/key", b"data")
    again = pickle.loads(pickle.dumps(fs))
    assert again.cat("bucket/key") == b"data"
    assert json.loads(json.dumps(again.ls("bucket"))) == ["bucket/key"]
