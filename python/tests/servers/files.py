"""Servers of a folder over HTTP: WebDAV by WsgiDAV, WebDAV by nginx, and plain HTTP with no listings.

All of them only read. Tests fill the folder, `Server.files`, through the file system.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.base import Launch, Server, free_ports, program_of_ours, require, serve

_MODULES = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules"]
_DAV_EXT = "ngx_http_dav_ext_module.so"

_NGINX = """\
{load}
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=512;
        merge_slashes off;
        location = /{token} {{ return 204; }}
        location / {{
            root files;
            dav_ext_methods PROPFIND OPTIONS;
        }}
    }}
}}
"""


@contextmanager
def wsgidav(folder: Path) -> Iterator[Server]:
    """Runs WsgiDAV over an empty folder for the length of a `with` block. About 1 s to start."""
    parts = [importlib.util.find_spec(part) for part in ("wsgidav", "cheroot")]
    require(None if None in parts else parts, "WsgiDAV (pip install wsgidav cheroot)")
    with _program("wsgidav", "wsgidav_program.py", folder) as server:
        yield server


@contextmanager
def plain(folder: Path) -> Iterator[Server]:
    """Runs a server that knows GET and HEAD of one whole file, and nothing else, over an empty folder."""
    with _program("plain", "plain_program.py", folder) as server:
        yield server


@contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    """Runs nginx over an empty folder for the length of a `with` block."""
    program = require(shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"), "nginx")
    load = require(_dav_ext(program), "nginx's module for PROPFIND (apt install libnginx-mod-http-dav-ext)")

    def launch(home: Path) -> Launch:
        (port,) = free_ports(1)
        token = secrets.token_hex(16)
        (home / "files").mkdir()
        (home / "nginx.conf").write_text(_NGINX.format(load=load, port=port, token=token))
        # The log until the configuration is read, and what `access_key` is for: this server and no other answers for it.
        command = [program, "-p", str(home), "-c", "nginx.conf", "-e", "stderr"]
        return Launch(command, token, endpoint=f"http://127.0.0.1:{port}", files=home / "files")

    with serve("nginx", folder, launch, lambda server: _expect(server, f"/{server.access_key}", 204)) as server:
        yield server


def has_nginx() -> bool:
    """Whether this machine has an nginx that lists."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    return program is not None and _dav_ext(program) is not None


@contextmanager
def _program(name: str, program: str, folder: Path) -> Iterator[Server]:
    """Runs a program of this folder that binds a port of its own choice and prints it."""

    def launch(home: Path) -> Launch:
        (home / "files").mkdir()
        return Launch([*program_of_ours(program), str(home / "files")], files=home / "files")

    with serve(name, folder, launch, lambda server: _expect(server, "/no-such-file", 404)) as server:
        yield server


def _expect(server: Server, path: str, status: int) -> None:
    """Raises unless a GET of `path` is answered with `status`."""
    with contextlib.closing(http.client.HTTPConnection(*server.address, timeout=2)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != status:
            raise ConnectionError(f"GET {path}: HTTP {answer.status} instead of {status}")


def _dav_ext(program: str) -> str | None:
    """Returns the line that loads the module, nothing where it is built in, and `None` where there is none."""
    found = next((path for path in (Path(folder) / _DAV_EXT for folder in _MODULES) if path.is_file()), None)
    if found is not None:
        return f"load_module {found};"
    built = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=10, check=False).stderr
    return "" if "dav-ext" in built else None


Start = Callable[[Path], contextlib.AbstractContextManager[Server]]
SERVERS: dict[str, Start] = {"wsgidav": wsgidav, "nginx": nginx, "plain": plain}
