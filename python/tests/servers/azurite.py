"""Azurite: Microsoft's own emulator of Azure's blob service. It checks signatures. About 1 s to start.

It comes from npm. `make` installs the version that `node/package-lock.json` names beside the Python tools, in `.venv/node`,
so that a second run needs no network.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.base import Launch, Server, require, serve

NAME = "azurite"
PROGRAM = Path("node_modules/azurite/dist/src/blob/main.js")


def program() -> Path | None:
    """Returns Azurite's blob service, where it is installed for this interpreter."""
    found = Path(sys.prefix) / "node" / PROGRAM
    return found if found.is_file() else None


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Runs an empty blob service of one account for the length of a `with` block.

    The account is `access_key`, its key `secret_key`, and both stand in the path: `{endpoint}/{account}/{container}/{blob}`.
    """
    node = require(shutil.which("node"), "node (apt install nodejs npm)")
    script = require(program(), "Azurite (`make .venv/node/.installed`, which needs npm)")

    def launch(home: Path) -> Launch:
        account = "account" + secrets.token_hex(4)
        key = base64.b64encode(secrets.token_bytes(64)).decode()
        options = [
            "--blobPort=0",
            "--inMemoryPersistence",
            "--extentMemoryLimit=2048",
            "--disableTelemetry",
            "--silent",
            # The client is newer than the emulator's list of versions.
            "--skipApiVersionCheck",
            # The account is in the path, whatever the name of this machine.
            "--disableProductStyleUrl",
        ]
        return Launch([node, str(script), *options], account, key, environment={"AZURITE_ACCOUNTS": f"{account}:{key}"})

    with serve(NAME, folder, launch, _answers) as server:
        yield server


def _answers(server: Server) -> None:
    """Raises unless `server` refuses a stranger as Azurite does. Its port was its own choice, so nobody else answers there."""
    with contextlib.closing(http.client.HTTPConnection(*server.address, timeout=2)) as connection:
        connection.request("GET", f"/{server.access_key}/?comp=list")
        answer = connection.getresponse()
        if answer.status != 403:
            raise ConnectionError(f"HTTP {answer.status}: {answer.read(200)!r}")
