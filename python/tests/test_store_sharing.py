"""Stores across extension modules: the classes in a module of somebody else, and stores and file systems of other libraries."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import extension
import longshore as s3
import packages
from longshore import exceptions, obs, testing
from longshore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store, Store

obstore = packages.module("obstore")
theirs = packages.module("obstore.store")


@pytest.fixture(scope="module")
def third() -> ModuleType:
    """A module of somebody else that has the classes, and functions that take stores."""
    return extension.load()


@pytest.fixture(scope="module")
def aws() -> Iterator[testing.Server]:
    with testing.server() as server:
        store = server.store_for("bucket")
        s3.create_bucket("s3://bucket", store=store)
        obs.put(store, "folder/key", b"body")
        yield server


def keys(aws: testing.Server) -> dict[str, Any]:
    return {"endpoint": aws.endpoint, "access_key_id": aws.access_key, "secret_access_key": aws.secret_key}


@pytest.fixture
def quiet() -> Iterator[None]:
    """Warnings of stores that are built anew are not the subject."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


class TestOwnModule:
    def test_classes_and_exceptions_have_the_name_of_the_module(self, third: ModuleType) -> None:
        assert third.store.S3Store.__module__ == "third_party.store"
        assert third.store.from_url.__module__ == "third_party.store"
        assert third.exceptions.NotFoundError.__module__ == "third_party.exceptions"
        assert importlib.import_module("third_party.store") is third.store
        assert third.store.__name__ == "third_party.store"

    def test_everything_in_all_can_be_imported(self, third: ModuleType) -> None:
        namespace: dict[str, Any] = {}
        exec("from third_party.store import *\nfrom third_party.exceptions import *", namespace)
        assert {"S3Store", "from_url", "NotFoundError"} <= set(namespace)

    def test_a_function_is_given_stores_of_its_own_module(self, third: ModuleType) -> None:
        store = third.store.S3Store("bucket", prefix="p", region="r", skip_signature=True)
        assert third.own(store) == "PyObjectStore(s3://bucket/p)"
        assert third.s3(store) == "s3://bucket/p"
        assert third.any(store)[0] is store
        assert third.echo(store) == store
        names, prefix = third.settings(store)
        assert {"region", "skip_signature"} <= set(names)
        assert prefix == "p"
        assert third.names("a/b", "https://host/x") == ("a/b", "https://host/x")

    def test_options_of_a_client_of_ones_own_are_read(self, third: ModuleType) -> None:
        options = {"timeout": timedelta(seconds=5), "default_headers": {"x": "hunter2"}, "allow_http": True}
        assert third.client(options) == '{"allow_http", "default_headers", "timeout"}'
        with pytest.raises(third.exceptions.UnknownConfigurationKeyError, match='did you mean "timeout"'):
            third.client({"timeuot": 5})

    def test_requests_are_made_by_whoever_polls(self, third: ModuleType, aws: testing.Server, tmp_path: Path) -> None:
        for store in [
            third.store.MemoryStore(),
            third.store.LocalStore(tmp_path),
            third.store.S3Store("bucket", prefix="third", **keys(aws)),
        ]:
            third.put(store, "a/b", b"body")
            assert third.get(store, "a/b") == list(b"body") or third.get(store, "a/b") == b"body"
            assert third.list(store) == ["a/b"]
        assert s3.get("s3://bucket/third/a/b", store=aws.store_for("bucket")) == b"body"

    def test_a_store_that_rust_made_is_a_store(self, third: ModuleType) -> None:
        store = third.memory()
        assert type(store) is third.store.Store
        third.put(store, "a", b"x")
        assert third.list(store) == ["a"]
        assert third.any(store)[0] is store
        assert third.same(store, store)
        assert not third.same(store, third.memory())
        assert store != third.memory()
        with pytest.raises(third.exceptions.NotSupportedError, match="cannot be pickled"):
            pickle.dumps(store)

    def test_errors_are_of_the_module_and_pickle(self, third: ModuleType) -> None:
        with pytest.raises(FileNotFoundError) as caught:
            third.get(third.store.MemoryStore(), "nothing")
        assert type(caught.value) is third.exceptions.NotFoundError
        assert isinstance(caught.value, third.exceptions.BaseError)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (type(again), str(again)) == (type(caught.value), str(caught.value))
        with pytest.raises(third.exceptions.UnknownConfigurationKeyError, match="did you mean"):
            third.store.S3Store("b", regoin="x")

    def test_the_exceptions_have_obstores_names(self, third: ModuleType) -> None:
        names = [name for name in vars(importlib.import_module("obstore.exceptions")) if name.endswith("Error")]
        assert len(names) > 10
        for name in names:
            for module in [third.exceptions, exceptions]:
                assert issubclass(getattr(module, name), module.BaseError)

    def test_its_stores_pickle_into_another_process(self, third: ModuleType, tmp_path: Path) -> None:
        extension.install(tmp_path)
        store = third.store.S3Store("bucket", region="eu-north-1", skip_signature=True)
        program = "import pickle, sys; print(repr(pickle.loads(sys.stdin.buffer.read())))"
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "AWS_REGION": "us-west-2"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=pickle.dumps(store),
            capture_output=True,
            env=environment,
            timeout=60,
            check=True,
        )
        assert done.stdout.decode().strip() == repr(store)


class TestOthers:
    def test_a_store_of_another_library_is_refused_and_the_cure_is_named(self, third: ModuleType) -> None:
        for store in [theirs.S3Store("b", region="r"), S3Store("b")]:
            with pytest.raises(TypeError, match="AnyObjectStore"):
                third.own(store)
        with pytest.raises(TypeError, match=r"expected a store, such as third_party\.store\.S3Store, not int"):
            third.own(5)

    def test_it_is_built_anew_where_that_is_taken(
        self, third: ModuleType, aws: testing.Server, tmp_path: Path, quiet: None
    ) -> None:
        for store in [
            theirs.S3Store("bucket", prefix="folder", client_options={"allow_http": True}, **keys(aws)),
            S3Store("bucket", prefix="folder", **keys(aws)),
        ]:
            assert bytes(third.get(store, "key")) == b"body"
            assert third.list(store) == ["key"]
            assert third.any(store)[0] is store
        local = theirs.LocalStore(tmp_path)
        third.put(local, "a", b"x")
        assert bytes(obstore.get(local, "a").bytes()) == b"x"

    def test_everything_that_was_said_crosses(self, third: ModuleType, quiet: None) -> None:
        store = theirs.S3Store(
            "b",
            prefix="p",
            region="r",
            client_options={
                "timeout": timedelta(seconds=90),
                "default_headers": {"x-a": "b"},
                "allow_http": True,
                "user_agent": "me",
            },
            retry_config={"max_retries": 2, "backoff": {"init_backoff": timedelta(seconds=1)}},
            skip_signature=True,
        )
        names, prefix = third.settings(store)
        wanted = {"region", "timeout", "default_headers", "allow_http", "user_agent", "skip_signature"}
        assert wanted | {"max_retries", "init_backoff", "max_backoff", "backoff_base", "retry_timeout"} <= set(names)
        assert prefix == "p"

    def test_it_is_built_once_for_as_long_as_it_exists(self, third: ModuleType, quiet: None) -> None:
        store = theirs.S3Store("b", region="r")
        asked: list[int] = []

        class Counted(theirs.S3Store):  # type: ignore[misc, name-defined]
            def __getnewargs_ex__(self) -> Any:
                asked.append(1)
                return super().__getnewargs_ex__()

        store = Counted("b", region="r", skip_signature=True)
        for _ in range(5):
            third.external(store)
        assert len(asked) == 1
        del store
        gc.collect()
        third.external(Counted("b", region="r", skip_signature=True))
        assert len(asked) == 2

    def test_a_warning_comes_once_for_each_class(self, third: ModuleType) -> None:
        class Named(theirs.S3Store):  # type: ignore[misc, name-defined]
            pass

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for region in ["a", "b", "c"]:
                third.external(Named("b", region=region, skip_signature=True))
        assert [(warning.category, "Named was built anew" in str(warning.message)) for warning in caught] == [
            (RuntimeWarning, True)
        ]

    def test_what_would_not_be_the_same_store_is_refused_with_the_reason(self, third: ModuleType) -> None:
        class Changed(theirs.S3Store):  # type: ignore[misc, name-defined]
            async def get_async(self, *_: object, **__: object) -> None:
                """Does something else."""

        class Mute:
            pass

        Mute.__name__ = "S3Store"

        class Strange(theirs.S3Store):  # type: ignore[misc, name-defined]
            def __getnewargs_ex__(self) -> Any:
                return (), {"config": {"bucket": "b", "of_the_future": "x"}}

        for store, reason in [
            (theirs.MemoryStore(), "memory"),
            (MemoryStore(), "memory"),
            (Changed("b", region="r"), "overrides get"),
            (Mute(), "no __getnewargs_ex__"),
            (Strange("b", region="r"), "of_the_future"),
        ]:
            with pytest.raises(third.exceptions.NotSupportedError, match=reason):
                third.any(store)
        with pytest.raises(TypeError, match="expected an object store or a file system, not int"):
            third.any(5)

    def test_a_provider_of_theirs_is_asked_by_ours_and_only_once(
        self, third: ModuleType, aws: testing.Server, quiet: None
    ) -> None:
        asked: list[int] = []

        def provider() -> dict[str, Any]:
            asked.append(1)
            return {"access_key_id": aws.access_key, "secret_access_key": aws.secret_key, "expires_at": None}

        store = theirs.S3Store(
            "bucket",
            endpoint=aws.endpoint,
            region="us-east-1",
            client_options={"allow_http": True},
            credential_provider=provider,
        )
        for _ in range(3):
            assert bytes(third.get(store, "folder/key")) == b"body"
            assert "folder/key" in third.list(store)
        assert len(asked) == 1

    def test_urls_and_paths_are_taken(self, third: ModuleType, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"x")
        assert third.list(tmp_path) == ["a"]
        assert third.list(tmp_path.as_uri()) == ["a"]
        assert third.any("s3://bucket/p")[1] == "PyObjectStore(PyObjectStore(s3://bucket/p))"
        with pytest.raises(third.exceptions.InvalidArgumentError, match=r"pathlib\.Path"):
            third.any("some/folder")

    def test_ours_is_rebuilt_by_obstore_with_everything_that_counts(
        self, aws: testing.Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.secret_key)
        ours = S3Store("bucket", prefix="folder", client_options={"timeout": "20s"}, retry_config={"max_retries": 1})
        positional, keywords = ours.__getnewargs_ex__()
        for name in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
            monkeypatch.delenv(name)
        store = theirs.S3Store(*positional, **keywords)
        assert bytes(obstore.get(store, "key").bytes()) == b"body"

    def test_what_a_profile_says_reaches_obstore_as_a_provider(
        self, aws: testing.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        config = tmp_path / "config"
        config.write_text(
            f"[profile mine]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
            f"region = us-east-1\nendpoint_url = {aws.endpoint}\n"
        )
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        ours = S3Store("bucket", prefix="folder", profile="mine")
        positional, keywords = ours.__getnewargs_ex__()
        assert "profile" not in keywords["config"]
        assert keywords["config"]["endpoint"] == aws.endpoint
        provider = keywords["credential_provider"]
        assert provider()["access_key_id"] == aws.access_key
        assert pickle.loads(pickle.dumps(provider)) == provider
        store = theirs.S3Store(*positional, **keywords)
        assert bytes(obstore.get(store, "key").bytes()) == b"body"

    @pytest.mark.parametrize(
        "make",
        [
            lambda: GCSStore("b", prefix="p", skip_signature=True),
            lambda: AzureStore("c", prefix="p", account_name="a", account_key="a2V5"),
            lambda: AzureStore("c", account_name="a", client_id="i", client_secret="s", tenant_id="t"),
            lambda: HTTPStore("https://me:hunter2@host/a", client_options={"default_headers": {"x-a": "b"}}),
            lambda: LocalStore("/tmp"),
            lambda: S3Store("b", region="r", virtual_hosted_style_request=True, use_dualstack_endpoint=True),
            lambda: S3Store("b", region="r", request_payer=True, server_side_encryption="aws:kms", sse_kms_key_id="k"),
        ],
    )
    def test_every_kind_of_ours_is_made_by_obstore(self, make: Any) -> None:
        store = make()
        positional, keywords = store.__getnewargs_ex__()
        again = getattr(theirs, type(store).__name__)(*positional, **keywords)
        assert getattr(again, "prefix", None) == getattr(store, "prefix", None)


class TestFileSystems:
    @pytest.fixture(autouse=True)
    def _fsspec(self, quiet: None) -> None:
        packages.module("fsspec")

    def test_local_files_and_folders_of_them(self, third: ModuleType, tmp_path: Path) -> None:
        DirFileSystem = importlib.import_module("fsspec.implementations.dirfs").DirFileSystem  # noqa: N806
        LocalFileSystem = importlib.import_module("fsspec.implementations.local").LocalFileSystem  # noqa: N806

        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "a").write_bytes(b"x")
        assert bytes(third.get(LocalFileSystem(), f"{tmp_path}/folder/a".lstrip("/"))) == b"x"
        assert third.list(DirFileSystem(str(tmp_path), LocalFileSystem())) == ["folder/a"]
        nested = DirFileSystem("folder", DirFileSystem(str(tmp_path), LocalFileSystem()))
        assert third.list(nested) == ["a"]

    def test_a_bucket_of_obstores_file_system(self, third: ModuleType, aws: testing.Server) -> None:
        DirFileSystem = importlib.import_module("fsspec.implementations.dirfs").DirFileSystem  # noqa: N806

        system = importlib.import_module("obstore.fsspec").FsspecStore(
            "s3", client_options={"allow_http": True}, region="us-east-1", **keys(aws)
        )
        assert third.list(DirFileSystem("bucket/folder", system)) == ["key"]

    def test_a_file_system_without_a_bucket_has_all_buckets(self, third: ModuleType, aws: testing.Server) -> None:
        system = importlib.import_module("obstore.fsspec").FsspecStore(
            "s3", client_options={"allow_http": True}, region="us-east-1", **keys(aws)
        )
        assert bytes(third.get(system, "bucket/folder/key")) == b"body"
        third.put(system, "bucket/new/key", b"x")
        assert third.list_under(system, "bucket/new") == ["bucket/new/key"]
        assert s3.get("s3://bucket/new/key", store=aws.store_for("bucket")) == b"x"
        third.delete(system, "bucket/new/key")
        assert third.list_under(system, "bucket/new") == []
        with pytest.raises(third.exceptions.NotSupportedError, match="the first part of a key is the bucket"):
            third.list(system)
        with pytest.raises(FileNotFoundError):
            third.get(system, "no-such-bucket/key")

    def test_others_are_known_by_their_classes_and_arguments(self, third: ModuleType) -> None:
        DirFileSystem = importlib.import_module("fsspec.implementations.dirfs").DirFileSystem  # noqa: N806
        AbstractFileSystem = importlib.import_module("fsspec.spec").AbstractFileSystem  # noqa: N806

        def system(name: str, path: str, **options: object) -> object:
            return DirFileSystem(path, type(name, (AbstractFileSystem,), {"cachable": False})(**options))

        s3fs = system("S3FileSystem", "bucket/p", key="k", secret="hunter2", client_kwargs={"region_name": "r"})
        names, prefix = third.settings(s3fs)
        assert ({"access_key_id", "secret_access_key", "region"} <= set(names), prefix) == (True, "p")
        names, _ = third.settings(system("GCSFileSystem", "bucket", token="anon"))
        assert "skip_signature" in names
        names, _ = third.settings(system("AzureBlobFileSystem", "c", account_name="a", account_key="a2V5"))
        assert {"account_name", "account_key"} <= set(names)
        names, _ = third.settings(system("HTTPFileSystem", "https://host/a", client_kwargs={"headers": {"x": "y"}}))
        assert "default_headers" in names
        for refused, reason in [
            (system("S3FileSystem", "bucket", session=object()), "session"),
            (system("S3FileSystem", "bucket", client_kwargs={"verify": "/a.pem"}), "verify"),
            (system("MemoryFileSystem", "a"), "memory"),
            (system("ZipFileSystem", "a"), "ZipFileSystem has no counterpart"),
        ]:
            with pytest.raises(third.exceptions.NotSupportedError, match=reason):
                third.any(refused)


class TestHints:
    @pytest.fixture
    def hints(self, third: ModuleType, tmp_path: Path) -> Path:
        """A folder with the hints that the command wrote for the module, and the module."""
        extension.install(tmp_path)
        command = [sys.executable, "-m", "longshore", "stubs", str(tmp_path / "hints" / "third_party"), "third_party"]
        subprocess.run(command, check=True, timeout=60)
        init = "from . import exceptions as exceptions\nfrom . import store as store\n"
        (tmp_path / "hints" / "third_party" / "__init__.pyi").write_text(init)
        return tmp_path

    def check(self, folder: Path, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(folder), "MYPYPATH": str(folder / "hints")}
        done = subprocess.run(
            [sys.executable, "-m", *arguments], capture_output=True, text=True, env=environment, cwd=folder, timeout=300
        )
        return done.stdout + done.stderr

    def test_they_are_true(self, hints: Path) -> None:
        said = self.check(hints, "mypy.stubtest", "third_party.store", "third_party.exceptions")
        assert said.startswith("Success"), said

    def test_a_program_is_checked_against_them(self, hints: Path) -> None:
        (hints / "program.py").write_text(
            "from datetime import timedelta\n"
            "from typing import assert_type\n"
            "from third_party.exceptions import NotFoundError\n"
            "from third_party.store import S3Store, from_url\n"
            "class Mine(S3Store): ...\n"
            "assert_type(Mine.from_url('s3://b'), Mine)\n"
            "assert_type(S3Store('b', region='r', client_options={'timeout': timedelta(1)}).prefix, str | None)\n"
            "error: FileNotFoundError = NotFoundError()\n"
        )
        assert self.check(hints, "mypy", "--strict", "program.py").startswith("Success")
        (hints / "program.py").write_text("from third_party.store import S3Store\nS3Store('b', regoin='x')\n")
        assert 'Unexpected keyword argument "regoin"' in self.check(hints, "mypy", "--strict", "program.py")


def test_our_own_stores_are_one_class_with_what_rust_makes() -> None:
    assert isinstance(s3.store_for("s3://bucket", skip_signature=True), Store)
