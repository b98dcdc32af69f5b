"""An S3 server inside the process, for tests and demonstrations.

>>> import longshore as s3
>>> from longshore.testing import server
>>> with server() as aws:
...     store = aws.store_for("bucket")
...     s3.create_bucket("s3://bucket", store=store)
...     s3.put_bytes("s3://bucket/key", b"data", store=store)
...     s3.get("s3://bucket/key", store=store)
b'data'

With pytest the fixture ``longshore_server`` is a fresh server for each test that asks for it. Any S3 client can talk to
the server: it checks signatures and speaks the protocol over HTTP on a free port.

A server can be told to misbehave: ``aws.faults.status(503, times=2)`` answers the next two requests with 503.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets

from longshore import _objects
from longshore._lazy import abc, types, typing
from longshore._native import Gateway
from longshore.store import S3Store

__all__ = ["Fault", "Faults", "Server", "server"]


class Server:
    """A running server. It listens from when it is made until :meth:`stop`, or until the object goes away."""

    endpoint: str
    """Its address, for example ``"http://127.0.0.1:40121"``."""
    access_key: str
    """The access key that it accepts."""
    secret_key: str
    """The secret of the access key."""
    region: str
    """The region of its buckets."""
    faults: Faults
    """What the server is told to do wrong."""

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        access_key: str | None = None,
        secret_key: str | None = None,
        region: str = "us-east-1",
        anonymous: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Starts a server.

        Parameters
        ----------
        folder
            The folder to serve, each of its folders a bucket; ``None`` keeps objects in memory.
        access_key, secret_key
            The one pair of keys it accepts; ``None`` makes them up.
        region
            The region that the buckets are said to be in. Requests signed for another one are served too.
        anonymous
            Accepts unsigned requests too.
        host, port
            Where to listen; port 0 is any free one.

        Raises
        ------
        OSError
            The address cannot be used, or there is no such folder.
        ValueError
            There is no such port.
        """
        self.access_key = access_key or "test" + secrets.token_hex(8)
        self.secret_key = secret_key or secrets.token_hex(20)
        self.region = region
        if folder is not None and not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, "there is no such folder to serve", os.fspath(folder))
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be from 0 to 65535, not {port}")
        self._gateway = Gateway(
            folder=folder,
            credentials=(self.access_key, self.secret_key),
            anonymous=anonymous,
            region=region,
            host=host,
            port=port,
        )
        self.endpoint = self._gateway.endpoint
        self.faults = Faults(self._gateway)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server(endpoint={self.endpoint!r})"

    @property
    def options(self) -> dict[str, str]:
        """What ``store_for`` needs to reach this server."""
        return {
            "endpoint": self.endpoint,
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "region": self.region,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make any S3 client use this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            # Where it is set already, it would win over the one above.
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def store_for(self, bucket: str, /, **options: typing.Unpack[types.S3Options]) -> S3Store:
        """The store of one bucket on this server. The bucket need not exist yet."""
        options.setdefault("endpoint", self.endpoint)
        options.setdefault("access_key_id", self.access_key)
        options.setdefault("secret_access_key", self.secret_key)
        options.setdefault("region", self.region)
        store = _objects.store_for(f"s3://{bucket}", **options)
        assert isinstance(store, S3Store)
        return store

    def stats(self) -> types.ServerStats:
        """What the server has seen: ``connections``, and requests as ``operations`` (``GetObject``, …) and ``methods``."""
        return self._gateway.stats()

    def reset_stats(self) -> None:
        """Sets all counts to zero."""
        self._gateway.reset_stats()

    def stop(self) -> None:
        """Stops the server and closes its connections. Its port is free afterwards."""
        self._gateway.stop()


class Fault:
    """One rule of a :class:`Faults`."""

    def __init__(self, gateway: Gateway, number: int) -> None:
        self._gateway = gateway
        self._number = number

    @property
    def hits(self) -> int:
        """How often it has happened."""
        return self._gateway.fault_hits(self._number)


class Faults:
    """What a server is told to do wrong.

    Every method adds a rule. ``method``, ``path`` (a part of ``/bucket/key``) and ``query`` (a part of the query string)
    say which requests it is for; it lets ``skip`` of them pass and then happens ``times`` times, or always.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def _add(
        self,
        kind: str,
        value: float = 0,
        code: str = "InternalError",
        **which: typing.Unpack[types.RequestFilter],
    ) -> Fault:
        rule: types.RequestFilter = {"method": None, "path": None, "query": None, "skip": 0, "times": None}
        rule.update(which)
        return Fault(self._gateway, self._gateway.add_fault(kind, value=value, code=code, **rule))

    def latency(self, seconds: float, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Requests wait that long."""
        return self._add("latency", seconds, **which)

    def status(self, status: int, code: str = "InternalError", **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Requests are answered with an error: an HTTP status and an S3 error code."""
        return self._add("status", status, code, **which)

    def reply(self, status: int, body: str, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Requests are not carried out and get this answer: for example a 200 that reports errors."""
        return self._add("reply", status, body, **which)

    def cut_body(self, after: int, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Answers break off after so many bytes of their body."""
        return self._add("cut_body", after, **which)

    def stall(self, after: int, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Answers stop after so many bytes of their body, and the connection stays open."""
        return self._add("stall", after, **which)

    def close(self, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Connections are closed instead of an answer; the request is not carried out."""
        return self._add("close", **which)

    def lose_answer(self, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Requests are carried out, and the connection is closed instead of an answer."""
        return self._add("lose_answer", **which)

    def short_body(self, length: int, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """Answers have so many bytes of their body, and claim that it is all."""
        return self._add("short_body", length, **which)

    def corrupt(self, at: int, **which: typing.Unpack[types.RequestFilter]) -> Fault:
        """One byte of each answer's body is wrong."""
        return self._add("corrupt", at, **which)

    def clear(self) -> None:
        """Takes all rules away."""
        self._gateway.clear_faults()


@contextlib.contextmanager
def server(
    folder: str | os.PathLike[str] | None = None,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str = "us-east-1",
    anonymous: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
) -> abc.Generator[Server]:
    """A :class:`Server` for the length of a ``with`` block. The arguments are those of :class:`Server`."""
    running = Server(
        folder,
        access_key=access_key,
        secret_key=secret_key,
        region=region,
        anonymous=anonymous,
        host=host,
        port=port,
    )
    try:
        yield running
    finally:
        running.stop()
