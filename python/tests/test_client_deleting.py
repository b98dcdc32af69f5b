"""`delete`: exactly what was named, in few requests, and never a bucket by accident."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import longshore as s3
from backends import MissingBucket, Place
from longshore import testing
from longshore.exceptions import BaseError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from ways import LISTING, Way


def test_delete_removes_one_object_and_no_other(place: Place, way: Way) -> None:
    place.fill("a", "ab", "b/a")
    assert way.delete(place.uri("a")) is None  # type: ignore[func-returns-value]
    assert place.names() == ["ab", "b/a"]
    with pytest.raises(NotFoundError):
        way.get(place.uri("a"))


def test_deleting_a_missing_object_is_success(place: Place, way: Way) -> None:
    place.fill("a")
    way.delete(place.uri("missing"))
    way.delete(place.uri("a-missing"), place.uri("deep/er/missing"))
    s3.delete(place.uri("missing/"))
    assert place.names() == ["a"]


@pytest.mark.abroad(*LISTING)
@pytest.mark.parametrize("way", LISTING, indirect=True)
def test_a_slash_at_the_end_deletes_everything_under_the_prefix(place: Place, way: Way) -> None:
    place.fill("a/1", "a/2", "a/b/3", "ab/4", "a-b", "b")
    way.clear(place.uri("a/"))
    assert place.names() == ["a-b", "ab/4", "b"]


def test_a_prefix_without_a_slash_deletes_no_more_than_that_object(place: Place, way: Way) -> None:
    place.fill("run/1", "run1")
    way.delete(place.uri("run"))
    assert place.names() == ["run/1", "run1"]


@pytest.mark.abroad("uris")
@pytest.mark.parametrize("way", LISTING, indirect=True)
def test_a_prefix_of_more_than_a_page_is_deleted_whole(place: Place, way: Way) -> None:
    names = [f"{number:06d}" for number in range(place.kind.more_than_a_page)]
    s3.put_many([(place.uri(f"folder/{name}"), b"x") for name in names], 64)
    place.fill("other")
    way.clear(place.uri("folder/"))
    assert place.names() == ["other"]


@pytest.mark.parametrize(("objects", "batches"), [(1, 1), (1000, 1), (1001, 2), (2500, 3)])
def test_a_prefix_is_deleted_in_batches_of_a_thousand(gateway_place: Place, objects: int, batches: int) -> None:
    s3.put_many([(gateway_place.uri(f"{number:04d}"), b"") for number in range(objects)], 64)
    gateway_place.reset()
    s3.delete(gateway_place.uri())
    assert gateway_place.count("DeleteObjects") == batches
    assert gateway_place.count("DeleteObject") == 0
    assert gateway_place.names() == []


def test_a_bare_bucket_is_refused(bucket: str) -> None:
    s3.put_bytes(f"{bucket}/key", b"body")
    for uri in (bucket, bucket + "/"):
        with pytest.raises(InvalidArgumentError, match="whole_bucket=True"):
            s3.delete(uri)
    with pytest.raises(InvalidArgumentError):
        s3.delete(bucket, whole_bucket=False)
    assert s3.list(bucket) == ["key"]


def test_a_bare_bucket_is_emptied_with_whole_bucket(bucket: str) -> None:
    for uri in (bucket, bucket + "/"):
        s3.put_many([(f"{bucket}/key", b"1"), (f"{bucket}/deep/er", b"2")])
        s3.delete(uri, whole_bucket=True)
        assert s3.list(bucket) == []
    s3.put_bytes(f"{bucket}/key", b"the bucket is still there")


def test_whole_bucket_changes_nothing_for_a_key(place: Place) -> None:
    place.fill("a", "b")
    s3.delete(place.uri("a"), whole_bucket=True)
    assert place.names() == ["b"]


@pytest.mark.parametrize("uri", ["file:///", "file://", "file:////", "file://localhost/"])
@pytest.mark.parametrize("whole_bucket", [False, True])
def test_the_root_of_the_file_system_is_refused_always(uri: str, whole_bucket: bool) -> None:
    with pytest.raises(InvalidArgumentError, match="root"):
        s3.delete(uri, whole_bucket=whole_bucket)


def test_a_missing_bucket_is_not_found(missing_bucket: MissingBucket) -> None:
    for uri in (f"{missing_bucket.uri}/key", f"{missing_bucket.uri}/prefix/"):
        with pytest.raises(NotFoundError) as caught:
            s3.delete(uri)
        assert caught.value.code in missing_bucket.codes
    with pytest.raises(NotFoundError):
        s3.delete(missing_bucket.uri, whole_bucket=True)


def test_a_wildcard_deletes_nothing_and_is_an_error(place: Place) -> None:
    place.fill("a", "a*")
    for pattern in ("*", "a*", "**/"):
        with pytest.raises(InvalidArgumentError):
            s3.delete(place.uri(pattern))
    assert place.names() == ["a", "a*"]
    s3.delete(place.uri(r"a\*"))
    assert place.names() == ["a"]


class Stubborn(BaseHTTPRequestHandler):
    """An S3 server that lists three objects and keeps two, with an answer of 200."""

    protocol_version = "HTTP/1.1"
    listing = "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>"
    found = "<Contents><Key>set/{}</Key><Size>1</Size></Contents>"
    result = """<DeleteResult><Deleted><Key>set/a</Key></Deleted>
        <Error><Key>set/b &amp; c</Key><Code>AccessDenied</Code><Message>hold</Message></Error>
        <Error><Key>set/d</Key><Code>InternalError</Code><Message>later</Message></Error></DeleteResult>"""

    def do_GET(self) -> None:
        self.answer(self.listing.format("".join(map(self.found.format, ("a", "b &amp; c", "d")))))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(self.result)

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def stubborn() -> Iterator[s3.Store]:
    """A store on a `Stubborn` server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stubborn) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = {"endpoint": f"http://127.0.0.1:{server.server_port}", "access_key_id": "k", "secret_access_key": "s"}
        yield s3.store_for("s3://bucket", **options)
        server.shutdown()


def test_keys_that_a_server_keeps_are_reported_though_it_answers_200(stubborn: s3.Store) -> None:
    with pytest.raises(BaseError) as caught:
        s3.delete("s3://bucket/set/", store=stubborn)
    assert caught.value.failures == (
        ("s3://bucket/set/b & c", "AccessDenied", "hold"),
        ("s3://bucket/set/d", "InternalError", "later"),
    )
    assert (caught.value.uri, caught.value.operation) == ("s3://bucket/set/", "delete")
    for text in ("2 of the objects", "set/b & c", "AccessDenied", "set/d", "InternalError"):
        assert text in str(caught.value)


def test_files_that_cannot_be_deleted_are_reported_one_by_one(tmp_path: Path) -> None:
    for name in ("open/a", "closed/b", "closed/c", "open/d"):
        s3.put_bytes(f"file://{tmp_path}/set/{name}", b"body")
    immutable(tmp_path / "set/closed", True)
    try:
        with pytest.raises(PermissionDeniedError) as caught:
            s3.delete(f"file://{tmp_path}/set/")
    finally:
        immutable(tmp_path / "set/closed", False)
    kept = [f"file://{tmp_path}/set/closed/{name}" for name in "bc"]
    assert sorted(uri for uri, _, _ in caught.value.failures) == kept
    assert sorted(f"file:///{key}" for key in s3.list(f"file://{tmp_path}/set/")) == kept
    assert "2 of the objects" in str(caught.value)


def immutable(folder: Path, on: bool) -> None:
    """Makes a folder refuse changes, to root too where the file system can."""
    if os.geteuid() != 0:
        folder.chmod(0o555 if on else 0o755)
        return
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i" if on else "-i", folder], capture_output=True).returncode != 0:
        pytest.skip("nothing here stops root from deleting a file")


def test_a_batch_that_fails_is_an_error_and_says_what_was_sent(longshore_server: testing.Server) -> None:
    store = longshore_server.store_for("bucket", max_retries=0)
    s3.create_bucket("s3://bucket", store=store)
    s3.put_many([(f"s3://bucket/set/{number}", b"") for number in range(10)], store=store)
    longshore_server.faults.status(403, "AccessDenied", method="POST")
    with pytest.raises(PermissionDeniedError) as caught:
        s3.delete("s3://bucket/set/", store=store)
    error = caught.value
    assert (error.uri, error.operation, error.status, error.code) == ("s3://bucket/set/", "delete", 403, "AccessDenied")
    assert len(s3.list("s3://bucket/set/", store=store)) == 10


def test_a_prefix_that_cannot_be_listed_deletes_nothing(longshore_server: testing.Server) -> None:
    store = longshore_server.store_for("bucket", max_retries=0)
    s3.create_bucket("s3://bucket", store=store)
    s3.put_many([(f"s3://bucket/set/{number:04d}", b"") for number in range(1500)], 64, store=store)
    longshore_server.faults.status(500, method="GET", query="continuation-token")
    with pytest.raises(BaseError):
        s3.delete("s3://bucket/set/", store=store)
    longshore_server.faults.clear()
    assert len(s3.list("s3://bucket/set/", store=store)) == 1500


def test_deleting_files_keeps_other_files_and_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "set/deep").mkdir(parents=True)
    (tmp_path / "set/deep/file").write_bytes(b"x")
    (tmp_path / "set/file").write_bytes(b"x")
    (tmp_path / "settle").write_bytes(b"x")
    s3.delete(f"file://{tmp_path}/set/")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "settle"]
    assert list((tmp_path / "set").iterdir()) == []


def test_deleting_a_folder_does_not_follow_links_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_bytes(b"x")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/link").symlink_to(tmp_path / "outside")
    (tmp_path / "set/file").symlink_to(tmp_path / "outside/precious")
    s3.delete(f"file://{tmp_path}/set/")
    assert (tmp_path / "outside/precious").read_bytes() == b"x"
