"""`longshore.auth`: real boto3, google-auth and azure-identity, against moto and doubles of the clouds' token servers."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import inspect
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.credentials  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import google.auth.exceptions
import google.oauth2.service_account
import pytest
from azure.identity import ClientSecretCredential, ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential
from google.oauth2 import _service_account_async

from longshore.auth.azure import AzureAsyncCredentialProvider, AzureCredentialProvider
from longshore.auth.boto3 import AssumeRoleArguments, Boto3CredentialProvider, StsCredentialProvider
from longshore.auth.google import DEFAULT_SCOPES, GoogleAsyncCredentialProvider, GoogleCredentialProvider
from servers.base import Server
from servers.doubles import Double, GoogleTokens, azure_identity, google_metadata, google_tokens
from servers.moto import moto as start_moto

KEYS = {"aws_access_key_id": "KEY", "aws_secret_access_key": "SECRET"}
ROLE: AssumeRoleArguments = {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "tests"}


@pytest.fixture(autouse=True)
def _nothing_but_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These packages know the real addresses. Whatever a test forgets, nothing is sent there."""
    connect, find = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        assert address[0] in ("127.0.0.1", "localhost"), f"a test wants to connect to {address}"
        connect(self, address)

    def guarded_find(host: Any, *rest: Any, **options: Any) -> Any:
        assert host in ("127.0.0.1", "localhost"), f"a test looks for {host}"
        return find(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_find)


def soon(moment: datetime | None, after: timedelta) -> bool:
    """Whether the moment is that long from now, by a clock of a busy machine."""
    assert moment is not None
    assert moment.tzinfo is not None
    return abs(moment - datetime.now(UTC) - after) < timedelta(seconds=30)


class TestBoto3:
    @pytest.fixture(autouse=True)
    def _no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def test_the_keys_and_the_region_are_those_of_the_session(self) -> None:
        session = boto3.Session(**KEYS, aws_session_token="TOKEN", region_name="eu-west-1")
        provider = Boto3CredentialProvider(session)
        assert provider.config == {"region": "eu-west-1"}
        found = provider()
        assert (found["access_key_id"], found["secret_access_key"], found["token"]) == ("KEY", "SECRET", "TOKEN")
        assert soon(found["expires_at"], timedelta(minutes=30))
        assert soon(Boto3CredentialProvider(session, ttl=timedelta(hours=2))()["expires_at"], timedelta(hours=2))

    def test_a_session_of_botocore_does_as_well(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
        session = botocore.session.Session()
        session.set_credentials("KEY", "SECRET")
        provider = Boto3CredentialProvider(session)
        assert (provider.config, provider()["access_key_id"]) == ({"region": "eu-north-1"}, "KEY")

    def test_without_a_session_there_is_a_new_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "KEY-OF-VARIABLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
        provider = Boto3CredentialProvider()
        assert provider.config == {}
        assert provider()["access_key_id"] == "KEY-OF-VARIABLE"
        assert provider()["token"] is None

    def test_keys_that_end_before_the_ttl_say_so(self) -> None:
        asked: list[int] = []

        def refresh() -> dict[str, str]:
            asked.append(1)
            until = datetime.now(UTC) + timedelta(minutes=20)
            return {
                "access_key": f"KEY{len(asked)}",
                "secret_key": "S",
                "token": "T",
                "expiry_time": until.isoformat(),
            }

        session = botocore.session.Session()
        session._credentials = botocore.credentials.DeferredRefreshableCredentials(refresh, "test")
        found = Boto3CredentialProvider(session)()
        assert (found["access_key_id"], asked) == ("KEY1", [1])
        assert soon(found["expires_at"], timedelta(minutes=20))
        shorter = Boto3CredentialProvider(session, ttl=timedelta(minutes=5))()
        assert soon(shorter["expires_at"], timedelta(minutes=5))

    def test_the_expiry_belongs_to_the_keys_where_they_change_meanwhile(self) -> None:
        class Changing:
            """Credentials that another thread refreshes between any two questions, three times."""

            now = 0
            _expiry_time = datetime(2100, 1, 1, tzinfo=UTC)

            def get_frozen_credentials(self) -> Any:
                self.now = min(self.now + 1, 4)
                self._expiry_time = datetime.now(UTC) + timedelta(minutes=self.now)
                return botocore.credentials.ReadOnlyCredentials(f"KEY{self.now}", "S", None)

        session = botocore.session.Session()
        session._credentials = Changing()
        found = Boto3CredentialProvider(session)()
        assert found["access_key_id"] == "KEY4"
        assert soon(found["expires_at"], timedelta(minutes=4))

    def test_keys_that_are_new_at_each_question_are_asked_for_a_few_times_only(self) -> None:
        asked = []

        def refresh() -> dict[str, str]:
            asked.append(1)
            until = datetime.now(UTC) + timedelta(minutes=12)
            return {"access_key": f"KEY{len(asked)}", "secret_key": "S", "token": "T", "expiry_time": until.isoformat()}

        session = botocore.session.Session()
        session._credentials = botocore.credentials.DeferredRefreshableCredentials(refresh, "test")
        found = Boto3CredentialProvider(session)()
        assert len(asked) <= 6
        assert soon(found["expires_at"], timedelta(minutes=12))

    def test_a_session_without_credentials_is_told_at_once(self) -> None:
        with pytest.raises(ValueError, match=r"no credentials.*access_key_id"):
            Boto3CredentialProvider(boto3.Session())

    @pytest.mark.parametrize(("ttl", "error"), [(1800, TypeError), (timedelta(0), ValueError)])
    def test_a_ttl_that_makes_no_sense_is_told_at_once(self, ttl: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match="ttl must be"):
            Boto3CredentialProvider(boto3.Session(**KEYS), ttl=ttl)

    def test_no_secret_is_in_a_repr(self) -> None:
        provider = Boto3CredentialProvider(boto3.Session(**KEYS, region_name="eu-west-1"))
        assert "eu-west-1" in repr(provider)
        assert "SECRET" not in repr(provider)
        other = Boto3CredentialProvider(boto3.Session(**KEYS, region_name="eu-west-1"))
        assert repr(other) != repr(provider)  # fsspec tells file systems apart by it


class TestSts:
    @pytest.fixture(scope="class")
    @staticmethod
    def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
        with start_moto(tmp_path_factory.mktemp("moto")) as running:
            yield running

    def test_a_role_is_assumed_for_as_long_as_it_says(self, moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.endpoint)
        session = boto3.Session(**KEYS, region_name="us-east-1")
        arguments: AssumeRoleArguments = {**ROLE, "DurationSeconds": 1200}
        provider = StsCredentialProvider(session, **arguments)
        assert provider.config == {"region": "us-east-1"}
        first, second = provider(), provider()
        assert first["access_key_id"].startswith("ASIA")
        assert first["token"]
        assert first["secret_access_key"] not in repr(provider)
        assert soon(first["expires_at"], timedelta(minutes=20))
        assert second["access_key_id"] != first["access_key_id"]

    def test_it_can_be_pickled_where_no_session_was_given(self, moto: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "AWS_ENDPOINT_URL_STS": moto.endpoint,
            "AWS_ACCESS_KEY_ID": "KEY",
            "AWS_SECRET_ACCESS_KEY": "SECRET",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        provider = StsCredentialProvider(**ROLE)
        provider()
        again = pickle.loads(pickle.dumps(provider))
        assert again.kwargs == ROLE
        assert again()["access_key_id"].startswith("ASIA")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "needs RoleArn and RoleSessionName"),
            ({"RoleArn": "arn"}, "needs RoleSessionName"),
            ({**ROLE, "DurationSecond": 5}, "did you mean DurationSeconds"),
            ({**ROLE, "zzz": 5}, "it has RoleArn, "),
        ],
    )
    def test_wrong_arguments_are_told_before_anything_is_sent(self, arguments: Any, message: str) -> None:
        with pytest.raises(TypeError, match=message):
            StsCredentialProvider(boto3.Session(**KEYS), **arguments)

    def test_a_session_of_botocore_is_refused_with_the_reason(self) -> None:
        with pytest.raises(TypeError, match=r"must be a boto3\.Session, not botocore"):
            StsCredentialProvider(botocore.session.Session(), **ROLE)

    def test_the_types_have_all_of_its_arguments(self) -> None:
        shape = botocore.session.Session().get_service_model("sts").operation_model("AssumeRole").input_shape
        assert set(AssumeRoleArguments.__annotations__) == set(shape.members)


@pytest.fixture
def google_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No account of Google's, and a place for the file of one."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "project")
    return tmp_path / "account.json"


ON_A_MACHINE = """
import asyncio, json
from longshore.auth.google import GoogleAsyncCredentialProvider, GoogleCredentialProvider
for found in (GoogleCredentialProvider()(), asyncio.run(GoogleAsyncCredentialProvider()())):
    print(json.dumps({**found, "expires_at": found["expires_at"].isoformat()}))
"""


class TestGoogle:
    @pytest.fixture
    def tokens(self) -> Iterator[GoogleTokens]:
        with google_tokens() as double:
            yield double
            assert double.complaints == []

    def test_the_default_credentials_of_a_service_account_are_scoped(
        self, tokens: GoogleTokens, google_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        google_home.write_text(json.dumps(tokens.service_account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google_home))
        found = GoogleCredentialProvider()()
        assert found["token"] == tokens.token
        assert soon(found["expires_at"], timedelta(hours=1))
        claims = tokens.verify(tokens.asked[-1].form["assertion"])
        assert claims["scope"] == " ".join(DEFAULT_SCOPES)

    @pytest.mark.usefixtures("google_home")
    def test_given_credentials_get_a_scope_where_they_have_none(self, tokens: GoogleTokens) -> None:
        made = google.oauth2.service_account.Credentials.from_service_account_info(tokens.service_account)  # type: ignore[no-untyped-call]
        assert GoogleCredentialProvider(made)()["token"] == tokens.token
        own = made.with_scopes(["scope-of-their-own"])
        GoogleCredentialProvider(own)()
        scopes = [tokens.verify(asked.form["assertion"])["scope"] for asked in tokens.asked]
        assert scopes == [*DEFAULT_SCOPES, "scope-of-their-own"]
        GoogleCredentialProvider(made, scopes=["a", "b"])()
        assert tokens.verify(tokens.asked[-1].form["assertion"])["scope"] == "a b"

    def test_each_call_fetches_a_token_that_is_new(
        self, tokens: GoogleTokens, google_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        google_home.write_text(json.dumps(tokens.service_account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google_home))
        provider = GoogleCredentialProvider(refresh_threshold=timedelta(minutes=1))
        assert provider.refresh_threshold == timedelta(minutes=1)
        provider()
        tokens.token = "the-next-one"
        assert provider()["token"] == "the-next-one"

    def test_a_provider_travels_and_finds_its_account_again(
        self, tokens: GoogleTokens, google_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        google_home.write_text(json.dumps(tokens.service_account))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google_home))
        for kind in (GoogleCredentialProvider, GoogleAsyncCredentialProvider):
            again = pickle.loads(pickle.dumps(kind()))
            found = again()
            if kind is GoogleAsyncCredentialProvider:
                found = asyncio.run(found)
            assert found["token"] == tokens.token

    def test_credentials_of_asyncio_are_awaited(self, tokens: GoogleTokens) -> None:
        async def main() -> dict[str, Any]:
            made = _service_account_async.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                tokens.service_account, scopes=DEFAULT_SCOPES
            )
            provider = GoogleAsyncCredentialProvider(made)
            found = await provider()
            await provider.async_request.close()
            return dict(found)

        found = asyncio.run(main())
        assert found["token"] == tokens.token
        assert soon(found["expires_at"], timedelta(hours=1))

    def test_a_machine_of_google_is_asked_by_both_providers(self, google_home: Path) -> None:
        with google_metadata() as double:
            # In a process of its own: google-auth reads the variables once, when it is imported.
            environment = {**os.environ, **double.environment, "HOME": str(google_home.parent)}
            done = subprocess.run(
                [sys.executable, "-c", ON_A_MACHINE],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env=environment,
            )
            assert (done.returncode, done.stderr) == (0, "")
            found = [json.loads(line) for line in done.stdout.splitlines()]
            assert [each["token"] for each in found] == [double.token] * 2
            assert all(soon(datetime.fromisoformat(each["expires_at"]), timedelta(hours=1)) for each in found)

    def test_other_credentials_do_not_block_the_event_loop(self) -> None:
        class Slow:
            token, expiry = "TOKEN", None

            def refresh(self, request: object) -> None:
                # It ends only when the loop has gone on.
                assert released.wait(20)

        released = threading.Event()

        async def main() -> dict[str, Any]:
            fetching = asyncio.ensure_future(GoogleAsyncCredentialProvider(Slow())())
            await asyncio.sleep(0.01)
            released.set()
            return dict(await fetching)

        assert asyncio.run(main()) == {"token": "TOKEN", "expires_at": None}

    @pytest.mark.usefixtures("google_home")
    def test_no_account_is_the_error_of_google_auth(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_GCE_CHECK", "true")
        with pytest.raises(google.auth.exceptions.DefaultCredentialsError):
            GoogleCredentialProvider()


class TestAzure:
    @pytest.fixture
    def identity(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
        with azure_identity(secret="header") as double:
            for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
                monkeypatch.setenv(name, double.environment[name])
            yield double
            assert double.complaints == []

    def test_a_managed_identity_gives_a_token(self, identity: Double) -> None:
        found = AzureCredentialProvider(ManagedIdentityCredential())()
        assert found["token"] == identity.token
        assert soon(found["expires_at"], timedelta(hours=1))

    def test_one_for_asyncio_does_as_well(self, identity: Double) -> None:
        async def main() -> dict[str, Any]:
            async with AsyncManagedIdentityCredential() as credential:
                return dict(await AzureAsyncCredentialProvider(credential)())

        found = asyncio.run(main())
        assert found["token"] == identity.token
        assert soon(found["expires_at"], timedelta(hours=1))

    def test_the_default_credential_is_used_where_none_is_given(
        self, identity: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        assert AzureCredentialProvider()()["token"] == identity.token

        async def main() -> str:
            provider = AzureAsyncCredentialProvider()
            async with provider._credential:
                return (await provider())["token"]

        assert asyncio.run(main()) == identity.token

    def test_a_provider_travels_and_makes_the_default_credential_again(
        self, identity: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        assert pickle.loads(pickle.dumps(AzureCredentialProvider(tenant_id=None)))()["token"] == identity.token

    def test_scopes_and_tenant_reach_the_credential_each_time(self) -> None:
        class Own:
            asked: list[Any] = []  # noqa: RUF012

            def get_token(self, *scopes: str, **options: Any) -> Any:
                from azure.core.credentials import AccessToken

                self.asked.append((scopes, options))
                return AccessToken("TOKEN", 2_000_000_000)

        provider = AzureCredentialProvider(Own(), scopes=(scope for scope in ("a", "b")), tenant_id="tenant")
        provider()
        assert provider() == {"token": "TOKEN", "expires_at": datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)}
        assert Own.asked == [(("a", "b"), {"tenant_id": "tenant"})] * 2
        AzureCredentialProvider(Own(), scopes="one")()
        assert Own.asked[-1] == (("one",), {})
        with pytest.raises(ValueError, match="scopes is empty"):
            AzureCredentialProvider(Own(), scopes=())

    def test_no_secret_is_in_a_repr(self) -> None:
        credential = ClientSecretCredential("tenant", "client", "SECRET")
        shown = repr(AzureCredentialProvider(credential))
        assert "ClientSecretCredential" in shown
        assert "SECRET" not in shown


MAKERS = [
    ("boto3", "Boto3CredentialProvider", {}, "boto3", "pip install boto3"),
    ("boto3", "StsCredentialProvider", ROLE, "boto3", "pip install boto3"),
    ("google", "GoogleCredentialProvider", {}, "google", r"pip install 'google-auth\[requests\]'"),
    ("google", "GoogleAsyncCredentialProvider", {}, "google", r"pip install 'google-auth\[requests\]'"),
    ("azure", "AzureCredentialProvider", {}, "azure", "pip install azure-identity"),
    ("azure", "AzureAsyncCredentialProvider", {}, "aiohttp", "pip install azure-identity aiohttp"),
]


@pytest.mark.parametrize(("module", "name", "arguments", "absent", "cure"), MAKERS)
def test_a_package_that_is_missing_is_named_with_the_cure(
    module: str, name: str, arguments: Any, absent: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = getattr(importlib.import_module(f"longshore.auth.{module}"), name)
    original = builtins.__import__

    def refuse(wanted: str, *rest: Any) -> Any:
        if wanted.partition(".")[0] == absent:
            raise ModuleNotFoundError(f"No module named {wanted!r}", name=wanted)
        return original(wanted, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=f"{name} needs .*{cure}") as caught:
        kind(**arguments)
    assert caught.value.name is not None
    assert caught.value.name.startswith(absent)


def test_importing_the_modules_imports_none_of_the_packages() -> None:
    heavy = ["boto3", "botocore", "google.auth", "azure", "aiohttp", "requests"]
    program = (
        "import sys, longshore, longshore.auth.boto3, longshore.auth.google, longshore.auth.azure\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


@pytest.mark.parametrize("module", ["azure", "boto3", "google"])
def test_type_hints_resolve_at_run_time(module: str) -> None:
    found = importlib.import_module(f"longshore.auth.{module}")
    for name in found.__all__:
        value = getattr(found, name)
        for part in ("__init__", "__call__", "refresh", "get_token", "get_credentials", "client"):
            member = getattr(value, part, None)
            if inspect.isfunction(member) and member.__module__.startswith("longshore"):
                assert "return" in typing.get_type_hints(member)
