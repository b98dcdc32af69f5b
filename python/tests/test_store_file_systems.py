"""What a file system of fsspec comes to as a store, key by key: everything that it was told is honoured, or refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import extension
import longshore.store
from longshore import testing
from longshore.fsspec import FsspecStore

dirfs = pytest.importorskip("fsspec.implementations.dirfs")
spec = pytest.importorskip("fsspec.spec")
SOURCE = Path(__file__).parents[2] / "crates/longshore-store/src/file_systems.py"


def load() -> ModuleType:
    """The half of the crate that reads file systems. Every extension module has it compiled in."""
    found = importlib.util.spec_from_file_location("file_systems", SOURCE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


describe = load().describe


def system(name: str, path: str = "", /, **options: Any) -> Any:
    """A file system with a class of that name, which keeps its arguments as they all do."""
    made = type(name, (spec.AbstractFileSystem,), {"cachable": False})(**options)
    return dirfs.DirFileSystem(path, made) if path else made


def store(described: Any) -> Any:
    """What a module makes of it; a keyword that the class does not know is an error."""
    name, positional, keywords = described
    return getattr(longshore.store, name)(*positional, **keywords)


class Unsigned:
    """As ``botocore.UNSIGNED``, which is known by the name of its class."""


Unsigned.__name__ = "UNSIGNED"
HTTP = {"client_options": {"allow_http": True}}
S3 = {
    "key": ({"key": "k", "secret": "s"}, {"access_key_id": "k", "secret_access_key": "s"}),
    "username": ({"username": "k", "password": "s"}, {"access_key_id": "k", "secret_access_key": "s"}),
    "token": (
        {"key": "k", "secret": "s", "token": "t"},
        {"access_key_id": "k", "secret_access_key": "s", "session_token": "t"},
    ),
    "keys of the client": (
        {"client_kwargs": {"aws_access_key_id": "k", "aws_secret_access_key": "s", "aws_session_token": "t"}},
        {"access_key_id": "k", "secret_access_key": "s", "session_token": "t"},
    ),
    "anonymous": ({"anon": True}, {"skip_signature": True}),
    "anonymous, in spite of keys": ({"anon": True, "key": "k", "secret": "s"}, {"skip_signature": True}),
    "unsigned": ({"config_kwargs": {"signature_version": Unsigned()}}, {"skip_signature": True}),
    "signed as always": ({"config_kwargs": {"signature_version": "s3v4"}}, {}),
    "endpoint": ({"endpoint_url": "https://host:9000"}, {"endpoint": "https://host:9000"}),
    "endpoint without TLS": ({"endpoint_url": "http://host:9"}, {"endpoint": "http://host:9", **HTTP}),
    "endpoint of the client": (
        {"client_kwargs": {"endpoint_url": "http://host:9"}},
        {"endpoint": "http://host:9", **HTTP},
    ),
    "the endpoint that counts": (
        {"endpoint_url": "https://one", "client_kwargs": {"endpoint_url": "https://two"}},
        {"endpoint": "https://one"},
    ),
    "TLS is the endpoint's": (
        {"use_ssl": False, "endpoint_url": "https://host"},
        {"endpoint": "https://host"},
    ),
    "TLS of the client": ({"use_ssl": False, "client_kwargs": {"use_ssl": True}}, {}),
    "region": ({"client_kwargs": {"region_name": "r"}}, {"region": "r"}),
    "region of botocore": ({"config_kwargs": {"region_name": "r"}}, {"region": "r"}),
    "profile": ({"profile": "p"}, {"profile": "p"}),
    "payer": ({"requester_pays": True}, {"request_payer": True}),
    "virtual": (
        {"config_kwargs": {"s3": {"addressing_style": "virtual"}}},
        {"virtual_hosted_style_request": True},
    ),
    "path": ({"config_kwargs": {"s3": {"addressing_style": "path"}}}, {"virtual_hosted_style_request": False}),
    "auto": ({"config_kwargs": {"s3": {"addressing_style": "auto"}}}, {}),
    "how it works": ({"default_block_size": 5, "config_kwargs": {"retries": {"max_attempts": 2}}}, {}),
}
ACCOUNT = {"type": "service_account", "client_email": "a@b"}
GCS = {
    "anonymous": ({"token": "anon"}, {"skip_signature": True}),
    "an account": ({"token": ACCOUNT}, {"service_account_key": json.dumps(ACCOUNT)}),
    "what the machine has": ({"token": "google_default", "project": "p"}, {}),
    "endpoint": (
        {"endpoint_url": "http://host:4443", "token": "anon"},
        {"endpoint": "http://host:4443", "skip_signature": True},
    ),
}
KEY = "a2V5"
SIGNED = "sv=2022-11-02&sig=abc%3D"
AZURE = {
    "account key": ({"account_name": "a", "account_key": KEY}, {"account_name": "a", "account_key": KEY}),
    "the key counts": (
        {"account_name": "a", "account_key": KEY, "sas_token": SIGNED, "client_id": "c", "anon": True},
        {"account_name": "a", "account_key": KEY},
    ),
    "signature": ({"account_name": "a", "sas_token": SIGNED}, {"account_name": "a", "sas_token": SIGNED}),
    "principal": (
        {"account_name": "a", "client_id": "c", "client_secret": "s", "tenant_id": "t"},
        {"account_name": "a", "client_id": "c", "client_secret": "s", "tenant_id": "t"},
    ),
    "connection string": (
        {"account_name": "b", "connection_string": f"AccountName=a;AccountKey={KEY}"},
        {"connection_string": f"AccountName=a;AccountKey={KEY}"},
    ),
    "anonymous": ({"account_name": "a", "anon": True}, {"account_name": "a", "skip_signature": True}),
    "credentials of the machine": ({"account_name": "a", "anon": False}, {"account_name": "a"}),
    "endpoint": (
        {"account_name": "a", "account_key": KEY, "account_host": "a.blob.core.chinacloudapi.cn"},
        {"account_name": "a", "account_key": KEY, "endpoint": "https://a.blob.core.chinacloudapi.cn"},
    ),
}


@pytest.mark.parametrize(
    ("kind", "name", "given", "expected"),
    [
        (kind, name, given, expected)
        for kind, name, cases in [
            ("S3FileSystem", "S3Store", S3),
            ("GCSFileSystem", "GCSStore", GCS),
            ("AzureBlobFileSystem", "AzureStore", AZURE),
        ]
        for given, expected in cases.values()
    ],
    ids=[f"{kind}: {case}" for kind, cases in [("S3", S3), ("GCS", GCS), ("Azure", AZURE)] for case in cases],
)
def test_every_argument_becomes_its_setting(
    kind: str,
    name: str,
    given: dict[str, Any],
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert describe(system(kind, "bucket/below", **given)) == (name, ("bucket",), {"prefix": "below", **expected})
    assert describe(system(kind, **given)) == (name, (), expected)
    if "service_account_key" in expected:
        return  # A store looks for a private key in it, which is more than is to be had here.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    if "profile" in given:
        (tmp_path / "config").write_text("[profile p]\nregion = r\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    made = store(describe(system(kind, "bucket/below", **given)))
    assert made.prefix == "below"
    for setting in ("endpoint", "region"):
        assert made.config.get(setting) == expected.get(setting) or setting not in expected


def test_a_file_with_credentials_of_google_is_used(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(json.dumps(ACCOUNT))
    described = describe(system("GCSFileSystem", "bucket", token=str(tmp_path / "key.json")))
    assert described == ("GCSStore", ("bucket",), {"application_credentials": str(tmp_path / "key.json")})


def test_azure_is_as_anonymous_as_its_file_system_says() -> None:
    for anonymous in (True, False):
        of_the_environment = system("AzureBlobFileSystem", account_name="a")
        of_the_environment.anon = anonymous
        _, _, keywords = describe(of_the_environment)
        assert keywords.get("skip_signature", False) is anonymous


def test_files_and_web_servers() -> None:
    assert describe(system("LocalFileSystem", "/folder", auto_mkdir=True)) == ("LocalStore", ("/folder",), {})
    assert describe(system("LocalFileSystem")) == ("LocalStore", ("/",), {})
    headers = {"client_kwargs": {"headers": {"a": "session", "b": "session"}}, "headers": {"a": "request"}}
    expected = {"client_options": {"default_headers": {"a": "request", "b": "session"}}}
    assert describe(system("HTTPFileSystem", "https://host/a", **headers)) == (
        "HTTPStore",
        ("https://host/a",),
        expected,
    )


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [
        ("S3FileSystem", {"use_ssl": False}, "use_ssl"),
        ("S3FileSystem", {"client_kwargs": {"use_ssl": False}}, "use_ssl"),
        ("S3FileSystem", {"session": object()}, "session"),
        ("S3FileSystem", {"client_kwargs": {"verify": False}}, "verify"),
        ("S3FileSystem", {"client_kwargs": {"config": 1}}, "client_kwargs.config"),
        ("S3FileSystem", {"config_kwargs": {"signature_version": "s3"}}, "signature_version='s3'"),
        ("S3FileSystem", {"config_kwargs": {"proxies": {}}}, "config_kwargs.proxies"),
        ("S3FileSystem", {"config_kwargs": {"s3": {"use_accelerate_endpoint": True}}}, "use_accelerate_endpoint"),
        ("S3FileSystem", {"config_kwargs": {"s3": {"addressing_style": "odd"}}}, "addressing_style='odd'"),
        ("S3FileSystem", {"s3_additional_kwargs": {"ServerSideEncryption": "AES256"}}, "s3_additional_kwargs"),
        ("GCSFileSystem", {"requester_pays": True}, "requester_pays"),
        ("GCSFileSystem", {"token": "ya29.hunter2"}, "token"),
        ("GCSFileSystem", {"token": {"type": "authorized_user"}}, "token"),
        ("GCSFileSystem", {"token": object()}, "token"),
        ("AzureBlobFileSystem", {"credential": object()}, "credential"),
        ("AzureBlobFileSystem", {"location_mode": "secondary"}, "location_mode"),
        ("HTTPFileSystem", {}, "server"),
        ("HTTPFileSystem", {"client_kwargs": {"auth": object()}}, "client_kwargs.auth"),
        ("MemoryFileSystem", {}, "memory"),
        ("FsspecStore", {}, "does not say how"),
        ("ZipFileSystem", {}, "ZipFileSystem"),
    ],
)
def test_what_would_be_another_store_is_refused_with_the_reason(kind: str, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(LookupError, match=reason) as refused:
        describe(system(kind, **given))
    assert "hunter2" not in str(refused.value)


def test_what_is_no_file_system_is_none() -> None:
    assert describe(object()) is None


@pytest.fixture(scope="module")
def third() -> Any:
    """An extension module of somebody else. It is built before the variables of this machine are hidden from a test."""
    return extension.load()


class TestOurs:
    """:mod:`longshore.fsspec` in an extension."""

    @pytest.mark.parametrize("protocol", ["s3", "s3a", "gs", "gcs", "az", "abfs"])
    def test_it_is_the_store_that_it_makes_itself(self, protocol: str) -> None:
        options: dict[str, Any] = {
            "skip_signature": True,
            "client_options": {"timeout": 5},
            "retry_config": {"max_retries": 2},
        }
        if protocol in ("az", "abfs"):
            options["account_name"] = "a"
        fs = FsspecStore(protocol, **options)
        assert store(describe(dirfs.DirFileSystem("bucket", fs))) == fs._construct_store("bucket")
        below, whole = (
            store(describe(dirfs.DirFileSystem("bucket/a/b", fs))),
            store(describe(dirfs.DirFileSystem("bucket", fs))),
        )
        assert below.prefix == "a/b"
        assert (below.client_options, below.retry_config) == (whole.client_options, whole.retry_config)

    def test_a_folder_and_a_web_server(self, tmp_path: Path) -> None:
        assert store(describe(dirfs.DirFileSystem(str(tmp_path), FsspecStore("file")))) == longshore.store.LocalStore(
            tmp_path
        )
        web = describe(dirfs.DirFileSystem("host/a", FsspecStore("https", client_options={"timeout": 5})))
        assert web == ("HTTPStore", ("https://host/a",), {"client_options": {"timeout": 5}})

    def test_memory_is_refused(self) -> None:
        with pytest.raises(LookupError, match="memory"):
            describe(FsspecStore("memory", skip_instance_cache=True))

    def test_an_extension_reads_and_writes_through_it(self, third: Any) -> None:
        with testing.server() as aws:
            options: dict[str, Any] = {**aws.options}
            fs = FsspecStore("s3", **options)
            longshore.create_bucket("s3://bucket", store=aws.store_for("bucket"))
            fs.pipe("bucket/a/b", b"data")
            assert third.list(dirfs.DirFileSystem("bucket/a", fs)) == ["b"]
            assert bytes(third.get(fs, "bucket/a/b")) == b"data"
            third.put(dirfs.DirFileSystem("bucket/a", fs), "c", b"more")
            assert fs.cat("bucket/a/c") == b"more"
        with pytest.raises(third.exceptions.NotSupportedError, match="memory"):
            third.any(FsspecStore("memory", skip_instance_cache=True))

    def test_an_extension_goes_to_the_endpoint_of_an_s3_file_system(self, third: Any) -> None:
        with testing.server() as aws:
            longshore.create_bucket("s3://bucket", store=aws.store_for("bucket"))
            longshore.put_bytes("s3://bucket/a/b", b"data", store=aws.store_for("bucket"))
            keys = {"key": aws.access_key, "secret": aws.secret_key}
            for given in ({"endpoint_url": aws.endpoint}, {"client_kwargs": {"endpoint_url": aws.endpoint}}):
                assert bytes(third.get(system("S3FileSystem", "bucket/a", **keys, **given), "b")) == b"data"
            anonymous = system("S3FileSystem", "bucket/a", endpoint_url=aws.endpoint, anon=True, **keys)
            with pytest.raises(third.exceptions.BaseError):
                third.get(anonymous, "b")
