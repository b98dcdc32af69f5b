"""The doubles of servers of credentials answer a right question, refuse a wrong one, and remember both."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from servers.doubles import (
    AzureDirectory,
    Double,
    GoogleTokens,
    azure_directory,
    azure_identity,
    google_metadata,
    google_tokens,
)

ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
IDENTITY = "/metadata/identity/oauth2/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com"


def ask(url: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, Any]:
    """Status and content of an answer, by Python's own client. With a form it is a POST."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = urlencode(form).encode() if form is not None else None
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(urllib.request.Request(url, body, named), timeout=10) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


@pytest.fixture
def metadata() -> Iterator[Double]:
    with google_metadata() as double:
        yield double


@pytest.fixture
def tokens() -> Iterator[GoogleTokens]:
    with google_tokens() as double:
        yield double


@pytest.fixture
def directory() -> Iterator[AzureDirectory]:
    with azure_directory() as double:
        yield double


def test_the_metadata_server_gives_its_token_to_who_sends_the_header(metadata: Double) -> None:
    status, content = ask(f"{metadata.endpoint}{ACCOUNT}/token", Metadata_Flavor="Google")
    assert (status, content) == (200, {"access_token": metadata.token, "expires_in": 3600, "token_type": "Bearer"})
    assert "@" in ask(f"{metadata.endpoint}{ACCOUNT}/email", Metadata_Flavor="Google")[1]
    assert (metadata.count("/token"), metadata.count(), metadata.complaints) == (1, 2, [])


def test_the_metadata_server_refuses_a_request_without_the_header(metadata: Double) -> None:
    assert ask(f"{metadata.endpoint}{ACCOUNT}/token")[0] == 403
    assert ask(f"{metadata.endpoint}/elsewhere", Metadata_Flavor="Google")[0] == 404
    assert metadata.complaints == ["no header Metadata-Flavor: Google", "nothing at /elsewhere"]


def test_every_variable_of_a_double_leads_to_it_and_to_no_machine_of_a_cloud(metadata: Double) -> None:
    assert set(metadata.environment.values()) == {metadata.address}
    assert metadata.address.startswith("127.0.0.1:")


def test_a_double_fails_as_often_as_it_is_told_to(metadata: Double) -> None:
    metadata.failures = 2
    url = f"{metadata.endpoint}{ACCOUNT}/token"
    assert [ask(url, Metadata_Flavor="Google")[0] for _ in range(3)] == [503, 503, 200]


def test_a_double_shows_no_secret(tokens: GoogleTokens, directory: AzureDirectory) -> None:
    shown = repr([tokens, directory])
    hidden = [
        tokens.token,
        tokens.authorized_user["refresh_token"],
        directory.token,
        directory.secret,
        directory.assertion,
    ]
    assert [secret for secret in hidden if secret in shown] == []


def test_a_refresh_token_gives_an_access_token(tokens: GoogleTokens) -> None:
    user = tokens.authorized_user
    form = {name: user[name] for name in ("client_id", "client_secret", "refresh_token")} | {
        "grant_type": "refresh_token"
    }
    assert ask(user["token_uri"], form)[1]["access_token"] == tokens.token
    assert ask(user["token_uri"], form | {"refresh_token": "x"}) == (
        400,
        {"error": "invalid_grant", "error_description": "wrong refresh_token"},
    )


def signed(key: rsa.RSAPrivateKey, claims: dict[str, object]) -> str:
    """A JWT by nobody's library but `cryptography`."""
    parts = [json.dumps(each).encode() for each in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_an_assertion_that_the_service_account_signed_gives_an_access_token(tokens: GoogleTokens) -> None:
    account = tokens.service_account
    key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "scope": "s", "exp": 2**40}
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    assert ask(account["token_uri"], form | {"assertion": signed(key, claims)})[1]["access_token"] == tokens.token
    stranger = rsa.generate_private_key(65537, 2048)
    bad = [signed(stranger, claims), signed(key, claims | {"exp": 1}), signed(key, claims | {"aud": "x"}), "x.y.z"]
    assert [ask(account["token_uri"], form | {"assertion": each})[0] for each in bad] == [400] * 4


def test_a_managed_identity_is_given_to_who_asks_as_on_the_machine() -> None:
    with azure_identity() as double:
        status, content = ask(double.endpoint + IDENTITY, Metadata="true")
        assert (status, content["access_token"]) == (200, double.token)
        assert content["expires_on"].isdigit()
        assert ask(double.endpoint + IDENTITY)[0] == 400
        assert ask(double.endpoint + IDENTITY.replace("storage", "vault"), Metadata="true")[0] == 400
        assert len(double.complaints) == 2


def test_a_managed_identity_of_a_service_needs_its_secret() -> None:
    with azure_identity(secret="hidden") as double:
        assert double.environment["IDENTITY_HEADER"] == "hidden"
        where = double.environment["IDENTITY_ENDPOINT"] + IDENTITY[IDENTITY.index("?") :]
        assert ask(where, X_IDENTITY_HEADER="hidden")[0] == 200
        assert ask(double.endpoint + IDENTITY, X_IDENTITY_HEADER="x")[0] == 401


@pytest.mark.parametrize("kind", ["client_secret", "client_assertion"])
def test_the_directory_gives_a_token_for_a_secret_and_for_a_token_file(directory: AzureDirectory, kind: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": directory.client,
        "scope": "https://storage.azure.com/.default",
        kind: directory.secret if kind == "client_secret" else directory.assertion,
    }
    if kind == "client_assertion":
        form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    url = f"{directory.environment['AZURE_AUTHORITY_HOST']}/{directory.tenant}/oauth2/v2.0/token"
    assert ask(url, form)[1]["access_token"] == directory.token
    assert ask(url, form | {kind: "x"})[0] == 401
    assert ask(url, form | {"scope": "x"})[0] == 400
    assert ask(url.replace(directory.tenant, "other"), form)[0] == 404
