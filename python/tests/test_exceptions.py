"""What is raised: obstore's names, the built-ins that fit, and everything that is known of a failure."""

from __future__ import annotations

import builtins
import copy
import errno
import multiprocessing
import pickle
import socket
from collections.abc import Callable, Iterator

import pytest

import longshore as s3
from backends import Place
from longshore import exceptions, testing
from longshore.exceptions import BaseError, GenericError, NotFoundError, PermissionDeniedError

OBSTORE = [
    "AlreadyExistsError",
    "BaseError",
    "GenericError",
    "InvalidPathError",
    "JoinError",
    "NotFoundError",
    "NotModifiedError",
    "NotSupportedError",
    "PermissionDeniedError",
    "PreconditionError",
    "UnauthenticatedError",
    "UnknownConfigurationKeyError",
]
"""The names in `obstore.exceptions` of obstore 0.12.1."""

BUILT_INS: dict[str, list[type[BaseException]]] = {
    "AlreadyExistsError": [FileExistsError],
    "ArgumentTypeError": [TypeError],
    "ConnectionError": [builtins.ConnectionError],
    "InvalidArgumentError": [ValueError],
    "InvalidPathError": [ValueError],
    "NotFoundError": [FileNotFoundError],
    "NotSupportedError": [NotImplementedError],
    "PermissionDeniedError": [PermissionError],
    "TimeoutError": [builtins.TimeoutError],
    "UnauthenticatedError": [PermissionError],
    "UnknownConfigurationKeyError": [ValueError, KeyError],
}

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]
each_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)

FIELDS = {
    "uri": "s3://bucket/key",
    "operation": "get",
    "status": 503,
    "code": "SlowDown",
    "request_id": "4F2A",
    "attempts": 5,
    "failures": (("s3://bucket/a", "AccessDenied", "no"), ("s3://bucket/b", "InternalError", "later")),
}


@pytest.mark.parametrize("name", OBSTORE)
def test_every_class_of_obstore_is_there(name: str) -> None:
    assert name in exceptions.__all__
    assert issubclass(getattr(exceptions, name), BaseError)


@each_class
def test_every_class_is_a_runtime_error_and_the_built_in_that_fits(kind: type[BaseError]) -> None:
    assert issubclass(kind, BaseError)
    assert issubclass(kind, RuntimeError)
    for built_in in BUILT_INS.get(kind.__name__, []):
        assert issubclass(kind, built_in)
    assert kind.__module__ == "longshore.exceptions"
    assert kind.__doc__


@each_class
def test_every_class_can_be_built_from_one_string(kind: type[BaseError]) -> None:
    error = kind("what happened")
    assert str(error) == "what happened"
    assert error.args == ("what happened",)
    assert {name: getattr(error, name) for name in FIELDS} == {
        "uri": None,
        "operation": None,
        "status": None,
        "code": None,
        "request_id": None,
        "attempts": 0,
        "failures": (),
    }
    assert "what happened" in repr(error)
    assert str(kind()) == ""


def loaded(kind: type[BaseError]) -> BaseError:
    """An error that carries everything it can, with causes of causes and a note."""
    error = kind("get s3://bucket/key: throttled", errno=errno.EIO, **FIELDS)  # type: ignore[arg-type]
    error.__cause__ = OSError(errno.ECONNRESET, "reset by peer")
    error.__cause__.__cause__ = RuntimeError("deeper")
    error.add_note("a note")
    return error


def assert_same(made: BaseError, error: BaseError) -> None:
    assert type(made) is type(error)
    assert (str(made), made.args) == (str(error), error.args)
    assert {name: getattr(made, name) for name in FIELDS} == FIELDS
    assert made.__notes__ == ["a note"]
    if isinstance(error, OSError):
        assert isinstance(made, OSError)
        assert (made.errno, made.filename, made.strerror) == (errno.EIO, "s3://bucket/key", str(error))
    assert isinstance(made.__cause__, OSError)
    assert (made.__cause__.errno, made.__cause__.strerror) == (errno.ECONNRESET, "reset by peer")


@each_class
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_class_pickles_with_all_it_carries(kind: type[BaseError], protocol: int) -> None:
    assert_same(pickle.loads(pickle.dumps(loaded(kind), protocol)), loaded(kind))


@each_class
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_every_class_copies_with_all_it_carries(kind: type[BaseError], how: object) -> None:
    assert callable(how)
    assert_same(how(loaded(kind)), loaded(kind))


def test_a_subclass_pickles_too() -> None:
    error = pickle.loads(pickle.dumps(SpecialError("text", uri="s3://b/k")))
    assert (type(error), str(error), error.uri, error.filename) == (SpecialError, "text", "s3://b/k", "s3://b/k")


class SpecialError(NotFoundError):
    """Somebody's own."""


def missing(uri: str) -> None:
    s3.get(uri)


def test_an_error_crosses_from_a_worker_process(tmp_path: object) -> None:
    uri = f"file://{tmp_path}/missing"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(NotFoundError) as caught:
            pool.apply(missing, (uri,))
    assert (caught.value.uri, caught.value.operation, caught.value.errno) == (uri, "get", errno.ENOENT)


def test_a_missing_object_says_all_there_is_to_know(cloud_place: Place) -> None:
    uri = cloud_place.uri("missing")
    with pytest.raises(NotFoundError) as caught:
        s3.get(uri)
    error = caught.value
    assert (error.uri, error.operation, error.status, error.attempts) == (uri, "get", 404, 1)
    assert error.code in cloud_place.kind.missing_object
    assert (error.errno, error.filename) == (errno.ENOENT, uri)
    assert error.request_id
    assert error.request_id in str(error)
    assert str(error).startswith(f"get {uri}: ")
    assert isinstance(error.__cause__, BaseException)
    again = pickle.loads(pickle.dumps(error))
    assert (vars(again), str(again), str(again.__cause__)) == (vars(error), str(error), str(error.__cause__))


def test_a_missing_file_says_what_the_system_says(tmp_path: object) -> None:
    with pytest.raises(NotFoundError) as caught:
        s3.get(f"file://{tmp_path}/missing")
    error = caught.value
    assert (error.errno, error.filename) == (errno.ENOENT, f"{tmp_path}/missing")
    assert (error.uri, error.status, error.request_id) == (f"file://{tmp_path}/missing", None, None)


def test_a_missing_memory_object_says_what_it_is(tmp_path: object) -> None:
    with pytest.raises(NotFoundError) as caught:
        s3.get("memory:///missing")
    error = caught.value
    assert (error.uri, error.operation, error.errno, error.attempts) == ("memory:///missing", "get", errno.ENOENT, 0)


def test_the_operation_is_the_one_that_was_asked_for(gateway_place: Place) -> None:
    uri = gateway_place.uri("missing")
    nowhere = "s3://no-such-bucket/key"
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: s3.get(uri),
        "head": lambda: s3.head(uri),
        "put": lambda: s3.put_bytes(nowhere, b""),
        "list": lambda: s3.list(nowhere),
        "delete": lambda: s3.delete(nowhere),
        "copy": lambda: s3.copy(uri, gateway_place.uri("to")),
    }
    for name, call in calls.items():
        with pytest.raises(NotFoundError) as caught:
            call()
        assert caught.value.operation == name


def test_attempts_counts_the_requests_that_were_sent(longshore_server: testing.Server) -> None:
    store = longshore_server.store_for("bucket", max_retries=2)
    s3.create_bucket("s3://bucket", store=store)
    longshore_server.faults.status(503, "SlowDown", method="GET")
    longshore_server.reset_stats()
    with pytest.raises(BaseError) as caught:
        s3.get("s3://bucket/key", store=store)
    assert (caught.value.status, caught.value.code, caught.value.attempts) == (503, "SlowDown", 3)
    assert longshore_server.stats()["methods"] == {"GET": 3}
    assert "3" in str(caught.value)


def test_a_refusal_is_permission_denied_with_its_code(longshore_server: testing.Server) -> None:
    store = longshore_server.store_for("bucket")
    longshore_server.faults.status(403, "AccessDenied")
    with pytest.raises(PermissionDeniedError) as caught:
        s3.get("s3://bucket/key", store=store)
    error = caught.value
    assert isinstance(error, PermissionError)
    assert (error.status, error.code, error.errno, error.attempts) == (403, "AccessDenied", errno.EACCES, 1)


def test_a_server_that_is_not_there_is_a_connection_error(closed_port: str) -> None:
    store = s3.store_for("s3://bucket", endpoint=closed_port, access_key_id="k", secret_access_key="s", max_retries=1)
    with pytest.raises(builtins.ConnectionError) as caught:
        s3.get("s3://bucket/key", store=store)
    error = caught.value
    assert isinstance(error, exceptions.ConnectionError)
    assert isinstance(error, GenericError)
    assert (error.uri, error.operation, error.status) == ("s3://bucket/key", "get", None)
    assert error.attempts == 2
    assert error.__cause__ is not None


def test_a_server_that_is_not_there_is_named_with_what_to_check(closed_port: str) -> None:
    for bucket in ("s3://bucket", "gs://bucket"):
        store = s3.store_for(bucket, endpoint=closed_port, skip_signature=True, max_retries=0)
        with pytest.raises(exceptions.ConnectionError) as caught:
            s3.get(f"{bucket}/key", store=store)
        said = f"could not connect to {closed_port} (connection refused): is the server running"
        assert said in str(caught.value)
        assert caught.value.errno == errno.ECONNREFUSED


def test_a_proxy_that_is_not_there_is_named_without_its_password(
    closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", closed_port.replace("http://", "http://me:hunter2@"))
    # A client of its own, which finds this proxy. Nobody asks for the address of the host.
    store = s3.store_for(
        "s3://bucket", endpoint="http://storage.invalid", connect_timeout="4321ms", skip_signature=True, max_retries=0
    )
    with pytest.raises(exceptions.ConnectionError) as caught:
        s3.get("s3://bucket/k", store=store)
    said = f"could not connect to http://storage.invalid through the proxy {closed_port} (connection refused): "
    assert said in str(caught.value)
    assert "NO_PROXY" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.fixture
def silent_port() -> Iterator[str]:
    """An endpoint that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_stays_silent_is_a_timeout(silent_port: str) -> None:
    options = {"endpoint": silent_port, "access_key_id": "k", "secret_access_key": "s"}
    store = s3.store_for("s3://bucket", timeout=0.3, max_retries=0, **options)
    with pytest.raises(builtins.TimeoutError) as caught:
        s3.get("s3://bucket/key", store=store)
    error = caught.value
    assert isinstance(error, exceptions.TimeoutError)
    assert (error.uri, error.operation, error.attempts) == ("s3://bucket/key", "get", 1)


def test_no_secret_is_in_any_message(longshore_server: testing.Server) -> None:
    store = longshore_server.store_for("bucket", session_token="hidden-token")
    with pytest.raises(BaseError) as caught:
        s3.get("s3://bucket/key", store=store)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {vars(caught.value)}"
    assert longshore_server.secret_key not in shown
    assert "hidden-token" not in shown
