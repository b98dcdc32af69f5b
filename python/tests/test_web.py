"""URLs of the web, as the Python functions see them. What every store does is tested with the others."""

from __future__ import annotations

import asyncio
import io
import pickle
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import longshore as s3
from longshore.exceptions import (
    ArgumentTypeError,
    InvalidArgumentError,
    NotFoundError,
    NotSupportedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)


class Site(ThreadingHTTPServer):
    """Answers a GET with what is in `objects` under its path, and notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path.startswith("/closed") and "Authorization" not in self.headers:
            return self.answer(401, b"")
        body = self.server.objects.get(self.path)
        return self.answer(404 if body is None else 200, body or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_a_url_is_read_as_it_is_pasted_and_comes_back_as_it_was_given(site: Site) -> None:
    site.objects = {"/a%20b%C3%A9?sig=x%2Fy&t=1": b"signed", "/k": b"plain"}
    uris = [f"{site.origin}/a bé?sig=x%2Fy&t=1#part", f"{site.origin}/k"]
    assert s3.get(uris[0]) == b"signed"
    assert s3.get_many([uris[1], uris[0]]) == [(uris[1], b"plain"), (uris[0], b"signed")]
    assert s3.get_many_stats(uris) == (2, 11)
    assert asyncio.run(_get(uris[1])) == b"plain"
    assert s3.head(uris[1])["size"] == 5
    assert (s3.exists(uris[1]), s3.exists(uris[1] + "x")) == (True, False)
    s3.copy(uris[0], "memory://web/copy")
    assert s3.get("memory://web/copy") == b"signed"


async def _get(uri: str) -> bytes:
    return await s3.get_async(uri)


def test_an_array_is_read_from_the_web(site: Site) -> None:
    file = io.BytesIO()
    np.savez(file, x=np.arange(12.0).reshape(3, 4))
    site.objects["/set.npz"] = file.getvalue()
    assert s3.read_npz(f"{site.origin}/set.npz", "x").tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_errors_show_no_secret_of_a_url(site: Site) -> None:
    origin = site.origin.replace("http://", "http://me:hunter2@")
    with pytest.raises(NotFoundError) as caught:
        s3.get(f"{origin}/missing?X-Amz-Signature=hunter2")
    error = caught.value
    assert error.uri == f"{site.origin.replace('//', '//****@')}/missing?X-Amz-Signature=****"
    for text in (str(error), repr(error), repr(error.__cause__), str(error.filename), str(pickle.dumps(error))):
        assert "hunter2" not in text
    assert site.asked[0][1]["authorization"].startswith("Basic ")


def test_a_store_shows_who_asks_and_no_secret(site: Site) -> None:
    store = s3.store_for(site.origin.replace("http://", "http://me:hunter2@") + "/x")
    assert isinstance(store, s3.HTTPStore)
    assert (store.origin, store.bucket, store.username) == (site.origin, site.origin, "me")
    assert repr(store) == f'HTTPStore(url="{site.origin}", password="****", username="me")'
    assert store is s3.store_for(site.origin, username="me", password="hunter2")
    other = s3.store_for(site.origin, bearer_token="hunter2")
    assert isinstance(other, s3.HTTPStore)
    assert other != store
    assert (other.username, repr(other)) == (None, f'HTTPStore(url="{site.origin}", bearer_token="****")')


def test_options_say_who_asks_and_what_else_is_sent(site: Site) -> None:
    site.objects = {"/closed/k": b"in"}
    uri = f"{site.origin}/closed/k"
    with pytest.raises(UnauthenticatedError):
        s3.get(uri)
    store = s3.store_for(site.origin, bearer_token="t", headers={"X-One": "1", "X-Two": "b: c"})
    assert s3.get(uri, store=store) == b"in"
    _, headers = site.asked[-1]
    assert (headers["authorization"], headers["x-one"], headers["x-two"]) == ("Bearer t", "1", "b: c")


def test_bad_options_are_refused(site: Site) -> None:
    for headers in ({"X": "a\r\nY: b"}, {"a:b": "c"}, {"Range": "bytes=0-1"}, {"": "x"}):
        with pytest.raises(InvalidArgumentError, match="header"):
            s3.store_for(site.origin, headers=headers)
    with pytest.raises(ArgumentTypeError, match="headers"):
        s3.store_for(site.origin, headers={"X": 1})  # type: ignore[dict-item]
    with pytest.raises(ArgumentTypeError):
        s3.store_for("s3://bucket", region={"a": "b"})  # type: ignore[arg-type]
    with pytest.raises(UnknownConfigurationKeyError, match="password"):
        s3.store_for(site.origin, passwort="x")  # type: ignore[call-arg]


def test_what_would_write_is_refused_before_anything_is_sent(site: Site) -> None:
    uri = f"{site.origin}/d/k"
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("put", lambda: s3.put(f"{site.origin}/d/", num=2, size=10)),
        ("put", lambda: s3.put_many([("memory://web/first", b"x"), (uri, b"x")])),
        ("create_bucket", lambda: s3.put(f"{site.origin}/d/", num=2, size=10, should_create_bucket=True)),
        ("create_bucket", lambda: s3.create_bucket(site.origin)),
        ("delete", lambda: s3.delete(site.origin)),
        ("delete", lambda: s3.delete(f"{site.origin}/d/")),
        ("copy", lambda: s3.copy("memory://web/none", uri)),
        ("copy", lambda: s3.copy(uri, uri)),
    ]
    for operation, attempt in attempts:
        with pytest.raises(NotSupportedError, match=f"{operation} is not supported.*read-only"):
            attempt()
    assert site.asked == []
    assert not s3.exists("memory://web/first")


def test_a_server_without_webdav_cannot_be_listed(site: Site) -> None:
    with pytest.raises(NotSupportedError, match="no WebDAV"):
        s3.list(f"{site.origin}/d/")
    with pytest.raises(NotSupportedError, match="no WebDAV"):
        s3.get_many([f"{site.origin}/d/*"])
