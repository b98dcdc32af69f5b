"""Every public name of obstore is here, with its arguments in their order and with their defaults. What differs is listed."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import extension_built
import longshore.auth.boto3
import longshore.fsspec
import longshore.obs
import longshore.store
from longshore import exceptions, obs

obstore = extension_built.module("obstore")
HINTS = Path(obstore.__file__).parent
OUR_HINTS = Path(longshore.__file__).with_name("_stores.pyi")

# Arguments that obstore does not have.
MORE = {
    "get_ranges": {"max_concurrency"},
    "list": {"string_prefix"},
    "list_with_delimiter": {"string_prefix"},
    "open_writer": {"mode"},
    "HTTPStore": {"config", "kwargs"},
    "BufferedFile": {"block_size", "autocommit", "cache_type", "cache_options", "size"},
    "FsspecStore": {"use_listings_cache", "listings_expiry_time", "max_paths"},
}
# Defaults that differ, theirs and ours.
DEFAULTS = {("list", "chunk_size"): (50, 1000), ("HTTPStore", "url"): (inspect.Parameter.empty, None)}
# Arguments of theirs that ours takes among any others.
FEWER = {
    "FsspecStore": {"protocol"},
    "BufferedFile": {"kwargs"},
    "HTTPStore.from_url": {"client_options", "retry_config"},
}
# Classes of theirs that are only hints, and of which ours have other names or none.
ONLY_HINTS = {"HTTP_METHOD", "Attribute", "ListChunkType", "SignCapableStore"}


def compare(name: str, theirs: Any, ours: Any) -> None:
    taken = inspect.signature(ours).parameters
    wanted = {each: it for each, it in inspect.signature(theirs).parameters.items() if each not in FEWER.get(name, ())}
    assert [each for each in taken if each not in MORE.get(name, ())] == list(wanted), name
    for each, parameter in wanted.items():
        assert taken[each].kind == parameter.kind, (name, each)
        # A compiled function of theirs does not say what a computed default is; their methods do.
        if parameter.default is not ...:
            expected = DEFAULTS.get((name, each), (parameter.default, parameter.default))
            assert (parameter.default, taken[each].default) == expected, (name, each)
    for each in set(taken) - set(wanted):
        assert taken[each].default is not inspect.Parameter.empty or taken[each].kind == inspect.Parameter.VAR_KEYWORD


def names(function: str) -> str:
    return function.removesuffix("_async")


FUNCTIONS = [name for name in obstore.__all__ if inspect.isbuiltin(getattr(obstore, name))]


def test_there_is_something_to_compare() -> None:
    assert {"get", "put_async", "open_writer_async", "sign", "parse_scheme"} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_the_same_arguments(name: str) -> None:
    compare(names(name), getattr(obstore, name), getattr(obs, name))


METHODS = [
    name for name in dir(importlib.import_module("obstore.store").ObjectStoreMethods) if not name.startswith("_")
]


@pytest.mark.parametrize("name", METHODS)
def test_methods_take_the_same_arguments_and_have_the_same_defaults(name: str) -> None:
    theirs = getattr(importlib.import_module("obstore.store").ObjectStoreMethods, name)
    compare(names(name), theirs, getattr(longshore.store.ObjectStoreMethods, name))


CLASSES = ["S3Store", "GCSStore", "AzureStore", "HTTPStore", "LocalStore", "MemoryStore"]


def native(module: Any, name: str) -> Any:
    """The compiled class, which says what its constructor takes."""
    return next(each for each in getattr(module, name).__mro__[1:] if each.__name__ == name)


@pytest.mark.parametrize("name", CLASSES)
def test_stores_are_made_of_the_same_arguments(name: str) -> None:
    theirs, ours = (native(importlib.import_module(f"{package}.store"), name) for package in ("obstore", "longshore"))
    compare(name, theirs, ours)
    if hasattr(theirs, "from_url"):
        taken = inspect.signature(ours.from_url).parameters
        wanted = inspect.signature(theirs.from_url).parameters
        assert set(wanted) - set(taken) == FEWER.get(f"{name}.from_url", set()), name
    assert {each for each in dir(theirs) if not each.startswith("_")} <= set(dir(ours))


def classes(folder: Path) -> Iterator[ast.ClassDef]:
    for file in folder.rglob("*.pyi"):
        yield from (each for each in ast.parse(file.read_text("utf-8")).body if isinstance(each, ast.ClassDef))


def keys(found: list[ast.stmt]) -> set[str]:
    return {each.target.id for each in found if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)}


CONFIGURATIONS = ["S3Config", "GCSConfig", "AzureConfig", "ClientConfig", "RetryConfig", "BackoffConfig"]
CREDENTIALS = ["S3Credential", "GCSCredential", "AzureAccessKey", "AzureSASToken", "AzureBearerToken"]


@pytest.mark.parametrize("name", CONFIGURATIONS + CREDENTIALS)
def test_hints_of_configurations_have_their_keys(name: str) -> None:
    theirs = next(keys(each.body) for each in classes(HINTS) if each.name == name)
    ours: dict[str, ast.ClassDef] = {
        each.name: each for each in ast.parse(OUR_HINTS.read_text("utf-8")).body if isinstance(each, ast.ClassDef)
    }
    found: set[str] = set()
    above = [name]
    while above:
        here = ours.get(above.pop())
        if here is not None:
            found |= keys(here.body)
            above += [base.id for base in here.bases if isinstance(base, ast.Name)]
    assert theirs
    assert theirs - found == set()


RESULTS = [
    ("ReadableFile", obs.ReadableFile),
    ("AsyncReadableFile", obs.AsyncReadableFile),
    ("WritableFile", obs.WritableFile),
    ("AsyncWritableFile", obs.AsyncWritableFile),
    ("GetResult", obs.GetResult),
    ("BytesStream", obs.BytesStream),
    ("ListStream", obs.ListStream),
    ("Bytes", obs.Bytes),
]


@pytest.mark.parametrize(("name", "ours"), RESULTS, ids=[name for name, _ in RESULTS])
def test_what_is_returned_has_their_methods(name: str, ours: Any) -> None:
    theirs = next(each for each in classes(HINTS) if each.name == name)
    methods = {each.name: each for each in theirs.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    # Python 3.11 has no name for the buffer of an object.
    assert set(methods) - set(dir(ours)) <= {"__buffer__"}
    for each, method in methods.items():
        if each.startswith("__") or not method.args.args[1:] + method.args.kwonlyargs:
            continue
        taken = inspect.signature(getattr(ours, each)).parameters
        assert {argument.arg for argument in method.args.args[1:]} <= set(taken), each


def test_modules_and_types_are_where_they_were() -> None:
    assert obs.store is longshore.store
    assert obs.exceptions is exceptions
    assert obs.Bytes is longshore.Bytes
    for name in (*obstore.__all__, *importlib.import_module("obstore.exceptions").__all__):
        place = exceptions if name.endswith("Error") else obs
        assert hasattr(place, name) or name in ONLY_HINTS or name.startswith("_"), name
    theirs = importlib.import_module("obstore.store")
    # Most of what `obstore.store.__all__` names are hints, and raise AttributeError.
    assert [name for name in theirs.__all__ if hasattr(theirs, name) and not hasattr(longshore.store, name)] == []
    assert isinstance(longshore.store.MemoryStore(), longshore.store.ObjectStore)
    scope: dict[str, Any] = {}
    exec("from longshore.obs import *\nfrom longshore.obs import store as again", scope)
    assert scope["store"] is scope["again"] is longshore.store
    with pytest.raises(AttributeError, match="has no attribute 'stores'"):
        obs.stores  # noqa: B018


def test_the_hints_of_stores_can_be_imported_by_a_type_checker() -> None:
    tree = ast.parse(Path(longshore.store.__file__).read_text("utf-8"))
    hinted = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assigned = [node.targets[0] for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    hinted |= {name.id for name in assigned if isinstance(name, ast.Name)}
    # A union of three of the others.
    assert set(importlib.import_module("obstore.store").__all__) - {"AzureCredential"} <= hinted | set(CLASSES)


def test_the_file_system_and_the_providers_take_the_same_arguments() -> None:
    fsspec = importlib.import_module("obstore.fsspec")
    compare("FsspecStore", fsspec.FsspecStore.__init__, longshore.fsspec.FsspecStore.__init__)
    compare("BufferedFile", fsspec.BufferedFile.__init__, longshore.fsspec.BufferedFile.__init__)
    compare("register", fsspec.register, longshore.fsspec.register)
    for name in ("Boto3CredentialProvider", "StsCredentialProvider"):
        theirs = getattr(importlib.import_module("obstore.auth.boto3"), name)
        compare(name, theirs.__init__, getattr(longshore.auth.boto3, name).__init__)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "s3://bucket/key",
            "s3a://bucket",
            "S3://bucket",
            "gs://bucket",
            "az://c/k",
            "abfs://c@a.dfs.core.windows.net/k",
        ),
        *("abfss://c", "azure://c", "adl://c", "file:///a", "memory:///", "http://host/a", "https://host/a?b#c"),
        *("https://bucket.s3.eu-north-1.amazonaws.com/k", "https://s3.amazonaws.com/bucket", "https://host:443/a"),
        *(
            "https://a.r2.cloudflarestorage.com/b",
            "https://a.blob.core.windows.net/c",
            "https://storage.googleapis.com/b",
        ),
        *(
            "https://onelake.dfs.fabric.microsoft.com/w",
            "https://user@a.blob.core.windows.net:443/c",
            "https://host/amazonaws.com",
        ),
    ],
)
def test_parse_scheme_says_the_same(url: str) -> None:
    assert obs.parse_scheme(url) == obstore.parse_scheme(url)


def test_parse_scheme_says_which_store_a_url_makes(tmp_path: Path) -> None:
    kinds = {"s3": "S3Store", "gcs": "GCSStore", "azure": "AzureStore", "http": "HTTPStore", "local": "LocalStore"}
    for url in (
        "s3://b",
        "gs://b",
        "gcs://b",
        "az://c",
        "https://host/a",
        "https://a.blob.core.windows.net/c",
        tmp_path.as_uri(),
    ):
        options = {"skip_signature": True} if obs.parse_scheme(url) in ("s3", "gcs", "azure") else {}
        if url == "az://c":
            options["account_name"] = "a"  # type: ignore[assignment]
        assert type(longshore.store.from_url(url, **options)).__name__ == kinds[obs.parse_scheme(url)], url


@pytest.mark.parametrize("url", ["nope://x", "no url", "", "//host/a", "s3"])
def test_what_is_no_url_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(exceptions.InvalidArgumentError, match="no kind of store"):
        obs.parse_scheme(url)


def test_the_advice_about_a_store_in_memory_with_a_name_is_right() -> None:
    with pytest.raises(exceptions.InvalidArgumentError, match=r"longshore\.store_for") as refused:
        longshore.store.MemoryStore.from_url("memory://name/")
    assert "memory:///, which makes a new store" in str(refused.value)
    made = longshore.store_for("memory://names-of-obs/")
    obs.put(made, "a", b"x")
    assert longshore.get("memory://names-of-obs/a") == b"x"
    assert longshore.store.MemoryStore.from_url("memory:///") != longshore.store.MemoryStore.from_url("memory:///")
