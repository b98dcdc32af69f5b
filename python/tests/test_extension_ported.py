"""Code that was written for pyo3-object_store and pyo3-bytes, built with longshore's crates: `examples/extension/ported`."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import extension_built
import longshore
from backends import Backends
from longshore import testing

pytestmark = pytest.mark.filterwarnings(extension_built.BUILT_ANEW)


@pytest.fixture(scope="module")
def ported() -> Any:
    return extension_built.module("ported")


@pytest.fixture
def store(ported: Any, tmp_path: Path) -> Any:
    store = ported.store.LocalStore(tmp_path)
    ported.save(store, "a/b", b"0123456789")
    ported.save(store, "c", b"short")
    return store


def test_the_programs_of_the_readmes_run(ported: Any, store: Any) -> None:
    for use in (ported.use_object_store, ported.use_any, ported.use_external):
        assert isinstance(use(store), str)
    assert ported.use_bytes(b"abc") == 3
    assert ported.return_bytes() == b"hello"
    assert ported.return_bytes().to_bytes() == b"hello"


def test_the_runtime_of_its_author_polls_its_stores(ported: Any, store: Any) -> None:
    assert ported.fetch(store, "a/b") == b"0123456789"
    assert ported.keys(store) == ["a/b", "c"]
    assert ported.keys(store, prefix="a") == ["b"]
    assert ported.size(store, "a/b") == 10
    with testing.server() as server:
        options = {"config": server.options, "client_options": {"allow_http": True}}
        bucket = ported.store.S3Store("cargo", prefix="a", **options)
        with pytest.raises(FileNotFoundError):
            ported.fetch(bucket, "b")
        longshore.create_bucket("s3://cargo", store=server.store_for("cargo"))
        ported.save(bucket, "b", b"0123456789")
        assert ported.fetch(bucket, "b") == b"0123456789"
        assert ported.keys(ported.store.S3Store("cargo", **options)) == ["a/b"]


def test_errors_of_its_own_hold_those_of_the_store(ported: Any, store: Any) -> None:
    assert ported.header(store, "a/b") == b"01234567"
    with pytest.raises(ValueError, match="only 5 bytes"):
        ported.header(store, "c")
    with pytest.raises(FileNotFoundError) as caught:
        ported.header(store, "none")
    assert type(caught.value) is ported.exceptions.NotFoundError


def test_the_tree_of_exceptions_is_the_older_crates(ported: Any) -> None:
    names = (
        "BaseError GenericError NotFoundError InvalidPathError JoinError NotSupportedError AlreadyExistsError "
        "PreconditionError NotModifiedError PermissionDeniedError UnauthenticatedError UnknownConfigurationKeyError"
    )
    for name in names.split():
        kind = getattr(ported.exceptions, name)
        assert issubclass(kind, ported.exceptions.BaseError)
        assert (kind.__module__, kind.__name__) == ("ported.exceptions", name)


def test_a_derived_argument_takes_a_store_or_bytes(ported: Any, store: Any) -> None:
    assert ported.size(store, "c") == 5
    assert ported.size(memoryview(b"abc")) == 3
    with pytest.raises(TypeError):
        ported.size(5)


def test_stores_are_told_apart_by_where_they_come_from(ported: Any, store: Any, tmp_path: Path) -> None:
    obstore = extension_built.module("obstore.store")
    assert ported.kind_of(store) == "own"
    assert ported.kind_of(obstore.LocalStore(tmp_path)) == "external"
    assert ported.keys(obstore.LocalStore(tmp_path)) == ["a/b", "c"]
    with pytest.raises(TypeError, match="AnyObjectStore"):
        ported.fetch(obstore.LocalStore(tmp_path), "c")


def test_keys_and_urls_are_texts(ported: Any) -> None:
    assert ported.host("https://example.com/a") == "example.com"
    for wrong in ("no url", "a b"):
        with pytest.raises(ValueError, match="is not a URL"):
            ported.host(wrong)


def test_options_of_a_client_reach_a_store_that_its_author_makes(ported: Any, backends: Backends) -> None:
    web = backends["plain http"]
    assert web.door is not None
    (web.door / "crate").write_bytes(b"oranges")
    options = {"allow_http": True, "timeout": "10s", "default_headers": {"x-cargo": "1"}}
    assert ported.download(web.root, "crate", client_options=options) == b"oranges"
    with pytest.raises(ported.exceptions.BaseError):
        ported.download(web.root, "crate", client_options={"allow_http": False})
    with pytest.raises(ported.exceptions.UnknownConfigurationKeyError, match="timeout"):
        ported.download(web.root, "crate", client_options={"tiemout": 5})


def test_its_bytes_pickle_under_the_name_it_gave_them(ported: Any) -> None:
    again = pickle.loads(pickle.dumps(ported.return_bytes()))
    assert type(again) is ported.Bytes
