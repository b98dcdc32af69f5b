"""Serves a folder over WebDAV with WsgiDAV on cheroot: `python wsgidav_program.py FOLDER`. Prints its address."""

from __future__ import annotations

import sys

from cheroot import wsgi
from wsgidav.fs_dav_provider import FilesystemProvider  # type: ignore[import-untyped]
from wsgidav.wsgidav_app import WsgiDAVApp  # type: ignore[import-untyped]

application = WsgiDAVApp(
    {
        "provider_mapping": {"/": FilesystemProvider(sys.argv[1], readonly=True)},
        "simple_dc": {"user_mapping": {"*": True}},
        "http_authenticator": {"trusted_auth_header": None},
        # A GET of a folder is no page for people.
        "dir_browser": {"enable": False},
        "property_manager": None,
        "lock_storage": None,
        "logging": {"enable": False},
        "verbose": 1,
    }
)
server = wsgi.Server(("127.0.0.1", 0), application, numthreads=16, request_queue_size=128)
server.prepare()
print(f"http://127.0.0.1:{server.bind_addr[1]}", flush=True)
server.serve()
