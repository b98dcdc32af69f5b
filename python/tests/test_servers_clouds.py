"""The servers beside S3's start, answer clients that are not ours, stop, and refuse what the real ones refuse."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from servers import files
from servers.azurite import azurite
from servers.base import Server
from servers.gcs import gcs

Start = Callable[[Path], AbstractContextManager[Server]]
WEB = {name: start for name, start in files.SERVERS.items() if name != "nginx" or files.has_nginx()}
WEBDAV = [name for name in WEB if name != "plain"]
each_server = pytest.mark.parametrize("start", [azurite, gcs, *WEB.values()], ids=["azurite", "gcs", *WEB])
each_webdav = pytest.mark.parametrize("start", [WEB[name] for name in WEBDAV], ids=WEBDAV)


class Http:
    """One connection to a server, kept open as clients keep it."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection(*server.address, timeout=10)

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, and body. Underscores in `headers` stand for hyphens."""
        self._connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.fixture
def google(tmp_path: Path) -> Iterator[Http]:
    """The emulator of Google's storage with one bucket, `bucket`, made through the JSON API."""
    with gcs(tmp_path) as server:
        http = Http(server)
        assert http("POST", "/storage/v1/b?project=p", b'{"name": "bucket"}', Content_Type="application/json")[0] == 200
        yield http


@each_server
def test_a_server_answers_at_its_endpoint_and_its_port_refuses_after_the_block(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        assert Http(server)("GET", "/missing")[0] in (400, 403, 404)
    assert server.process is not None
    assert server.process.returncode == -signal.SIGKILL
    with socket.socket() as probe:
        assert probe.connect_ex(server.address) != 0, server.endpoint


@each_server
def test_a_server_writes_nothing_outside_its_folder(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        [home] = tmp_path.iterdir()
        assert server.files in (None, home / "files")
        assert {path.name for path in home.iterdir()} <= {"log.txt", "files", "nginx.conf", *NGINX_FOLDERS}


NGINX_FOLDERS = ("nginx.pid", "body", "proxy", "fastcgi", "uwsgi", "scgi")


def azure_client(server: Server, key: str = "") -> BlobServiceClient:
    """Microsoft's client, which makes one attempt."""
    who = {"account_name": server.access_key, "account_key": key or server.secret_key}
    return BlobServiceClient(f"{server.endpoint}/{server.access_key}", credential=who, retry_total=0)


def test_azurite_keeps_blobs_of_its_account_and_refuses_another_key(tmp_path: Path) -> None:
    with azurite(tmp_path) as server:
        container = azure_client(server).create_container("container")
        container.upload_blob("a/b c%41é+#?", b"body")
        assert [blob.name for blob in container.list_blobs()] == ["a/b c%41é+#?"]
        assert container.download_blob("a/b c%41é+#?").readall() == b"body"
        stranger = "c3RyYW5nZXI="
        # 403 and a code of its own, AuthorizationFailure, where the real one says AuthenticationFailed.
        with pytest.raises(HttpResponseError, match="failed to authenticate"):
            list(azure_client(server, stranger).list_containers())
        assert server.secret_key not in repr(server)


def test_two_azurites_have_accounts_of_their_own(tmp_path: Path) -> None:
    with azurite(tmp_path / "a") as one, azurite(tmp_path / "b") as other:
        azure_client(one).create_container("container")
        assert list(azure_client(other).list_containers()) == []
        assert one.access_key != other.access_key


def test_a_missing_azurite_fails_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("servers.azurite.program", lambda: None)
    with pytest.raises(pytest.fail.Exception, match=r"Azurite .* is missing, and CI=true"), azurite(tmp_path):
        pytest.fail("a server without a program was handed out")


ODD = ["a//b", "a/b", "folder/", "é", "a b%41+#?&<x>", "tab\there", "back\\slash"]


@pytest.mark.parametrize("name", ODD)
def test_what_the_xml_api_writes_the_json_api_shows(google: Http, name: str) -> None:
    status, headers, _ = google("PUT", f"/bucket/{quote(name, safe='')}", name.encode(), Content_Type="text/x")
    assert (status, headers["content-length"]) == (200, "0")
    [found] = json.loads(google("GET", "/storage/v1/b/bucket/o")[2])["items"]
    assert (found["name"], found["size"], found["generation"]) == (
        name,
        str(len(name.encode())),
        headers["x-goog-generation"],
    )
    assert found["contentType"] == "text/x"
    assert google("GET", f"/bucket/{quote(name, safe='')}")[2] == name.encode()
    assert keys(google, "") == ([name], "")


def test_what_the_json_api_writes_the_xml_api_shows(google: Http) -> None:
    assert google("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=a%2Fb", b"body")[0] == 200
    status, headers, body = google("GET", "/bucket/a%2Fb")
    assert (status, body, headers["etag"]) == (200, b"body", '"841a2d689ad86bd1611447453c22c6fc"')
    assert google("HEAD", "/bucket/a%2Fb")[1]["content-length"] == "4"
    assert google("DELETE", "/storage/v1/b/bucket/o/a%2Fb")[0] == 200
    assert google("GET", "/bucket/a%2Fb")[0] == 404


def keys(google: Http, query: str) -> tuple[list[str], str]:
    """One page of the XML API's listing: what is on it, and the token of the next one."""
    status, _, body = google("GET", f"/bucket?list-type=2&{query}")
    assert status == 200, body
    root = ElementTree.fromstring(body)
    shown = [each.text or "" for path in ("Contents/Key", "CommonPrefixes/Prefix") for each in root.iterfind(path)]
    return shown, root.findtext("NextContinuationToken", "")


def test_listings_come_in_byte_order_and_pages(google: Http) -> None:
    names = sorted([f"n/{number:02}" for number in range(7)] + ["n-", "é", "Z"], key=str.encode)
    for name in reversed(names):
        google("PUT", f"/bucket/{quote(name, safe='')}", b"")
    assert keys(google, "") == (names, "")
    assert keys(google, "prefix=n/&start-after=n/04") == (["n/05", "n/06"], "")
    assert keys(google, "delimiter=/") == (["Z", "n-", "é", "n/"], "")
    seen: list[str] = []
    token = ""
    for _ in range(10):
        page, token = keys(google, f"max-keys=3&continuation-token={quote(token, safe='')}" if token else "max-keys=3")
        assert len(page) <= 3
        seen += page
        if not token:
            break
    assert seen == names


@pytest.mark.parametrize(
    ("asked", "status", "body", "where"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges_are_cut_out(google: Http, asked: str, status: int, body: bytes | None, where: str | None) -> None:
    google("PUT", "/bucket/a", b"0123456789")
    found = google("GET", "/bucket/a", Range=asked)
    assert (found[0], found[1].get("content-range")) == (status, where)
    assert body is None or found[2] == body


def test_conditions_hold_or_are_refused(google: Http) -> None:
    made = google("PUT", "/bucket/a", b"one")[1]
    assert google("PUT", "/bucket/a", b"two", x_goog_if_generation_match="0")[0] == 412
    assert google("GET", "/bucket/a", If_Match=made["etag"])[2] == b"one"
    assert google("GET", "/bucket/a", If_None_Match=made["etag"])[0] == 304
    assert google("PUT", "/bucket/a", b"two", x_goog_if_generation_match=made["x-goog-generation"])[0] == 200
    assert google("GET", "/bucket/a", If_Match=made["etag"])[0] == 412
    assert google("PUT", "/bucket/b", b"new", x_goog_if_generation_match="0")[0] == 200


def test_an_upload_in_parts_is_an_object_when_it_is_completed(google: Http) -> None:
    body = google("POST", "/bucket/large?uploads")[2]
    upload = ElementTree.fromstring(body).findtext("UploadId")
    where = f"/bucket/large?uploadId={upload}"
    tags = {n: google("PUT", f"{where}&partNumber={n}", b"%d" % n * 5)[1]["etag"] for n in (2, 1)}
    assert google("GET", "/bucket/large")[0] == 404
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tags[n]}</ETag></Part>" for n in (1, 2))
    document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert google("POST", where, document.replace(b"<ETag>", b"<ETag>x"))[0] == 400
    assert google("POST", where, document)[0] == 200
    assert google("GET", "/bucket/large")[2] == b"1111122222"
    assert google("DELETE", where)[0] == 404


def test_what_is_missing_is_not_found_by_its_code(google: Http) -> None:
    for method, path, code in [
        ("GET", "/bucket/a", b"NoSuchKey"),
        ("DELETE", "/bucket/a", b"NoSuchKey"),
        ("PUT", "/nobucket/a", b"NoSuchBucket"),
        ("GET", "/nobucket?list-type=2", b"NoSuchBucket"),
    ]:
        status, _, body = google(method, path, b"" if method == "PUT" else None)
        assert status == 404, path
        assert code in body, path
    assert b"NoSuchKey" in google("PUT", "/bucket/a", b"", x_goog_copy_source="bucket/missing")[2]


def test_a_copy_is_made_on_the_server(google: Http) -> None:
    google("PUT", "/bucket/a%2Fb", b"body", Content_Type="text/x")
    assert google("PUT", "/bucket/c", b"", x_goog_copy_source="bucket/a%2Fb")[0] == 200
    assert google("GET", "/bucket/c")[2] == b"body"
    assert google("GET", "/bucket/c")[1]["content-type"] == "text/x"


def test_with_a_token_the_emulator_answers_to_nobody_else(tmp_path: Path) -> None:
    with gcs(tmp_path, token="hidden") as server:
        http = Http(server)
        for path in ("/storage/v1/b", "/bucket?list-type=2", "/bucket/a"):
            assert http("GET", path)[0] == http("GET", path, Authorization="Bearer other")[0] == 401
            assert http("GET", path, Authorization="Bearer hidden")[0] in (200, 404)
        assert "hidden" not in repr(server)


@pytest.mark.parametrize("start", WEB.values(), ids=list(WEB))
def test_a_web_server_serves_the_files_of_its_folder_and_takes_none(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        assert server.files is not None
        (server.files / "deep").mkdir()
        (server.files / "deep/a b%41é+#?").write_bytes(b"body")
        http = Http(server)
        path = "/deep/" + quote("a b%41é+#?", safe="")
        assert http("GET", path)[::2] == (200, b"body")
        assert http("HEAD", path)[1]["content-length"] == "4"
        assert http("GET", "/missing")[0] == 404
        assert http("GET", "/deep/")[0] in (403, 404)
        with contextlib.closing(http._connection):
            assert http("PUT", path, b"new")[0] in (403, 405, 501)
        assert (server.files / "deep/a b%41é+#?").read_bytes() == b"body"


@each_webdav
def test_webdav_lists_one_level_and_cuts_out_ranges(start: Start, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        assert server.files is not None
        (server.files / "deep/er").mkdir(parents=True)
        (server.files / "deep/a").write_bytes(b"0123456789")
        http = Http(server)
        assert http("GET", "/deep/a", Range="bytes=2-4")[::2] == (206, b"234")
        status, _, body = http("PROPFIND", "/deep/", Depth="1")
        assert status == 207
        found: dict[str | None, Any] = {}
        for each in ElementTree.fromstring(body).iterfind("{DAV:}response"):
            found[each.findtext("{DAV:}href")] = each.findtext(".//{DAV:}getcontentlength")
        assert found == {"/deep/": None, "/deep/a": "10", "/deep/er/": None}
        assert http("PROPFIND", "/missing/", Depth="1")[0] == 404


def test_the_plain_server_knows_no_ranges_and_no_listings(tmp_path: Path) -> None:
    with files.plain(tmp_path) as server:
        assert server.files is not None
        (server.files / "a").write_bytes(b"0123456789")
        assert Http(server)("GET", "/a", Range="bytes=2-4")[::2] == (200, b"0123456789")
        assert Http(server)("PROPFIND", "/", Depth="1")[0] == 501
