"""File systems for the tests of `longshore.fsspec`: one of each kind, with a folder to itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
