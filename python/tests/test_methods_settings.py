"""What is said of a store, and where it goes: from the environment into what the store shows, and from ours into obstore's."""

from __future__ import annotations

import base64
import json
import pickle
import urllib.parse
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

import packages
from longshore import exceptions
from longshore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store, Store
from servers.doubles import GoogleTokens, google_tokens

SECRET = base64.b64encode(b"never to be seen").decode()

ENVIRONMENTS: dict[str, tuple[dict[str, str], Callable[[], Store], dict[str, str]]] = {
    "azure key": (
        {"AZURE_STORAGE_ACCOUNT_NAME": "me", "AZURE_STORAGE_ACCOUNT_KEY": SECRET, "AZURE_CONTAINER_NAME": "found"},
        lambda: AzureStore(),
        {"container_name": "found", "account_name": "me"},
    ),
    "azure token": (
        {"AZURE_STORAGE_ACCOUNT_NAME": "me", "AZURE_STORAGE_SAS_TOKEN": f"sv=2024-01-01&sig={SECRET}"},
        lambda: AzureStore("given"),
        {"container_name": "given", "account_name": "me"},
    ),
    "azure client": (
        {
            "AZURE_STORAGE_ACCOUNT_NAME": "me",
            "AZURE_CLIENT_ID": "an-application",
            "AZURE_CLIENT_SECRET": SECRET,
            "AZURE_TENANT_ID": "a-tenant",
        },
        lambda: AzureStore("given"),
        {"container_name": "given", "account_name": "me", "client_id": "an-application"},
    ),
    "google bucket": (
        {"GOOGLE_BUCKET": "found", "GOOGLE_SKIP_SIGNATURE": "true", "GOOGLE_BASE_URL": "http://127.0.0.1:1"},
        lambda: GCSStore(),
        {"bucket": "found", "skip_signature": "true"},
    ),
    "s3 key": (
        {"AWS_BUCKET": "found", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "r"},
        lambda: S3Store(),
        {"bucket": "found", "region": "r", "access_key_id": "AKIA"},
    ),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_the_environment_said_is_shown_without_its_secrets_and_goes_along(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, make, expected = ENVIRONMENTS[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    store: Any = make()
    shown = {**store.config}
    assert {key: shown.get(key) for key in expected} == expected
    for key, value in expected.items():
        assert f"{key}={json.dumps(value)}" in repr(store)
    assert SECRET not in repr(store)
    assert (store, hash(store)) == (make(), hash(make()))
    pickled = pickle.dumps(store)
    for variable in variables:
        monkeypatch.delenv(variable)
    again = pickle.loads(pickled)
    assert (again, again.config, repr(again)) == (store, shown, repr(store))


@pytest.fixture(scope="module")
def google() -> GoogleTokens:
    """The keys of a service account, of which no server needs to run: a URL is signed without asking anybody."""
    with google_tokens() as double:
        return double


def test_the_environment_s_key_of_a_service_account_is_used_and_not_shown(
    google: GoogleTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(google.service_account))
    store = GCSStore("given")
    key = google.service_account["private_key"].splitlines()[5]
    assert "service_account_key" in store.config
    assert key not in repr(store)
    assert pickle.loads(pickle.dumps(store)) == store


class TestGoogleSigns:
    HOUR = timedelta(hours=1)

    @pytest.mark.parametrize(
        "key",
        ["a", "deep/a b", "ü&=~", "a#b", "a?b", "a%41b"],
    )
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_a_url_has_the_signature_that_google_would_verify(
        self, google: GoogleTokens, method: str, key: str
    ) -> None:
        store = GCSStore("bucket", service_account_key=json.dumps(google.service_account))
        url = store.sign(method, key, self.HOUR)
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        assert urllib.parse.unquote(parts.path) == f"/bucket/{key}"
        assert (query["X-Goog-Algorithm"], query["X-Goog-Expires"]) == ("GOOG4-RSA-SHA256", "3600")
        # https://cloud.google.com/storage/docs/authentication/canonical-requests
        signature = bytes.fromhex(query.pop("X-Goog-Signature"))
        said = "&".join(sorted(f"{_quoted(name)}={_quoted(value)}" for name, value in query.items()))
        request = "\n".join([method, parts.path, said, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"])
        digest = hashes.Hash(hashes.SHA256())
        digest.update(request.encode())
        scope = query["X-Goog-Credential"].partition("/")[2]
        text = "\n".join(["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, digest.finalize().hex()])
        google.key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert query["X-Goog-Credential"].startswith(google.service_account["client_email"] + "/")

    def test_a_store_without_a_key_cannot(self) -> None:
        with pytest.raises(exceptions.NotSupportedError, match="no signed URLs"):
            GCSStore("bucket", skip_signature=True).sign("GET", "a", self.HOUR)


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="~")


OURS: dict[str, Callable[[Path], Any]] = {
    "s3": lambda _: S3Store(
        "b",
        prefix="p",
        region="r",
        endpoint="http://127.0.0.1:1",
        access_key_id="AKIA",
        secret_access_key=SECRET,
        client_options={"timeout": timedelta(seconds=20), "allow_http": True, "default_headers": {"x-a": "b"}},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=7)},
    ),
    "s3 encrypted": lambda _: S3Store(
        "b", region="r", skip_signature=True, server_side_encryption="aws:kms", sse_kms_key_id="k", request_payer=True
    ),
    "gcs": lambda _: GCSStore("b", prefix="p", skip_signature=True, client_options={"connect_timeout": "3s"}),
    "azure": lambda _: AzureStore(
        "c", prefix="p", account_name="a", account_key=SECRET, retry_config={"max_retries": 1}
    ),
    "azure client": lambda _: AzureStore("c", account_name="a", client_id="i", client_secret=SECRET, tenant_id="t"),
    "http": lambda _: HTTPStore("https://host/a", client_options={"default_headers": {"x-a": "b"}, "timeout": "9s"}),
    "file": lambda folder: LocalStore(folder),
}


@pytest.mark.parametrize("name", OURS)
def test_what_was_said_of_our_store_is_said_of_the_one_that_obstore_makes_of_it(name: str, tmp_path: Path) -> None:
    theirs = packages.module("obstore.store")
    store = OURS[name](tmp_path)
    positional, keywords = store.__getnewargs_ex__()
    again = getattr(theirs, type(store).__name__)(*positional, **keywords)
    if name == "file":
        assert Path(again.prefix) == tmp_path
        return
    if name == "http":
        assert again.url == store.url
    else:
        given = {key: value for key, value in keywords["config"].items() if key != "bucket"}
        assert _told(given, again.config) == {key: str(value).lower() for key, value in given.items()}
        assert again.prefix == store.prefix
    for said in ("client_options", "retry_config"):
        ours, found = getattr(store, said), getattr(again, said)
        # Our timeout is about silence, as their `read_timeout` is; theirs is about the whole answer.
        names = {"read_timeout" if name == "timeout" else name for name in ours or ()}
        assert names <= {*(found or ())}, said
    if store.retry_config:
        assert {name: again.retry_config[name] for name in store.retry_config} == store.retry_config


def _told(given: dict[str, Any], config: dict[str, Any]) -> dict[str, str | None]:
    """What another store says of the same settings, whichever of their names it uses."""
    names = {
        name.removeprefix(kind): value for name, value in config.items() for kind in ("aws_", "azure_", "google_", "")
    }
    found = {}
    for key in given:
        short = key.removeprefix("aws_").removeprefix("azure_").removeprefix("google_")
        value = next((value for name, value in names.items() if name.endswith(short)), None)
        found[key] = None if value is None else str(value).lower()
    return found


def test_a_setting_that_obstore_does_not_know_stops_the_crossing() -> None:
    store = S3Store("b", region="r", skip_signature=True, client_options={"ca_bundle": "/etc/ssl/certs/own.pem"})
    with pytest.raises(exceptions.NotSupportedError, match="ca_bundle"):
        store.__getnewargs_ex__()


@pytest.mark.parametrize("make", [lambda: LocalStore(mkdri=True), lambda: MemoryStore(size=5)])  # type: ignore[call-arg]
def test_a_misspelt_argument_of_a_plain_class_is_refused_too(make: Callable[[], Store]) -> None:
    with pytest.raises(TypeError, match=r"mkdri|size"):
        make()
