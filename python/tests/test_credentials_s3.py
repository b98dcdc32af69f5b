"""Credentials and encryption end to end: real signatures, judged by our own server and by moto, and boto3's own choices."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest

import longshore as s3
from longshore import testing
from servers.base import Server
from servers.moto import moto as start_moto


class Home:
    """A home folder with AWS's shared files."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
        # What boto3 asks where nothing else gives keys is on a network.
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def write(self, config: str, credentials: str = "") -> None:
        (self.folder / "config").write_text(config)
        (self.folder / "credentials").write_text(credentials)

    def program(self, keys: dict[str, str]) -> Path:
        path = self.folder / "give-keys"
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'Version': 1, **keys})}\nEND\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def server() -> Iterator[testing.Server]:
    """Our own server, which verifies signatures."""
    with testing.server() as running:
        s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
        yield running


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """moto, which has STS and remembers how objects are encrypted."""
    with start_moto(tmp_path_factory.mktemp("moto")) as running:
        yield running


def keys(server: testing.Server) -> str:
    options = server.options
    return f"aws_access_key_id = {options['access_key_id']}\naws_secret_access_key = {options['secret_access_key']}\n"


def works(uri: str) -> None:
    s3.put_bytes(uri, b"data")
    assert s3.get(uri) == b"data"


def test_a_profile_is_all_that_a_call_needs(
    server: testing.Server, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = f"[profile work]\nendpoint_url = {server.endpoint}\nregion = us-east-1\n"
    home.write(settings, f"[work]\n{keys(server)}")
    monkeypatch.setenv("AWS_PROFILE", "work")
    works("s3://bucket/profile")
    store = s3.store_for("s3://bucket", profile="work")
    assert isinstance(store, s3.S3Store)
    assert store.endpoint == server.endpoint
    assert store is s3.store_for("s3://bucket")
    assert server.options["secret_access_key"] not in repr(store)


def test_a_process_gives_keys_that_the_server_accepts(server: testing.Server, home: Home) -> None:
    options = server.options
    program = home.program({"AccessKeyId": options["access_key_id"], "SecretAccessKey": options["secret_access_key"]})
    home.write(f"[default]\nendpoint_url = {server.endpoint}\ncredential_process = {program}\n")
    works("s3://bucket/process")


def test_a_process_that_fails_is_an_unauthenticated_error(server: testing.Server, home: Home) -> None:
    home.write(f"[default]\nendpoint_url = {server.endpoint}\ncredential_process = sh -c 'echo why >&2; exit 3'\n")
    with pytest.raises(s3.exceptions.UnauthenticatedError, match="why"):
        s3.get("s3://bucket/process")


def test_a_bucket_in_the_host_name_is_reached(moto: Server, home: Home) -> None:
    options = {"access_key_id": "motokey", "secret_access_key": "motosecret", "region": "us-east-1"}
    path = s3.store_for("s3://hosted", endpoint=moto.endpoint, **options)
    s3.create_bucket("s3://hosted", store=path)
    endpoint = moto.endpoint.replace("127.0.0.1", "localhost")
    virtual = {
        "addressing_style": "virtual"
    }  # The name in AWS's files; checkers know the first name of an option only.
    host = s3.store_for("s3://hosted", endpoint=endpoint, **virtual, **options)
    for key in ("plain", "odd//key"):
        s3.put_bytes(f"s3://hosted/{key}", b"data", store=host)
        assert s3.get(f"s3://hosted/{key}", store=path) == b"data"
    assert s3.list("s3://hosted/", store=host) == ["odd//key", "plain"]


def test_a_role_of_moto_is_assumed(moto: Server, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(
        "[profile base]\naws_access_key_id = motokey\naws_secret_access_key = motosecret\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/reader\nsource_profile = base\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    monkeypatch.setenv("AWS_PROFILE", "role")
    s3.create_bucket("s3://roles")
    works("s3://roles/key")
    found = {step["name"]: step for step in s3.doctor("s3://roles/key")["steps"]}
    assert found["get"]["state"] == "ok"
    assert "arn:aws:iam::123456789012:role/reader" in found["credentials"]["said"]
    assert "good until" in found["credentials"]["said"]
    assert "session token" in found["credentials"]["said"]


def test_moto_is_told_how_objects_are_encrypted(moto: Server, home: Home) -> None:
    client: Any = boto3.client(
        "s3",
        endpoint_url=moto.endpoint,
        aws_access_key_id="motokey",
        aws_secret_access_key="motosecret",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="encrypted")
    base = {
        "endpoint": moto.endpoint,
        "access_key_id": "motokey",
        "secret_access_key": "motosecret",
        "region": "us-east-1",
    }
    for options, expected in (
        ({"server_side_encryption": "AES256"}, ("AES256", None)),
        ({"sse_kms_key_id": "my-key"}, ("aws:kms", "my-key")),
    ):
        store = s3.store_for("s3://encrypted", **base, **options)
        for key in ("plain", "odd//key"):
            s3.put_bytes(f"s3://encrypted/{key}", b"data", store=store)
            assert s3.get(f"s3://encrypted/{key}", store=store) == b"data"
            head = client.head_object(Bucket="encrypted", Key=key)
            assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == expected
        s3.copy("s3://encrypted/plain", "s3://encrypted/copy", store=store)
        assert client.head_object(Bucket="encrypted", Key="copy")["ServerSideEncryption"] == expected[0]
        store = s3.store_for("s3://encrypted", **base)


def test_a_customers_key_is_checked_before_anything_is_sent(server: testing.Server) -> None:
    for value in ("", "c2hvcnQ=", "not base64"):
        with pytest.raises(s3.exceptions.InvalidArgumentError, match="sse_customer_key_base64") as caught:
            s3.store_for("s3://bucket", **server.options, server_side_encryption="sse-c", sse_customer_key_base64=value)
        assert not value or value not in str(caught.value)
    key = base64.b64encode(b"k" * 32).decode()
    store = s3.store_for("s3://bucket", **server.options, sse_customer_key_base64=key)
    assert key not in repr(store)


CONFIG = """
[default]
region = rd
[profile a]
region = ra
[profile b]
region = rb
aws_access_key_id = KB
aws_secret_access_key = SB
"""
CREDENTIALS = "[a]\naws_access_key_id = KA\naws_secret_access_key = SA\n"
VARIABLES = {"AWS_ACCESS_KEY_ID": "KE", "AWS_SECRET_ACCESS_KEY": "SE"}


@pytest.mark.parametrize(
    ("profile", "variables"),
    [
        (None, {**VARIABLES}),
        (None, {"AWS_PROFILE": "a"}),
        (None, {"AWS_DEFAULT_PROFILE": "b"}),
        (None, {"AWS_PROFILE": "a", **VARIABLES}),
        ("a", {**VARIABLES}),
        ("b", {"AWS_PROFILE": "a"}),
        ("a", {"AWS_DEFAULT_REGION": "re", **VARIABLES}),
    ],
)
def test_the_same_keys_and_region_count_as_for_boto3(
    profile: str | None, variables: dict[str, str], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write(CONFIG, CREDENTIALS)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    session = botocore.session.Session(profile=profile)
    credentials = session.get_credentials()
    assert credentials is not None
    store = s3.store_for("s3://bucket", profile=profile)
    assert isinstance(store, s3.S3Store)
    assert (credentials.access_key, session.get_config_variable("region")) == (
        repr(store).split('access_key_id="')[1].split('"')[0],
        store.region,
    )


def test_a_profile_that_is_missing_is_an_error_as_for_boto3(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(CONFIG, CREDENTIALS)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(botocore.exceptions.ProfileNotFound):
        botocore.session.Session().get_scoped_config()
    with pytest.raises(s3.exceptions.InvalidArgumentError, match=r"AWS_PROFILE.*gone.*credentials"):
        s3.get("s3://bucket/key")


def test_the_doctor_finds_what_is_wrong(server: testing.Server, closed_port: str) -> None:
    report = s3.doctor("s3://bucket", **server.options)
    assert report["healthy"]
    assert report["uri"] == "s3://bucket"
    assert server.options["secret_access_key"] not in str(report)
    report = s3.doctor("s3://bucket", **{**server.options, "endpoint": closed_port})
    failed = [step for step in report["steps"] if step["state"] == "failed"]
    assert not report["healthy"]
    assert [step["name"] for step in failed] == ["tcp"]
    assert failed[0]["advice"] is not None
    assert "running" in failed[0]["advice"]
    assert s3.doctor("s5://bucket")["steps"][0]["state"] == "failed"
