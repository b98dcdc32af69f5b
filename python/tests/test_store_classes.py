"""The store classes: what their constructors take, what they show, and what they are equal to."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
from longshore import exceptions, testing
from longshore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store, Store, from_url

KEYS: dict[str, Any] = {"access_key_id": "AKIA", "secret_access_key": "hunter2"}

EACH: dict[str, Callable[[], Store]] = {
    "s3": lambda: S3Store("bucket", prefix="a/b", region="eu-north-1", **KEYS),
    "gcs": lambda: GCSStore("bucket", prefix="a/b", skip_signature=True),
    "azure": lambda: AzureStore("container", prefix="a/b", account_name="account", account_key="aHVudGVyMg=="),
    "http": lambda: HTTPStore("https://me:hunter2@host/a/b", client_options={"timeout": 5}),
    "local": lambda: LocalStore("/tmp", automatic_cleanup=True),
}

each = pytest.mark.parametrize("make", EACH.values(), ids=EACH)


class Mine(S3Store):
    """A class of a user."""

    note: str


@each
def test_stores_with_the_same_settings_are_equal_and_hash_alike(make: Callable[[], Store]) -> None:
    one, two = make(), make()
    assert one == two
    assert hash(one) == hash(two)
    assert {one: "x"}[two] == "x"
    assert one != S3Store("other")
    assert one != "a text"


def test_stores_with_other_settings_or_another_prefix_are_not_equal() -> None:
    store = S3Store("b", region="r", prefix="p")
    for other in [
        S3Store("b", region="r"),
        S3Store("b", region="q", prefix="p"),
        S3Store("c", region="r", prefix="p"),
        S3Store("b", region="r", prefix="p", retry_config={"max_retries": 1}),
    ]:
        assert store != other, other
    assert store == S3Store("b", config={"aws_region": "r"}, prefix="/p/")


@each
def test_a_pickled_store_is_the_same_store_with_everything_that_was_said(make: Callable[[], Store]) -> None:
    store = make()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(store, protocol))
        assert again == store
        assert repr(again) == repr(store)
        assert type(again) is type(store)


@each
def test_a_copy_is_the_store_itself(make: Callable[[], Store]) -> None:
    store = make()
    assert copy.copy(store) is store
    assert copy.deepcopy({"store": store})["store"] is store


@each
def test_a_store_can_be_referred_to_weakly(make: Callable[[], Store]) -> None:
    store = make()
    reference = weakref.ref(store)
    assert reference() is store
    del store
    gc.collect()
    assert reference() is None


@each
def test_no_secret_is_shown(make: Callable[[], Store]) -> None:
    store: Any = make()
    shown = [repr(store), str(store), repr(getattr(store, "config", "")), repr(getattr(store, "client_options", ""))]
    shown += [repr(store.__getnewargs_ex__()), f"{getattr(store, 'config', {})}"]
    assert not any("hunter2" in text or "aHVudGVyMg" in text for text in shown), shown


def test_a_secret_in_config_is_the_text_itself() -> None:
    secret = S3Store("b", **KEYS).config["secret_access_key"]
    assert secret == "hunter2"
    assert isinstance(secret, str)
    assert (f"{secret}", str(secret), repr(secret)) == ("hunter2", "hunter2", "'****'")
    assert pickle.loads(pickle.dumps(secret)) == "hunter2"


def test_what_the_environment_says_is_in_config_and_in_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BUCKET", "from-the-environment")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    store = S3Store()
    assert store.bucket == "from-the-environment"
    assert store.config == {"bucket": "from-the-environment", "region": "eu-north-1", **KEYS}
    assert repr(store) == (
        'S3Store(bucket="from-the-environment", region="eu-north-1", access_key_id="AKIA", secret_access_key="****")'
    )
    assert store == S3Store("from-the-environment", region="eu-north-1", **KEYS)


def test_what_the_environment_said_goes_with_a_pickled_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BUCKET", "here")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    store = S3Store(skip_signature=True)
    pickled = pickle.dumps(store)
    monkeypatch.setenv("AWS_BUCKET", "there")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert pickle.loads(pickled) == store
    program = "import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read())))"
    done = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().strip() == repr(store)


def test_a_profile_goes_with_a_pickled_store_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile mine]\nregion = eu-north-1\naws_access_key_id = a\naws_secret_access_key = hunter2\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "mine")
    store = S3Store("b")
    pickled = pickle.dumps(store)
    assert b"hunter2" not in pickled
    monkeypatch.setenv("AWS_PROFILE", "other")
    again = pickle.loads(pickled)
    assert (again, again.region) == (store, "eu-north-1")


def test_a_memory_store_is_shared_by_reference_and_cannot_be_pickled() -> None:
    store = MemoryStore()
    assert store == store
    assert store != MemoryStore()
    with pytest.raises(exceptions.NotSupportedError, match="cannot be pickled"):
        pickle.dumps(store)


def test_a_class_of_a_user_is_made_pickled_and_made_from_a_url() -> None:
    store = Mine("b", region="r")
    store.note = "kept"
    again = pickle.loads(pickle.dumps(store))
    assert (type(again), again, again.note) == (Mine, store, "kept")
    named = Mine.from_url("s3://b/some/path", region="r")
    assert (type(named), named.prefix) == (Mine, "some/path")


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: S3Store("b", regoin="x"), "region"),  # type: ignore[call-arg]
        (lambda: S3Store("b", config={"regoin": "x"}), "region"),  # type: ignore[arg-type]
        (lambda: S3Store("b", client_options={"conect_timeout": 1}), "connect_timeout"),  # type: ignore[arg-type]
        (lambda: S3Store("b", retry_config={"max_retrys": 1}), "max_retries"),  # type: ignore[arg-type]
        (lambda: S3Store("b", retry_config={"backoff": {"bas": 2}}), "base"),  # type: ignore[arg-type]
        (lambda: GCSStore("b", servce_account="x"), "service_account"),  # type: ignore[call-arg]
        (lambda: AzureStore("c", account_name="a", acount_key="x"), "account_key"),  # type: ignore[call-arg]
        (lambda: HTTPStore("https://h", usrname="x"), "username"),  # type: ignore[call-arg]
    ],
)
def test_an_unknown_key_anywhere_is_an_error_with_a_suggestion(make: Callable[[], Store], hint: str) -> None:
    with pytest.raises(exceptions.UnknownConfigurationKeyError, match=f'did you mean "{hint}"'):
        make()


@pytest.mark.parametrize("argument", ["config", "client_options", "retry_config"])
@pytest.mark.parametrize("value", [5, "text", ["region"], True])
def test_what_must_be_a_dictionary_is_one(argument: str, value: object) -> None:
    arguments: dict[str, Any] = {argument: value}
    with pytest.raises(TypeError, match=f"{argument} must be a dictionary"):
        S3Store("b", **arguments)


def test_a_setting_is_given_once() -> None:
    for arguments in [
        {"config": {"region": "a"}, "region": "b"},
        {"config": {"aws_region": "a"}, "region": "b"},
        {"allow_http": True, "client_options": {"allow_http": True}},
    ]:
        with pytest.raises(exceptions.InvalidArgumentError, match=r"twice|the same option"):
            S3Store("b", **arguments)  # type: ignore[arg-type]


def test_numbers_flags_and_lengths_of_time_are_taken_where_they_are_meant() -> None:
    store = S3Store(
        "b",
        skip_signature=True,
        client_options={"timeout": timedelta(minutes=2), "connect_timeout": 1.5, "pool_max_idle_per_host": 3},
        retry_config={
            "max_retries": 3,
            "retry_timeout": "1m 30s",
            "backoff": {"init_backoff": timedelta(milliseconds=250), "base": 3},
        },
    )
    assert store.retry_config == {
        "max_retries": 3,
        "retry_timeout": timedelta(seconds=90),
        "backoff": {"init_backoff": timedelta(milliseconds=250), "base": 3},
    }
    assert store.client_options == {"timeout": "120.000000", "connect_timeout": "1.5", "pool_max_idle_per_host": "3"}
    assert store.config == {"bucket": "b", "skip_signature": "true"}
    bad: Any
    for bad in ["soon", -1, True]:
        with pytest.raises(exceptions.BaseError):
            S3Store("b", client_options={"timeout": bad})
    with pytest.raises(TypeError, match=r"region must be a str, number, bool or timedelta, not list"):
        S3Store("b", region=["x"])  # type: ignore[arg-type]


def test_client_options_in_config_are_client_options() -> None:
    store = S3Store("b", config={"region": "r", "timeout": "30s", "allow_http": True})
    assert store.config == {"bucket": "b", "region": "r"}
    assert store.client_options == {"timeout": "30s", "allow_http": "true"}
    assert pickle.loads(pickle.dumps(store)) == store
    assert 'timeout="30s"' in repr(store)


def test_headers_are_a_dictionary_of_texts_or_bytes() -> None:
    headers: Any = {"X-One": "1", "x-two": b"2"}
    store = HTTPStore("https://host", client_options={"default_headers": headers})
    assert store.client_options == {"default_headers": {"X-One": "1", "x-two": "2"}}
    with pytest.raises(exceptions.InvalidArgumentError, match="no header can have"):
        HTTPStore("https://host", client_options={"default_headers": {"X": "a\r\nAuthorization: b"}})


def test_a_url_says_which_class_and_its_path_is_the_prefix(tmp_path: Path) -> None:
    found = from_url("s3://bucket/a/b/")
    assert isinstance(found, S3Store)
    assert (found.bucket, found.prefix) == ("bucket", "a/b")
    found = from_url("https://bucket.s3.eu-west-1.amazonaws.com/a")
    assert isinstance(found, S3Store)
    assert (found.bucket, found.region, found.prefix) == ("bucket", "eu-west-1", "a")
    found = from_url("gs://bucket/a")
    assert isinstance(found, GCSStore)
    assert (found.bucket, found.prefix) == ("bucket", "a")
    found = from_url("abfss://container@account.dfs.core.windows.net/a", account_key="a2V5")
    assert isinstance(found, AzureStore)
    assert (found.container_name, found.account, found.prefix) == ("container", "account", "a")
    found = from_url(tmp_path.as_uri())
    assert isinstance(found, LocalStore)
    assert found.prefix == tmp_path
    found = from_url("https://host/a/b")
    assert isinstance(found, HTTPStore)
    assert (found.url, found.origin) == ("https://host/a/b", "https://host")
    assert isinstance(from_url("memory:///"), MemoryStore)
    for bad in ["ftp://host", "bucket/key", "s3://"]:
        with pytest.raises(exceptions.InvalidArgumentError):
            from_url(bad)
    with pytest.raises(exceptions.InvalidArgumentError, match="another kind of store"):
        S3Store.from_url("gs://bucket")


def test_what_is_said_beside_a_url_counts_more() -> None:
    store = S3Store.from_url("https://s3.eu-west-1.amazonaws.com/bucket/a", region="eu-north-1", prefix="other")
    assert (store.bucket, store.region, store.prefix) == ("bucket", "eu-north-1", "other")


def test_a_local_store_is_a_folder_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(exceptions.InvalidArgumentError, match="mkdir=True"):
        LocalStore(tmp_path / "new")
    store = LocalStore(tmp_path / "new", mkdir=True)
    assert store.prefix == tmp_path / "new"
    assert repr(store) == f'LocalStore(prefix="{tmp_path}/new")'
    assert repr(LocalStore()) == "LocalStore()"
    with pytest.raises(TypeError, match="prefix must be a str or a path"):
        LocalStore(5)  # type: ignore[arg-type]


def test_nobody_makes_a_bare_store() -> None:
    with pytest.raises(TypeError, match="S3Store"):
        Store()


def test_everything_in_all_can_be_imported() -> None:
    namespace: dict[str, Any] = {}
    exec("from longshore.store import *", namespace)
    assert {"S3Store", "from_url"} <= set(namespace)


def test_each_store_asks_the_endpoint_that_it_was_given() -> None:
    with testing.server() as one, testing.server() as two:
        for server, body in [(one, b"one"), (two, b"two")]:
            s3.create_bucket("s3://bucket", store=server.store_for("bucket"))
            S3Store(
                "bucket",
                endpoint=server.endpoint,
                access_key_id=server.access_key,
                secret_access_key=server.secret_key,
            ).put("key", body)
        for server, body in [(two, b"two"), (one, b"one")]:
            assert s3.get("s3://bucket/key", store=server.store_for("bucket")) == body
