"""What every measurement needs: a server, the machine's kind, an environment without the developer's settings."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BENCH = Path(__file__).resolve().parent


def environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment without what it says about S3."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | extra


@contextmanager
def serving() -> Iterator[dict[str, str]]:
    """A server in a process of its own. Gives the environment that reaches it."""
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1"}
    command = [sys.executable, "-m", "longshore", "serve", "--access-key", "bench", "--secret-key", "bench-secret"]
    with subprocess.Popen(command, env=environment({}), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            endpoint = process.stdout.readline().strip()
            if not endpoint.startswith("http://"):
                raise SystemExit("the server does not start")
            yield environment({"AWS_ENDPOINT_URL": endpoint, **keys})
        finally:
            process.terminate()


def machine_kind() -> str:
    """What kind of machine this is, without its name: `linux-x86_64-2cpu`."""
    return f"{platform.system().lower()}-{platform.machine()}-{len(_cpus())}cpu"


def _cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def size_text(size: int) -> str:
    if not size:
        return ""
    return f"{size >> 20} MiB" if size >= 2**20 else f"{size >> 10} KiB"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
