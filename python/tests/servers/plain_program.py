"""Serves a folder over HTTP with what Python has: no ranges, no listings. `python plain_program.py FOLDER` prints its address."""

from __future__ import annotations

import functools
import http
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Files, and 404 for folders, which have a page for people by default."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def send_head(self) -> Any:
        if not Path(self.translate_path(self.path)).is_file():
            self.send_error(http.HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


with Server(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1])) as server:
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
