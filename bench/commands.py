"""Measures the command `longshore` beside `rclone` and the AWS command line, and records what it found in `bench/results`.

`make bench-commands` runs it. `README.md` says what is measured, and how.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import longshore as s3
from common import BENCH, environment, machine_kind, processor, serving, size_text
from longshore import testing

KIB, MIB = 2**10, 2**20
IN_FLIGHT = 32
BUCKET = "s3://bench"


@dataclass(frozen=True)
class Tree:
    """A set of objects that a command handles at once."""

    name: str
    objects: int
    size: int

    def body(self, index: int, common: dict[int, bytes]) -> bytes:
        if self.size not in common:
            common[self.size] = random.Random(self.size).randbytes(self.size)
        return index.to_bytes(8, "little") + common[self.size][8:] if self.size >= 8 else b""

    def names(self) -> list[str]:
        """A thousand to a folder, as data sets are."""
        return [f"{index // 1000:03d}/{index:06d}.bin" for index in range(self.objects)]


SMALL = Tree("small", 5000, 4 * KIB)
LARGE = Tree("large", 8, 64 * MIB)
MANY = Tree("many", 20_000, 0)

Command = Callable[["Scene"], list[str]]


@dataclass(frozen=True)
class Scene:
    """Where one command finds and leaves its objects."""

    tree: Tree
    folder: Path
    """The files of `tree`."""
    target: Path
    """An empty folder."""
    uri: str
    """The objects of `tree`; ends in a slash."""
    target_uri: str
    """A prefix without objects; ends in a slash."""
    settings: Path
    """A folder for what a client wants in files."""


@dataclass(frozen=True)
class Client:
    """A command-line client: how to ask its version, and how each job is said in its words."""

    name: str
    version: list[str]
    jobs: dict[str, Command]
    environment: Callable[[dict[str, str], Path], dict[str, str]]


def _path(uri: str) -> str:
    """What rclone calls a URI."""
    return ":s3:" + uri.removeprefix("s3://")


def clients(found: Path) -> list[Client]:
    """Ours, and those installed in the environment `found`."""
    ours = [sys.executable, "-m", "longshore"]
    script = Path(sys.executable).parent / "longshore"
    if script.exists():
        ours = [str(script)]
    width = str(IN_FLIGHT)
    rclone = [str(found / "rclone"), "--transfers", width, "--checkers", width]
    aws = [str(found / "aws"), "s3"]
    return [
        Client(
            "longshore",
            [*ours, "--version"],
            {
                "download": lambda scene: [*ours, "cp", "-j", width, scene.uri, f"{scene.target}/"],
                "upload": lambda scene: [*ours, "cp", "-j", width, f"{scene.folder}/", scene.target_uri],
                "list": lambda scene: [*ours, "ls", scene.uri + "*"],
                "remove": lambda scene: [*ours, "rm", scene.uri + "*"],
            },
            lambda variables, folder: variables,
        ),
        Client(
            "rclone",
            [str(found / "rclone"), "version"],
            {
                "download": lambda scene: [*rclone, "copy", _path(scene.uri), str(scene.target)],
                "upload": lambda scene: [*rclone, "copy", str(scene.folder), _path(scene.target_uri)],
                # `ls` asks for nothing but keys and sizes; `lsl` would send a HEAD for each object.
                "list": lambda scene: [*rclone, "ls", _path(scene.uri)],
                "remove": lambda scene: [*rclone, "delete", _path(scene.uri)],
            },
            lambda variables, folder: (
                variables
                | {
                    "RCLONE_CONFIG": "",
                    "RCLONE_S3_PROVIDER": "Other",
                    "RCLONE_S3_ENV_AUTH": "true",
                    "RCLONE_S3_ENDPOINT": variables["AWS_ENDPOINT_URL"],
                    "RCLONE_S3_FORCE_PATH_STYLE": "true",
                }
            ),
        ),
        Client(
            "aws",
            [str(found / "aws"), "--version"],
            {
                "download": lambda scene: [*aws, "cp", "--recursive", "--quiet", scene.uri, str(scene.target)],
                "upload": lambda scene: [*aws, "cp", "--recursive", "--quiet", str(scene.folder), scene.target_uri],
                "list": lambda scene: [*aws, "ls", "--recursive", scene.uri],
                "remove": lambda scene: [*aws, "rm", "--recursive", "--quiet", scene.uri],
            },
            _aws_environment,
        ),
    ]


def _aws_environment(variables: dict[str, str], folder: Path) -> dict[str, str]:
    config = folder / "aws-config"
    config.write_text(f"[default]\ns3 =\n  max_concurrent_requests = {IN_FLIGHT}\n  max_queue_size = 10000\n")
    return variables | {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none")}


@dataclass(frozen=True)
class Job:
    """What is measured."""

    name: str
    what: str
    tree: Tree
    command: str


JOBS = [
    Job("download_small", "`cp`, bucket to folder", SMALL, "download"),
    Job("download_large", "`cp`, bucket to folder", LARGE, "download"),
    Job("upload_small", "`cp`, folder to bucket", SMALL, "upload"),
    Job("upload_large", "`cp`, folder to bucket", LARGE, "upload"),
    Job("list", "`ls`", MANY, "list"),
    Job("remove", "`rm`", SMALL, "remove"),
]


class Bench:
    """The trees as files and as objects, and the commands over them."""

    def __init__(self, scratch: Path, variables: dict[str, str], counter: testing.Server | None = None) -> None:
        """With a `counter`, the server itself, trees are smaller and requests are counted."""
        self.scratch, self.variables, self.counter = scratch, variables, counter
        self._common: dict[int, bytes] = {}
        self._store = s3.store_for(
            BUCKET,
            endpoint=variables["AWS_ENDPOINT_URL"],
            access_key_id=variables["AWS_ACCESS_KEY_ID"],
            secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region=variables["AWS_REGION"],
        )
        s3.create_bucket(BUCKET, store=self._store)

    def tree(self, job: Job) -> Tree:
        """What `job` is done with: all of its tree, or less where requests are counted."""
        if self.counter is None:
            return job.tree
        return replace(job.tree, objects=max(2, job.tree.objects // 10))

    def _bodies(self, tree: Tree) -> Iterator[tuple[str, bytes]]:
        for index, name in enumerate(tree.names()):
            yield name, tree.body(index, self._common)

    def run(self, client: Client, job: Job) -> dict[str, float]:
        """Sets the scene, runs the command, checks what it did, and cleans up."""
        tree = self.tree(job)
        scene = self._scene(job, tree)
        command = client.jobs[job.command](scene)
        variables = client.environment(self.variables, scene.settings)
        if self.counter:
            self.counter.reset_stats()
        before = time.perf_counter()
        with (scene.settings / "output").open("w+b") as output, (scene.settings / "errors").open("w+b") as errors:
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - before
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                raise SystemExit(f"{' '.join(command)} failed:\n{errors.read().decode()[-2000:]}")
            requests = sum(self.counter.stats()["operations"].values()) if self.counter else 0
            output.seek(0)
            self._check(job, tree, scene, output.read())
        self._clean(scene)
        taken = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime}
        return taken | ({"requests": requests} if self.counter else {})

    def _scene(self, job: Job, tree: Tree) -> Scene:
        name = f"{tree.name}-{job.name}"
        scene = Scene(
            tree,
            self.scratch / tree.name,
            self.scratch / "target",
            f"{BUCKET}/{name}/",
            f"{BUCKET}/{name}-target/",
            self.scratch / "settings",
        )
        for folder in (scene.target, scene.settings):
            folder.mkdir()
        if job.command == "upload" and not scene.folder.exists():
            for path, body in self._bodies(tree):
                (scene.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (scene.folder / path).write_bytes(body)
        if job.command != "upload":
            s3.put_many(((scene.uri + path, body) for path, body in self._bodies(tree)), store=self._store)
        return scene

    def _check(self, job: Job, tree: Tree, scene: Scene, output: bytes) -> None:
        expected = {name: hashlib.sha256(body).digest() for name, body in self._bodies(tree)}
        if job.command == "download":
            files = (path for path in scene.target.rglob("*") if path.is_file())
            found = {str(path.relative_to(scene.target)): hashlib.sha256(path.read_bytes()).digest() for path in files}
        elif job.command == "upload":
            pairs = s3.get_many([scene.target_uri + "**"], store=self._store)
            found = {uri.removeprefix(scene.target_uri): hashlib.sha256(body).digest() for uri, body in pairs}
        elif job.command == "remove":
            expected, found = {}, dict.fromkeys(s3.list(scene.uri, store=self._store), b"")
        else:
            names = re.findall(rb"\d{3}/\d{6}\.bin", output)
            found = {name.decode(): expected[name.decode()] for name in names}
        if found != expected:
            raise SystemExit(
                f"{job.name}: {len(found)} objects arrived, not exactly the {len(expected)} that were there"
            )

    def _clean(self, scene: Scene) -> None:
        shutil.rmtree(scene.target)
        shutil.rmtree(scene.settings)
        for uri in (scene.uri, scene.target_uri):
            s3.delete(uri, store=self._store)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one, so that no disk is measured."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


def count(every: list[Client]) -> dict[tuple[str, str], float]:
    """Requests per object by job and client, from smaller runs against a server that counts them."""
    counted = {}
    with testing.server() as server, scratch() as folder:
        bench = Bench(folder, environment(server.environment), server)
        for job in JOBS:
            for client in every:
                taken = bench.run(client, job)
                counted[job.name, client.name] = taken["requests"] / bench.tree(job).objects
    return counted


def measure(every: list[Client], rounds: int) -> list[dict[str, Any]]:
    """Each job once per round with each client; the clients take turns in beginning."""
    counted = count(every)
    found: dict[tuple[str, str], dict[str, Any]] = {
        (job.name, client.name): {
            "job": job.name,
            "what": job.what,
            "client": client.name,
            "objects": job.tree.objects,
            "size": job.tree.size,
            "requests_per_object": counted[job.name, client.name],
            "rounds": [],
        }
        for job in JOBS
        for client in every
    }
    with serving() as variables, scratch() as folder:
        bench = Bench(folder, variables)
        for number in range(rounds):
            turn = number % len(every)
            for job in JOBS:
                for client in every[turn:] + every[:turn]:
                    found[job.name, client.name]["rounds"].append(bench.run(client, job))
            print(f"round {number + 1} of {rounds}", flush=True)
    return list(found.values())


def _median(cell: dict[str, Any], name: str) -> float:
    return float(statistics.median(taken[name] for taken in cell["rounds"]))


def table(cells: list[dict[str, Any]]) -> str:
    """Medians over the rounds, as Markdown; ratios are to the first client."""
    lines = [
        "| job | client | objects | seconds (least to most) | objects/s | MiB/s | CPU s | CPU µs per object | CPU, ratio"
        " | requests per object |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    ours = {cell["job"]: cell for cell in reversed(cells) if cell["client"] == cells[0]["client"]}
    for cell in cells:
        walls = [taken["seconds"] for taken in cell["rounds"]]
        wall, cpu = _median(cell, "seconds"), _median(cell, "cpu_seconds")
        count, volume = cell["objects"], cell["objects"] * cell["size"]
        columns = [
            f"{cell['what']}, {size_text(cell['size'])}" if cell["size"] else cell["what"],
            cell["client"],
            f"{count:,}",
            f"{wall:.2f} ({min(walls):.2f} to {max(walls):.2f})",
            f"{count / wall:,.0f}" if count / wall >= 100 else f"{count / wall:.1f}",
            f"{volume / MIB / wall:,.0f}" if volume else "",
            f"{cpu:.2f}",
            f"{cpu / count * 1e6:,.0f}",
            f"{cpu / _median(ours[cell['job']], 'cpu_seconds'):.1f}",
            f"{cell['requests_per_object']:.3g}",
        ]
        lines.append(f"| {' | '.join(columns)} |")
    return "\n".join(lines)


def report(found: dict[str, Any]) -> str:
    """The whole result as Markdown."""
    versions = "\n".join(f"- {name}: {version}" for name, version in found["versions"].items())
    rounds = len(found["cells"][0]["rounds"])
    return f"""# Commands on {found["machine"]}, {found["date"]}

{found["processor"]}; load before the run {found["load"]:.2f}. Medians of {rounds} rounds, {IN_FLIGHT} requests in flight. CPU is
that of the command, all threads, user and system, start-up included. The server is longshore's own, in another process
on the same machine, keeping objects in memory; files are in memory too. What each command did was checked, outside the
time that is measured.

{versions}

{table(found["cells"])}
"""


def _version(client: Client) -> str:
    shown = subprocess.run(client.version, capture_output=True, text=True, check=True, env=environment({}))
    return shown.stdout.splitlines()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures longshore's commands beside those of rclone and AWS.")
    parser.add_argument("--peers", type=Path, required=True, help="folder with the programs `rclone` and `aws`")
    parser.add_argument("--rounds", type=int, default=5, help="how often each job is measured (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=BENCH / "results", help="folder for the result")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    every = clients(options.peers.absolute())
    found: dict[str, Any] = {
        "machine": machine_kind(),
        "date": date.today().isoformat(),
        "processor": processor(),
        "load": os.getloadavg()[0],
        "versions": {client.name: _version(client) for client in every},
    }
    found["cells"] = measure(every, options.rounds)
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"commands-{found['machine']}-{found['date']}"
    path.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report(found)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten to {path}.md and .json")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
