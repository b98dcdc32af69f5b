"""Fixtures of the client tests. `backends` says what they are made of."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest

import longshore as s3
from backends import ALL, ANY_KEY, S3_SERVERS, WITH_ROOTS, Backend, Backends, Place, new_name

# A shell that runs this in the background has Ctrl-C ignored, and so would every program that a test starts. The tests are about
# programs that a person can interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the AWS account of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    """Every backend by name, started when first asked for."""
    running = Backends(tmp_path_factory.mktemp)
    yield running
    running.close()


def _enter(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Makes plain URIs reach `backend` for the length of a test."""
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    return backend


@pytest.fixture(params=ALL)
def place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend in turn."""
    backend = _enter(backends[request.param], monkeypatch)
    return Place(backend, f"{backend.folder}{new_name()}/")


@pytest.fixture(params=S3_SERVERS)
def s3_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, on each S3 server in turn."""
    return Place(_enter(backends[request.param], monkeypatch), f"{new_name()}/")


@pytest.fixture(params=ANY_KEY)
def any_key_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, on each S3 server that holds every key that S3 does."""
    return Place(_enter(backends[request.param], monkeypatch), f"{new_name()}/")


@pytest.fixture
def gateway_place(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix on our own gateway, whose counts of requests begin at zero."""
    place = Place(_enter(backends["gateway"], monkeypatch), f"{new_name()}/")
    place.reset()
    return place


@pytest.fixture(params=["gateway", "file", "memory"])
def quick_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix of each of our own kinds of store, for what no server can change."""
    backend = _enter(backends[request.param], monkeypatch)
    return Place(backend, f"{backend.folder}{new_name()}/")


@pytest.fixture(params=WITH_ROOTS)
def bucket(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a new bucket, without a slash at its end; for memory that of an empty store."""
    backend = _enter(backends[request.param], monkeypatch)
    uri = f"{backend.root.partition('://')[0]}://{new_name()}"
    s3.create_bucket(uri)
    return uri


@pytest.fixture(params=S3_SERVERS)
def missing_bucket(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a bucket that does not exist, without a slash at its end."""
    _enter(backends[request.param], monkeypatch)
    return f"s3://{new_name()}"


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An endpoint where nobody listens, and nobody will: connecting fails at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
