"""Starts a server as a child process, waits until it answers, and leaves nothing behind.

A server module describes one try to start as a `Launch` (a command on ports that were free a
moment ago) and passes the function that makes it to `serve`. Another process can take a port
before the server binds it, so a server that dies at once gets a new `Launch`. Random keys, or a
port that the server picks, make sure that the one that answers is the one that was started.

A server must not outlive the tests. `serve` kills it when its block ends, at interpreter exit
where the block never ended, and on Linux the kernel kills it when the process that started it
is gone, whatever ended that one.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

START_SECONDS = 30.0
STARTS = 3
POLL_SECONDS = 0.05
LOG_TAIL_BYTES = 4000

T = TypeVar("T")

# With what follows, so that half a line is not taken for a whole one.
_ENDPOINT = re.compile(r"http://127\.0\.0\.1:\d+(?=\D)")

# Runs in the child before the server's own program. An exec keeps the death signal, and unlike
# `preexec_fn` nothing of ours runs between fork and exec of a process that may have threads.
# 1 is PR_SET_PDEATHSIG. The parent may be gone before the request to be told of it arrives.
_TIED_TO_PARENT = """\
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that asked for this server is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class StartError(RuntimeError):
    """A server did not start; the message ends with the tail of its log."""


@dataclass(frozen=True)
class Server:
    """A running server: where it is, who may use it, and the process behind it."""

    name: str
    endpoint: str
    access_key: str
    """Who may use it: the name of a key, or of an account; empty where it asks nobody."""
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    """`None` for a server inside this process."""
    files: Path | None = None
    """The folder that it serves, for servers of files."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self.endpoint.removeprefix("http://").rstrip("/").split(":")
        return host, int(port)


@dataclass(frozen=True)
class Launch:
    """One try to start a server."""

    command: Sequence[str]
    """An absolute path to a program, and its arguments."""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    endpoint: str | None = None
    """`None` where the server binds port 0 and prints its endpoint: nobody can take that port."""
    region: str = "us-east-1"
    litter: Sequence[Path] = ()
    """Files outside its folder that the server makes and leaves when it is killed."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that the server is told its settings by, beside those of this process."""
    files: Path | None = None
    """The folder that it serves, for servers of files."""


def free_ports(count: int) -> list[int]:
    """Returns `count` distinct loopback TCP ports that are free at this moment."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def program_of_ours(name: str) -> list[str]:
    """Returns the command that runs a server program of this folder, without the folder on its path of modules."""
    return [sys.executable, "-P", str(Path(__file__).with_name(name))]


def require(found: T | None, what: str) -> T:
    """Returns `found`. Where it is `None`, skips the test, or fails it if `CI` is true.

    `what` completes "… is missing" and says how to get it.
    """
    if found is None:
        missing(what)
    return found


def missing(what: str) -> NoReturn:
    """Skips the test, or the file of tests, because `what` is missing, or fails it if `CI` is true."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"{what} is missing, and CI=true", pytrace=False)
    pytest.skip(f"{what} is missing", allow_module_level=True)


@contextlib.contextmanager
def serve(
    name: str,
    folder: Path,
    launch: Callable[[Path], Launch],
    ready: Callable[[Server], object],
    *,
    start_seconds: float = START_SECONDS,
    starts: int = STARTS,
) -> Iterator[Server]:
    """Runs a server for the length of a `with` block.

    `launch` is called with a fresh folder, which is also the server's working directory, for
    each of up to `starts` tries. `ready` raises until the server answers. A server that dies is
    tried again; one that lives but does not answer within `start_seconds` is not.
    """
    server, plan = _start_one_of(name, folder, launch, ready, start_seconds, starts)
    process = server.process
    assert process is not None

    def end() -> None:
        stop(process)
        for path in plan.litter:
            path.unlink(missing_ok=True)

    atexit.register(end)
    try:
        yield server
    finally:
        end()
        atexit.unregister(end)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kills a process that `serve` started, with its group, and waits until it is gone."""
    if process.poll() is None:
        # Its own session, so its own group; and not yet reaped, so the number is still its own.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


class _DiedError(Exception):
    """The server's process ended while it should have been starting."""


def _start_one_of(
    name: str,
    folder: Path,
    launch: Callable[[Path], Launch],
    ready: Callable[[Server], object],
    seconds: float,
    starts: int,
) -> tuple[Server, Launch]:
    """Makes up to `starts` tries, each in a folder of its own."""
    for attempt in itertools.count(1):
        home = folder / f"{name}-{attempt}"
        home.mkdir(parents=True)
        plan = launch(home)
        try:
            return _start(name, home, plan, ready, seconds), plan
        except _DiedError as died:
            if attempt >= starts:
                raise StartError(f"{died} (start {attempt} of {starts})") from None
    raise AssertionError("a count has no end")


def _start(name: str, home: Path, plan: Launch, ready: Callable[[Server], object], seconds: float) -> Server:
    """Starts one process and waits until `ready` passes. Stops it again on any failure."""
    log = home / "log.txt"
    tied = [sys.executable, "-I", "-S", "-c", _TIED_TO_PARENT, str(os.getpid()), *plan.command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            tied,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home,
            env={**os.environ, **plan.environment},
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    problem: object = "it has not printed its endpoint"
    try:
        while time.monotonic() < deadline:
            endpoint = plan.endpoint or _printed_endpoint(log)
            if endpoint is not None:
                server = Server(name, endpoint, plan.access_key, plan.secret_key, plan.region, process, plan.files)
                try:
                    ready(server)
                except Exception as error:
                    problem = error
                else:
                    # Another server may have our port, answer us, and be why ours ended.
                    if process.poll() is None:
                        return server
            if process.poll() is not None:
                raise _DiedError(f"{name} ended with status {process.returncode}\n{_tail(log)}")
            time.sleep(POLL_SECONDS)
        raise StartError(f"{name} did not answer within {seconds} s: {problem}\n{_tail(log)}")
    except BaseException:
        stop(process)
        raise


def _printed_endpoint(log: Path) -> str | None:
    """Returns the first loopback HTTP address in the log."""
    found = _ENDPOINT.search(log.read_text(errors="replace"))
    return found and found[0]


def _tail(log: Path) -> str:
    """Returns the end of a log."""
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
