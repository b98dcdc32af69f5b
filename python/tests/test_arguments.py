"""Arguments: by position and by keyword, and refused before any request is sent.

Plain URIs lead to a port where nobody listens: a call that sent anything would fail otherwise, and later.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import longshore as s3
from backends import Place
from longshore.exceptions import ArgumentTypeError, BaseError, InvalidArgumentError

URI = "s3://bucket/key"


@pytest.fixture(autouse=True)
def _nobody_listens(closed_port: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed_port)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 1, "the error came late: something was sent first"


def test_a_call_with_good_arguments_does_go_to_that_port() -> None:
    store = s3.store_for(URI, max_retries=0)
    for call in (s3.get, s3.list, s3.delete, s3.head):
        with pytest.raises(ConnectionError) as caught:
            call(URI, store=store)
        assert isinstance(caught.value, BaseError)
        assert caught.value.attempts == 1


def refused(kind: type[BaseError], call: Callable[[], object]) -> BaseError:
    """The error of a call that is refused before any request."""
    with pytest.raises(BaseError) as caught:
        call()
    assert type(caught.value) is kind, f"{caught.value!r} is no {kind.__name__}"
    assert (caught.value.attempts, caught.value.status) == (0, None)
    assert isinstance(caught.value, TypeError if kind is ArgumentTypeError else ValueError)
    return caught.value


BY_URI: dict[str, Callable[[Any], object]] = {
    "get": s3.get,
    "get_many": lambda uri: s3.get_many([uri]),
    "get_many_stats": lambda uri: s3.get_many_stats([uri]),
    "put": lambda uri: s3.put(uri, size=10),
    "put_bytes": lambda uri: s3.put_bytes(uri, b""),
    "put_many": lambda uri: s3.put_many([(uri, b"")]),
    "list": s3.list,
    "delete": s3.delete,
    "read_npz": s3.read_npz,
    "head": s3.head,
    "exists": s3.exists,
    "copy from": lambda uri: s3.copy(uri, URI),
    "copy to": lambda uri: s3.copy(URI, uri),
    "create_bucket": s3.create_bucket,
    "store_for": s3.store_for,
}


@pytest.mark.parametrize("name", BY_URI)
@pytest.mark.parametrize("uri", [None, 5, b"s3://bucket/key", Path("/tmp/key"), ["s3://bucket/key"], True], ids=repr)
def test_a_uri_that_is_no_text_is_of_the_wrong_type(name: str, uri: object) -> None:
    error = refused(ArgumentTypeError, lambda: BY_URI[name](uri))
    assert type(uri).__name__ in str(error)


@pytest.mark.parametrize("name", BY_URI)
@pytest.mark.parametrize(
    "uri",
    ["", "key", "/tmp/key", "bucket/key", "s3:/bucket/key", "s3://", "s3:///key", "ftp://bucket/key", "file://tmp/key"],
)
def test_a_uri_that_leads_nowhere_is_invalid(name: str, uri: str) -> None:
    error = refused(InvalidArgumentError, lambda: BY_URI[name](uri))
    assert error.uri == uri


@pytest.mark.parametrize("name", BY_URI)
@pytest.mark.parametrize(
    "uri", ["s3://bucket/a\0b", "s3://buc ket/key", "s3://bucket:80/key", "s3://bucket/\ud800"], ids=ascii
)
def test_a_uri_with_impossible_characters_is_invalid(name: str, uri: str) -> None:
    refused(InvalidArgumentError, lambda: BY_URI[name](uri))


@pytest.mark.parametrize("name", sorted(BY_URI.keys() - {"put", "list", "delete", "create_bucket", "store_for"}))
@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/"])
def test_a_bucket_is_no_object(name: str, uri: str) -> None:
    refused(InvalidArgumentError, lambda: BY_URI[name](uri))


@pytest.mark.parametrize("name", sorted(BY_URI.keys() - {"get_many", "get_many_stats", "list", "store_for"}))
def test_a_wildcard_is_refused_where_none_is_expanded(name: str) -> None:
    refused(InvalidArgumentError, lambda: BY_URI[name]("s3://bucket/a*"))


WRONG_TYPES: dict[str, Callable[[], object]] = {
    "uris is one str": lambda: s3.get_many(URI),
    "uris is a number": lambda: s3.get_many(5),  # type: ignore[arg-type]
    "uris is None": lambda: s3.get_many(None),  # type: ignore[arg-type]
    "uris has None": lambda: s3.get_many_stats([URI, None]),  # type: ignore[list-item]
    "window is text": lambda: s3.get_many([URI], "5"),  # type: ignore[arg-type]
    "window is a float": lambda: s3.get_many([URI], 5.0),  # type: ignore[arg-type]
    "window is a bool": lambda: s3.get_many([URI], True),
    "window is None": lambda: s3.put_many([(URI, b"")], None),  # type: ignore[arg-type]
    "num is text": lambda: s3.put(URI, "5"),  # type: ignore[arg-type]
    "num is a float": lambda: s3.put(URI, 5.0),  # type: ignore[arg-type]
    "num is a bool": lambda: s3.put(URI, True),
    "num is None": lambda: s3.put(URI, None),  # type: ignore[arg-type]
    "template is None": lambda: s3.put(URI, 1, None),  # type: ignore[arg-type]
    "template is bytes": lambda: s3.put(URI, 1, b"{}"),  # type: ignore[arg-type]
    "size is text": lambda: s3.put(URI, size="10"),  # type: ignore[arg-type]
    "size is a float": lambda: s3.put(URI, size=1e6),  # type: ignore[arg-type]
    "size is a bool": lambda: s3.put(URI, size=True),
    "flag is a number": lambda: s3.put(URI, should_create_bucket=1),  # type: ignore[arg-type]
    "flag is text": lambda: s3.put(URI, should_create_bucket="yes"),  # type: ignore[arg-type]
    "type is None": lambda: s3.put(URI, object_type=None),  # type: ignore[arg-type]
    "type is a number": lambda: s3.put(URI, object_type=3),  # type: ignore[arg-type]
    "seed is text": lambda: s3.put(URI, size=10, seed="a"),  # type: ignore[arg-type]
    "seed is a float": lambda: s3.put(URI, size=10, seed=1.0),  # type: ignore[arg-type]
    "dedup is text": lambda: s3.put(URI, size=10, dedup="2"),  # type: ignore[arg-type]
    "compress is None": lambda: s3.put(URI, size=10, compress=None),  # type: ignore[arg-type]
    "data is text": lambda: s3.put_bytes(URI, "data"),  # type: ignore[arg-type]
    "data is None": lambda: s3.put_bytes(URI, None),  # type: ignore[arg-type]
    "data is a number": lambda: s3.put_bytes(URI, 5),  # type: ignore[arg-type]
    "data is a list": lambda: s3.put_bytes(URI, [1, 2]),  # type: ignore[arg-type]
    "items is a number": lambda: s3.put_many(5),  # type: ignore[arg-type]
    "items is one pair": lambda: s3.put_many((URI, b"")),  # type: ignore[arg-type]
    "items has texts": lambda: s3.put_many([URI]),  # type: ignore[list-item]
    "items has triples": lambda: s3.put_many([(URI, b"", 1)]),  # type: ignore[list-item]
    "array name is a number": lambda: s3.read_npz(URI, 1),  # type: ignore[arg-type]
    "whole_bucket is a number": lambda: s3.delete("s3://bucket", whole_bucket=1),  # type: ignore[arg-type]
    "whole_bucket is None": lambda: s3.delete("s3://bucket", whole_bucket=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_an_argument_of_the_wrong_type_is_refused(name: str) -> None:
    refused(ArgumentTypeError, WRONG_TYPES[name])


BAD_VALUES: dict[str, Callable[[], object]] = {
    "window of zero": lambda: s3.get_many([URI], 0),
    "window below zero": lambda: s3.get_many_stats([URI], -1),
    "window of zero for put": lambda: s3.put(URI, 1, "{}", 0),
    "window of zero for put_many": lambda: s3.put_many([(URI, b"")], 0),
    "window of zero for nothing": lambda: s3.get_many([], 0),
    "num below zero": lambda: s3.put(URI, -1),
    "size below zero": lambda: s3.put(URI, size=-1),
    "size beyond memory": lambda: s3.put(URI, size=2**62),
    "size beyond 64 bits": lambda: s3.put(URI, size=2**80),
    "seed below zero": lambda: s3.put(URI, size=10, seed=-1),
    "seed beyond 64 bits": lambda: s3.put(URI, size=10, seed=2**64),
    "dedup below one": lambda: s3.put(URI, size=10, dedup=0.5),
    "dedup that is no number": lambda: s3.put(URI, size=10, dedup=float("nan")),
    "compress of zero": lambda: s3.put(URI, size=10, compress=0),
    "compress without end": lambda: s3.put(URI, size=10, compress=float("inf")),
    "names that collide": lambda: s3.put(URI, 2, "fixed"),
    "empty name": lambda: s3.put(URI, 1, ""),
    "template without an end": lambda: s3.put(URI, 1, "{"),
    "one URI twice": lambda: s3.put_many([(URI, b"1"), (URI, b"2")]),
    "a good URI before a bad one": lambda: s3.get_many([URI, "nowhere"]),
    "a good item before a bad one": lambda: s3.put_many([(URI, b"1"), ("nowhere", b"2")]),
    "a bare bucket": lambda: s3.delete("s3://bucket"),
    "the root": lambda: s3.delete("file:///", whole_bucket=True),
    "strided data": lambda: s3.put_bytes(URI, memoryview(b"0123456789")[::2]),
}


@pytest.mark.parametrize("name", BAD_VALUES)
def test_a_value_that_cannot_be_used_is_refused(name: str) -> None:
    refused(InvalidArgumentError, BAD_VALUES[name])


WITH_PROGRESS: dict[str, Callable[..., object]] = {
    "get": lambda **more: s3.get(URI, **more),
    "get_many": lambda **more: s3.get_many([URI], **more),
    "get_many_stats": lambda **more: s3.get_many_stats([URI], **more),
    "put": lambda **more: s3.put(URI, **more),
    "put_bytes": lambda **more: s3.put_bytes(URI, b"", **more),
    "put_many": lambda **more: s3.put_many([(URI, b"")], **more),
    "list": lambda **more: s3.list(URI, **more),
    "delete": lambda **more: s3.delete(URI, **more),
    "read_npz": lambda **more: s3.read_npz(URI, **more),
}
WITH_STORE = {
    **WITH_PROGRESS,
    "head": lambda **more: s3.head(URI, **more),
    "exists": lambda **more: s3.exists(URI, **more),
    "copy": lambda **more: s3.copy(URI, URI, **more),
    "create_bucket": lambda **more: s3.create_bucket(URI, **more),
}


@pytest.mark.parametrize("name", WITH_PROGRESS)
@pytest.mark.parametrize("progress", [3, "yes", 1.0, [print]], ids=repr)
def test_progress_is_none_true_or_a_callable(name: str, progress: object) -> None:
    assert "progress" in str(refused(ArgumentTypeError, lambda: WITH_PROGRESS[name](progress=progress)))


@pytest.mark.parametrize("name", WITH_STORE)
@pytest.mark.parametrize("store", [3, "s3://bucket", {"endpoint": "x"}, s3.S3Store], ids=repr)
def test_a_store_is_a_store(name: str, store: object) -> None:
    assert "store" in str(refused(ArgumentTypeError, lambda: WITH_STORE[name](store=store)))


@pytest.mark.parametrize("name", WITH_STORE)
def test_only_an_unknown_keyword_is_the_interpreters_own_error(name: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword") as caught:
        WITH_STORE[name](regoin="x")
    assert type(caught.value) is TypeError


def test_the_parameters_are_those_of_the_older_module_in_its_order() -> None:
    def positional(function: Callable[..., object]) -> dict[str, object]:
        parameters = inspect.signature(function).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}

    required = inspect.Parameter.empty
    put = {
        "prefix": required,
        "num": 1,
        "template": "object_{}_of_{}.dat",
        "max_in_flight": 32,
        "size": None,
        "should_create_bucket": False,
        "object_type": "RAW",
    }
    expected: dict[str, dict[str, object]] = {
        "list": {"uri": required},
        "get": {"uri": required},
        "get_many": {"uris": required, "max_in_flight": 64},
        "get_many_stats": {"uris": required, "max_in_flight": 64},
        "put": put,
        "delete": {"uri": required},
        "read_npz": {"uri": required, "array_name": None},
    }
    for name, parameters in expected.items():
        assert positional(getattr(s3, name)) == parameters, name
        assert list(positional(getattr(s3, name))) == list(parameters), name
        assert inspect.signature(getattr(s3, name)).parameters.keys() == (
            inspect.signature(getattr(s3, name + "_async")).parameters.keys()
        ), name


def test_all_parameters_work_by_position_and_by_keyword(quick_place: Place) -> None:
    s3.put(quick_place.uri("a"), 2, "{}-{}", 4, 1000, True, "npz")
    s3.put(
        prefix=quick_place.uri("b"),
        num=2,
        template="{}-{}",
        max_in_flight=4,
        size=1000,
        should_create_bucket=True,
        object_type="npz",
    )
    assert quick_place.names() == ["a/0-2", "a/1-2", "b/0-2", "b/1-2"]
    uris = quick_place.uris(["a/0-2", "b/1-2"])
    assert s3.get_many(uris, 2) == s3.get_many(uris=uris, max_in_flight=2)
    assert s3.get_many_stats(uris, 2) == s3.get_many_stats(uris=uris, max_in_flight=2) == (2, 2000)
    assert s3.get(uris[0]) == s3.get(uri=uris[0])
    assert s3.list(uris[0]) == s3.list(uri=uris[0])
    assert s3.read_npz(uris[0], "y") == s3.read_npz(uri=uris[0], array_name="y")
    s3.copy(src=uris[0], dst=quick_place.uri("c"))
    s3.put_bytes(uri=quick_place.uri("c"), data=b"1")
    s3.put_many(items=[(quick_place.uri("c"), b"1")], max_in_flight=1)
    assert s3.head(uri=quick_place.uri("c"))["size"] == s3.exists(uri=quick_place.uri("c")) == 1
    s3.delete(uri=quick_place.uri("c"))
    s3.delete(uri=quick_place.uri("a/"), whole_bucket=False)
    assert quick_place.names() == ["b/0-2", "b/1-2"]


def test_numpys_numbers_are_numbers(quick_place: Place) -> None:
    num, window, size, seed = cast("list[int]", [np.int64(2), np.int8(1), np.uint16(10), np.uint64(1)])
    s3.put(quick_place.uri(), num, "{}", window, size, seed=seed, dedup=np.float64(1.0))
    assert s3.get_many_stats([quick_place.uri("*")], window) == (2, 20)


def test_subclasses_of_str_are_texts(quick_place: Place) -> None:
    class Text(str):
        pass

    s3.put_bytes(Text(quick_place.uri("a")), b"body")
    assert s3.get(np.str_(quick_place.uri("a"))) == b"body"
    assert s3.get_many([Text(quick_place.uri("a"))]) == [(quick_place.uri("a"), b"body")]


@pytest.mark.parametrize("template", ["{1:c}{0}", "{:0999999999999d}", "{2}", "{x}", "{", "{0.nothing}"])
def test_whatever_a_template_makes_of_it_is_an_invalid_argument(template: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        s3.put("memory://template/", 1114113 if "c" in template else 1, template, size=1)
    assert (caught.value.operation, caught.value.uri) == ("put", "memory://template/")


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("get", lambda: s3.get(1)),  # type: ignore[arg-type]
        ("put", lambda: s3.put("memory://m/", num=-1)),
        ("list", lambda: s3.list("memory://m/", progress=1)),  # type: ignore[arg-type]
        ("head", lambda: s3.head(1)),  # type: ignore[arg-type]
        ("exists", lambda: s3.exists(1)),  # type: ignore[arg-type]
        ("copy", lambda: s3.copy(1, 2)),  # type: ignore[arg-type]
        ("create_bucket", lambda: s3.create_bucket(1)),  # type: ignore[arg-type]
        ("store_for", lambda: s3.store_for(1)),  # type: ignore[arg-type]
    ],
)
def test_an_error_about_an_argument_says_what_was_called(operation: str, call: Callable[[], object]) -> None:
    with pytest.raises(BaseError) as caught:
        call()
    assert caught.value.operation == operation
