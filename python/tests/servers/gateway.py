"""Our own gateway: in this process through `longshore.testing`, or as a program of its own."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import s3
from servers.base import Launch, Server, require, serve

NAME = "gateway"
PROGRAM = "LONGSHORE_GATEWAY_BIN"
"""Names a program to run where `longshore.testing` cannot be imported."""


@contextmanager
def gateway(folder: Path) -> Iterator[Server]:
    """Runs the gateway over an empty memory store for the length of a `with` block."""
    try:
        testing = importlib.import_module("longshore.testing")
    except ImportError:
        with _program(folder) as server:
            yield server
        return
    with testing.server() as here:
        yield Server(NAME, here.endpoint, here.access_key, here.secret_key, here.region)


@contextmanager
def _program(folder: Path) -> Iterator[Server]:
    """Runs the program that the environment names."""
    program = require(os.environ.get(PROGRAM), f"the gateway (longshore.testing or {PROGRAM})")

    def launch(home: Path) -> Launch:
        access_key, secret_key = "key" + secrets.token_hex(8), secrets.token_hex(16)
        options = ["--key", access_key, "--secret", secret_key, "--port", "0"]
        return Launch([os.path.abspath(program), *options], access_key, secret_key)

    with serve(NAME, folder, launch, s3.answers) as server:
        yield server
