"""moto: a broad imitation of S3 in Python. It accepts any signature and closes every connection."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import s3
from servers.base import Launch, Server, require, serve

NAME = "moto"


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """Runs moto's server, logging into `folder`, for the length of a `with` block."""
    parts = [importlib.util.find_spec(part) for part in ("moto", "flask", "flask_cors")]
    require(None if None in parts else parts, "moto (pip install 'moto[server]')")

    def launch(home: Path) -> Launch:
        return Launch(
            command=[sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            access_key="motokey",
            secret_key="motosecret",
        )

    with serve(NAME, folder, launch, s3.answers) as server:
        yield server
