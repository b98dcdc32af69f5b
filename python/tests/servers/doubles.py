"""Doubles of the servers that hand out credentials: Google's metadata and token servers, Azure's managed identity and directory.

Each is an HTTP server in this process, on a port of its own. It answers what the real one answers to a right question, refuses a
wrong one with the reason (and keeps it in `complaints`, so that a test sees why), and remembers what it was asked::

    with google_metadata() as double:
        for name, value in double.environment.items():
            monkeypatch.setenv(name, value)
        ...
        assert double.count("/token") == 1
        assert double.complaints == []

`environment` leads every client here, and to no other address: not to the one where a cloud's machines ask.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

AZURE_STORAGE = "https://storage.azure.com"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Asked:
    """One request that a double has received."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    form: Mapping[str, str] = field(repr=False)


class RefusedError(Exception):
    """The request is not what the real server accepts."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass
class Double:
    """A running double, what leads clients to it, and what it was asked."""

    endpoint: str
    token: str = field(repr=False)
    """The access token that it hands out."""
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    """Variables that make clients ask it."""
    asked: list[Asked] = field(default_factory=list, repr=False)
    complaints: list[str] = field(default_factory=list)
    """Why requests were refused."""
    expires_in: int = 3600
    """Seconds that its next token is good for."""
    failures: int = 0
    """How many of the next requests are answered with 503 instead."""

    @property
    def address(self) -> str:
        """Host and port."""
        return self.endpoint.removeprefix("http://")

    def count(self, path: str = "") -> int:
        """How many requests had a path with that text in it."""
        return sum(path in each.path for each in self.asked)


@dataclass
class GoogleTokens(Double):
    """Google's token server, with an account of each kind."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)
    authorized_user: dict[str, str] = field(default_factory=dict, repr=False)
    """The content of `application_default_credentials.json` after a login."""
    service_account: dict[str, str] = field(default_factory=dict, repr=False)
    """The content of a service account's key file. Its private key was made for this double."""

    def verify(self, assertion: str) -> dict[str, Any]:
        """Returns the claims of a JWT, or refuses one that the service account has not signed."""
        try:
            head, claims, signature = assertion.split(".")
            self.key.public_key().verify(
                _decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            kind, found = json.loads(_decoded(head)), json.loads(_decoded(claims))
        except (InvalidSignature, ValueError) as error:
            raise RefusedError(400, f"invalid_grant: {error!r}") from None
        _require(kind.get("alg") == "RS256", 400, f"invalid_grant: alg is {kind.get('alg')}")
        _require(
            found.get("iss") == self.service_account["client_email"], 400, f"invalid_grant: iss is {found.get('iss')}"
        )
        _require(found.get("exp", 0) > time.time(), 400, "invalid_grant: it has expired")
        return dict(found)


@dataclass
class AzureDirectory(Double):
    """Azure's directory, with one tenant and one client."""

    tenant: str = field(default_factory=lambda: f"tenant-{secrets.token_hex(4)}")
    client: str = field(default_factory=lambda: f"client-{secrets.token_hex(4)}")
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    assertion: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    """What stands in the token file of a workload."""


@contextmanager
def google_metadata() -> Iterator[Double]:
    """The metadata server that a machine of Google's asks for the token of its service account."""
    double = Double("", _token())
    account = "/computeMetadata/v1/instance/service-accounts/default"

    def answer(asked: Asked) -> object:
        _require(asked.method == "GET", 405, f"the method is {asked.method}")
        _require(asked.headers.get("metadata-flavor") == "Google", 403, "no header Metadata-Flavor: Google")
        _require("x-forwarded-for" not in asked.headers, 403, "X-Forwarded-For is not accepted")
        email = "tests@project.iam.gserviceaccount.com"
        if asked.path == f"{account}/":
            return {"email": email, "scopes": [], "aliases": ["default"]}
        plain = {
            # How Google's own library finds out whether it is on such a machine.
            "/": "computeMetadata/\n",
            f"{account}/email": email,
            "/computeMetadata/v1/project/project-id": "project",
        }
        if asked.path == f"{account}/token":
            return _bearer(double)
        _require(asked.path in plain, 404, f"nothing at {asked.path}")
        return plain[asked.path]

    with _served(double, answer, {"Metadata-Flavor": "Google"}):
        # Clients differ in which of these they read, and object_store tries the last one when the first fails.
        names = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
        double.environment |= dict.fromkeys(names, double.address)
        yield double


@contextmanager
def google_tokens() -> Iterator[GoogleTokens]:
    """Google's OAuth token endpoint, for `authorized_user` and for `service_account`."""
    double = GoogleTokens("", _token())

    def answer(asked: Asked) -> object:
        _require((asked.method, asked.path) == ("POST", "/token"), 404, f"{asked.method} {asked.path}")
        kind = asked.form.get("grant_type")
        if kind == JWT_BEARER:
            claims = double.verify(asked.form.get("assertion", ""))
            # google-auth always names the real server, whatever its own address is.
            _require(
                claims.get("aud") in (double.service_account["token_uri"], GOOGLE_TOKENS),
                400,
                f"invalid_grant: aud is {claims.get('aud')}",
            )
            _require("scope" in claims, 400, "invalid_scope: no scope")
            return _bearer(double)
        _require(kind == "refresh_token", 400, f"unsupported_grant_type: {kind}")
        for name in ("client_id", "client_secret", "refresh_token"):
            _require(asked.form.get(name) == double.authorized_user[name], 400, f"invalid_grant: wrong {name}")
        return _bearer(double)

    with _served(double, answer):
        private = double.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        double.service_account = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": secrets.token_hex(8),
            "private_key": private.decode(),
            "client_email": "tests@project.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{double.endpoint}/token",
        }
        double.authorized_user = {
            "type": "authorized_user",
            "client_id": f"client-{secrets.token_hex(4)}",
            "client_secret": secrets.token_hex(16),
            "refresh_token": secrets.token_hex(16),
            "token_uri": f"{double.endpoint}/token",
        }
        yield double


@contextmanager
def azure_identity(*, secret: str = "") -> Iterator[Double]:
    """The endpoint that a machine of Azure's asks for the token of its managed identity.

    With a `secret` it is that of an App Service or a function, whose requests carry the secret in a header.
    """
    double = Double("", _token())

    def answer(asked: Asked) -> object:
        _require(
            (asked.method, asked.path) == ("GET", "/metadata/identity/oauth2/token"),
            404,
            f"{asked.method} {asked.path}",
        )
        _require(asked.headers.get("metadata") == "true" or bool(secret), 400, "no header Metadata: true")
        _require(not secret or asked.headers.get("x-identity-header") == secret, 401, "wrong X-IDENTITY-HEADER")
        _require("api-version" in asked.query, 400, "no api-version")
        resource = asked.query.get("resource", "")
        _require(resource.rstrip("/") == AZURE_STORAGE, 400, f"the resource is {resource}")
        # Numbers as text: the real one answers so.
        until = str(int(time.time()) + double.expires_in)
        return {**_bearer(double), "expires_in": str(double.expires_in), "expires_on": until, "resource": resource}

    with _served(double, answer):
        where = f"{double.endpoint}/metadata/identity/oauth2/token"
        double.environment |= {"IDENTITY_ENDPOINT": where, "MSI_ENDPOINT": where, "AZURE_MSI_ENDPOINT": where}
        if secret:
            double.environment["IDENTITY_HEADER"] = secret
        yield double


@contextmanager
def azure_directory() -> Iterator[AzureDirectory]:
    """The token endpoint of Azure's directory: for a client's secret, and for the token file of a workload."""
    double = AzureDirectory("", _token())

    def answer(asked: Asked) -> object:
        path = f"/{double.tenant}/oauth2/v2.0/token"
        _require((asked.method, asked.path) == ("POST", path), 404, f"{asked.method} {asked.path}")
        form = asked.form
        _require(
            form.get("grant_type") == "client_credentials", 400, f"unsupported_grant_type: {form.get('grant_type')}"
        )
        _require(form.get("client_id") == double.client, 400, "unauthorized_client: wrong client_id")
        _require(form.get("scope") == f"{AZURE_STORAGE}/.default", 400, f"invalid_scope: {form.get('scope')}")
        if "client_assertion" in form:
            _require(
                form.get("client_assertion_type") == JWT_ASSERTION, 400, "invalid_request: wrong client_assertion_type"
            )
            _require(form["client_assertion"] == double.assertion, 401, "invalid_client: wrong client_assertion")
        else:
            _require(form.get("client_secret") == double.secret, 401, "invalid_client: wrong client_secret")
        return _bearer(double)

    with _served(double, answer):
        double.environment |= {
            "AZURE_AUTHORITY_HOST": double.endpoint,
            "AZURE_TENANT_ID": double.tenant,
            "AZURE_CLIENT_ID": double.client,
        }
        yield double


@contextmanager
def _served(
    double: Double, answer: Callable[[Asked], object], headers: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Serves `answer` on a port of its own and puts the address into `double`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            url = urlsplit(self.path)
            names = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, url.path, dict(parse_qsl(url.query)), names, dict(parse_qsl(body)))
            double.asked.append(asked)
            if double.failures > 0:
                double.failures -= 1
                self.reply(503, {"error": "unavailable"})
                return
            try:
                self.reply(200, answer(asked))
            except RefusedError as refused:
                double.complaints.append(refused.reason)
                error, _, description = refused.reason.partition(": ")
                self.reply(refused.status, {"error": error, "error_description": description or error})

        do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

        def reply(self, status: int, content: object) -> None:
            text = content if isinstance(content, str) else json.dumps(content)
            self.send_response(status)
            self.send_header("Content-Type", "application/text" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(text)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        # Tests that fork or end early leave nobody to wait for.
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        double.endpoint = f"http://127.0.0.1:{server.server_port}"
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield


def _bearer(double: Double) -> dict[str, Any]:
    return {"access_token": double.token, "expires_in": double.expires_in, "token_type": "Bearer"}


def _token() -> str:
    return f"token-{secrets.token_hex(16)}"


def _decoded(text: str) -> bytes:
    """The bytes behind base64 as JWTs have it: other characters, and no padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _require(holds: bool, status: int, reason: str) -> None:
    if not holds:
        raise RefusedError(status, reason)
