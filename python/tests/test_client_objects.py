"""`head`, `exists`, `copy`, `create_bucket`, and the stores that `store_for` gives."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import longshore as s3
from backends import Ability, Backends, Place, environment_of, new_name
from longshore.exceptions import (
    ArgumentTypeError,
    BaseError,
    InvalidArgumentError,
    NotFoundError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
from servers.s3 import pattern
from ways import Way


def test_head_describes_an_object(readable_place: Place, way: Way) -> None:
    readable_place.write({"deep/object": b"12345"})
    meta = way.head(readable_place.uri("deep/object"))
    assert sorted(meta) == ["e_tag", "last_modified", "path", "size", "version"]
    assert (meta["path"], meta["size"]) == (readable_place.key("deep/object"), 5)
    assert abs(meta["last_modified"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert meta["last_modified"].utcoffset() == timedelta(0)
    assert meta["e_tag"]


def test_head_tells_one_content_from_another(readable_place: Place, way: Way) -> None:
    readable_place.write({"a": b"one"})
    before = way.head(readable_place.uri("a"))["e_tag"]
    assert way.head(readable_place.uri("a"))["e_tag"] == before
    readable_place.write({"a": b"another"})
    assert way.head(readable_place.uri("a"))["e_tag"] != before


def test_head_of_a_missing_object_is_not_found(readable_place: Place, way: Way) -> None:
    with pytest.raises(NotFoundError) as caught:
        way.head(readable_place.uri("missing"))
    assert (caught.value.uri, caught.value.operation) == (readable_place.uri("missing"), "head")


def test_exists_says_whether_there_is_that_object(readable_place: Place, way: Way) -> None:
    readable_place.fill("folder/object", "empty")
    readable_place.write({"empty": b""})
    names = ["folder/object", "empty", "folder/obj", "missing"]
    assert [way.exists(readable_place.uri(name)) for name in names] == [True, True, False, False]
    if readable_place.kind.can(Ability.NO_FOLDERS):
        assert not way.exists(readable_place.uri("folder"))


def test_exists_fails_where_it_cannot_tell(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3.store_for("s3://bucket", endpoint=closed_port, access_key_id="k", secret_access_key="s", max_retries=0)
    with pytest.raises(BaseError):
        s3.exists("s3://bucket/key", store=store)


def test_copy_makes_another_object_of_the_same_content(place: Place, way: Way) -> None:
    way.put(place.uri("from"), pattern(200_000))
    way.copy(place.uri("from"), place.uri("deep/to"))
    assert way.get(place.uri("deep/to")) == pattern(200_000)
    assert place.names() == ["deep/to", "from"]


def test_copy_replaces_what_was_there(place: Place, way: Way) -> None:
    place.fill("a", "b")
    way.copy(place.uri("a"), place.uri("b"))
    assert place.bodies() == {"a": b"a", "b": b"a"}


def test_a_copy_is_independent_of_its_source(place: Place, way: Way) -> None:
    place.fill("a")
    way.copy(place.uri("a"), place.uri("b"))
    way.put(place.uri("a"), b"new")
    assert place.bodies() == {"a": b"new", "b": b"a"}
    way.delete(place.uri("a"))
    assert place.bodies() == {"b": b"a"}


def test_a_copied_file_shares_nothing_with_its_source(tmp_path: Path, way: Way) -> None:
    (tmp_path / "a").write_bytes(b"old")
    way.copy(f"file://{tmp_path}/a", f"file://{tmp_path}/b")
    with (tmp_path / "a").open("r+b") as file:
        file.write(b"new")
    assert (tmp_path / "b").read_bytes() == b"old"


def test_copying_a_file_again_leaves_nothing_else_behind(tmp_path: Path, way: Way) -> None:
    (tmp_path / "a").write_bytes(b"body")
    for _ in range(3):
        way.copy(f"file://{tmp_path}/a", f"file://{tmp_path}/b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_copy_of_a_missing_object_is_not_found_and_names_it(place: Place, way: Way) -> None:
    with pytest.raises(NotFoundError) as caught:
        way.copy(place.uri("missing"), place.uri("to"))
    assert caught.value.operation == "copy"
    assert caught.value.uri == place.uri("missing")
    assert "missing" in str(caught.value)
    assert place.names() == []


def test_copy_goes_from_one_kind_of_store_to_another(readable_place: Place, tmp_path: Path) -> None:
    readable_place.write({"from": pattern(100_000)})
    memory = f"memory://{new_name()}/to"
    s3.copy(readable_place.uri("from"), memory)
    s3.copy(readable_place.uri("from"), f"file://{tmp_path}/to")
    assert s3.get(memory) == (tmp_path / "to").read_bytes() == pattern(100_000)


def test_copy_goes_from_a_file_into_every_store(place: Place, tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(pattern(100_000))
    s3.copy(f"file://{tmp_path}/from", place.uri("back"))
    assert s3.get(place.uri("back")) == pattern(100_000)


def test_copy_on_one_server_moves_no_bytes_through_this_process(gateway_place: Place) -> None:
    gateway_place.fill("a")
    other = f"s3://{new_name()}"
    s3.create_bucket(other)
    gateway_place.reset()
    s3.copy(gateway_place.uri("a"), gateway_place.uri("b"))
    s3.copy(gateway_place.uri("a"), other + "/b")
    assert s3.get(other + "/b") == b"a"
    assert {name: gateway_place.count(name) for name in ("CopyObject", "GetObject", "PutObject")} == {
        "CopyObject": 2,
        "GetObject": 1,
        "PutObject": 0,
    }


def test_create_bucket_makes_one_and_accepts_our_own(bucket: str) -> None:
    s3.put_bytes(bucket + "/key", b"body")
    s3.create_bucket(bucket)
    s3.create_bucket(bucket + "/")
    assert s3.list(bucket) == ["key"]


def test_create_bucket_makes_a_folder_for_files(tmp_path: Path) -> None:
    for _ in range(2):
        s3.create_bucket(f"file://{tmp_path}/new/folder")
    assert (tmp_path / "new/folder").is_dir()


def test_a_name_that_no_bucket_can_have_is_an_error(cloud_place: Place) -> None:
    with pytest.raises(BaseError) as caught:
        s3.create_bucket(f"{cloud_place.backend.scheme}://A_")
    assert caught.value.operation == "create_bucket"


def test_the_same_configuration_gives_the_same_store(cloud_place: Place) -> None:
    uri, options = cloud_place.uri(), dict(cloud_place.backend.options)
    store = s3.store_for(uri)
    assert type(store) is cloud_place.kind.store
    assert store == s3.store_for(cloud_place.uri("another/key")) == s3.store_for(uri, **options)
    assert hash(store) == hash(s3.store_for(uri))
    assert len({store, s3.store_for(uri)}) == 1
    assert store != s3.store_for(uri, max_retries=1)
    assert store != s3.store_for(f"{cloud_place.backend.scheme}://other-bucket")


def test_each_kind_of_uri_has_its_class() -> None:
    kinds = [type(s3.store_for(uri)) for uri in ("file:///tmp", "memory:///", "memory://name/x")]
    assert kinds == [s3.LocalStore, s3.MemoryStore, s3.MemoryStore]
    assert all(issubclass(kind, s3.Store) for kind in [*kinds, s3.S3Store])


def test_calls_with_a_store_need_no_environment(cloud_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in cloud_place.backend.environment:
        monkeypatch.delenv(name)
    store = s3.store_for(cloud_place.uri(), **cloud_place.backend.options)
    uri = cloud_place.uri("set/a")
    s3.put_bytes(uri, b"body", store=store)
    s3.put_many([(cloud_place.uri("set/b"), b"body")], store=store)
    s3.put(cloud_place.uri("set"), 1, "c{}", size=4, store=store)
    s3.copy(uri, cloud_place.uri("set/d"), store=store)
    s3.create_bucket(cloud_place.backend.root, store=store)
    assert s3.list(cloud_place.uri(), store=store) == [cloud_place.key(f"set/{name}") for name in ("a", "b", "c0", "d")]
    assert s3.get(uri, store=store) == b"body"
    assert s3.get_many([uri], store=store) == [(uri, b"body")]
    assert s3.get_many_stats([cloud_place.uri("set/*")], store=store) == (4, 16)
    assert (s3.exists(uri, store=store), s3.head(uri, store=store)["size"]) == (True, 4)
    s3.delete(cloud_place.uri(), store=store)
    assert s3.list(cloud_place.uri(), store=store) == []


def test_a_store_outlives_the_variables_it_was_made_from(cloud_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3.store_for(cloud_place.uri())
    for name in cloud_place.backend.environment:
        monkeypatch.delenv(name)
    uri = cloud_place.uri("a")
    s3.put_bytes(uri, b"body", store=store)
    assert s3.get(uri, store=store) == b"body"


def test_variables_are_read_when_a_function_is_called(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = f"s3://{new_name()}"
    for name in ("gateway", "moto"):
        for variable, value in environment_of(backends[name].options).items():
            monkeypatch.setenv(variable, value)
        s3.create_bucket(bucket)
        s3.put_bytes(bucket + "/key", name.encode())
        assert s3.get(bucket + "/key") == name.encode()


def test_the_s3_endpoint_variable_goes_before_the_general_one(
    gateway_place: Place, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway_place.fill("a")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", gateway_place.backend.options["endpoint"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed_port)
    assert s3.get(gateway_place.uri("a")) == b"a"
    store = s3.store_for(gateway_place.uri())
    assert isinstance(store, s3.S3Store)
    assert store.endpoint == gateway_place.backend.options["endpoint"]


def test_a_bucket_in_the_environment_disturbs_nobody(gateway_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BUCKET", "another")
    gateway_place.fill("a")
    assert s3.get(gateway_place.uri("a")) == b"a"
    assert s3.store_for(gateway_place.uri()).bucket in repr(s3.store_for(gateway_place.uri()))


def test_a_store_shows_where_it_is_and_no_secret(gateway_place: Place) -> None:
    store = s3.store_for(gateway_place.uri(), session_token="hidden-token", **gateway_place.backend.options)
    assert store.bucket in repr(store)
    assert gateway_place.backend.options["endpoint"] in repr(store)
    assert gateway_place.backend.options["secret_access_key"] not in repr(store)
    assert "hidden-token" not in repr(store)


def test_a_wrong_secret_is_refused_as_permission(gateway_place: Place) -> None:
    store = s3.store_for(gateway_place.uri(), **{**gateway_place.backend.options, "secret_access_key": "wrong"})
    with pytest.raises(PermissionError) as caught:
        s3.list(gateway_place.uri(), store=store)
    assert isinstance(caught.value, BaseError)
    assert (caught.value.status, caught.value.code) == (403, "SignatureDoesNotMatch")
    assert "wrong" not in str(caught.value)


def test_no_credentials_for_an_endpoint_is_an_error_at_once(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed_port)
    with pytest.raises(UnauthenticatedError) as caught:
        s3.get("s3://bucket/key")
    assert caught.value.attempts == 0


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"regoin": "x"}, UnknownConfigurationKeyError, "region"),
        ({"retry_config": 5}, UnknownConfigurationKeyError, "retry_config"),
        ({"timeout": "soon"}, InvalidArgumentError, "timeout"),
        ({"timeout": -1}, InvalidArgumentError, "timeout"),
        ({"max_retries": "x"}, InvalidArgumentError, "max_retries"),
        ({"allow_http": "maybe"}, InvalidArgumentError, "allow_http"),
        ({"region": ["x"]}, ArgumentTypeError, "region"),
        ({"endpoint": "nowhere"}, InvalidArgumentError, "endpoint"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    options: dict[str, object], kind: type[BaseError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        s3.store_for("s3://bucket", **options)  # type: ignore[arg-type]


def test_options_may_be_numbers_texts_and_lengths_of_time(gateway_place: Place) -> None:
    options = gateway_place.backend.options
    stores = [
        s3.store_for(gateway_place.uri(), timeout=value, **options)
        for value in (10, "10", 10.0, "10s", timedelta(seconds=10))
    ]
    assert len(set(stores)) == 1
    assert stores[0] != s3.store_for(gateway_place.uri(), timeout=11, **options)


def test_no_option_means_its_default(gateway_place: Place) -> None:
    assert s3.store_for(gateway_place.uri(), timeout=None, region=None) == s3.store_for(gateway_place.uri())


def test_a_store_for_another_bucket_is_refused(gateway_place: Place) -> None:
    store = s3.store_for("s3://another-bucket", **gateway_place.backend.options)
    with pytest.raises(InvalidArgumentError, match="another-bucket"):
        s3.get(gateway_place.uri("a"), store=store)
    with pytest.raises(InvalidArgumentError):
        s3.get("memory:///a", store=store)


def test_memory_stores_keep_their_objects_while_nobody_holds_them() -> None:
    s3.put_bytes("memory://kept/a", b"body")
    gc.collect()
    assert s3.get("memory://kept/a") == b"body"
    assert not s3.exists("memory:///a")
    assert not s3.exists("memory://other/a")
