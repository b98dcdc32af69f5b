"""Credential providers: callables of Python that give credentials, asked on a thread of their own."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import children
import longshore as s3
from longshore import exceptions, obs, testing
from longshore.store import AzureStore, GCSStore, HTTPStore, S3Store


@pytest.fixture(scope="module")
def aws() -> Iterator[testing.Server]:
    with testing.server() as server:
        s3.create_bucket("s3://bucket", store=server.store_for("bucket"))
        yield server


@dataclass
class Keys:
    """Gives the server's own keys, and remembers who asked."""

    server: testing.Server
    life: timedelta | None = None
    asked: list[str] = field(default_factory=list, compare=False)

    def answer(self) -> dict[str, Any]:
        self.asked.append(threading.current_thread().name)
        return {
            "access_key_id": self.server.access_key,
            "secret_access_key": self.server.secret_key,
            "token": None,
            "expires_at": datetime.now(UTC) + self.life if self.life else None,
        }

    def __call__(self) -> dict[str, Any]:
        return self.answer()


class AsyncKeys(Keys):
    """The same, asynchronously; it remembers the loop."""

    loops: set[int]

    async def __call__(self) -> dict[str, Any]:  # type: ignore[override]
        self.loops = getattr(self, "loops", set()) | {id(asyncio.get_running_loop())}
        await asyncio.sleep(0.01)
        return self.answer()


def store(aws: testing.Server, provider: Any, **more: Any) -> S3Store:
    return S3Store(
        "bucket", endpoint=aws.endpoint, credential_provider=provider, retry_config={"max_retries": 0}, **more
    )


@pytest.mark.parametrize("kind", [Keys, AsyncKeys])
def test_a_provider_is_asked_once_for_many_requests_and_never_on_a_worker(
    aws: testing.Server, kind: type[Keys]
) -> None:
    keys = kind(aws)
    target = store(aws, keys)
    given: object = target.credential_provider
    assert given is keys
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: obs.put(target, f"key{number}", b"x"), range(40)))
    assert len(obs.list(target).collect()) >= 40
    assert keys.asked == [f"longshore: {kind.__name__}"]


@pytest.mark.parametrize("kind", [Keys, AsyncKeys])
def test_credentials_that_end_are_fetched_again(aws: testing.Server, kind: type[Keys]) -> None:
    keys = kind(aws, life=timedelta(seconds=1))
    target = store(aws, keys)
    obs.put(target, "key", b"x")
    time.sleep(1.2)
    obs.put(target, "key", b"y")
    assert 2 <= len(keys.asked) <= 4
    if isinstance(keys, AsyncKeys):
        assert len(keys.loops) == 1, "a provider's sessions belong to one loop"


def test_a_store_that_nobody_uses_asks_nobody_and_starts_no_thread(aws: testing.Server) -> None:
    keys = Keys(aws, life=timedelta(hours=7))
    before = threading.active_count()
    target = store(aws, keys)
    assert target == store(aws, keys)
    assert repr(target).endswith("credential_provider=Keys)")
    assert (keys.asked, threading.active_count()) == ([], before)


def test_what_a_provider_raises_is_the_cause_of_the_error(aws: testing.Server) -> None:
    def broken() -> dict[str, Any]:
        raise LookupError("no such user")

    with pytest.raises(exceptions.UnauthenticatedError, match=r"broken raised LookupError: no such user") as caught:
        obs.get(store(aws, broken), "key")
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.__cause__.__traceback__ is not None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"access_key_id": "a", "expires_at": None}, 'without "secret_access_key"'),
        ({"access_key_id": 5, "secret_access_key": "s", "expires_at": None}, 'gave a int as "access_key_id"'),
        ({"access_key_id": "a", "secret_access_key": "hunter2"}, 'no "expires_at"'),
        (
            {"access_key_id": "a", "secret_access_key": "hunter2", "expires_at": datetime(2030, 1, 1)},
            "without a time zone",
        ),
        ({"access_key_id": "a", "secret_access_key": "hunter2", "expires_at": "soon"}, "neither a datetime nor None"),
        (None, "gave a NoneType"),
    ],
)
def test_a_wrong_answer_is_told_without_its_values(aws: testing.Server, answer: object, reason: str) -> None:
    with pytest.raises(exceptions.UnauthenticatedError) as caught:
        obs.get(store(aws, lambda: answer), "key")
    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_a_provider_knows_of_the_store_counts_where_the_caller_says_nothing(aws: testing.Server) -> None:
    class Knows(Keys):
        config = {"region": "eu-north-1", "endpoint": aws.endpoint}  # noqa: RUF012
        prefix = "of/the/provider"

    knows: Any = Knows(aws)
    target = S3Store("bucket", credential_provider=knows)
    assert (target.region, target.endpoint, target.prefix) == ("eu-north-1", aws.endpoint, "of/the/provider")
    target = S3Store("bucket", prefix="mine", region="us-west-2", credential_provider=knows)
    assert (target.region, target.prefix) == ("us-west-2", "mine")


def test_equal_providers_make_equal_stores_and_others_do_not(aws: testing.Server) -> None:
    assert store(aws, Keys(aws)) == store(aws, Keys(aws))
    assert store(aws, Keys(aws)) != store(aws, Keys(aws, life=timedelta(hours=1)))
    assert store(aws, Keys(aws)) != S3Store("bucket", endpoint=aws.endpoint, skip_signature=True)


@dataclass
class Portable:
    """A provider that can be pickled."""

    access_key: str

    def __call__(self) -> dict[str, Any]:
        return {"access_key_id": self.access_key, "secret_access_key": "s", "expires_at": None}


def test_a_provider_goes_with_a_pickled_store() -> None:
    portable: Any = Portable("a")
    target = S3Store("bucket", credential_provider=portable)
    again = pickle.loads(pickle.dumps(target))
    assert again == target
    assert again.credential_provider == Portable("a")


def test_google_and_azure_take_their_own_credentials() -> None:
    def answers(store: Any) -> object:
        return store._credentials()()

    google: Any = lambda: {"token": "hunter2", "expires_at": None}  # noqa: E731
    assert answers(GCSStore("b", credential_provider=google)) == {"token": "hunter2", "expires_at": None}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"token": "t"}, {"token": "t"}),
        ({"access_key": "a2V5"}, {"access_key": "a2V5"}),
        ({"sas_token": "?sv=1&sig=a%2Bb%3D"}, {"sas_token": [("sv", "1"), ("sig", "a+b=")]}),
        ({"sas_token": [("sv", "1"), ("sig", "a+b=")]}, {"sas_token": [("sv", "1"), ("sig", "a+b=")]}),
    ]
    for answer, expected in cases:
        provider: Any = lambda answer=answer: {**answer, "expires_at": None}  # noqa: E731
        azure = AzureStore("c", account_name="account", credential_provider=provider)
        assert answers(azure) == {**expected, "expires_at": None}


def test_what_is_no_provider_is_refused() -> None:
    with pytest.raises(TypeError, match="callable that gives a dictionary"):
        S3Store("b", credential_provider={"access_key_id": "a"})  # type: ignore[arg-type]
    with pytest.raises(exceptions.BaseError):
        HTTPStore("https://host", credential_provider=dict)  # type: ignore[call-arg]


def test_a_process_leaves_while_a_provider_is_asked(aws: testing.Server) -> None:
    ended = children.run("provider_programs", "leave_while_a_provider_is_asked", aws.endpoint)
    assert ended.check() == "leaving\n"
    assert ended.seconds < 20


def test_a_forked_child_asks_its_own_thread(aws: testing.Server) -> None:
    arguments = [aws.endpoint, aws.access_key, aws.secret_key]
    ended = children.run("provider_programs", "a_child_asks_anew", *arguments)
    assert ended.check() == "child 0 parent from the parent\n"


def test_another_library_is_given_a_provider_that_asks_the_live_store(aws: testing.Server) -> None:
    keys = Keys(aws)
    target = store(aws, keys)
    _, keywords = target.__getnewargs_ex__()
    assert keywords["credential_provider"] is keys
    profile = S3Store("bucket", endpoint=aws.endpoint, access_key_id="a", secret_access_key="b")
    assert "credential_provider" not in profile.__getnewargs_ex__()[1]


class TestAProviderThatUsesItsOwnStore:
    """It would wait for itself."""

    @pytest.mark.parametrize(
        "use",
        [
            lambda store: obs.get(store, "keys"),
            lambda store: obs.list(store).collect(),
            lambda store: obs.put(store, "keys", iter([b"x"])),
            lambda store: s3.get("s3://bucket/keys", store=store),
            lambda store: obs.open_reader(store, "keys").read(),
        ],
    )
    def test_is_told_so_at_once(self, aws: testing.Server, use: Any) -> None:
        class Circle(Keys):
            def __call__(self) -> dict[str, Any]:
                use(target)
                return self.answer()

        keys = Circle(aws)
        target = store(aws, keys)
        began = time.monotonic()
        with pytest.raises(exceptions.UnauthenticatedError, match="wait for itself"):
            obs.head(target, "key")
        assert time.monotonic() - began < 20
        assert keys.asked == []

    def test_is_told_so_as_a_coroutine_too(self, aws: testing.Server) -> None:
        class Circle(Keys):
            async def __call__(self) -> dict[str, Any]:  # type: ignore[override]
                await obs.get_async(target, "keys")
                return self.answer()

        target = store(aws, Circle(aws))
        with pytest.raises(exceptions.UnauthenticatedError, match="wait for itself"):
            obs.head(target, "key")

    def test_may_use_another_store(self, aws: testing.Server) -> None:
        other = aws.store_for("bucket")
        obs.put(other, "keys", b"x")

        class Chain(Keys):
            def __call__(self) -> dict[str, Any]:
                assert obs.get(other, "keys").bytes() == b"x"
                return self.answer()

        assert obs.head(store(aws, Chain(aws)), "keys")["size"] == 1
