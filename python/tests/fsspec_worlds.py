"""pytest plugin: file systems for the tests of `longshore.fsspec`, one of each quick kind, with a folder to itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import longshore as s3
from backends import new_name
from longshore import testing
from longshore.fsspec import FsspecStore


@dataclass(frozen=True)
class World:
    """A file system, a folder in it that no other test uses, and its server where it has one."""

    fs: FsspecStore
    root: str
    server: testing.Server | None = None

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def fill(self, *names: str) -> None:
        """Makes objects whose content is their name."""
        self.fs.pipe({self.path(name): name.encode() for name in names})

    def names(self, found: Any) -> list[str]:
        """The names of those paths."""
        return [path.removeprefix(self.root).removeprefix("/") for path in found]


def s3_options(server: testing.Server) -> dict[str, Any]:
    return {**server.options, "client_options": {"allow_http": True}}


def requests(server: testing.Server) -> dict[str, int]:
    """What the server was asked since its counts were reset."""
    return {name: count for name, count in server.stats()["operations"].items() if count}


@pytest.fixture(scope="session")
def fsspec_server() -> Iterator[testing.Server]:
    with testing.server() as running:
        for bucket in ("bucket", "other"):
            s3.create_bucket(f"s3://{bucket}", store=running.store_for(bucket))
        yield running


@pytest.fixture
def s3_world(fsspec_server: testing.Server) -> World:
    world = World(FsspecStore("s3", **s3_options(fsspec_server)), f"bucket/{new_name()}", fsspec_server)
    fsspec_server.faults.clear()
    fsspec_server.reset_stats()
    return world


@pytest.fixture(params=["memory", "file", "s3"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "s3":
        found: World = request.getfixturevalue("s3_world")
        return found
    if request.param == "file":
        return World(FsspecStore("file"), str(tmp_path))
    return World(FsspecStore("memory", skip_instance_cache=True), "/tests")
