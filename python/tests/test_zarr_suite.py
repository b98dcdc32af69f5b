"""zarr's own suite for stores, over memory, files and S3."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from zarr.core.buffer import Buffer, cpu
from zarr.testing.store import StoreTests

import longshore as s3
from backends import new_name
from longshore import LocalStore, MemoryStore, obs, testing
from longshore.exceptions import NotSupportedError
from longshore.store import Store
from longshore.zarr import ObjectStore


def on_a_loop(test: Callable[..., Any]) -> Callable[..., None]:
    """A test that is a coroutine, as one that pytest runs without a plugin."""

    @functools.wraps(test)
    def run(*arguments: Any, **keywords: Any) -> None:
        asyncio.run(test(*arguments, **keywords))

    return run


def settled(aws: testing.Server) -> s3.S3Store:
    """A prefix of its own in the bucket."""
    options: dict[str, Any] = {**aws.options, "client_options": {"allow_http": True}}
    return s3.S3Store("bucket", prefix=new_name(), **options)


class Suite(StoreTests[ObjectStore[Store], cpu.Buffer]):
    """What holds for each of them."""

    store_cls: type[ObjectStore[Store]] = ObjectStore
    buffer_cls = cpu.Buffer

    def __init_subclass__(cls) -> None:
        # Reading and writing without a loop is an offer that zarr's own store of objects does not make either.
        for name in ("get_sync", "get_sync_missing", "set_sync", "delete_sync", "delete_sync_missing"):
            setattr(cls, f"test_{name}", None)
        for name in dir(cls):
            if name.startswith("test_") and inspect.iscoroutinefunction(test := getattr(cls, name)):
                setattr(cls, name, on_a_loop(test))

    @pytest.fixture
    def beneath(self) -> Store:
        """The store that zarr's is made of."""
        raise NotImplementedError

    @pytest.fixture
    def store_kwargs(self, beneath: Store) -> dict[str, Any]:
        return {"store": beneath, "read_only": False}

    @pytest.fixture
    def store(self, open_kwargs: dict[str, Any]) -> ObjectStore[Store]:
        return asyncio.run(ObjectStore.open(**open_kwargs))

    @pytest.fixture
    def store_not_open(self, store_kwargs: dict[str, Any]) -> ObjectStore[Store]:
        return ObjectStore(**store_kwargs)

    async def set(self, store: ObjectStore[Store], key: str, value: Buffer) -> None:
        obs.put(store.store, key, value.to_bytes())

    async def get(self, store: ObjectStore[Store], key: str) -> Buffer:
        return self.buffer_cls.from_bytes(bytes(obs.get(store.store, key).bytes()))

    def test_store_repr(self, store: ObjectStore[Store]) -> None:
        assert repr(store) == f"ObjectStore(object_store://{store.store!r})"

    def test_store_supports_writes(self, store: ObjectStore[Store]) -> None:
        assert store.supports_writes
        assert store.supports_deletes

    def test_store_supports_listing(self, store: ObjectStore[Store]) -> None:
        assert store.supports_listing


class TestMemory(Suite):
    @pytest.fixture
    def beneath(self) -> Store:
        return MemoryStore()

    def test_serializable_store(self, store: ObjectStore[Store]) -> None:  # type: ignore[override]
        with pytest.raises(NotSupportedError, match="cannot be pickled"):
            pickle.dumps(store)


class TestFiles(Suite):
    @pytest.fixture
    def beneath(self, tmp_path: Path) -> Store:
        return LocalStore(tmp_path)


class TestS3(Suite):
    @pytest.fixture(scope="class")
    @staticmethod
    def aws() -> Iterator[testing.Server]:
        with testing.server() as running:
            s3.create_bucket("s3://bucket", store=running.store_for("bucket"))
            yield running

    @pytest.fixture
    def beneath(self, aws: testing.Server) -> Store:
        return settled(aws)


def test_the_coroutines_of_the_suite_are_run() -> None:
    """The control: pytest would leave out a coroutine, or fail it, and a wrapper could forget to run it."""
    tests = [name for name in dir(TestFiles) if name.startswith("test_")]
    assert len(tests) > 35
    assert not [name for name in tests if inspect.iscoroutinefunction(getattr(TestFiles, name))]
    assert inspect.iscoroutinefunction(StoreTests.test_get)

    async def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        on_a_loop(fails)()
