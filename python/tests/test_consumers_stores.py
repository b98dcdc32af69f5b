"""longshore's own stores, live, in the modules of `examples/consumers`: one pool, one set of credentials, the same objects."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import children
import consumers_built
import longshore
from consumers_built import NAMES, Consumer
from longshore import obs, testing
from longshore.store import LocalStore, MemoryStore, S3Store

PROGRAMS = "consumers_programs"
WRITTEN = datetime(2026, 11, 20, tzinfo=UTC)


class Derived(MemoryStore):
    """A Python class of a user."""


@pytest.fixture(scope="module")
def server() -> Iterator[testing.Server]:
    with testing.server() as running:
        longshore.create_bucket("s3://bucket", store=running.store_for("bucket"))
        yield running


@pytest.fixture(params=NAMES)
def consumer(request: pytest.FixtureRequest) -> Consumer:
    """Each of the modules in turn."""
    return consumers_built.consumer(request.param)


@pytest.fixture(params=["memory", "derived", "folder", "s3", "s3 below a prefix"])
def store(request: pytest.FixtureRequest, server: testing.Server, tmp_path: Path) -> Any:
    """A store of longshore's of each kind, without objects."""
    below = f"of/{request.node.name}".replace("[", "/").replace("]", "")
    match request.param:
        case "memory":
            return MemoryStore()
        case "derived":
            return Derived()
        case "folder":
            return LocalStore(tmp_path)
        case "s3":
            bucket = f"b{abs(hash(below))}"
            longshore.create_bucket(f"s3://{bucket}", store=server.store_for(bucket))
            return S3Store(bucket, **_keys(server))
        case _:
            return S3Store("bucket", prefix=below, **_keys(server))


def _keys(server: testing.Server) -> dict[str, Any]:
    return {
        "endpoint": server.endpoint,
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
        "region": server.region,
        "client_options": {"allow_http": True},
    }


def test_a_module_and_python_work_on_the_same_objects(consumer: Consumer, store: Any) -> None:
    obs.put(store, "from/python", b"written in Python")
    assert consumer.get(store, "from/python")[0] == b"written in Python"
    consumer.put(store, "from/module", b"written in a module")
    consumer.upload(store, "from/parts", [bytes(5 << 20), b"end"])
    assert bytes(obs.get(store, "from/module").bytes()) == b"written in a module"
    assert obs.head(store, "from/parts")["size"] == (5 << 20) + 3
    assert sorted(consumer.list_objects(store, "from")) == [
        ("from/module", 19),
        ("from/parts", (5 << 20) + 3),
        ("from/python", 17),
    ]
    assert consumer.stream_length(store, "from/parts") == (5 << 20) + 3
    assert consumer.get_ranges(store, "from/parts", [(0, 2), (5 << 20, (5 << 20) + 3)]) == [b"\0\0", b"end"]
    with pytest.raises(FileExistsError):
        consumer.put(store, "from/python", b"too late", create=True)
    with pytest.raises(FileNotFoundError):
        consumer.get(store, "none")


def test_a_prefix_is_the_exporters_matter(consumer: Consumer, server: testing.Server) -> None:
    name = f"prefixes/{consumer.__name__}"
    consumer.put(S3Store("bucket", prefix=name, **_keys(server)), "key", b"below")
    whole = S3Store("bucket", **_keys(server))
    assert bytes(obs.get(whole, f"{name}/key").bytes()) == b"below"


def test_bytes_in_memory_are_where_python_sees_them(consumer: Consumer) -> None:
    store = MemoryStore()
    address = consumer.put(store, "of/module", b"these very bytes")
    assert _address(obs.get(store, "of/module").bytes()) == address
    obs.put(store, "of/python", b"written in Python")
    there = _address(obs.get(store, "of/python").bytes())
    assert consumer.get(store, "of/python") == (b"written in Python", there)


def _address(content: Any) -> int:
    return np.frombuffer(memoryview(content), np.uint8).ctypes.data


class Dictionary:
    """A store that is written in Python."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, path: str, *, options: Any = None) -> bytes:
        if path not in self.objects:
            raise FileNotFoundError(path)
        return self.objects[path]

    def put(self, path: str, body: Any, *, mode: Any = "overwrite", **_: Any) -> None:
        if mode == "create" and path in self.objects:
            raise FileExistsError(path)
        self.objects[path] = bytes(body)

    def list(self, prefix: str | None) -> list[Any]:
        return [self.head(path) for path in sorted(self.objects) if path.startswith(prefix or "")]

    def delete(self, path: str) -> None:
        del self.objects[path]

    def head(self, path: str) -> Any:
        size = len(self.get(path))
        return {"path": path, "size": size, "last_modified": WRITTEN, "e_tag": None, "version": None}


def test_a_store_written_in_python_serves_every_module(consumer: Consumer) -> None:
    written = Dictionary()
    store = longshore.export_store(written)
    written.objects["from/python"] = b"of a dictionary"
    assert consumer.get(store, "from/python")[0] == b"of a dictionary"
    assert consumer.get_ranges(store, "from/python", [(0, 2), (5, 15)]) == [b"of", b"dictionary"]
    consumer.put(store, "from/module", b"of a module")
    consumer.upload(store, "from/parts", [b"in ", b"parts"])
    assert written.objects["from/module"] == b"of a module"
    assert written.objects["from/parts"] == b"in parts"
    found = [("from/module", 11), ("from/parts", 8), ("from/python", 15)]
    assert sorted(consumer.list_objects(store, "from")) == found
    assert consumer.gather(store, "from/module", 20, False) == 20 * 11
    with pytest.raises(FileExistsError):
        consumer.put(store, "from/module", b"again", create=True)
    with pytest.raises(FileNotFoundError):
        consumer.get(store, "none")


@dataclass
class Agent:
    """An agent of a container, which gives the keys of a server, and counts who asks."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def agent(server: testing.Server) -> Iterator[Agent]:
    found = Agent()
    keys = {
        "AccessKeyId": server.access_key,
        "SecretAccessKey": server.secret_key,
        "Token": "",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = json.dumps(keys).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        found.url = f"http://127.0.0.1:{http.server_port}/keys"
        yield found
        http.shutdown()
        thread.join()


def _store_of_agent(server: testing.Server, agent: Agent, **more: Any) -> S3Store:
    options: dict[str, Any] = {"endpoint": server.endpoint, "region": server.region, **more}
    options.setdefault("client_options", {"allow_http": True})
    return S3Store("bucket", container_credentials_full_uri=agent.url, **options)


def _use(module: Consumer, store: Any) -> None:
    path = f"pool/{module.__name__}"
    module.put(store, path, b"content")
    assert module.get(store, path)[0] == b"content"
    assert module.stream_length(store, path) == 7
    assert module.list_objects(store, path) == []
    with pytest.raises(FileExistsError):
        module.put(store, path, b"again", create=True)
    with pytest.raises(FileNotFoundError):
        module.get(store, "pool/none")


def test_all_modules_use_one_connection_and_ask_for_keys_once() -> None:
    """Each request is made after the one before, so that a pool needs no more than one connection."""
    with testing.server() as server:
        longshore.create_bucket("s3://bucket", store=server.store_for("bucket"))
        with agent(server) as keys:
            store = _store_of_agent(server, keys)
            for module in consumers_built.everybody():
                _use(module, store)
            # The bucket was made by that one already.
            assert (server.stats()["connections"], len(keys.asked)) == (1, 1)
            assert server.stats()["operations"]["GetObject"] == 3 * len(NAMES)


def test_a_store_for_each_module_makes_a_connection_and_asks_for_keys_each_time() -> None:
    """What the test above would find, if stores were built anew: the control."""
    with testing.server() as server:
        longshore.create_bucket("s3://bucket", store=server.store_for("bucket"))
        with agent(server) as keys:
            server.reset_stats()
            for module in consumers_built.everybody():
                # Another name, so that longshore finds no store that it has already.
                options = {"allow_http": True, "user_agent": module.__name__}
                _use(module, _store_of_agent(server, keys, client_options=options))
            assert server.stats()["connections"] == len(keys.asked) == len(NAMES)


def test_a_conditional_put_on_a_server_has_one_winner_among_modules(server: testing.Server) -> None:
    store = S3Store("bucket", **_keys(server))
    modules = consumers_built.everybody()
    for number in range(5):
        together, winners = threading.Barrier(len(modules)), list[str]()

        def tries(
            module: Consumer,
            path: str = f"race/{number}",
            together: threading.Barrier = together,
            winners: list[str] = winners,
        ) -> None:
            together.wait(20)
            try:
                module.put(store, path, module.__name__.encode(), create=True)
            except FileExistsError:
                return
            winners.append(module.__name__)

        threads = [threading.Thread(target=tries, args=[module]) for module in modules]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(winners) == 1
        assert bytes(obs.get(store, f"race/{number}").bytes()) == winners[0].encode()


def test_many_requests_of_all_modules_share_a_pool(server: testing.Server) -> None:
    """Sixty-four requests at once of one module after the other: connections are used again by the next."""
    store = S3Store("bucket", **_keys(server))
    obs.put(store, "shared", b"x" * 1000)
    consumers_built.consumer("c").gather(store, "shared", 64, False)
    server.reset_stats()
    for module in consumers_built.everybody():
        assert module.gather(store, "shared", 64, False) == 64_000
    # Separate pools would open 64 for each.
    assert server.stats()["connections"] < 2 * 64


def test_requests_complete_while_the_main_thread_holds_the_interpreter(server: testing.Server) -> None:
    children.run(PROGRAMS, "attached_to_server", environment=server.environment).check()


def test_a_forked_child_asks_longshores_store_again(server: testing.Server) -> None:
    children.run(PROGRAMS, "forked_from_server", environment=server.environment, seconds=60).check()


def test_a_program_ends_while_a_server_is_silent() -> None:
    with testing.server() as server:
        store = server.store_for("bucket")
        longshore.create_bucket("s3://bucket", store=store)
        obs.put(store, "a", b"content")
        server.faults.latency(20, method="GET", path="/bucket/a")
        ended = children.run(PROGRAMS, "ends_while_a_server_is_silent", environment=server.environment)
        assert (ended.code, ended.out, ended.err) == (0, f"{len(NAMES)} were told\n", "")
        assert ended.seconds < 15
