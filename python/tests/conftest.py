"""Fixtures of the client tests. `backends` says what they are made of."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import accounts
import longshore as s3
from backends import KINDS, Ability, Backend, Backends, MissingBucket, Place, kinds, new_name
from servers import files
from ways import ABROAD, WAYS, Way

# A shell that runs this in the background has Ctrl-C ignored, and so would every program that a test starts. The tests are about
# programs that a person can interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Says what the client tests run over, so that nobody wonders about what is missing."""
    missing = [] if files.has_nginx() else ["no nginx with PROPFIND on this machine"]
    return ", ".join([f"client tests over: {' '.join(kind.name.replace(' ', '-') for kind in KINDS)}", *missing])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "abroad(*ways): which ways a test goes on servers that are not our own")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the ways that a test does not go on servers of others; see `ways`."""
    config.hook.pytest_deselected(items=[item for item in items if _is_left_out(item)])
    items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    params: dict[str, object] = item.callspec.params if hasattr(item, "callspec") else {}
    marker = item.get_closest_marker("abroad")
    theirs = {kind.name for kind in KINDS if not kind.quick} & {str(value) for value in params.values()}
    return bool(theirs) and params.get("way", "uris") not in (marker.args if marker else ABROAD)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with nothing in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """No test sees the accounts of whoever runs it."""
    accounts.hide(monkeypatch, empty_home)


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


def _place(backend: Backend) -> Place:
    return Place(backend, f"{backend.folder}{new_name()}/")


def _new_bucket(backend: Backend) -> str:
    return f"{backend.scheme}://{new_name()}"


@pytest.fixture(params=kinds(Ability.WRITE, Ability.LIST))
def place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend that writes too."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.LIST))
def readable_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend, also where only `Place.write` can write."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.LIST, Ability.TEXTS))
def text_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend whose keys are texts."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(lacking=Ability.WRITE))
def read_only_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend that only reads."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(lacking=Ability.LIST))
def unlisted_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, in each backend that cannot say which objects there are."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.BUCKETS))
def cloud_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, on each server that has buckets."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.S3))
def s3_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, on each S3 server."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.ANY_KEY))
def any_key_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix, on each server that holds every key that S3 does."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to do what is done with objects: by URI, and by the methods of a store."""
    return WAYS[request.param]


@pytest.fixture
def gateway_place(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix on our own gateway, whose counts of requests begin at zero."""
    place = _place(_enter(backends["gateway"], monkeypatch))
    place.reset()
    return place


@pytest.fixture(params=kinds(Ability.WRITE, Ability.LIST, quick=True))
def quick_place(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix of each of our own kinds of store, for what no server can change."""
    return _place(_enter(backends[request.param], monkeypatch))


@pytest.fixture(params=kinds(Ability.ROOTS))
def bucket(request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a new bucket, without a slash at its end; for memory that of an empty store."""
    uri = _new_bucket(_enter(backends[request.param], monkeypatch))
    s3.create_bucket(uri)
    return uri


@pytest.fixture(params=kinds(Ability.BUCKETS))
def missing_bucket(
    request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> MissingBucket:
    """A bucket that does not exist, on each server that has buckets."""
    backend = _enter(backends[request.param], monkeypatch)
    return MissingBucket(_new_bucket(backend), backend.kind.missing_bucket)


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An endpoint where nobody listens, and nobody will: connecting fails at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
