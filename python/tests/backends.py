"""The places that one list of client tests runs over: servers of every kind of store, local files and memory.

A test that asks for `place` (see `conftest`) runs once over each kind that does everything a test may want, one that asks for
`readable_place` over those that only read too, each time with an empty prefix to itself. Where kinds of stores differ for a
reason, or a server deviates from the real one, that is a field of `Kind` with the reason beside it; tests and fixtures ask for
what they need, not for names.

What the list costs over each kind, in seconds with the start of its server, on a 2-vCPU VM that was busy with other work
(2026-11): Azurite 25, moto 22, SeaweedFS 21, gateway 8, files 6, Google's emulator 5, WsgiDAV 5, memory 4, nginx 3, plain HTTP 1.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

import longshore as s3
from longshore import testing
from servers import files
from servers.azurite import azurite
from servers.base import Server
from servers.gcs import gcs
from servers.moto import moto
from servers.seaweedfs import seaweedfs

_numbers = itertools.count()


class Ability(Enum):
    """What a test may need of a kind of store."""

    WRITE = "takes objects, replaces, copies and deletes them"
    LIST = "says which objects there are"
    BUCKETS = "makes buckets, which can be missing and can belong to somebody else"
    ROOTS = "gives a test a whole bucket to itself"
    ANY_KEY = "holds every text as a key"
    TEXTS = "takes keys for texts, in which nothing is decoded and no segment has a meaning"
    NO_FOLDERS = "has nothing at a URI that is not an object's"
    S3 = "speaks S3, and is configured by its variables"
    CONDITIONS = "writes only where nothing, or a certain version, is there"
    ATTRIBUTES = "keeps what is said of an object's content"


@dataclass(frozen=True)
class Kind:
    """One kind of store, and what it is known to do in its own way. Said before anything of it runs."""

    name: str
    start: Callable[[Kind, Path], AbstractContextManager[Backend]] = field(repr=False)
    cannot: Mapping[Ability, str] = field(default_factory=dict, repr=False)
    """What it cannot do, each with the reason."""
    refuses: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Characters in keys that are an error, each with the reason."""
    mangles: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Texts in keys that its server does not keep as they are, each with the reason. Nobody can tell beforehand."""
    store: type[s3.Store] = s3.Store
    """What `store_for` gives for its URIs."""
    missing_bucket: Collection[str] = ("NoSuchBucket",)
    """The codes with which it says that there is no such bucket."""
    missing_object: Collection[str] = ("NoSuchKey",)
    """The codes with which it says that there is no such object."""
    more_than_a_page: int = 1100
    """A number of objects that it lists in more than one page. S3's have 1000."""
    deletes_dots: bool = False
    """Whether a delete can name a key with a segment of dots: where keys stand in URLs with their slashes encoded."""
    quick: bool = False
    """Whether it is our own and costs no time: for what no server can change."""

    def can(self, *abilities: Ability) -> bool:
        return not any(ability in self.cannot for ability in abilities)


@dataclass(frozen=True)
class Backend:
    """A kind of store that runs, and how it is reached."""

    kind: Kind
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
    door: Path | None = None
    """The folder behind a store that only reads, where the tests put its objects."""
    spell: Callable[[str], str] = field(default=str, repr=False)
    """How a text is written in its keys and URIs. The keys of web servers are parts of URLs; all others are texts."""

    @property
    def scheme(self) -> str:
        return self.root.partition("://")[0]


@dataclass(frozen=True)
class Place:
    """An empty prefix in one backend."""

    backend: Backend
    prefix: str
    """What the keys of this test begin with; ends in a slash."""

    @property
    def kind(self) -> Kind:
        return self.backend.kind

    def uri(self, name: str = "") -> str:
        """The URI of the object `name` in this place; without a name that of the place itself, which ends in a slash."""
        # Stars are wildcards unless they are escaped, in every spelling.
        parts = re.split(r"(\\?\*)", name)
        return (
            self.backend.root
            + self.prefix
            + "".join(part if index % 2 else self.backend.spell(part) for index, part in enumerate(parts))
        )

    def store(self) -> s3.Store:
        """The store that this place is in, whose keys `key` gives."""
        return s3.store_for(self.backend.root)

    def object(self, name: str) -> str:
        """The URI of exactly that object, whatever stars are in its name."""
        return self.uri(name.replace("*", r"\*"))

    def uris(self, names: list[str]) -> list[str]:
        return [self.uri(name) for name in names]

    def key(self, name: str) -> str:
        """The key of the object `name`, as listings have it."""
        return self.prefix + self.backend.spell(name)

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Those names in the byte order of their keys."""
        return sorted(names, key=lambda name: self.key(name).encode())

    def name(self, key: str) -> str:
        """The name of the object that has that key."""
        name = key.removeprefix(self.prefix)
        return name if self.backend.spell is str else unquote(name)

    def names(self) -> list[str]:
        """All objects in this place, by name."""
        return [self.name(key) for key in s3.list(self.uri())]

    def holds(self, name: str) -> bool:
        """Whether this backend can have a key with those characters."""
        return not any(text in name for text in (*self.kind.refuses, *self.kind.mangles))

    def fill(self, *names: str) -> None:
        """Writes an object for each name, whose body is the name."""
        self.write({name: name.encode() for name in names})

    def write(self, bodies: Mapping[str, bytes]) -> None:
        """Writes an object for each name: through the client, or through the door of a store that only reads."""
        door = self.backend.door
        if door is None:
            s3.put_many([(self.object(name), body) for name, body in bodies.items()], 64)
            return
        for name, body in bodies.items():
            path = door / f"{self.prefix}{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)

    def bodies(self) -> dict[str, bytes]:
        """What every object of this place holds, by name."""
        names = self.names()
        pairs = s3.get_many([self.object(name) for name in names])
        return {name: body for name, (_, body) in zip(names, pairs, strict=True)}

    def count(self, operation: str) -> int:
        """How many requests of that name our gateway has answered since `reset`."""
        assert self.backend.gateway is not None
        return int(self.backend.gateway.stats()["operations"].get(operation, 0))

    def reset(self) -> None:
        """Sets the gateway's counts to zero."""
        assert self.backend.gateway is not None
        self.backend.gateway.reset_stats()


@dataclass(frozen=True)
class MissingBucket:
    """A bucket that does not exist."""

    uri: str
    """Without a slash at its end."""
    codes: Collection[str]
    """How its server says so."""


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


def _over_s3(kind: Kind, options: dict[str, str], **more: Any) -> Backend:
    bucket = new_name()
    s3.create_bucket(f"s3://{bucket}", store=s3.store_for(f"s3://{bucket}", **options))
    return Backend(kind, f"s3://{bucket}/", options=options, environment=environment_of(options), **more)


def _over_cloud(kind: Kind, scheme: str, **options: str) -> Backend:
    bucket = new_name()
    s3.create_bucket(f"{scheme}://{bucket}", store=s3.store_for(f"{scheme}://{bucket}", **options))
    environment = {_VARIABLES[scheme][name]: value for name, value in options.items()}
    return Backend(kind, f"{scheme}://{bucket}/", options=options, environment=environment)


@contextlib.contextmanager
def _gateway(kind: Kind, folder: Path) -> Iterator[Backend]:
    with testing.server() as server:
        yield _over_s3(kind, server.options, gateway=server)


@contextlib.contextmanager
def _seaweedfs(kind: Kind, folder: Path) -> Iterator[Backend]:
    with seaweedfs(folder) as server:
        yield _over_s3(kind, options_of(server))


@contextlib.contextmanager
def _moto(kind: Kind, folder: Path) -> Iterator[Backend]:
    with moto(folder) as server:
        yield _over_s3(kind, options_of(server))


@contextlib.contextmanager
def _azurite(kind: Kind, folder: Path) -> Iterator[Backend]:
    with azurite(folder) as server:
        yield _over_cloud(
            kind,
            "az",
            account_name=server.access_key,
            account_key=server.secret_key,
            endpoint=f"{server.endpoint}/{server.access_key}",
        )


@contextlib.contextmanager
def _gcs(kind: Kind, folder: Path) -> Iterator[Backend]:
    with gcs(folder) as server:
        yield _over_cloud(kind, "gs", endpoint=server.endpoint, skip_signature="true", project="project")


@contextlib.contextmanager
def _gcs_xml(kind: Kind, folder: Path) -> Iterator[Backend]:
    """The same emulator through the interface that Google itself is reached by."""
    with gcs(folder) as server:
        yield _over_cloud(
            kind, "gs", endpoint=server.endpoint, skip_signature="true", project="project", xml_api="true"
        )


@contextlib.contextmanager
def _file(kind: Kind, folder: Path) -> Iterator[Backend]:
    yield Backend(kind, "file:///", folder=folder.as_posix().lstrip("/") + "/")


@contextlib.contextmanager
def _memory(kind: Kind, folder: Path) -> Iterator[Backend]:
    yield Backend(kind, "memory:///")


_VARIABLES = {
    "az": {
        "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
        "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
        "endpoint": "AZURE_STORAGE_ENDPOINT",
    },
    "gs": {
        "endpoint": "GOOGLE_BASE_URL",
        "skip_signature": "GOOGLE_SKIP_SIGNATURE",
        "project": "GOOGLE_CLOUD_PROJECT",
        "xml_api": "GOOGLE_XML_API",
    },
}


def _web(start: files.Start) -> Callable[[Kind, Path], AbstractContextManager[Backend]]:
    """Starts a web server, whose folder is the door."""

    @contextlib.contextmanager
    def started(kind: Kind, folder: Path) -> Iterator[Backend]:
        with start(folder) as server:
            spell = partial(quote, safe="-._~!$&'()+,;=:@/")
            yield Backend(kind, f"{server.endpoint}/", door=server.files, spell=spell)

    return started


_NOT_S3 = {Ability.S3: "it is another protocol"}
_NO_BUCKETS = {**_NOT_S3, Ability.BUCKETS: "it has none"}
_READ_ONLY = {
    **_NO_BUCKETS,
    Ability.WRITE: "web servers are read",
    Ability.ROOTS: "a server is one root",
    Ability.ANY_KEY: "its objects are files",
    Ability.NO_FOLDERS: "folders have URLs too, and what is answered there is up to the server",
    Ability.TEXTS: "a URL is decoded, and its dots are folded away, as every client of the web does",
}
_OF_PATHS = {Ability.ANY_KEY: "it has no keys with an empty segment or a slash at the end"}
_NO_CONTROLS = {"\t": "the crate object_store refuses control characters in paths"}

_NGINX = Kind(
    "nginx",
    _web(files.nginx),
    cannot=_READ_ONLY,
    store=s3.HTTPStore,
    # A deviation from WebDAV, seen in the module dav-ext 3.0: they are read, but they are in no listing.
    mangles={"/.": "nginx lists no names that begin with a dot"},
)

_GCS = Kind(
    "gcs",
    _gcs,
    store=s3.GCSStore,
    cannot={
        **_NOT_S3,
        **_OF_PATHS,
        Ability.CONDITIONS: "the emulator takes no notice of ifGenerationMatch",
        Ability.ATTRIBUTES: "the emulator keeps the type of content alone",
    },
    # The first is of the XML API, the second of the JSON API.
    missing_bucket=("NoSuchBucket", "notFound"),
    missing_object=("NoSuchKey", "notFound"),
    deletes_dots=True,
    refuses=_NO_CONTROLS,
)

KINDS = [
    Kind("gateway", _gateway, store=s3.S3Store, more_than_a_page=2500, quick=True),
    Kind(
        "seaweedfs",
        _seaweedfs,
        store=s3.S3Store,
        cannot={Ability.ANY_KEY: "it keeps its objects in a tree of folders"},
        # A deviation from S3, seen in 4.48: `a\\b` is written as `a/b`.
        mangles={"\\": "SeaweedFS takes it for a slash"},
    ),
    Kind("moto", _moto, store=s3.S3Store),
    Kind(
        "azurite",
        _azurite,
        store=s3.AzureStore,
        cannot={**_NOT_S3, **_OF_PATHS},
        missing_bucket=("ContainerNotFound",),
        missing_object=("BlobNotFound",),
        refuses=_NO_CONTROLS,
        mangles={"\\": "Azure takes it for a slash, and so does Azurite"},
    ),
    _GCS,
    replace(
        _GCS,
        name="gcs-xml",
        start=_gcs_xml,
        cannot={ability: why for ability, why in _GCS.cannot.items() if ability is not Ability.CONDITIONS},
    ),
    Kind(
        "file",
        _file,
        store=s3.LocalStore,
        cannot={
            **_NO_BUCKETS,
            **_OF_PATHS,
            Ability.ROOTS: "the file system has one root, and it is everybody's",
            Ability.ATTRIBUTES: "files have none",
        },
        quick=True,
    ),
    Kind(
        "memory",
        _memory,
        store=s3.MemoryStore,
        cannot={**_NO_BUCKETS, **_OF_PATHS},
        refuses=_NO_CONTROLS,
        quick=True,
    ),
    Kind("wsgidav", _web(files.wsgidav), cannot=_READ_ONLY, store=s3.HTTPStore),
    # Where it is installed; WsgiDAV is always there.
    *([_NGINX] if files.has_nginx() else []),
    Kind(
        "plain http",
        _web(files.plain),
        cannot={**_READ_ONLY, Ability.LIST: "a listing of a web server is an answer to PROPFIND, which WebDAV has"},
        store=s3.HTTPStore,
    ),
]


def kinds(*abilities: Ability, lacking: Ability | None = None, quick: bool = False) -> list[str]:
    """The names of the kinds that can do all that, and cannot do what is `lacking`; with `quick` only our own."""
    return [
        kind.name
        for kind in KINDS
        if kind.can(*abilities) and not (lacking and kind.can(lacking)) and (kind.quick or not quick)
    ]


class Backends:
    """The backends of a run, each started when first asked for and stopped at the end."""

    def __init__(self, folder: Callable[[str], Path], known: Iterable[Kind] = ()) -> None:
        self._folder = folder
        self._kinds = {kind.name: kind for kind in known or KINDS}
        self._started: dict[str, Backend] = {}
        self._failed: dict[str, BaseException] = {}
        self._stack = contextlib.ExitStack()

    def __getitem__(self, name: str) -> Backend:
        if name in self._failed:
            # Once is enough to wait for a server that does not come.
            raise self._failed[name]
        if name not in self._started:
            kind = self._kinds[name]
            try:
                self._started[name] = self._stack.enter_context(kind.start(kind, self._folder(name)))
            except (Exception, pytest.skip.Exception, pytest.fail.Exception) as failure:
                self._failed[name] = failure
                raise
        return self._started[name]

    def close(self) -> None:
        self._stack.close()
