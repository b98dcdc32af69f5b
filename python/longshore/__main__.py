"""``python -m longshore serve``: serves a folder, or memory, over the S3 protocol."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading

from longshore import __version__
from longshore.testing import Server


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line. Returns its exit code: 0, or 1 where the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m longshore", description="Object storage for Python.")
    parser.add_argument("--version", action="version", version=f"longshore {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve a folder, or memory, over the S3 protocol",
        description="Serves a folder, or memory, over the S3 protocol until Ctrl-C.",
        epilog="The first line of output is the endpoint; the lines after it set the variables that S3 clients read.",
    )
    serve.add_argument(
        "folder",
        nargs="?",
        help="folder to serve, each of its folders a bucket; a folder .longshore in it holds what files cannot. "
        "Without it, memory",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    serve.add_argument("--access-key", help="access key that clients must use (default: made up)")
    serve.add_argument("--secret-key", help="secret key that clients must use (default: made up)")
    serve.add_argument("--region", default="us-east-1", help="region of the buckets (default: %(default)s)")
    serve.add_argument("--anonymous", action="store_true", help="accept unsigned requests too")
    return _serve(parser.parse_args(arguments))


def _serve(options: argparse.Namespace) -> int:
    stop = threading.Event()

    def asked_to_stop(*_: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked_to_stop)
    try:
        server = Server(
            options.folder,
            access_key=options.access_key,
            secret_key=options.secret_key,
            region=options.region,
            anonymous=options.anonymous,
            host=options.host,
            port=options.port,
        )
    except (OSError, ValueError) as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
    print(server.endpoint)
    for name, value in server.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
