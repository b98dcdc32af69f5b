"""gcp-storage-emulator: Google Cloud Storage in memory. It asks nobody who they are. About half a second to start.

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
def gcs(folder: Path) -> Iterator[Server]:
    """Runs the emulator without any bucket for the length of a `with` block."""
    require(importlib.util.find_spec("gcp_storage_emulator"), "the GCS emulator (pip install gcp-storage-emulator)")
    with serve(NAME, folder, lambda home: Launch(program_of_ours("gcs_program.py")), _answers) as server:
        yield server


def _answers(server: Server) -> None:
    """Raises unless `server` lists its buckets."""
    with contextlib.closing(http.client.HTTPConnection(*server.address, timeout=2)) as connection:
        connection.request("GET", "/storage/v1/b")
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"HTTP {answer.status}: {answer.read(200)!r}")
