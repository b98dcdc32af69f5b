"""The places that one list of client tests runs over: three S3 servers, local files and memory.

A test that asks for `place` (see `conftest`) runs once over each of them, with an empty prefix to itself. Where kinds of
stores differ for a reason, or a server deviates from S3, that is a field of `Backend`, with the reason beside it; tests do
not ask for names.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
from longshore import testing
from servers.base import Server
from servers.moto import moto
from servers.seaweedfs import seaweedfs

_numbers = itertools.count()

_NO_CONTROLS = {"\t": "the crate object_store refuses control characters in paths"}


@dataclass(frozen=True)
class Backend:
    """One kind of store, running, and what it is known to do in its own way."""

    name: str
    root: str
    """What stands before the key in a URI: `s3://bucket/`, `file:///` or `memory:///`."""
    folder: str = ""
    """What every key of the tests begins with. For files it is the scratch folder."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that make plain URIs reach it."""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Keywords for `store_for` that do the same."""
    gateway: testing.Server | None = None
    """Our own gateway, which counts requests and can misbehave."""
    cannot_hold: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Characters that no key of it can have, each with the reason."""
    more_than_a_page: int = 1100
    """A number of objects that S3 lists in more than one page of 1000."""


@dataclass(frozen=True)
class Place:
    """An empty prefix in one backend."""

    backend: Backend
    prefix: str
    """What the keys of this test begin with; ends in a slash."""

    def uri(self, name: str = "") -> str:
        """The URI of the object `name` in this place; without a name that of the place itself, which ends in a slash."""
        return self.backend.root + self.prefix + name

    def uris(self, names: list[str]) -> list[str]:
        return [self.uri(name) for name in names]

    def key(self, name: str) -> str:
        """The key of the object `name`, as listings have it."""
        return self.prefix + name

    def names(self) -> list[str]:
        """All objects in this place, by name."""
        return [key.removeprefix(self.prefix) for key in s3.list(self.uri())]

    def holds(self, name: str) -> bool:
        """Whether this backend can have a key with those characters."""
        return not any(character in name for character in self.backend.cannot_hold)

    def fill(self, *names: str) -> None:
        """Writes an object for each name, whose body is the name."""
        s3.put_many([(self.uri(name.replace("*", r"\*")), name.encode()) for name in names])

    def bodies(self) -> dict[str, bytes]:
        """What every object of this place holds, by name."""
        names = self.names()
        pairs = s3.get_many([self.uri(name.replace("*", r"\*")) for name in names])
        return {name: body for name, (_, body) in zip(names, pairs, strict=True)}

    def count(self, operation: str) -> int:
        """How many requests of that name our gateway has answered since `reset`."""
        assert self.backend.gateway is not None
        return int(self.backend.gateway.stats()["operations"].get(operation, 0))

    def reset(self) -> None:
        """Sets the gateway's counts to zero."""
        assert self.backend.gateway is not None
        self.backend.gateway.reset_stats()


def new_name() -> str:
    """A name that nothing else in this run has, fit for a bucket."""
    return f"longshore-{os.getpid()}-{next(_numbers)}"


def options_of(server: Server) -> dict[str, str]:
    """What `store_for` needs to reach a server."""
    return {
        "endpoint": server.endpoint,
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
        "region": server.region,
    }


def environment_of(options: Mapping[str, str]) -> dict[str, str]:
    """The variables that stand for such options."""
    return {
        "AWS_ENDPOINT_URL": options["endpoint"],
        "AWS_ACCESS_KEY_ID": options["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": options["secret_access_key"],
        "AWS_REGION": options["region"],
    }


def _over_s3(name: str, options: dict[str, str], **more: Any) -> Backend:
    bucket = new_name()
    s3.create_bucket(f"s3://{bucket}", store=s3.store_for(f"s3://{bucket}", **options))
    return Backend(name, f"s3://{bucket}/", options=options, environment=environment_of(options), **more)


@contextlib.contextmanager
def _gateway(folder: Path) -> Iterator[Backend]:
    with testing.server() as server:
        yield _over_s3("gateway", server.options, gateway=server, more_than_a_page=2500)


@contextlib.contextmanager
def _seaweedfs(folder: Path) -> Iterator[Backend]:
    with seaweedfs(folder) as server:
        # A deviation from S3, seen in 4.48: `a\\b` is written as `a/b`.
        yield _over_s3("seaweedfs", options_of(server), cannot_hold={"\\": "SeaweedFS takes it for a slash"})


@contextlib.contextmanager
def _moto(folder: Path) -> Iterator[Backend]:
    with moto(folder) as server:
        yield _over_s3("moto", options_of(server))


@contextlib.contextmanager
def _file(folder: Path) -> Iterator[Backend]:
    yield Backend("file", "file:///", folder=folder.as_posix().lstrip("/") + "/")


@contextlib.contextmanager
def _memory(folder: Path) -> Iterator[Backend]:
    yield Backend("memory", "memory:///", cannot_hold=_NO_CONTROLS)


START: Mapping[str, Callable[[Path], contextlib.AbstractContextManager[Backend]]] = {
    "gateway": _gateway,
    "seaweedfs": _seaweedfs,
    "moto": _moto,
    "file": _file,
    "memory": _memory,
}

ALL = list(START)
S3_SERVERS = ["gateway", "seaweedfs", "moto"]
"""Where buckets are made, can be missing, and can belong to somebody else."""
ANY_KEY = ["gateway", "moto"]
"""Where every text is a key. Files and memory have no keys with an empty segment or a slash at the end, and SeaweedFS keeps
its objects in a tree of folders too."""
WITH_ROOTS = [*S3_SERVERS, "memory"]
"""Where a test can have a whole bucket to itself. The file system has one root, and it is everybody's."""


class Backends:
    """The backends of a run, each started when first asked for and stopped at the end."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._started: dict[str, Backend] = {}
        self._failed: dict[str, BaseException] = {}
        self._stack = contextlib.ExitStack()

    def __getitem__(self, name: str) -> Backend:
        if name in self._failed:
            # Once is enough to wait for a server that does not come.
            raise self._failed[name]
        if name not in self._started:
            try:
                self._started[name] = self._stack.enter_context(START[name](self._folder(name)))
            except (Exception, pytest.skip.Exception, pytest.fail.Exception) as failure:
                self._failed[name] = failure
                raise
        return self._started[name]

    def close(self) -> None:
        self._stack.close()
