"""Runs gcp-storage-emulator with Google's XML API beside its JSON API, over the same objects. Prints its address.

The emulator, like every other one on PyPI and npm, has the JSON API; stores built on `object_store` speak the XML API. So what
they send is answered here, from the emulator's storage and in its object resources, after Google's reference of the XML API:
whole objects, ranges, conditions, copies, pages of listings, uploads in parts. The JSON API shows what that did, to clients that
are not ours.

Some habits of the emulator do not suit a bulk test and are corrected here: it writes everything it knows to its file of metadata
after every request, keeps objects under their names as file paths, so that `a//b` and `a/b` are one, has every object of a JSON
listing on one page, makes buckets of any name, and answers errors without a document.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import threading
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from gcp_storage_emulator.exceptions import NotFound  # type: ignore[import-untyped]
from gcp_storage_emulator.handlers import buckets, objects  # type: ignore[import-untyped]
from gcp_storage_emulator.server import RequestHandler  # type: ignore[import-untyped]
from gcp_storage_emulator.storage import Storage  # type: ignore[import-untyped]

PAGE = 1000
JSON_PATHS = ("/storage/v1", "/upload/storage/v1", "/download/storage/v1", "/batch/storage/v1", "/b/")
BUCKET_NAME = re.compile(r"[a-z0-9][-_.a-z0-9]{1,61}[a-z0-9]")
JSON_LISTING = re.compile(r"/storage/v1/b/([^/]+)/o")
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Memory(Storage):  # type: ignore[misc]
    """The emulator's storage in memory, for many objects of any name."""

    def __init__(self) -> None:
        super().__init__(use_memory_fs=True)

    def _write_config_to_file(self) -> None:
        """Nobody reads that file again."""

    def _object_path(self, bucket_name: str, file_name: str) -> str:
        return f"{bucket_name}/{hashlib.sha256(file_name.encode()).hexdigest()}"

    def create_bucket(self, bucket_name: str, bucket_obj: dict[str, Any]) -> Any:
        # What is deleted is gone, not kept for a week.
        bucket_obj["softDeletePolicy"]["retentionDurationSeconds"] = "0"
        return super().create_bucket(bucket_name, bucket_obj)


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """An answer with an error document."""

    def __init__(self, status: HTTPStatus, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message or status.phrase, headers or {}


class Answer:
    """What goes back: a status, headers and a body."""

    def __init__(self, status: HTTPStatus = HTTPStatus.OK, body: bytes | str = b"", **headers: str) -> None:
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Handler(RequestHandler):  # type: ignore[misc]
    """Gives the JSON API's paths to the emulator and answers all others."""

    rfile: Any
    wfile: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    # One at a time: the emulator's storage is not made for threads.
    lock = threading.Lock()
    token = os.environ.get("GCS_PROGRAM_TOKEN")
    """Who has it may do everything; where there is none, everybody may."""
    uploads: dict[str, dict[int, bytes]] = {}  # noqa: RUF012 - shared on purpose

    def do_GET(self) -> None:  # noqa: N802
        self.dispatch()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def dispatch(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        split = urlsplit(self.path)
        if self.token is not None and self.headers.get("Authorization") != f"Bearer {self.token}":
            self.reply(
                Answer(HTTPStatus.UNAUTHORIZED, _document("Error", Code="AuthenticationRequired", Message="No."))
            )
            return
        query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
        if split.path == "/" or split.path.startswith(JSON_PATHS):
            listed = JSON_LISTING.fullmatch(split.path)
            with self.lock:
                if listed and self.command == "GET" and not {"matchGlob", "softDeleted"} & query.keys():
                    self.reply(self.list_json(unquote(listed[1]), query))
                elif self.command == "POST" and split.path == "/storage/v1/b" and not _is_bucket_name(body):
                    self.reply(_json_error(HTTPStatus.BAD_REQUEST))
                else:
                    self.pass_on(body)
            return
        bucket, _, key = split.path.removeprefix("/").partition("/")
        try:
            with self.lock:
                answer = self.answer(unquote(bucket), unquote(key), query, body)
        except Refused as refused:
            document = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            answer = Answer(refused.status, document, **refused.headers)
        self.reply(answer)

    def pass_on(self, body: bytes) -> None:
        """Lets the emulator answer. Its errors have no document; Google's have."""
        connection: Any = (self.rfile, self.wfile)
        self.rfile, self.wfile = io.BytesIO(body), io.BytesIO()
        try:
            getattr(super(), f"do_{self.command}")()
            said: bytes = self.wfile.getvalue()
        finally:
            self.rfile, self.wfile = connection
        status = HTTPStatus(int(said.split(maxsplit=2)[1]))
        if status < HTTPStatus.BAD_REQUEST or not said.endswith(b"\r\n\r\n"):
            self.wfile.write(said)
        else:
            self.reply(_json_error(status))

    def reply(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("X-GUploader-UploadID", uuid.uuid4().hex)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def answer(self, bucket: str, key: str, query: dict[str, str], body: bytes) -> Answer:
        if not key:
            return self.answer_for_bucket(bucket, query)
        if bucket not in self.storage.buckets:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchBucket", f"The bucket {bucket} does not exist.")
        match self.command:
            case "GET" | "HEAD":
                return self.read(bucket, key)
            case "PUT" if "uploadId" in query:
                return self.take_part(query, body)
            case "PUT":
                return self.write(bucket, key, body)
            case "DELETE" if "uploadId" in query:
                self.parts(query)
                del self.uploads[query["uploadId"]]
                return Answer(HTTPStatus.NO_CONTENT)
            case "DELETE":
                self.resource(bucket, key)
                self.storage.delete_file(bucket, key)
                return Answer(HTTPStatus.NO_CONTENT)
            case "POST" if "uploads" in query:
                upload = uuid.uuid4().hex
                self.uploads[upload] = {}
                return Answer(body=_document("InitiateMultipartUploadResult", Bucket=bucket, Key=key, UploadId=upload))
            case "POST" if "uploadId" in query:
                return self.complete(bucket, key, query, body)
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed")

    def answer_for_bucket(self, bucket: str, query: dict[str, str]) -> Answer:
        if self.command == "PUT":
            if bucket in self.storage.buckets:
                raise Refused(HTTPStatus.CONFLICT, "BucketAlreadyOwnedByYou")
            if not BUCKET_NAME.fullmatch(bucket):
                raise Refused(HTTPStatus.BAD_REQUEST, "InvalidBucketName")
            buckets.create_bucket(bucket, self.storage)
            return Answer()
        if bucket not in self.storage.buckets:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchBucket", f"The bucket {bucket} does not exist.")
        if self.command == "DELETE":
            if self.storage.objects.get(bucket):
                raise Refused(HTTPStatus.CONFLICT, "BucketNotEmpty")
            self.storage.delete_bucket(bucket)
            return Answer(HTTPStatus.NO_CONTENT)
        if self.command in ("GET", "HEAD"):
            return self.list(bucket, query)
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed")

    def page(
        self, bucket: str, prefix: str, delimiter: str, after: str, size: int
    ) -> tuple[dict[str, dict[str, Any] | None], str]:
        """What is on one page, in byte order, folders without a resource; and the token of the next: the last thing on it."""
        page: dict[str, dict[str, Any] | None] = {}
        token = ""
        known = self.storage.objects.get(bucket, {})
        for name in sorted(known, key=str.encode):
            rest = name.removeprefix(prefix)
            folder = prefix + rest.partition(delimiter)[0] + delimiter if delimiter and delimiter in rest else None
            shown = folder or name
            if not name.startswith(prefix) or shown in page or shown.encode() <= after.encode():
                continue
            if len(page) == size:
                token = next(reversed(page), "")
                break
            page[shown] = None if folder else known[name]
        return page, token

    def list(self, bucket: str, query: dict[str, str]) -> Answer:
        """One page in the XML API."""
        prefix = query.get("prefix", "")
        after = query.get("continuation-token") or query.get("start-after") or ""
        size = min(int(query.get("max-keys", PAGE)), PAGE)
        page, token = self.page(bucket, prefix, query.get("delimiter", ""), after, size)
        listed = [
            f"<Contents><Key>{_text(name)}</Key><Generation>{found['generation']}</Generation>"
            f"<LastModified>{found['updated']}</LastModified>"
            f"<ETag>{escape(_etag(found))}</ETag><Size>{found['size']}</Size></Contents>"
            for name, found in page.items()
            if found is not None
        ]
        folders = [
            f"<CommonPrefixes><Prefix>{_text(name)}</Prefix></CommonPrefixes>"
            for name, found in page.items()
            if found is None
        ]
        more = f"<NextContinuationToken>{_text(token)}</NextContinuationToken>" if token else ""
        return Answer(
            body='<?xml version="1.0" encoding="UTF-8"?>'
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{_text(prefix)}</Prefix>"
            f"<IsTruncated>{json.dumps(bool(token))}</IsTruncated>{more}{''.join(listed + folders)}</ListBucketResult>",
            Content_Type="application/xml; charset=UTF-8",
        )

    def list_json(self, bucket: str, query: dict[str, str]) -> Answer:
        """One page in the JSON API. The emulator has everything on one."""
        if bucket not in self.storage.buckets:
            return _json_error(HTTPStatus.NOT_FOUND)
        size = min(int(query.get("maxResults", PAGE)), PAGE)
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        page, token = self.page(bucket, prefix, delimiter, query.get("pageToken", ""), size)
        found: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [each for each in page.values() if each is not None],
            "prefixes": [name for name, each in page.items() if each is None],
        }
        if token:
            found["nextPageToken"] = token
        return Answer(body=json.dumps(found), Content_Type="application/json; charset=UTF-8")

    def read(self, bucket: str, key: str) -> Answer:
        found = self.resource(bucket, key)
        body: bytes = self.storage.get_file(bucket, key)
        headers = _headers(found)
        self.check(found, headers)
        status = HTTPStatus.OK
        # Google takes a range that it cannot read for none.
        if asked := RANGE.fullmatch(self.headers.get("Range", "")):
            first, last = asked.groups()
            start = int(first) if first else max(len(body) - int(last or 0), 0)
            end = min(int(last) + 1, len(body)) if first and last else len(body)
            if start >= end:
                raise Refused(
                    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                    "InvalidRange",
                    headers={"Content-Range": f"bytes */{len(body)}"},
                )
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
            body, status = body[start:end], HTTPStatus.PARTIAL_CONTENT
        headers["Content-Length"] = str(len(body))
        answer = Answer(status, body)
        answer.headers.update(headers)
        return answer

    def write(self, bucket: str, key: str, body: bytes) -> Answer:
        present = self.storage.objects.get(bucket, {}).get(key)
        expected = self.headers.get("x-goog-if-generation-match")
        if expected is not None and expected != (present["generation"] if present else "0"):
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        source = self.headers.get("x-goog-copy-source")
        kind = self.headers.get("Content-Type", "application/octet-stream")
        if source is not None:
            from_bucket, _, from_key = unquote(source).removeprefix("/").partition("/")
            kind = self.resource(from_bucket, from_key)["contentType"]
            body = self.storage.get_file(from_bucket, from_key)
        made = self.store(bucket, key, body, kind)
        answer = Answer()
        if source is not None:
            answer = Answer(body=_document("CopyObjectResult", LastModified=made["updated"], ETag=_etag(made)))
        answer.headers.update(_headers(made))
        return answer

    def take_part(self, query: dict[str, str], body: bytes) -> Answer:
        self.parts(query)[int(query["partNumber"])] = body
        return Answer(ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def complete(self, bucket: str, key: str, query: dict[str, str], body: bytes) -> Answer:
        parts = self.parts(query)
        wanted = []
        for part in ElementTree.fromstring(body).iter("Part"):
            number, etag = int(part.findtext("PartNumber", "0")), part.findtext("ETag", "").strip('"')
            if number not in parts or hashlib.md5(parts[number]).hexdigest() != etag:
                raise Refused(HTTPStatus.BAD_REQUEST, "InvalidPart", f"part {number}")
            wanted.append(parts[number])
        if not wanted:
            raise Refused(HTTPStatus.BAD_REQUEST, "InvalidArgument", "an upload needs a part")
        made = self.store(bucket, key, b"".join(wanted), "application/octet-stream")
        del self.uploads[query["uploadId"]]
        answer = Answer(
            body=_document("CompleteMultipartUploadResult", Location="", Bucket=bucket, Key=key, ETag=_etag(made))
        )
        answer.headers["x-goog-generation"] = made["generation"]
        return answer

    def parts(self, query: dict[str, str]) -> dict[int, bytes]:
        """The parts of an upload so far."""
        if query["uploadId"] not in self.uploads:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchUpload")
        return self.uploads[query["uploadId"]]

    def resource(self, bucket: str, key: str) -> dict[str, Any]:
        """What the emulator knows of an object."""
        if bucket not in self.storage.buckets:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchBucket", f"The bucket {bucket} does not exist.")
        try:
            found: dict[str, Any] = self.storage.get_file_obj(bucket, key)
        except NotFound:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchKey", f"The object {key} does not exist.") from None
        return found

    def store(self, bucket: str, key: str, body: bytes, kind: str) -> dict[str, Any]:
        """Keeps an object as the emulator's own uploads do."""
        made = objects._make_object_resource(f"http://{self.headers['Host']}", bucket, key, kind, str(len(body)))
        made = objects._checksums(body, made)
        self.storage.create_file(bucket, key, body, made)
        return dict(made)

    def check(self, found: dict[str, Any], headers: dict[str, str]) -> None:
        """Raises where a condition of the request does not hold."""
        changed = datetime.fromisoformat(found["updated"]).replace(microsecond=0)
        generation = parse_qs(urlsplit(self.path).query).get("generation")
        if generation is not None and generation[0] != found["generation"]:
            raise Refused(HTTPStatus.NOT_FOUND, "NoSuchKey", f"There is no generation {generation[0]}.")
        wanted, unwanted = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        since, before = self.headers.get("If-Modified-Since"), self.headers.get("If-Unmodified-Since")
        if wanted is not None:
            if not _matches(wanted, found):
                raise Refused(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        elif before is not None and changed > parsedate_to_datetime(before):
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        if unwanted is not None:
            if _matches(unwanted, found):
                raise Refused(HTTPStatus.NOT_MODIFIED, "NotModified", headers={**headers, "Content-Length": "0"})
        elif since is not None and changed <= parsedate_to_datetime(since):
            raise Refused(HTTPStatus.NOT_MODIFIED, "NotModified", headers={**headers, "Content-Length": "0"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def _etag(found: dict[str, Any]) -> str:
    """The entity tag that the XML API shows: the MD5 of the content, in hexadecimal digits."""
    return f'"{base64.b64decode(found["md5Hash"]).hex()}"'


def _matches(condition: str, found: dict[str, Any]) -> bool:
    return condition == "*" or _etag(found) in (each.strip() for each in condition.split(","))


def _headers(found: dict[str, Any]) -> dict[str, str]:
    return {
        "ETag": _etag(found),
        "Last-Modified": format_datetime(datetime.fromisoformat(found["updated"]).astimezone(UTC), usegmt=True),
        "x-goog-generation": found["generation"],
        "x-goog-metageneration": found["metageneration"],
        "x-goog-hash": f"crc32c={found['crc32c']},md5={found['md5Hash']}",
        "Accept-Ranges": "bytes",
        "Content-Type": found["contentType"] or "application/octet-stream",
    }


def _is_bucket_name(body: bytes) -> bool:
    """Whether the bucket that is asked for has a name that Google accepts. The emulator makes any."""
    return BUCKET_NAME.fullmatch(json.loads(body).get("name", "")) is not None


def _json_error(status: HTTPStatus) -> Answer:
    """The document that Google's JSON API answers an error with."""
    reason = {404: "notFound", 409: "conflict", 412: "conditionNotMet"}.get(status, "invalid")
    error = {"code": status, "message": status.phrase, "errors": [{"domain": "global", "reason": reason}]}
    return Answer(status, json.dumps({"error": error}), Content_Type="application/json; charset=UTF-8")


def _text(name: str) -> str:
    """A name in XML, whatever is in it."""
    return "".join(f"&#{ord(each)};" if ord(each) < 32 else each for each in escape(name))


def _document(root: str, **fields: str) -> str:
    inside = "".join(f"<{name}>{_text(value)}</{name}>" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inside}</{root}>'


def main() -> None:
    storage = Memory()
    with Server(("127.0.0.1", 0), lambda *rest: Handler(storage, *rest)) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
