"""gcp-storage-emulator: Google Cloud Storage in memory. It checks no signatures. About 0.1 s to start.

It has the JSON API only, and stores like ours speak the XML API; `gcs_program` runs it with both.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.base import Launch, Server, program_of_ours, require, serve

NAME = "gcs"


@contextmanager
def gcs(folder: Path, *, token: str = "") -> Iterator[Server]:
    """Runs the emulator without any bucket for the length of a `with` block.

    With a `token`, which becomes its `secret_key`, it answers only to who shows that: `Authorization: Bearer`.
    """
    require(importlib.util.find_spec("gcp_storage_emulator"), "the GCS emulator (pip install gcp-storage-emulator)")

    def launch(home: Path) -> Launch:
        environment = {"GCS_PROGRAM_TOKEN": token} if token else {}
        return Launch(program_of_ours("gcs_program.py"), secret_key=token, environment=environment)

    with serve(NAME, folder, launch, _answers) as server:
        yield server


def _answers(server: Server) -> None:
    """Raises unless `server` lists its buckets."""
    with contextlib.closing(http.client.HTTPConnection(*server.address, timeout=2)) as connection:
        shown = {"Authorization": f"Bearer {server.secret_key}"} if server.secret_key else {}
        connection.request("GET", "/storage/v1/b", headers=shown)
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"HTTP {answer.status}: {answer.read(200)!r}")
